//! The miner: finds the templates of any text log in one pass, without configuration and in bounded memory.
//!
//! A line is masked as the messages of a scan are (`template.rs`); lines with the same mask are one from the start,
//! which is nearly all of the work. What masks cannot know, which words are values, is decided with hindsight over the few
//! different masked lines (`miner/classes.rs`): at the end, and whenever there are too many of them to keep.
//!
//! *Invariant:* the same lines in the same order give the same templates and numbers.

mod classes;
mod lengths;
mod words;

use super::template::mine;
use classes::{classes, shape};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use words::{joined, owned, split, wildcard};

pub(super) use classes::{is_phrase, tells_what};
pub(super) use lengths::{LEADS, values_of};
pub(super) use words::says_what_happens;

/// Different masked lines kept; when there are more, hindsight makes templates of them. A large program has a few
/// thousand log statements.
const MAX_LINES: usize = 8_192;
/// Word patterns of one shape that a new line is compared with.
const MAX_ALIKE: usize = 256;
/// Templates kept when hindsight alone does not make room: the least used go.
const KEPT: usize = MAX_LINES / 2;
/// Those of them that stand for one line. In a log in which no line is like another all do, and what is kept is compared again
/// with each look back.
const KEPT_ONCE: usize = MAX_LINES / 8;

/// A template of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its number, from 1 in the order of their first lines, with gaps.
    pub id: u32,
    /// The line with every value as `<*>`.
    pub text: String,
    /// Lines that it stands for.
    pub count: u64,
    /// The number of its first line, from 1.
    pub first: u64,
    /// The number of its latest line.
    pub last: u64,
}

/// How many templates were forgotten because there were too many at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many.
    pub templates: u64,
    /// Lines that they stood for.
    pub lines: u64,
}

/// Takes lines and groups them.
#[derive(Debug, Default)]
pub struct Miner {
    /// Which template a masked line belongs to.
    known: HashMap<String, u32>,
    templates: BTreeMap<u32, Template>,
    /// By their shape, the word patterns of templates that have values among their words.
    patterns: HashMap<String, Vec<(Vec<String>, u32)>>,
    /// Templates that were made of several texts.
    grown: BTreeSet<u32>,
    /// Templates that became part of another, by number.
    merged: BTreeMap<u32, u32>,
    forgotten: Forgotten,
    last_id: u32,
    lines: u64,
}

impl Miner {
    /// A miner that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next line and answers the number that [`id`](Self::id) turns into its template's.
    pub fn push(&mut self, line: &str) -> u32 {
        self.take(&mine(line).template)
    }

    /// The same for a line that [`mine`] has masked.
    pub(super) fn take(&mut self, masked: &str) -> u32 {
        self.lines += 1;
        if let Some(id) = self.known.get(masked).copied() {
            self.count(id);
            return id;
        }
        if self.known.len() >= MAX_LINES {
            self.settle();
            self.make_room();
        }
        let text = joined(masked);
        let known = match &text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => self.known.get(text).copied(),
        };
        let id = known.or_else(|| self.fitting(&text));
        let id = id.unwrap_or_else(|| self.add(text.into_owned()));
        self.known.insert(masked.to_owned(), id);
        self.count(id);
        id
    }

    /// Takes a template that is known from before, of which no line has come yet, and answers its number as
    /// [`push`](Self::push) does. `grown`: its wildcards stand for words that were seen to be values.
    pub(super) fn know(&mut self, text: &str, grown: bool) -> u32 {
        let id = self.known.get(text).copied().unwrap_or_else(|| self.add(text.to_owned()));
        self.known.insert(text.to_owned(), id);
        if grown {
            self.grown.insert(id);
            self.remember(owned(&split(text)), id);
        }
        id
    }

    /// The text of a template, by a number that [`push`](Self::push) answered, and whether it was made of several;
    /// `None` if it was forgotten.
    pub(super) fn text(&self, pushed: u32) -> Option<(&str, bool)> {
        let id = self.id(pushed);
        self.templates.get(&id).map(|template| (template.text.as_str(), self.grown.contains(&id)))
    }

    /// The template that a masked line belongs to, as of the last [`settle`](Self::settle), without counting it.
    pub(super) fn find(&self, masked: &str) -> Option<u32> {
        let text = joined(masked);
        let id = self.known.get(masked).or_else(|| self.known.get(&*text)).copied();
        id.or_else(|| self.fitting(&text)).map(|id| self.id(id))
    }

    /// Decides which lines so far are one template. Lines may come after it.
    pub fn settle(&mut self) {
        let (ids, texts): (Vec<_>, Vec<_>) =
            self.templates.values().map(|template| (template.id, template.text.as_str())).unzip();
        let grown: Vec<bool> = ids.iter().map(|id| self.grown.contains(id)).collect();
        for class in classes(&texts, &grown) {
            let id = ids[class.members[0]];
            if class.members.len() > 1 {
                self.grown.insert(id);
            }
            for member in &class.members[1..] {
                self.merge(ids[*member], id);
            }
            if let Some(template) = self.templates.get_mut(&id) {
                template.text = class.text;
            }
            for pattern in class.patterns {
                self.remember(pattern, id);
            }
        }
        let merged = &self.merged;
        let home = |id: &mut u32| *id = home(merged, *id);
        self.known.values_mut().for_each(home);
        self.patterns.values_mut().flatten().for_each(|(_, id)| home(id));
    }

    /// The template of a line, by the number that [`push`](Self::push) answered, as of the last
    /// [`settle`](Self::settle).
    pub fn id(&self, pushed: u32) -> u32 {
        home(&self.merged, pushed)
    }

    /// Forgets how numbers were replaced, for callers that never ask [`id`](Self::id) about an earlier line again.
    pub fn forget_lines(&mut self) {
        self.merged.clear();
    }

    /// The templates as of the last [`settle`](Self::settle) that lines belong to, the most frequent first.
    pub fn templates(&self) -> Vec<Template> {
        let met = self.templates.values().filter(|template| template.count > 0);
        let mut all: Vec<_> = met.cloned().collect();
        all.sort_by_key(|template| (Reverse(template.count), template.id));
        all
    }

    /// Lines taken.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// What is missing in the [`templates`](Self::templates).
    pub fn forgotten(&self) -> Forgotten {
        self.forgotten
    }

    /// Has later lines that fit these words belong to a template.
    fn remember(&mut self, pattern: Vec<String>, id: u32) {
        let words: Vec<_> = pattern.iter().map(String::as_str).collect();
        let alike = self.patterns.entry(shape(&words)).or_default();
        if alike.len() < MAX_ALIKE && !alike.iter().any(|(known, _)| *known == pattern) {
            alike.push((pattern, id));
        }
    }

    fn add(&mut self, text: String) -> u32 {
        self.last_id += 1;
        let template = Template { id: self.last_id, text, count: 0, first: self.lines, last: 0 };
        self.templates.insert(self.last_id, template);
        self.last_id
    }

    fn count(&mut self, id: u32) {
        if let Some(template) = self.templates.get_mut(&id) {
            template.count += 1;
            template.last = self.lines;
        }
    }

    /// The template with values among its words that a line fits.
    fn fitting(&self, text: &str) -> Option<u32> {
        if self.patterns.is_empty() {
            return None;
        }
        let words = split(text);
        let fits = |pattern: &[String]| {
            pattern.iter().zip(&words).all(|(any, word)| any == word || *any == wildcard(word))
        };
        let alike = self.patterns.get(&shape(&words))?;
        alike.iter().find(|(pattern, _)| fits(pattern)).map(|(_, id)| *id)
    }

    fn merge(&mut self, from: u32, into: u32) {
        let Some(gone) = self.templates.remove(&from) else {
            return;
        };
        self.merged.insert(from, into);
        if let Some(template) = self.templates.get_mut(&into) {
            template.count += gone.count;
            template.first = template.first.min(gone.first);
            template.last = template.last.max(gone.last);
        }
    }

    /// Forgets masked lines that a pattern finds again, and, where that is not enough, the least used templates.
    fn make_room(&mut self) {
        if self.templates.len() > KEPT {
            let mut order: Vec<_> = self
                .templates
                .values()
                .map(|t| (Reverse(t.count), Reverse(t.last), t.id))
                .collect();
            order.sort_unstable();
            let often = order.partition_point(|(Reverse(count), ..)| *count > 1);
            for (_, _, id) in &order[KEPT.min(often + KEPT_ONCE)..] {
                if let Some(gone) = self.templates.remove(id) {
                    self.forgotten.templates += 1;
                    self.forgotten.lines += gone.count;
                }
            }
        }
        let templates = &self.templates;
        for alike in self.patterns.values_mut() {
            alike.retain(|(_, id)| templates.contains_key(id));
        }
        self.patterns.retain(|_, alike| !alike.is_empty());
        self.grown.retain(|id| templates.contains_key(id));
        // The text of a template is a masked line that did not change since. Every other line fits a pattern or is new.
        self.known =
            templates.values().map(|template| (template.text.clone(), template.id)).collect();
    }
}

fn home(merged: &BTreeMap<u32, u32>, mut id: u32) -> u32 {
    while let Some(into) = merged.get(&id) {
        id = *into;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mined(lines: &[&str]) -> Vec<(String, u64)> {
        let mut miner = Miner::new();
        for line in lines {
            miner.push(line);
        }
        miner.settle();
        miner.templates().into_iter().map(|template| (template.text, template.count)).collect()
    }

    fn texts(lines: &[&str]) -> Vec<String> {
        mined(lines).into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn values_that_look_like_values_never_make_a_second_template() {
        let lines = [
            "took 12 ms for 10.0.0.1 at 2026-11-21T05:29:51Z, see /var/log/a.log",
            "took 1.5s for fe80::1 at 2026-11-21 06:00:00, see https://example.com/a?b",
            "took 3h for db-1.example.com at 07:00:00, see ./a/b",
        ];
        assert_eq!(mined(&lines), [("took <*> for <*> at <*>, see <*>".into(), 3)]);
    }

    #[test]
    fn a_place_with_many_words_is_a_value_and_one_with_few_states_is_not() {
        let people = ["ann", "bo", "cy", "dee", "eve", "fay"];
        let lines: Vec<_> = ["opened", "closed"]
            .iter()
            .flat_map(|what| people.map(|who| format!("session {what} by {who}")))
            .collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let expected =
            [("session opened by <*>".to_owned(), 6), ("session closed by <*>".into(), 6)];
        assert_eq!(mined(&lines), expected);
    }

    #[test]
    fn error_codes_are_never_values() {
        let lines: Vec<_> =
            (0..20).map(|n| format!("[SHOP-PAY-{n:03}] order {n} is late")).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        assert_eq!(mined(&lines).len(), 20);
    }

    #[test]
    fn lists_and_values_of_several_words_are_values_of_any_length() {
        let lists = ["tags are [a]", "tags are [b, c]", "tags are [d, e, f]", "ids 1, 2", "ids 3"];
        assert_eq!(texts(&lists), ["tags are [<*>]", "ids <*>"]);
        let names = ["Eva", "Ann Lee", "Bo", "Cy", "Dee", "Gita Rao Singh"];
        let lines = names.map(|name| format!("user {name} signed in"));
        assert_eq!(texts(&lines.each_ref().map(String::as_str)), ["user <*> signed in"]);
    }

    #[test]
    fn what_a_line_says_in_quotes_is_looked_into_and_a_value_in_quotes_is_not() {
        let lines = [
            r#"level=info msg="started in 4 s" file="a b""#,
            r#"level=info msg="stopped" file="c""#,
            r#"10.0.0.1 "GET /a HTTP/1.1" 200"#,
            r#"10.0.0.1 "POST /a HTTP/1.1" 200"#,
        ];
        let expected = [
            r#"level=info msg="started in <*>" file=<*>"#,
            r#"level=info msg="stopped" file=<*>"#,
            r#"<*> "GET <*>" <*>"#,
            r#"<*> "POST <*>" <*>"#,
        ];
        assert_eq!(texts(&lines), expected);
    }

    #[test]
    fn names_of_errors_are_no_values() {
        for lines in [
            ["login failed: error invalid_grant", "login failed: error invalid_client"],
            ["open of the file failed code=ENOENT", "open of the file failed code=EACCES"],
            ["commit failed: SQLITE_IOERR", "commit failed: SQLITE_CORRUPT"],
        ] {
            assert_eq!(texts(&lines), lines);
        }
    }

    #[test]
    fn what_says_what_is_wrong_is_no_value_and_names_with_dashes_are() {
        for lines in [
            // The subject before a colon makes the problem.
            ["[12] oom-killer: process 7 was stopped", "[13] watchdog: process 9 was stopped"],
            ["save failed at once: out-of-space", "save failed at once: not-found"],
            ["read of the page failed (IoError)", "read of the page failed (ParseError)"],
            ["put of the file failed op=append", "put of the file failed op=truncate"],
        ] {
            assert_eq!(mined(&lines).len(), 2, "{lines:?}");
        }
        for (lines, text) in [
            (
                [
                    "cron drift: nightly-report ran 9 s late",
                    "cron drift: yearly-bonus ran 7 s late",
                ],
                "cron drift: <*> ran <*> late",
            ),
            (
                ["ticket is stuck region=north wait=3", "ticket is stuck region=south wait=4"],
                "ticket is stuck region=<*> wait=<*>",
            ),
            (
                ["ann gave a wrong code 3 times here", "ann gave a wrong code 5 times here"],
                "ann gave a wrong code <*> times here",
            ),
            (
                [
                    "the rotating code 9 min old is no ticket",
                    "the rotating code 14 min old is no ticket",
                ],
                "the rotating code <*> old is no ticket",
            ),
            (
                [
                    "the file has type image/heic and is left",
                    "the file has type text/plain and is left",
                ],
                "the file has type <*> and is left",
            ),
        ] {
            assert_eq!(texts(&lines), [text]);
        }
    }

    #[test]
    fn the_work_grows_with_lines_that_differ_in_a_few_places() {
        let word = |n: usize| {
            let letter = |n: usize| char::from(b'g' + (n % 18) as u8);
            [letter(n), letter(n / 18), letter(n / 324), letter(n / 5_832)]
                .iter()
                .collect::<String>()
        };
        let lines = |length: usize| {
            let mut text = String::with_capacity(length);
            let mut n = 0;
            while text.len() < length {
                n += 1;
                let places = [n * 7 % 40, n * 17 % 39];
                for place in 0..40 {
                    let said = if places.contains(&place) { word(n * 7 + 97) } else { word(place) };
                    text += &said;
                    text.push(if place == 39 { '\n' } else { ' ' });
                }
            }
            text
        };
        crate::growth::grows_from_to("lines that differ in a few places", lines, |text| {
            let mut miner = Miner::new();
            for line in text.lines() {
                miner.push(line);
            }
            miner.settle();
            assert!(miner.templates().len() > 1);
        });
    }

    #[test]
    fn a_template_knows_its_first_and_its_latest_line() {
        let mut miner = Miner::new();
        for line in ["a 1", "b c", "a 2", "d e"] {
            miner.push(line);
        }
        miner.settle();
        let first = &miner.templates()[0];
        assert_eq!((first.count, first.first, first.last), (2, 1, 3));
    }

    #[test]
    fn lines_without_end_that_are_all_different_are_counted_and_forgotten() {
        let word = |mut n: usize| {
            let mut word = String::new();
            while n > 0 {
                word.push(char::from(b'g' + (n % 18) as u8));
                n /= 18;
            }
            word
        };
        let mine = || {
            let mut miner = Miner::new();
            for n in 1..=10_000 {
                miner.push("what stays is kept");
                miner.push(&format!(
                    "{} {} {}",
                    word(n * 7919),
                    word(n * 104_729),
                    word(n * 1_299_709)
                ));
            }
            miner.settle();
            miner
        };
        let miner = mine();
        let templates = miner.templates();
        assert!(templates.len() <= MAX_LINES);
        assert_eq!(
            (templates[0].text.as_str(), templates[0].count),
            ("what stays is kept", 10_000)
        );
        let counted: u64 = templates.iter().map(|template| template.count).sum();
        assert_eq!(counted + miner.forgotten().lines, miner.lines());
        assert!(miner.forgotten().templates > 0);
        assert_eq!(templates, mine().templates());
    }

    #[test]
    fn any_text_is_mined() {
        for line in [
            "",
            " ",
            "\u{0}",
            "é".repeat(10_000).as_str(),
            "[[[(({{",
            "<*>",
            "<*> <*>",
            "[,]",
            "[a,",
            "=",
            "\"",
            "(<*>, ",
            "GET /x! é 7",
            "GET /menu: café 12",
            "GET /é é é/é 404",
        ] {
            let mut miner = Miner::new();
            let pushed = miner.push(line);
            miner.push("other words");
            miner.settle();
            assert_eq!(miner.id(pushed), 1, "{line}");
        }
    }

    #[test]
    fn the_work_grows_with_the_text_whatever_stands_in_it() {
        for piece in
            ["<*> a ", "GET /a b ", "k= ", "[a, ", "'a ", "a b 7\n", "x::y ", "exit code 1 ", "<a "]
        {
            crate::growth::grows_with_its_length(piece, piece, |text| {
                let mut miner = Miner::new();
                for line in text.lines() {
                    miner.push(line);
                }
                miner.settle();
                drop(values_of("<*> a <*> b <*>", text));
            });
        }
    }
}
