//! Says from the signs in a row whose problem it shows.
//!
//! Each sign speaks for one class with its weight, however often its words are there; the class with the most weight wins.

use super::reading::Said;
use super::signs::{BEFORE, Sign, all};
use crate::model::Classification::{self, ClientMisuse, DocumentationGap, ServerBug};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Most words that a verdict names.
const MAX_NAMED: usize = 6;
/// Longest word that the start of a phrase is looked for in, in bytes.
const MAX_WORD: usize = 40;
/// Farthest that what somebody does stands behind them, in words.
const MAX_APART: usize = 4;

/// Whose problem it is, and why.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) classification: Classification,
    /// For the finding: what the signs say, the words that they are, and where to look.
    pub(super) cause: String,
}

impl Verdict {
    /// The answer where no row has a sign.
    pub(super) fn unknown() -> Self {
        let cause = "The message has no word that tells of a caller's mistake or of a gap in the documentation, so it \
            counts as the server's.";
        Self { classification: ServerBug, cause: cause.to_owned() }
    }
}

/// What a class of problems is about, and where to look.
fn advice(classification: Classification) -> &'static str {
    match classification {
        ServerBug => {
            "The message reads like a fault of the server or of something it depends on: look at the server, at what \
            it was connected to and at what it had left of memory and disk."
        }
        ClientMisuse => {
            "The message reads like a refusal of what a caller sent or did: look at the caller, unless many callers do \
            the same."
        }
        DocumentationGap => {
            "The message reads like an option or a step that the documentation may not explain: compare the \
            documentation with what was tried."
        }
    }
}

/// A sign that a row has, and the words that it is.
pub(super) struct Heard {
    pub(super) sign: &'static Sign,
    words: String,
}

/// Whose problem a row shows; `None` if it has no sign.
pub(super) fn classify(said: &Said<'_>) -> Option<Verdict> {
    let heard = heard(said);
    if !heard.iter().any(|heard| heard.sign.is_said()) {
        return None;
    }
    let weight = |(class, before): &(Classification, i32)| {
        let own = heard.iter().filter(|heard| heard.sign.speaks_for == *class);
        before + own.map(|heard| heard.sign.weight).sum::<i32>()
    };
    // Of two with the same weight the later one wins: the server comes first.
    let (classification, _) = *BEFORE.iter().rev().max_by_key(|class| weight(class))?;
    let own = heard.iter().filter(|heard| heard.sign.speaks_for == classification);
    let words = own.map(|heard| heard.words.as_str()).filter(|words| !words.contains(':'));
    let words: Vec<&str> = words.take(MAX_NAMED).collect();
    let mut cause = advice(classification).to_owned();
    if !words.is_empty() {
        cause.extend([" Words that say so: ", &words.join(", "), "."]);
    }
    Some(Verdict { classification, cause })
}

/// The signs of a row, each once, in the order of its words, and behind them those of who comes first and who acts.
///
/// Where several words in a row are a sign, what they are one by one counts only if it speaks for the same class.
pub(super) fn heard(said: &Said<'_>) -> Vec<Heard> {
    let text = said.words();
    let mut heard: Vec<Heard> = Vec::new();
    let mut places: Vec<(usize, &'static str)> = Vec::new();
    let (mut end, mut spoken) = (0, Vec::new());
    for at in 0..text.len() {
        let (len, mut signs) = meaning(&text[at..]);
        if len > 1 && at + len > end {
            (end, spoken) = (at + len, signs.iter().map(|sign| sign.speaks_for).collect());
            let first = meaning(&text[at..=at]).1.into_iter();
            signs.extend(first.filter(|sign| spoken.contains(&sign.speaks_for)));
        } else if len == 1 && at < end {
            signs.retain(|sign| spoken.contains(&sign.speaks_for));
        }
        for sign in signs {
            places.push((at, sign.name));
            if !heard.iter().any(|known| std::ptr::eq(known.sign, sign)) {
                heard.push(Heard { sign, words: text[at..at + len].join(" ") });
            }
        }
    }
    for mark in order(&places) {
        let signs = meaning(std::slice::from_ref(&mark)).1;
        heard.extend(signs.into_iter().map(|sign| Heard { sign, words: mark.clone() }));
    }
    heard
}

/// Marks for who comes first in a row, and who acts, by where its signs are.
fn order(places: &[(usize, &'static str)]) -> impl Iterator<Item = String> {
    let of = |name: &'static str| places.iter().filter(move |(_, known)| *known == name);
    let first = places.iter().find(|(_, name)| ["people", "parts"].contains(name));
    let acts = of("people")
        .any(|(who, _)| of("acts").any(|(act, _)| (who + 1..=who + MAX_APART).contains(act)));
    let marks = [
        (first.is_some_and(|(_, name)| *name == "parts"), "mark:part-first"),
        (of("people").any(|(at, _)| *at < 2), "mark:somebody-first"),
        (acts, "mark:somebody-acts"),
    ];
    marks.into_iter().filter(|(holds, _)| *holds).map(|(_, mark)| mark.to_owned())
}

/// Words that a sign is, by the start of the first of them.
struct Phrase {
    words: Vec<&'static str>,
    sign: &'static Sign,
}

static PHRASES: LazyLock<HashMap<&'static str, Vec<Phrase>>> = LazyLock::new(|| {
    let mut phrases: HashMap<_, Vec<Phrase>> = HashMap::new();
    for sign in all() {
        for words in sign.phrases() {
            let start = words[0].trim_end_matches('*');
            phrases.entry(start).or_default().push(Phrase { words, sign });
        }
    }
    phrases
});

/// The signs that the longest phrase at the start of a text is, and how many words it has.
fn meaning(text: &[String]) -> (usize, Vec<&'static Sign>) {
    let word = text[0].as_str();
    let ends =
        word.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MAX_WORD);
    let (mut longest, mut signs) = (1, Vec::new());
    for phrase in ends.filter_map(|end| PHRASES.get(&word[..end])).flatten() {
        let len = phrase.words.len();
        if len >= longest && begins(text, &phrase.words) {
            if len > longest {
                (longest, signs) = (len, Vec::new());
            }
            signs.push(phrase.sign);
        }
    }
    (longest, signs)
}

fn begins(text: &[String], phrase: &[&str]) -> bool {
    let same = |(word, part): (&String, &&str)| match part.strip_suffix('*') {
        Some(start) => word.starts_with(start),
        None => word == part,
    };
    text.len() >= phrase.len() && text.iter().zip(phrase).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Level;

    fn names(text: &str) -> Vec<&'static str> {
        let said = Said { source: "app", level: Level::Warning, template: text, sample: text };
        heard(&said).iter().map(|heard| heard.sign.name).collect()
    }

    #[test]
    fn who_acts_is_told_from_whom_something_is_done_to() {
        assert!(names("customer has asked for more").contains(&"somebody acts"));
        assert!(!names("a letter was sent to a customer").contains(&"somebody acts"));
        assert!(names("customer has asked for more").contains(&"somebody first"));
        assert!(names("printer has lost a customer").contains(&"a part first"));
    }

    #[test]
    fn words_of_a_phrase_count_by_themselves_only_for_its_class() {
        let malformed = names("malformed body");
        assert!(malformed.contains(&"blame") && malformed.contains(&"defects of input"));
        assert!(!names("failed login").contains(&"failure"));
        assert!(names("failed").contains(&"failure"));
    }
}
