//! A masked line as words, and what a word looks like.

use crate::monitor::template::{MASK, codes, is_kept, is_source_file};
use std::borrow::Cow;
use std::collections::HashMap;

/// Ends of words that tell what happened: `started`, `stopping`, `initialization`.
const EVENTS: [&str; 3] = ["ed", "ing", "tion"];
/// Ends of the names of errors: which error it was makes a difference.
const ERRORS: [&str; 4] = ["Error", "Exception", "Failure", "Fault"];
/// Words that are a state wherever they stand.
const STATES: &[&str] = &[
    "true", "false", "null", "none", "yes", "no", "on", "off", "ok", "up", "down", "open",
    "closed", "start", "stop", "begin", "end", "enabled", "disabled", "success", "failure", "read",
    "write", "error", "warn", "warning", "info", "debug", "fatal", "notice", "critical", "get",
    "post", "put", "delete", "head", "patch", "options", "fail", "pass", "skip", "done", "hit",
    "miss", "idle", "busy", "ready", "online", "offline", "active", "inactive", "full", "empty",
    "high", "low", "rx", "tx",
];

/// Splits a masked line. A blank belongs to the word behind it, so that the words joined are the line again; signs
/// are words of their own; a list in brackets is one word.
pub(super) fn split(line: &str) -> Vec<&str> {
    let bytes = line.as_bytes();
    let (mut words, mut at) = (Vec::with_capacity(16), 0);
    while at < bytes.len() {
        let start = at;
        at += usize::from(bytes[at] == b' ');
        let run = run(line, at);
        at += match bytes.get(at) {
            Some(b'[' | b'(' | b'{') => list(line, at).unwrap_or(1),
            Some(_) if run == 0 => line[at..].chars().next().map_or(1, char::len_utf8),
            Some(_) | None => run,
        };
        words.push(&line[start..at]);
    }
    words
}

/// Words to keep.
pub(super) fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The length of the letters, digits and masks from here on.
fn run(line: &str, from: usize) -> usize {
    let bytes = line.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        if line[at..].starts_with(MASK) {
            at += MASK.len();
        } else if is_inside(bytes, from, at) {
            at += 1;
        } else if is_sign(bytes[at]) || bytes[at] == b' ' {
            break;
        } else {
            at += line[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at - from
}

/// Whether an apostrophe or a colon is part of a word: `o'brien`, `libc6:amd64`.
fn is_inside(bytes: &[u8], from: usize, at: usize) -> bool {
    let word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80);
    match bytes[at] {
        b'\'' => at > from && word(bytes.get(at - 1)) && word(bytes.get(at + 1)),
        b':' => {
            let (two, again) =
                (bytes.get(at + 1) == Some(&b':'), at > from && bytes[at - 1] == b':');
            let start = if again { at - 1 } else { at };
            let before = start.checked_sub(1).filter(|before| *before >= from);
            let next = bytes.get(if two { at + 2 } else { at + 1 });
            before.is_some_and(|before| word(bytes.get(before)) || bytes[before] == b'>')
                // At the start of a line it is a label: `Hit:7`.
                && next.is_some_and(|b| {
                    b.is_ascii_alphabetic() || *b >= 0x80 || (from > 0 && *b == b'<')
                })
        }
        _ => false,
    }
}

pub(super) fn is_sign(b: u8) -> bool {
    b.is_ascii_punctuation()
        && !matches!(b, b'-' | b'_' | b'.' | b'/' | b'$' | b'*' | b'@' | b'#' | b'%' | b'+' | b'~')
}

/// The length of `[a, b]`: brackets around nothing but words and commas.
fn list(line: &str, from: usize) -> Option<usize> {
    let close = match line.as_bytes()[from] {
        b'[' => b']',
        b'(' => b')',
        _ => b'}',
    };
    let mut at = from + 1;
    loop {
        let item = run(line, at);
        at += item;
        match line.as_bytes().get(at) {
            Some(b) if *b == close && item > 0 => return Some(at + 1 - from),
            Some(b',') if item > 0 => {
                at += 1 + usize::from(line.as_bytes().get(at + 1) == Some(&b' '));
            }
            Some(_) | None => return None,
        }
    }
}

/// What stands for any word in the place of this one.
pub(super) fn wildcard(word: &str) -> Cow<'static, str> {
    let bare = word.trim_start();
    let (open, close) = match bare.as_bytes().first() {
        Some(b'[') => ("[", "]"),
        Some(b'(') => ("(", ")"),
        Some(b'{') => ("{", "}"),
        Some(_) | None => ("", ""),
    };
    match (bare.len() < word.len(), open) {
        (true, "") => " <*>".into(),
        (false, "") => MASK.into(),
        (spaced, open) => format!("{}{open}{MASK}{close}", if spaced { " " } else { "" }).into(),
    }
}

/// Words as numbers, and what is known of each.
#[derive(Default)]
pub(super) struct Words<'a> {
    ids: HashMap<Cow<'a, str>, u32>,
    all: Vec<Word<'a>>,
}

/// One word.
struct Word<'a> {
    /// With the blank before it.
    text: Cow<'a, str>,
    kind: Kind,
}

/// What a word looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A sign: never a value.
    Sign,
    /// An error code: never a value.
    Code,
    /// A number that says what happened: an exit code, a status.
    Number,
    /// A mask and nothing else.
    Mask,
    /// `-`, `_`: stands for a value that is not there.
    Blank,
    /// Has a mask in it.
    Masked,
    /// `[a, b]`, several of something.
    List,
    /// `true`, `RUNNING`, `stopped`: says what happened, not to whom.
    State,
    /// `USERS`: a state or a name that somebody gave.
    Shout,
    /// `orderService`, `audit_log`, `shop.cart`: a name that somebody gave.
    Name,
    /// Any other.
    Plain,
}

impl<'a> Words<'a> {
    pub(super) fn id(&mut self, word: Cow<'a, str>) -> u32 {
        let (id, all) = (self.all.len() as u32, &mut self.all);
        *self.ids.entry(word).or_insert_with_key(|word| {
            all.push(Word { kind: kind(word.trim_start()), text: word.clone() });
            id
        })
    }

    pub(super) fn text(&self, id: u32) -> &str {
        &self.all[id as usize].text
    }

    pub(super) fn kind(&self, id: u32) -> Kind {
        self.all[id as usize].kind
    }
}

/// Whether a word tells what happens rather than to whom.
pub(in crate::monitor) fn says_what_happens(word: &str) -> bool {
    let bare = word.trim_start();
    // `Singh`, `Old Mill`: names are written large.
    let large =
        bare.starts_with(|c: char| c.is_uppercase()) && bare.chars().any(char::is_lowercase);
    !large && matches!(kind(bare), Kind::State | Kind::Code | Kind::Number)
}

fn is_state(part: &str) -> bool {
    STATES.contains(&part)
        || EVENTS.iter().any(|end| part.len() > end.len() + 2 && part.ends_with(end))
}

fn kind(word: &str) -> Kind {
    let inner = word.trim_matches(['[', ']', '(', ')', '{', '}']);
    // Nearly all words are of this form.
    if !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_lowercase()) {
        return if is_state(inner) { Kind::State } else { Kind::Plain };
    }
    let letters = inner.bytes().filter(u8::is_ascii_alphabetic).count();
    let upper = inner.bytes().filter(u8::is_ascii_uppercase).count();
    let lower = inner.to_ascii_lowercase();
    if codes(inner).next().is_some() {
        Kind::Code
    } else if inner == MASK {
        Kind::Mask
    } else if is_kept(inner) {
        Kind::Number
    } else if inner.contains(',') {
        Kind::List
    } else if inner.contains(MASK) {
        Kind::Masked
    } else if matches!(inner, "-" | "_" | "*" | "?") {
        Kind::Blank
    } else if !inner.bytes().any(|b| b.is_ascii_alphanumeric() || b >= 0x80) {
        Kind::Sign
    } else if inner.starts_with("--") {
        Kind::Name
    } else if !lower.contains('.') && lower.split(['_', '-']).any(is_state)
        || is_state(&lower)
        || ERRORS.iter().any(|end| inner.ends_with(end))
        || is_source_file(inner)
    {
        Kind::State
    } else if inner.trim_end_matches('.').contains(['_', '.', '-', '/']) {
        Kind::Name
    } else if letters > 1 && upper == letters {
        Kind::Shout
    } else if inner.bytes().skip(1).any(|b| b.is_ascii_uppercase()) {
        Kind::Name
    } else {
        Kind::Plain
    }
}

/// A masked line with values that belong together as one mask: `<*> (<*>)`, `<*>, <*>`, `blk_<*> blk_<*>`.
pub(super) fn joined(line: &str) -> Cow<'_, str> {
    if !line.contains(MASK) {
        return line.into();
    }
    let mut out = line.to_owned();
    for (apart, one) in APART {
        while out.contains(apart) {
            out = out.replace(apart, one);
        }
    }
    let mut parts = out.split(MASK).peekable();
    let mut whole = parts.next().unwrap_or_default().to_owned();
    while let Some(part) = parts.next() {
        // The mask before this part is written with it, unless the part only leads to one more of the same.
        if parts.peek().is_none() || !continues(&whole, part) {
            whole.push_str(MASK);
            whole.push_str(part);
        }
    }
    whole.into()
}

/// Values with a sign or a remark of their own, and how they read alone.
const APART: [(&str, &str); 5] = [
    ("<*> (<*>)", MASK),
    (" <<*>", " <*>"),
    (" ><*>", " <*>"),
    (" ~<*>", " <*>"),
    ("_-<*>", "_<*>"),
];

/// Whether the text between two masks only divides values: `, `, or ` blk_` where the mask before it has that too.
fn continues(before: &str, between: &str) -> bool {
    let divides = |b: u8| matches!(b, b' ' | b',' | b'-' | b'.' | b':' | b'/' | b'+' | b'_' | b'~');
    let prefix = between.trim_start_matches([' ', ',']);
    let again = prefix.len() < between.len()
        && !prefix.contains(' ')
        && before.strip_suffix(prefix).is_some_and(|b| !b.ends_with(|c: char| c.is_alphanumeric()));
    (between.bytes().all(divides) && between != ": ") || again
}
