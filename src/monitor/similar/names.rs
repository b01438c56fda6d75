//! Which words of a line are names: who or what it is about, and not what happened.

use crate::monitor::miner::{LEADS, is_phrase, says_what_happens, tells_what};
use crate::monitor::template::{MASK, names_somebody};

/// Nouns behind which a name stands, besides those of `names_somebody`. Not those whose name is the problem: `service`, `job`.
const NAMED: &[&str] = &[
    "parameter",
    "option",
    "setting",
    "key",
    "property",
    "variable",
    "directive",
    "flag",
    "field",
    "column",
    "header",
    "attribute",
    "argument",
    "project",
    "repository",
    "repo",
    "branch",
    "tenant",
    "customer",
    "partner",
    "team",
    "file",
    "table",
    "index",
    "queue",
    "topic",
    "bucket",
    "package",
    "device",
    "sensor",
    "channel",
    "volume",
    "image",
    "see",
];
/// Behind them stands what happened: `is Ready`.
const SAYS: &[&str] = &[
    "is", "are", "was", "were", "be", "been", "being", "has", "have", "had", "not", "no", "now",
    "became", "becomes", "got", "gets", "turned", "went", "as", "and", "or", "but", "the", "a",
];
/// Words that are opposed to others: two lines that differ in them tell of two things.
const OPPOSED: &[&str] = &[
    "leader",
    "follower",
    "master",
    "slave",
    "primary",
    "secondary",
    "replica",
    "standby",
    "acquire",
    "release",
    "mount",
    "unmount",
    "attach",
    "detach",
    "connect",
    "disconnect",
    "insert",
    "remove",
    "update",
    "upload",
    "download",
    "push",
    "pull",
    "send",
    "receive",
    "import",
    "export",
    "encode",
    "decode",
    "encrypt",
    "decrypt",
    "lock",
    "unlock",
    "login",
    "logout",
    "size",
    "time",
    "memory",
    "storage",
    "disk",
    "cpu",
    "swap",
    "network",
    "input",
    "output",
    "left",
    "right",
    "upper",
    "lower",
    "top",
    "bottom",
    "first",
    "last",
    "hard",
    "soft",
    "minimum",
    "maximum",
    "source",
    "target",
    "inbound",
    "outbound",
    "incoming",
    "outgoing",
    "before",
    "after",
    "above",
    "below",
    "early",
    "late",
    "hot",
    "cold",
    "ready",
    "notready",
    "client",
    "server",
    "request",
    "response",
    "sender",
    "recipient",
    "startup",
    "shutdown",
    "debit",
    "credit",
];
/// Numbers as words.
const NUMBERS: &[&str] = &[
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "fifteen", "twenty", "thirty", "forty", "fifty", "sixty", "hundred", "thousand",
    "once", "twice", "thrice",
];
/// Longest letters beside a value that only tell of what kind it is: `QZ<*>`.
const MAX_PREFIX: usize = 4;

/// Whether a word is one of two that are opposed to each other.
pub(super) fn tells_apart(word: &str) -> bool {
    OPPOSED.contains(&word)
}

/// Whether a word is a number: how many there are is no other problem.
pub(super) fn is_number(word: &str) -> bool {
    NUMBERS.contains(&word)
}

/// What a word says itself, without the value of a key: `tpp=`, but `reason=full`.
pub(super) fn said_beside_values(word: &str) -> &str {
    let Some((key, value)) = word.split_once('=') else { return word };
    let name = last_part(key);
    let value = bare(value);
    let says =
        name.is_empty() || tells_what(name) || says_what_happens(value) || tells_apart(value);
    if says { word } else { key }
}

fn last_part(key: &str) -> &str {
    key.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

/// The one word behind a key that tells what happened: `reason=full`.
pub(super) fn told(word: &str) -> Option<&str> {
    let (key, value) = word.split_once('=')?;
    let value = value.trim_end_matches([',', ';', ')', '.', ']']);
    let quoted = |quote: char| value.starts_with(quote) != value.ends_with(quote);
    let is_one = !value.is_empty() && !value.contains(MASK) && !quoted('"') && !quoted('\'');
    (is_one && tells_what(last_part(key))).then_some(value)
}

/// A word without the signs around it, and without the dots of a title that was cut.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| c == '…' || c.is_ascii_punctuation() && !matches!(c, '-' | '/'))
}

/// Whether a word is a name, by itself or by the two words before it.
pub(super) fn is_name(before: [&str; 2], word: &str) -> bool {
    let bare = bare(word);
    if bare.is_empty() || word.contains('=') {
        return false;
    }
    let before = before.map(|word| word.trim_start_matches(['(', '[', '"']));
    is_joined(bare) || is_prefix(word) || is_meant(before, bare)
}

/// `m.lindqvist`, `hub@lechner`, `scan.pdf`, `--vessel`: who or what it is about. What is written large in part, or stands behind
/// a key, may be what happened: `IO.IOException`, `reason=disk.full`.
fn is_joined(word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".@-_".contains(c);
    if word.chars().all(is_plain) {
        let is_file = word.contains('.') || word.starts_with("--");
        return word.contains('@') || is_file && !says_what_happens(word);
    }
    // `HopsRule.maxHops`
    let is_member =
        |last: &str| last.len() > 2 && last.starts_with(|c: char| c.is_ascii_lowercase());
    word.rsplit_once('.').is_some_and(|(_, last)| is_member(last))
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
}

/// `QZ<*>`: what stands before a value is a part of it.
fn is_prefix(word: &str) -> bool {
    let Some((kind, _)) = word.split_once(MASK) else { return false };
    let kind = kind.trim_start_matches(|c: char| c.is_ascii_punctuation());
    (1..=MAX_PREFIX).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_uppercase())
}

/// Whether what stands before a word has it meant as a name.
fn is_meant([earlier, before]: [&str; 2], word: &str) -> bool {
    let said = word.to_lowercase().replace('_', "-");
    if says_what_happens(word) || says_what_happens(&said) || tells_apart(&said) || is_phrase(&said)
    {
        return false;
    }
    let is_lower = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let leads = |word: &str| is_lower(word) && !tells_what(word) && !SAYS.contains(&word);
    let (led, named) = (LEADS.contains(&before), names_somebody(before));
    let marked =
        word.contains(['_', '-', '/', '.']) || word.bytes().skip(1).any(|b| b.is_ascii_uppercase());
    let is_dashed = word.contains('-') && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    let is_large = |word: &str| {
        word.starts_with(char::is_uppercase)
            && word.chars().skip(1).all(char::is_lowercase)
            && word.chars().count() > 2
    };
    // `by user ann`, `parameter MAX_AGE`, `to lamp/shop`, `zone.ini: ttl_default`, `sailing GOT-FDH`, `hotel Krone`,
    // `from Pigeon Club`: an author writes no other word large.
    named && LEADS.contains(&earlier)
        || marked && (named || NAMED.contains(&before))
        || led && word.contains('/')
        || word.contains('_') && is_joined(bare(before))
        || is_dashed && is_lower(before) && !tells_what(before)
        || is_large(word) && (leads(before) || is_large(before) && leads(earlier))
}
