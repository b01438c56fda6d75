//! Tier 3 without an agent: decides whether two problems are probably the same one in other words.
//!
//! Two are alike if they come from one source and share seven tenths of all their words: those of the title and of the
//! masked template, in lower case, without numbers and names (the Jaccard index of the two sets). It is deterministic and strict on
//! purpose: a miss makes a second issue, but a false hit puts a comment on the wrong issue.

mod names;

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
    /// Numbers that say what happened, such as exit codes, and what stands behind `reason=`.
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
        let numbers = numbers.filter(|word| is_kept(word));
        let told = template.split_whitespace().filter_map(names::told);
        let numbers = numbers.chain(told).map(str::to_owned).collect();
        Self { source: source.to_owned(), codes, words, numbers }
    }

    /// Whether the two are probably one problem. Two problems that have codes never are: tier 1 has compared them.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        if self.source != other.source || !(self.codes.is_empty() || other.codes.is_empty()) {
            return false;
        }
        // Started and paused, 404 and 503 are two things, whatever stands around them.
        let differs = |one: &Self, other: &Self| {
            one.words
                .difference(&other.words)
                .any(|word| says_what_happens(word) || names::tells_apart(word))
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
    let mut text = text.to_owned();
    let coded: Vec<String> = codes(&text).map(str::to_owned).collect();
    for code in coded {
        text = text.replace(&code, " ");
    }
    let mut found = Vec::new();
    let mut before = ["", ""];
    for word in text.split_whitespace() {
        if !names::is_name(before, word) {
            let said = names::said_beside_values(word).replace(MASK, " ");
            let parts = said.split(|c: char| !c.is_alphanumeric());
            let plain =
                parts.filter(|part| part.len() > 1 && part.chars().all(char::is_alphabetic));
            found.extend(plain.map(str::to_lowercase).filter(|part| !names::is_number(part)));
        }
        before = [before[1], word];
    }
    found
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
            (
                "push by user ann to lamp/shop was too large",
                "push by user bo to ink/web was too large",
            ),
            (
                "parameter MAX_AGE in a.ini is skipped (see KEEP_DAYS)",
                "parameter HOLD in a.ini is skipped (see STAY)",
            ),
            (
                "403 tpp=LAMP-INK asked for balances two days late",
                "403 tpp=PEN-CUP-<*> asked for balances nine days late",
            ),
            (
                "release from Pigeon Club sent back: code QZ<*> belongs to others",
                "release from Okra Sounds sent back: code DEX<*> belongs to others",
            ),
            ("sailing GOT-FDH is sold beyond its deck", "sailing KEL-OSL is sold beyond its deck"),
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
            ("node <*> of the zone is Ready again", "node <*> of the zone is NotReady again"),
            ("main process of <*> ended code=exited", "main process of <*> ended code=killed"),
            ("nightly backup of the shop Failed", "nightly backup of the shop Completed"),
            ("pod of the cart service Evicted", "pod of the cart service Killed"),
            ("switch of the database to Standby hung", "switch of the database to Primary hung"),
            ("pod limit was exceeded resource=memory", "pod limit was exceeded resource=disk"),
            (
                "service pay-gateway does not answer calls",
                "service mail-relay does not answer calls",
            ),
            (
                "the client certificate of <*> could not be verified",
                "the server certificate of <*> could not be verified",
            ),
            (
                "partition <*> is now the leader of its epoch",
                "partition <*> is now the follower of its epoch",
            ),
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
