//! Values of any number of words: `user <*> signed in`, `user Ann Lee signed in` and `user  signed in` are one template.
//!
//! First, templates that are the same but for a hole of a few words become one where enough different things stand in the
//! hole. Then each template that is another one with several words, or none, in place of a value becomes part of it.

use super::words::{joined, owned, says_what_happens, split};
use crate::monitor::template::{MASK, names_somebody};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

/// With more templates than these, holes are not looked for: such a log has no order that hindsight could find.
const MAX_CLASSES: usize = 1_000;
/// Longer lines are left alone, in words.
const MAX_WORDS: usize = 40;
/// Most words of a value.
const MAX_VALUE: usize = 5;
/// The same at the start or the end of a line.
const MAX_OPEN: usize = 3;
/// Different things in a hole that make it a value, where nothing else speaks for it.
const ENOUGH: usize = 5;
/// The same behind `by`, `for` and the like, or where an identifier is among them.
const ENOUGH_NAMES: usize = 3;
/// Templates that one is compared with.
const MAX_COMPARED: usize = 16;
/// Steps of comparing, all in all: what is left then stays apart.
const MAX_STEPS: usize = 400_000;

/// Behind them stands what something is done to, or by whom.
pub(in crate::monitor) const LEADS: &[&str] =
    &["by", "for", "from", "to", "of", "on", "in", "at", "with", "as", "via", "into"];

/// Lines that are one template.
pub(super) struct Class {
    /// Which of the lines, ascending.
    pub(super) members: Vec<usize>,
    /// The template.
    pub(super) text: String,
    /// The words of each shape that it was seen in, with [`wildcard`]s, where it is more than one line.
    pub(super) patterns: Vec<Vec<String>>,
}

/// Merges classes whose values have different numbers of words. `known` are words that were seen to be values.
pub(super) fn merged(mut classes: Vec<Class>, known: &HashSet<String>) -> Vec<Class> {
    let mut known: HashSet<String> = known.clone();
    if classes.len() <= MAX_CLASSES {
        while let Some(groups) = holes(&classes, &mut known) {
            classes = joined_groups(classes, groups);
        }
    }
    if classes.iter().all(|class| class.patterns.is_empty()) {
        return sorted(classes);
    }
    let homes = Absorber::new(&classes, known).homes();
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (class, home) in homes.into_iter().enumerate().filter(|(class, home)| class != home) {
        groups.entry(home).or_default().push(class);
    }
    let groups = groups.into_iter().map(|(home, mut members)| {
        members.insert(0, home);
        (classes[home].text.clone(), members)
    });
    let groups = groups.collect();
    sorted(joined_groups(classes, groups))
}

/// The classes in the order of their first members.
fn sorted(mut classes: Vec<Class>) -> Vec<Class> {
    for class in &mut classes {
        class.members.sort_unstable();
    }
    classes.sort_by_key(|class| class.members[0]);
    classes
}

/// The classes with each group as one, under its text.
fn joined_groups(classes: Vec<Class>, groups: Vec<(String, Vec<usize>)>) -> Vec<Class> {
    let mut rest: Vec<Option<Class>> = classes.into_iter().map(Some).collect();
    let mut done = Vec::new();
    for (text, members) in groups {
        let mut whole = Class { members: Vec::new(), text, patterns: Vec::new() };
        for class in members.into_iter().filter_map(|at| rest[at].take()) {
            if class.patterns.is_empty() && class.text != whole.text {
                whole.patterns.push(owned(&split(&class.text)));
            }
            whole.members.extend(class.members);
            whole.patterns.extend(class.patterns);
        }
        whole.patterns.push(owned(&split(&whole.text)));
        done.push(whole);
    }
    done.extend(rest.into_iter().flatten());
    done
}

/// The words before a hole and behind it.
type Around<'a> = (&'a [String], &'a [String]);
/// What stands in a hole, and in which classes.
type Values<'a> = BTreeMap<&'a [String], Vec<usize>>;

/// Groups of classes that are the same but for one hole, with the template of each; `None` if there are none. A word that
/// is a value elsewhere is one here too.
fn holes(classes: &[Class], known: &mut HashSet<String>) -> Option<Vec<(String, Vec<usize>)>> {
    let canonical = |class: &Class| -> Vec<String> {
        let words = split(&class.text).into_iter();
        let value = |word: &str| known.contains(word.trim_start());
        let masked = |word: &str| if word.starts_with(' ') { " <*>" } else { MASK };
        words
            .map(|word| if value(word) { masked(word).to_owned() } else { word.to_owned() })
            .collect()
    };
    let words: Vec<Vec<String>> = classes.iter().map(canonical).collect();
    let mut found: BTreeMap<Around<'_>, Values<'_>> = BTreeMap::new();
    for (at, words) in words.iter().enumerate().filter(|(_, words)| words.len() <= MAX_WORDS) {
        for from in 0..=words.len() {
            for to in from..=words.len().min(from + MAX_VALUE) {
                let hole = (&words[..from], &words[to..]);
                if is_hole(hole.0, &words[from..to], hole.1) {
                    found.entry(hole).or_default().entry(&words[from..to]).or_default().push(at);
                }
            }
        }
    }
    let mut gone = BTreeSet::new();
    let mut groups = Vec::new();
    for ((before, after), values) in found {
        let free = values.values().flatten().all(|at| !gone.contains(at));
        if !free || !varies(before, after, &values, known) {
            continue;
        }
        known.extend(values.keys().map(|words| words.concat().trim().to_owned()));
        gone.extend(values.values().flatten().copied());
        let text = format!("{} {MASK}{}", before.concat(), after.concat());
        groups.push((joined(text.trim()).into_owned(), values.into_values().flatten().collect()));
    }
    (!groups.is_empty()).then_some(groups)
}

/// Whether a few words may be a value between these others.
fn is_hole(before: &[String], value: &[String], after: &[String]) -> bool {
    let open = before.is_empty() || after.is_empty();
    let most = if open { MAX_OPEN } else { MAX_VALUE };
    let apart = after.first().is_none_or(|word| word.starts_with(' ') || !is_word(word));
    value.len() <= most
        && apart
        && value.first().is_none_or(|word| word.starts_with(' ') || before.is_empty())
        && is_value(value)
        && telling(before) + telling(after) >= 2
}

/// Whether what stands in a hole is enough to make it a value. Holes of one word are judged before.
fn varies(
    before: &[String],
    after: &[String],
    values: &Values<'_>,
    known: &HashSet<String>,
) -> bool {
    if values.len() < 2 || values.keys().all(|value| value.len() == 1) {
        return false;
    }
    // What is the same at an end of all of them is no part of the value.
    let all_same = |end: fn(&[String]) -> Option<&String>| {
        let mut ends = values.keys().copied().map(end);
        let one = ends.next().flatten();
        one.is_some() && ends.all(|other| other == one)
    };
    if all_same(<[String]>::first) || all_same(<[String]>::last) {
        return false;
    }
    let last = before.last().map_or("", |word| word.trim_start());
    let is_known = |value: &&&[String]| !value.is_empty() && known.contains(value.concat().trim());
    let is_mask = |value: &&[String]| matches!(value, [word] if word.trim_start() == MASK);
    let identifier = |value: &&[String]| value.iter().any(|w| w.contains(['_', '.']));
    let evident = values.keys().any(is_mask) || values.keys().filter(is_known).count() > 0;
    let enough = if evident || names_somebody(last) {
        2
    } else if LEADS.contains(&last) || values.keys().any(identifier) {
        ENOUGH_NAMES
    } else {
        ENOUGH
    };
    // Whether there is something or nothing says little by itself.
    let some = values.keys().filter(|value| !value.is_empty()).count();
    some >= 2 && values.len() >= enough && !(after.is_empty() && before.is_empty())
}

/// Whether words may be one value: a mask among several words says that they are more than that.
fn is_value<T: AsRef<str>>(words: &[T]) -> bool {
    words.iter().map(AsRef::as_ref).all(|word| {
        is_word(word) && !says_what_happens(word) && (words.len() == 1 || word.trim_start() != MASK)
    })
}

fn is_word(word: &str) -> bool {
    let bare = word.trim_start();
    bare.contains(MASK) || bare.bytes().any(|b| b.is_ascii_alphanumeric() || b >= 0x80)
}

/// How many words say something.
fn telling<T: AsRef<str>>(words: &[T]) -> usize {
    let says = |word: &&T| {
        let word = word.as_ref();
        !word.contains(MASK) && word.bytes().filter(u8::is_ascii_alphabetic).count() > 1
    };
    words.iter().filter(says).count()
}

/// Where the values of a template stand in a masked line that belongs to it, as ranges of bytes; empty if that cannot be
/// told.
pub(in crate::monitor) fn values_of(template: &str, line: &str) -> Vec<Range<usize>> {
    let (template, words) = (split(template), split(line));
    if template.len() > MAX_WORDS || words.len() > MAX_WORDS {
        return Vec::new();
    }
    // From the end on: how the rest of the template fits the rest of the line.
    let (rows, columns) = (template.len() + 1, words.len() + 1);
    let mut fits = vec![None; rows * columns];
    fits[rows * columns - 1] = Some(0);
    for t in (0..template.len()).rev() {
        for l in (0..=words.len()).rev() {
            let lengths = match template[t].trim_start() == MASK {
                true => 0..=words.len().min(l + MAX_VALUE + 2) - l,
                false
                    if words.get(l).is_some_and(|w| w.trim_start() == template[t].trim_start()) =>
                {
                    1..=1
                }
                false => continue,
            };
            // One word is the usual, and none the last to think of.
            let mut lengths: Vec<usize> = lengths.collect();
            lengths.sort_by_key(|len| (*len == 0, *len));
            fits[t * columns + l] =
                lengths.into_iter().find(|len| fits[(t + 1) * columns + l + len].is_some());
        }
    }
    let offset = |word: usize| words[..word].iter().map(|word| word.len()).sum::<usize>();
    let (mut ranges, mut l) = (Vec::new(), 0);
    for (t, word) in template.iter().enumerate() {
        let Some(len) = fits[t * columns + l] else { return Vec::new() };
        if word.trim_start() == MASK && len > 0 {
            let start = offset(l);
            let blank = words[l].len() - words[l].trim_start().len();
            ranges.push(start + blank..offset(l + len));
        }
        l += len;
    }
    ranges
}

/// Finds the template that another one is part of.
struct Absorber<'a> {
    words: Vec<Vec<&'a str>>,
    /// Proven templates by their longest word.
    index: HashMap<&'a str, Vec<usize>>,
    known: HashSet<String>,
    proven: Vec<bool>,
    members: Vec<usize>,
    steps: usize,
}

impl<'a> Absorber<'a> {
    fn new(classes: &'a [Class], known: HashSet<String>) -> Self {
        let words = |class: &'a Class| match class.patterns.first() {
            Some(pattern) => pattern.iter().map(String::as_str).collect(),
            None => split(&class.text),
        };
        let words: Vec<Vec<&str>> = classes.iter().map(words).collect();
        let proven: Vec<bool> = classes.iter().map(|class| !class.patterns.is_empty()).collect();
        let mut index: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, words) in words.iter().enumerate().filter(|(at, _)| proven[*at]) {
            let constant = words.iter().filter(|word| !word.contains(MASK));
            if let Some(longest) = constant.max_by_key(|word| word.len()) {
                index.entry(longest.trim_start()).or_default().push(at);
            }
        }
        let members = classes.iter().map(|class| class.members.len()).collect();
        Self { words, index, known, proven, members, steps: 0 }
    }

    /// The class that each one belongs to. What stands in place of a value in two templates is a value.
    fn homes(mut self) -> Vec<usize> {
        let mut homes = Vec::with_capacity(self.words.len());
        let mut phrases: HashMap<String, BTreeSet<usize>> = HashMap::new();
        let mut doubtful = Vec::new();
        for at in 0..self.words.len() {
            let mut found = at;
            for home in self.candidates(at) {
                let Some(values) = self.values(home, at) else { continue };
                let sure = telling(&self.words[home]) >= 2;
                if sure || values.iter().all(|value| self.known.contains(value)) {
                    found = home;
                    self.known.extend(values);
                    break;
                }
                for value in &values {
                    phrases.entry(value.clone()).or_default().insert(home);
                }
                doubtful.push((at, home, values));
            }
            homes.push(found);
        }
        for (at, home, values) in doubtful {
            let seen = |value: &String| {
                self.known.contains(value) || phrases.get(value).is_some_and(|in_| in_.len() > 1)
            };
            if homes[at] == at && values.iter().all(seen) {
                homes[at] = home;
            }
        }
        // A home that has found a home itself.
        let settled = |at: usize| {
            let home = (0..MAX_COMPARED).fold(homes[at], |home, _| homes[home]);
            if homes[home] == home { home } else { at }
        };
        (0..homes.len()).map(settled).collect()
    }

    /// Proven templates that hold a word of this one and stand for more lines.
    fn candidates(&self, at: usize) -> Vec<usize> {
        let words = &self.words[at];
        if words.len() > MAX_WORDS || self.steps > MAX_STEPS {
            return Vec::new();
        }
        let fits = |home: &usize| {
            let more = !self.proven[at] || self.members[*home] > self.members[at];
            *home != at && more && self.words[*home].len() <= MAX_WORDS
        };
        let alike = words.iter().filter_map(|word| self.index.get(word.trim_start()));
        let mut found: Vec<usize> =
            alike.flatten().copied().filter(fits).take(MAX_COMPARED).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What stands in `line` for the values of a template, as far as it is more than one word or none.
    fn values(&mut self, template: usize, line: usize) -> Option<Vec<String>> {
        let (template, line) = (self.words[template].clone(), self.words[line].clone());
        let mut values = Vec::new();
        let mut failed = HashSet::new();
        self.fit(&template, &line, (0, 0), &mut values, &mut failed).then_some(values)
    }

    /// Whether a template fits a line from these words on.
    fn fit(
        &mut self,
        template: &[&str],
        line: &[&str],
        (t, l): (usize, usize),
        values: &mut Vec<String>,
        failed: &mut HashSet<(usize, usize)>,
    ) -> bool {
        self.steps += 1;
        let Some(word) = template.get(t) else { return l == line.len() };
        if failed.contains(&(t, l)) {
            return false;
        }
        let is_constant = word.trim_start() != MASK;
        let fits = if is_constant {
            line.get(l).is_some_and(|other| other.trim_start() == word.trim_start())
                && self.fit(template, line, (t + 1, l + 1), values, failed)
        } else {
            let open = t == 0 || t + 1 == template.len();
            let most = if open { MAX_OPEN } else { MAX_VALUE };
            // One word is the usual.
            let lengths = [1, 2, 3, 4, 5, 0];
            lengths.into_iter().filter(|len| *len <= most && l + len <= line.len()).any(|len| {
                let value = &line[l..l + len];
                if !is_value(value) {
                    return false;
                }
                let before = values.len();
                if value != [MASK] && value != [*word] {
                    values.push(value.concat().trim().to_owned());
                }
                let fits = self.fit(template, line, (t + 1, l + len), values, failed);
                if !fits {
                    values.truncate(before);
                }
                fits
            })
        };
        if !fits {
            failed.insert((t, l));
        }
        fits
    }
}
