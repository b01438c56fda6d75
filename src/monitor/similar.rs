//! Tier 3 without an agent: decides whether two problems are probably the same one in other words.
//!
//! Two are alike if they come from one source and share seven tenths of all their words: those of the title and of the
//! masked template, in lower case, without numbers and names (the Jaccard index of the two sets). It is deterministic and strict on
//! purpose: a miss makes a second issue, but a false hit puts a comment on the wrong issue.

use super::miner::says_what_happens;
use super::template::{MARKS, MASK, codes, is_kept};
use std::collections::BTreeSet;

/// Shared words of all words from which on two problems count as one, as a fraction.
const THRESHOLD: (usize, usize) = (7, 10);
/// Fewer words say too little to compare.
const MIN_WORDS: usize = 4;

/// What a problem is compared by.
#[derive(Debug)]
pub(super) struct Likeness {
    source: String,
    codes: BTreeSet<String>,
    words: BTreeSet<String>,
    /// Numbers that say what happened, such as exit codes.
    numbers: BTreeSet<String>,
}

impl Likeness {
    /// The title may have its prefix and its code.
    pub(super) fn new(source: &str, error_codes: &[String], title: &str, template: &str) -> Self {
        let title = title.split_once("] ").map_or(title, |(_, title)| title);
        let (title, mut words) = (words(&without_values(title)), words(template));
        // A title that is made of the template holds values besides; one in somebody's own words says more.
        let own = title.iter().filter(|word| !words.contains(word)).count();
        if own * 2 > title.len() {
            words.extend(title);
        }
        let words = words.into_iter().collect();
        let codes = error_codes.iter().cloned().collect();
        let numbers = template.split([' ', ',', ';', ':', '=', '[', ']', '(', ')', '"']);
        let numbers = numbers.filter(|word| is_kept(word)).map(str::to_owned).collect();
        Self { source: source.to_owned(), codes, words, numbers }
    }

    /// Whether the two are probably one problem. Two problems that have codes never are: tier 1 has compared them.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        if self.source != other.source || !(self.codes.is_empty() || other.codes.is_empty()) {
            return false;
        }
        // Started and paused, 404 and 503 are two things, whatever stands around them.
        let differs = |one: &Self, other: &Self| {
            one.words.difference(&other.words).any(|word| says_what_happens(word))
        };
        if self.numbers != other.numbers || (differs(self, other) && differs(other, self)) {
            return false;
        }
        let shared = self.words.intersection(&other.words).count();
        let all = self.words.len() + other.words.len() - shared;
        let (parts, whole) = THRESHOLD;
        self.words.len().min(other.words.len()) >= MIN_WORDS && shared * whole >= all * parts
    }
}

/// A title without what differs from row to row.
fn without_values(title: &str) -> String {
    let mut parts = title.split(MARKS.0);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(MARKS.1).map_or(part, |(_, rest)| rest))
}

/// The words of a text in lower case; neither masks, nor codes, nor names, nor words with a digit.
fn words(text: &str) -> Vec<String> {
    let mut text = text.replace(MASK, " ");
    let coded: Vec<String> = codes(&text).map(str::to_owned).collect();
    for code in coded {
        text = text.replace(&code, " ");
    }
    let plain = text.split_whitespace().filter(|word| !is_name(word));
    let all = plain.flat_map(|word| word.split(|c: char| !c.is_alphanumeric()));
    let plain = all.filter(|word| word.len() > 1 && word.chars().all(char::is_alphabetic));
    plain.map(str::to_lowercase).collect()
}

/// `m.lindqvist`, `hub@lechner`, `scan.pdf`, `--vessel`: who or what it is about. What is written large in part, or stands behind
/// a key, may be what happened: `IO.IOException`, `reason=disk.full`.
fn is_name(word: &str) -> bool {
    let word = word.trim_matches(|c: char| c.is_ascii_punctuation() && c != '-');
    let is_joined = word.contains(['.', '@']) || word.starts_with("--");
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".@-_".contains(c);
    is_joined && word.chars().all(is_plain) && !says_what_happens(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(codes: &[&str], title: &str, template: &str) -> Likeness {
        let codes: Vec<String> = codes.iter().map(|&code| code.into()).collect();
        Likeness::new("shop.mail", &codes, title, template)
    }

    #[test]
    fn names_of_people_files_and_options_make_no_second_problem_and_what_happened_does() {
        let alike = |one: &str, other: &str| of(&[], one, one).is_like(&of(&[], other, other));
        for (one, other) in [
            ("swap of m.lind to k.holm was turned down", "swap of a.b to c.weiss was turned down"),
            ("the page of scan.pdf cannot be read", "the page of intro.mp3 cannot be read"),
            (
                "option --vessel was removed in this release",
                "option --watch was removed in this release",
            ),
        ] {
            assert!(alike(one, other), "{one}: {other}");
        }
        for (one, other) in [
            (
                "upload of report failed reason=no_such_bucket",
                "upload of report failed reason=invalid_range",
            ),
            (
                "upload of report failed reason=disk.full",
                "upload of report failed reason=key.unknown",
            ),
            (
                "unhandled exception in worker: Data.SqlException",
                "unhandled exception in worker: IO.IOException",
            ),
            ("save of the page failed: OUT-OF-SPACE", "save of the page failed: NOT-FOUND"),
        ] {
            assert!(!alike(one, other), "{one}: {other}");
        }
    }

    #[test]
    fn the_same_problem_in_nearly_the_same_words_is_alike() {
        let one = of(
            &[],
            "[BUG] mail to … could not be sent",
            "mail to <*> could not be sent: relay refused",
        );
        for (title, template) in [
            ("mail to … could not be sent now", "mail to <*> could not be sent: the relay refused"),
            ("Mail could not be sent to customers", "mail to <*> could not be sent: relay refused"),
        ] {
            assert!(one.is_like(&of(&[], title, template)), "{title}");
        }
        let coded = of(
            &["MAIL-RELAY-003"],
            "mail to … could not be sent",
            "[MAIL-RELAY-003] mail to <*> could not be sent: relay refused",
        );
        assert!(one.is_like(&coded) && coded.is_like(&one));
    }

    #[test]
    fn other_words_another_source_other_codes_or_too_few_words_are_not() {
        let words = ("mail to … could not be sent", "mail to <*> could not be sent: relay refused");
        let one = of(&["MAIL-RELAY-003"], words.0, words.1);
        assert!(!one.is_like(&of(&["MAIL-RELAY-004"], words.0, words.1)));
        assert!(!one.is_like(&Likeness::new("shop.cart", &[], words.0, words.1)));
        assert!(!one.is_like(&of(
            &[],
            "order of … could not be kept",
            "order of <*> could not be kept"
        )));
        assert!(!of(&[], "cart lost", "cart <*> lost").is_like(&of(
            &[],
            "cart lost",
            "cart <*> lost"
        )));
    }
}
