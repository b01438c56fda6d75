//! Decides which masked lines are one template: words that vary in one place of otherwise equal lines are values.
//!
//! Lines of the same shape (as many words, the same signs in the same places) are compared. A place in which enough
//! different words stand, all else being equal, is a value, and the lines become one; then further places may be seen
//! to vary. How many words are enough depends on what they look like: names of things vary, and states tell templates
//! apart. It is the idea of `IPLoM` (Makanju et al., KDD 2009) and Brain (Yu et al., TSC 2023), turned bottom-up, so
//! that a split is never made that cannot be taken back.
//!
//! Source of the measure: Zhu et al., "Tools and Benchmarks for Automated Log Parsing", ICSE-SEIP 2019.

use super::lengths::{self, Class, LEADS};
use super::words::{Kind, Words, is_sign, joined, owned, split, wildcard};
use crate::monitor::template::{MASK, names_somebody};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Different words in one place that make it a value, where nothing else speaks for or against.
const ENOUGH: usize = 5;
/// The same for names of things (`orderService`), behind `=` and behind words such as `by` and `for`.
const ENOUGH_NAMES: usize = 3;
/// The same where states stand: a dozen different ones are no states.
const ENOUGH_STATES: usize = 12;
/// The same at the start of a line, where verbs stand, and where only one word stays.
const ENOUGH_FIRST: usize = 8;
/// Lines of one shape that are compared with each other for places that vary together; more are left to single places.
const MAX_COMPARED: usize = 50;
/// Most places that are seen to vary together.
const MAX_PLACES: usize = 4;

/// Steps of comparing lines that differ in several places, in words: what is left then stays apart.
const MAX_STEPS: usize = 100_000_000;

/// Words whose value says what happened.
const TELLING: &[&str] = &[
    "error",
    "err",
    "reason",
    "code",
    "cause",
    "result",
    "status",
    "state",
    "errno",
    "op",
    "operation",
    "action",
    "method",
    "event",
    "msg",
    "message",
    "type",
    "kind",
    "command",
    "cmd",
    "phase",
    "step",
    "exception",
    "problem",
    "detail",
    "outcome",
    "level",
    "severity",
];
/// Kinds of things that have names, which stand behind them.
const THINGS: &[&str] = &[
    "stage",
    "branch",
    "topic",
    "queue",
    "table",
    "index",
    "tablespace",
    "schema",
    "bucket",
    "pool",
    "module",
    "package",
    "task",
    "job",
    "service",
    "volume",
    "disk",
    "device",
    "channel",
    "group",
    "file",
    "map",
    "plugin",
    "zone",
    "region",
    "cluster",
    "role",
    "database",
    "container",
    "image",
    "partition",
    "interface",
    "sensor",
];

/// Groups masked lines, which are all different; `grown` says which were made of several before.
pub(super) fn classes(lines: &[&str], grown: &[bool]) -> Vec<Class> {
    let mut shapes: HashMap<String, Vec<(usize, Vec<&str>)>> = HashMap::new();
    for (member, line) in lines.iter().enumerate() {
        let words = split(line);
        shapes.entry(shape(&words)).or_default().push((member, words));
    }
    let mut solver = Solver { words: Words::default(), known: HashSet::new(), steps: 0 };
    // In a log in which no line is like another nearly all are alone; nothing is asked of their words.
    let (alone, shared): (Vec<_>, Vec<_>) =
        shapes.into_iter().partition(|(_, alike)| alike.len() == 1);
    let mut together: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for (shape, alike) in shared {
        let items = together.entry(shape).or_default();
        for (member, words) in alike {
            let words = words.into_iter().map(|word| solver.words.id(word.into())).collect();
            items.push(Item { words, members: vec![member] });
        }
    }
    // Twice: the second time it is known which words are values somewhere.
    for _ in 0..2 {
        let merged =
            together.values_mut().fold(false, |merged, items| solver.settle(items) | merged);
        if !merged {
            break;
        }
    }
    let mut classes = BTreeMap::new();
    let mut alone: Vec<_> = alone.into_iter().flat_map(|(_, alike)| alike).collect();
    alone.sort_unstable();
    for (member, words) in alone {
        let pattern = grown[member].then(|| owned(&words));
        add(&mut classes, joined(lines[member]), &[member], pattern);
    }
    for item in together.into_values().flatten() {
        let words: Vec<&str> = item.words.iter().map(|id| solver.words.text(*id)).collect();
        let is_pattern = item.members.len() > 1 || item.members.iter().any(|at| grown[*at]);
        let pattern = is_pattern.then(|| owned(&words));
        add(&mut classes, joined(&words.concat()), &item.members, pattern);
    }
    lengths::merged(classes.into_values().collect(), &solver.known)
}

/// Adds lines to the class whose template reads as theirs does.
fn add(
    classes: &mut BTreeMap<String, Class>,
    text: Cow<'_, str>,
    members: &[usize],
    pattern: Option<Vec<String>>,
) {
    let class = classes.entry(text.into_owned()).or_insert_with_key(|text| Class {
        members: Vec::new(),
        text: text.clone(),
        patterns: Vec::new(),
    });
    class.members.extend(members);
    class.patterns.extend(pattern);
}

/// What lines that are compared have in common: their number of words, and their signs.
pub(super) fn shape(words: &[&str]) -> String {
    let mut shape = String::with_capacity(3 * words.len());
    for word in words {
        let bare = word.trim_start();
        shape.push(if bare.len() < word.len() { ' ' } else { '+' });
        let first = bare.chars().next().unwrap_or(' ');
        let is_sign = bare.len() == 1 && is_sign(bare.as_bytes()[0]);
        let is_list = matches!(first, '[' | '(' | '{');
        shape.push(if is_sign || is_list { first } else { 'w' });
        if is_list && !is_sign {
            shape.push('w');
        }
    }
    shape
}

struct Item {
    words: Vec<u32>,
    members: Vec<usize>,
}

struct Solver<'a> {
    words: Words<'a>,
    /// Words that were seen to be values, without the blank before them.
    known: HashSet<String>,
    /// Words looked at for places that vary together.
    steps: usize,
}

impl Solver<'_> {
    /// Merges items of one shape until no place is left that varies enough; answers whether it merged any.
    fn settle(&mut self, items: &mut Vec<Item>) -> bool {
        let before = items.len();
        loop {
            let places = items.first().map_or(0, |item| item.words.len());
            let mut merged = false;
            for place in 0..places {
                merged |= self.merge(items, &[place]);
            }
            if !merged && !self.merge_together(items) {
                return items.len() < before;
            }
        }
    }

    /// Merges items that differ in several places at once.
    fn merge_together(&mut self, items: &mut Vec<Item>) -> bool {
        if self.steps > MAX_STEPS {
            return false;
        }
        let mut candidates = BTreeSet::new();
        let work = items.len() * items.first().map_or(0, |item| item.words.len());
        self.steps += work * items.len().min(MAX_COMPARED);
        for (i, one) in items.iter().enumerate() {
            for other in items.iter().skip(i + 1).take(MAX_COMPARED) {
                let differ = |place: &usize| one.words[*place] != other.words[*place];
                let places = (0..one.words.len()).filter(differ);
                // Nearly all lines differ in more places, so that a list of them is rarely made.
                let count = places.clone().take(MAX_PLACES + 1).count();
                if (2..=MAX_PLACES).contains(&count) {
                    candidates.insert((count, places.collect::<Vec<_>>()));
                }
            }
        }
        candidates.into_iter().any(|(_, places)| {
            self.steps += work;
            self.steps <= MAX_STEPS && self.merge(items, &places)
        })
    }

    /// Merges the items that are equal but for these places, where the places vary enough.
    fn merge(&mut self, items: &mut Vec<Item>, places: &[usize]) -> bool {
        let groups = alike_but(items, places);
        if groups.is_empty() {
            return false;
        }
        let recurring = recurring(&groups, items, places);
        let mut gone = vec![false; items.len()];
        for group in groups {
            if !places.iter().all(|place| self.varies(items, &group, *place, places, recurring)) {
                continue;
            }
            for place in places {
                for at in &group {
                    let word = self.words.text(items[*at].words[*place]).trim_start().to_owned();
                    self.known.insert(word);
                }
                let any = wildcard(self.words.text(items[group[0]].words[*place]));
                items[group[0]].words[*place] = self.words.id(any);
            }
            for at in &group[1..] {
                let members = std::mem::take(&mut items[*at].members);
                items[group[0]].members.extend(members);
                gone[*at] = true;
            }
        }
        let mut at = 0;
        items.retain(|_| {
            at += 1;
            !gone[at - 1]
        });
        gone.contains(&true)
    }

    fn is_bracketed(&self, word: u32) -> bool {
        self.words.text(word).trim_start().starts_with(['(', '[', '{'])
    }

    /// How many words outside of the `places` say something.
    fn telling(&self, words: &[u32], places: &[usize]) -> usize {
        let tells = |at: &usize| {
            let plain = matches!(
                self.words.kind(words[*at]),
                Kind::State | Kind::Shout | Kind::Name | Kind::Plain | Kind::Number
            );
            plain && !places.contains(at)
        };
        (0..words.len()).filter(tells).count()
    }

    /// Whether enough different words stand in one of the `places` to make it a value.
    fn varies(
        &self,
        items: &[Item],
        group: &[usize],
        place: usize,
        places: &[usize],
        recurring: bool,
    ) -> bool {
        let words = &items[group[0]].words;
        let values: BTreeSet<u32> = group.iter().map(|at| items[*at].words[place]).collect();
        let of = |kind: Kind| values.iter().filter(|id| self.words.kind(**id) == kind).count();
        if values.len() < 2 || of(Kind::Sign) + of(Kind::Code) > 0 {
            return false;
        }
        let telling = self.telling(words, places);
        if telling == 0 {
            return false;
        }
        if of(Kind::Number) > 0 {
            return of(Kind::Number) >= ENOUGH_STATES;
        }
        let before = place.checked_sub(1).map_or("", |at| self.words.text(words[at]).trim_start());
        let key = place.checked_sub(2).map_or("", |at| self.words.text(words[at]).trim_start());
        let after = words.get(place + 1).map_or("", |word| self.words.text(*word));
        let named = names_somebody(before) || (matches!(before, "=" | ":") && names_somebody(key));
        let known = values
            .iter()
            .filter(|id| self.known.contains(self.words.text(**id).trim_start()))
            .count();
        let (masks, stated, things) =
            (of(Kind::Mask) + of(Kind::Blank), of(Kind::State), of(Kind::Name) * 2 > values.len());
        // `java[<*>]`, `<*> (java)`: a name beside its number.
        let labels = after == "[<*>]" || (before == MASK && self.is_bracketed(words[place]));
        // `of audit_log`, `enable step_counter`: an identifier among words.
        let given = |id: &u32| is_identifier(self.words.text(*id).trim_start());
        let behind_word = before.starts_with(|c: char| c.is_ascii_alphabetic());
        let joined = |id: &u32| {
            let word = self.words.text(*id).trim_matches([' ', '-']);
            word.contains('-') && !word.bytes().any(|b| b.is_ascii_uppercase())
        };
        // `oom-killer: out of memory`, `watchdog: hard lockup`: what says something is no value.
        let says = after == ":" && (place == 0 || before == MASK || before == ":");
        let lead = (LEADS.contains(&before) || before == MASK && !says)
            && stated == 0
            && values.iter().any(joined);
        // `nightly-report`, `eu-north`: names with dashes, none of which is a phrase.
        let named_by_people = |id: &u32| joined(id) && !is_phrase(self.words.text(*id));
        let dashed = place > 0 && !says && telling > 1 && values.iter().all(named_by_people);
        // `region=x`: what stands behind a key that does not say what happened.
        let keyed = before == "=" && telling > 1;
        let evident = masks + of(Kind::Masked) + of(Kind::List) > 0 || labels;
        let lead = lead || (behind_word && stated == 0 && values.iter().any(given));
        let mostly =
            known + 1 >= values.len() || (place > 0 && known > 1 && known * 2 >= values.len());
        let quiet = stated + of(Kind::Shout) == 0;
        let telling_key = tells_what(before) || (matches!(before, "=" | ":") && tells_what(key));
        let shouted = values.iter().filter(|id| is_shouted(self.words.text(**id))).count();
        let shouted = shouted == values.len() && matches!(before, "=" | ":");
        let enough = if stated * 4 > values.len() * 3 {
            ENOUGH_STATES
        } else if evident || (quiet && named) {
            2
        } else if telling_key || shouted {
            ENOUGH_STATES
        } else if lead || (quiet && (mostly || dashed || keyed)) {
            2
        } else if recurring {
            ENOUGH_NAMES
        } else if !things && (telling == 1 || place == 0) {
            ENOUGH_FIRST
        } else if place > 0
            && (before == "="
                || LEADS.contains(&before)
                || THINGS.contains(&before)
                || things
                || self.is_bracketed(words[place]))
        {
            ENOUGH_NAMES
        } else {
            ENOUGH
        };
        values.len() >= enough
    }
}

/// The groups of items that are equal but for these places, each of more than one.
fn alike_but(items: &[Item], places: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    // Nearly all items are alone, so that a group is made for the second only.
    let mut index: HashMap<u64, (usize, Option<usize>)> = HashMap::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let (first, group) = index.entry(rest(&item.words, places)).or_insert((at, None));
        let other = &items[*first].words;
        let same = |n: usize| places.contains(&n) || other[n] == item.words[n];
        // Two that only have the same hash stay apart.
        if *first == at || !(0..other.len()).all(same) {
            continue;
        }
        if let Some(group) = *group {
            groups[group].push(at);
        } else {
            *group = Some(groups.len());
            groups.push(vec![*first, at]);
        }
    }
    groups
}

/// A hash of the words that are in none of these places.
fn rest(words: &[u32], places: &[usize]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (place, word) in words.iter().enumerate() {
        let word = if places.contains(&place) { u32::MAX } else { *word };
        hash = (hash ^ u64::from(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }
    hash
}

/// Whether the value of a word says what happened: `reason`.
pub(in crate::monitor) fn tells_what(word: &str) -> bool {
    TELLING.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// `out-of-memory`, `not-found`: words with dashes that say something.
pub(in crate::monitor) fn is_phrase(word: &str) -> bool {
    const SAY: &[&str] = &[
        "out", "of", "not", "no", "non", "in", "un", "re", "self", "time", "over", "under", "to",
        "by", "too", "bad", "dead", "pre", "post", "half", "full", "empty", "lost", "found",
        "error", "fail", "failure", "only", "all",
    ];
    word.trim_start().split('-').any(|part| SAY.contains(&part))
}

/// `ENOENT`, `SQLITE_IOERR`.
fn is_shouted(word: &str) -> bool {
    let letters = || word.bytes().filter(u8::is_ascii_alphabetic);
    letters().count() > 2 && letters().all(|b| b.is_ascii_uppercase())
}

/// `audit_log`, `shop.cart`: a name that somebody gave.
fn is_identifier(word: &str) -> bool {
    let inside = word.trim_matches(['.', '-', '_']);
    word.starts_with("--")
        || inside.contains(['.', '_']) && inside.bytes().any(|b| b.is_ascii_lowercase())
}

/// Whether the same few words stand in one place of at least three groups: who it is about does not depend on what
/// happened.
fn recurring(groups: &[Vec<usize>], items: &[Item], places: &[usize]) -> bool {
    let [place] = places else { return false };
    let mut seen: HashMap<BTreeSet<u32>, usize> = HashMap::new();
    for group in groups.iter().filter(|group| group.len() >= ENOUGH_NAMES) {
        *seen.entry(group.iter().map(|at| items[*at].words[*place]).collect()).or_default() += 1;
    }
    seen.values().any(|times| *times >= 3)
}
