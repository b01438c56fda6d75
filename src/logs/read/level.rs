//! How grave an event is: levels as programs spell them, and the signs of a failure in an event that states none.

use super::names::PAIR_LEVEL;
use crate::model::Level;
use Level::{Critical, Debug, Error, Info, Warning};

/// Of a first line, so many bytes are looked through for a word that states a level.
const MAX_STATED: usize = 256;
/// And so many for signs of a failure.
const MAX_SIGNS: usize = 1024;

/// The level of a word in any case, with what is cut off: `eror`, `WRN`, `SEVERE`, `debug2`, `ERROR+4`.
pub(super) fn word(text: &str) -> Option<Level> {
    let text = text.trim();
    let text = match text.split_once(['+', '-']) {
        Some((name, number)) if number.bytes().all(|b| b.is_ascii_digit()) => name,
        Some(_) => return None,
        None => text,
    };
    // One digit is a degree; `error404` is a name.
    let text = match text.strip_suffix(|c: char| c.is_ascii_digit()) {
        Some(name) if name.len() > 3 => name,
        _ => text,
    };
    Level::of_word(text)
}

/// Words that state a level only where a mark sets them apart: they are common in prose.
fn is_weak(word: &str) -> bool {
    [
        "note",
        "log",
        "system",
        "success",
        "config",
        "default",
        "fail",
        "failure",
        "fine",
        "detail",
        "hint",
        "statement",
        "context",
        "spam",
    ]
    .iter()
    .any(|weak| word.eq_ignore_ascii_case(weak))
}

/// Whether a word states a level wherever it stands in a head.
pub(super) fn is_strong(text: &str) -> bool {
    word(text).is_some() && !is_weak(text.trim())
}

/// The letter of glog, Ruby, Android and `MongoDB`.
pub(super) fn letter(letter: u8) -> Option<Level> {
    match letter {
        b'T' | b'V' | b'D' => Some(Debug),
        b'I' | b'N' => Some(Info),
        b'W' => Some(Warning),
        b'E' => Some(Error),
        b'F' | b'C' | b'A' => Some(Critical),
        _ => None,
    }
}

/// Redis marks its lines: `#` warning, `*` notice, `-` verbose, `.` debug.
pub(super) fn mark(mark: u8) -> Option<Level> {
    match mark {
        b'#' => Some(Warning),
        b'*' => Some(Info),
        b'-' | b'.' => Some(Debug),
        _ => None,
    }
}

/// The severity of syslog, 0 to 7.
pub(super) fn severity(number: u64) -> Option<Level> {
    const LEVELS: [Level; 8] = [Critical, Critical, Critical, Error, Warning, Info, Info, Debug];
    LEVELS.get(usize::try_from(number).ok()?).copied()
}

/// The numbers of OpenTelemetry, 1 to 24.
pub(in crate::logs) fn telemetry(number: u64) -> Option<Level> {
    match number {
        1..=8 => Some(Debug),
        9..=12 => Some(Info),
        13..=16 => Some(Warning),
        17..=20 => Some(Error),
        21..=24 => Some(Critical),
        _ => None,
    }
}

/// Any other number: 10 to 60 of pino, bunyan and Python, 100 to 600 of Monolog, 0 to 7 of syslog.
pub(super) fn number(number: u64) -> Option<Level> {
    match number {
        0..=7 => severity(number),
        10..=29 | 100..=199 => Some(Debug),
        30..=39 | 200..=299 => Some(Info),
        40..=49 | 300..=399 => Some(Warning),
        50..=59 | 400..=499 => Some(Error),
        60..=69 | 500..=699 => Some(Critical),
        _ => None,
    }
}

/// The level of a status of HTTP.
pub(super) fn status(status: u16) -> Level {
    match status {
        500.. => Error,
        400.. => Warning,
        _ => Info,
    }
}

/// What a word at the head of a line states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) level: Level,
    /// The bytes of the mark, which is no part of the message; 0 if it is part of a sentence, as `Error: ` is.
    pub(super) length: usize,
}

/// Reads the level that a text begins with: `ERROR`, `[error]`, `<Error>`, `error: `, `ERROR|`, `production.ERROR: `,
/// `[core:error]`, `ERRO[0005]`, `##[error]`, `fatal error: `.
pub(super) fn stated(text: &str) -> Option<Stated> {
    let first = *text.as_bytes().first()?;
    if let Some(rest) = text.strip_prefix("##[") {
        let inside = rest.split_once(']').map(|(inside, _)| inside)?;
        return word(inside).map(|level| Stated { level, length: inside.len() + 4 });
    }
    if let Some(close) = closing(first) {
        return in_brackets(text, close);
    }
    let end = text
        .bytes()
        .take(64)
        .take_while(|b| !matches!(b, b' ' | b'\t' | b'|' | b'[' | b']'))
        .count();
    let token = text.get(..end)?;
    let next = text.as_bytes().get(end).copied().unwrap_or(b' ');
    let bare = token.trim_end_matches([':', ',']);
    let colon = bare.len() < token.len();
    let name = bare.split(':').next().unwrap_or(bare);
    if let Some((channel, name)) = name.rsplit_once('.') {
        let is_channel = colon && !channel.is_empty() && is_upper(name) && !is_weak(name);
        return is_channel.then(|| word(name)).flatten().map(|level| Stated { level, length: end });
    }
    if name.is_empty() || !name.as_bytes()[0].is_ascii_alphabetic() {
        return None;
    }
    if name == "fatal" && text[end..].starts_with(" error:") {
        return Some(Stated { level: Critical, length: end + " error:".len() });
    }
    let level = word(name)?;
    if name == "debug" && numbered(&text[end..]) {
        return Some(Stated { level, length: end + 3 });
    }
    let apart = colon || name.len() < bare.len();
    let barred = next == b'|' || next == b'\t' || (next == b'[' && name.len() == end);
    if is_upper(name) {
        let fits = !is_weak(name) || apart || barred || text[end..].starts_with(" [");
        let counter = if next == b'[' { counter(&text[end..]) } else { 0 };
        let length = if name.len() < bare.len() { name.len() + 1 } else { end + counter };
        return fits.then_some(Stated { level, length });
    }
    let is_lower = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if is_lower {
        let label = [
            "system",
            "config",
            "default",
            "success",
            "fine",
            "detail",
            "hint",
            "statement",
            "context",
            "log",
        ];
        let fits = (colon && name.len() == bare.len() && !label.contains(&name))
            || (barred && next != b'[');
        if next == b'[' && numbered_code(&text[end..]) {
            return Some(Stated { level, length: 0 });
        }
        // A panic names what went wrong, and is shown with it.
        return fits.then_some(Stated { level, length: if name == "panic" { 0 } else { end } });
    }
    (apart && !is_weak(name)).then_some(Stated { level, length: 0 })
}

/// ` 1:`, the depth that BIND gives to its details.
fn numbered(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first() == Some(&b' ')
        && bytes.get(1).is_some_and(u8::is_ascii_digit)
        && bytes.get(2) == Some(&b':')
}

/// `[E0425]: ` of compilers.
fn numbered_code(text: &str) -> bool {
    let inside = text.get(1..).and_then(|rest| rest.split_once("]: "));
    inside.is_some_and(|(code, _)| {
        code.len() < 32 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

/// `[0005]` of logrus.
fn counter(text: &str) -> usize {
    let inside = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let digits = inside.filter(|(inside, _)| inside.bytes().all(|b| b.is_ascii_digit()));
    digits.map_or(0, |(inside, _)| inside.len() + 2)
}

fn closing(open: u8) -> Option<char> {
    match open {
        b'[' => Some(']'),
        b'(' => Some(')'),
        b'<' => Some('>'),
        _ => None,
    }
}

fn in_brackets(text: &str, close: char) -> Option<Stated> {
    let head = &text[1..text.floor_char_boundary(64)];
    let inside = &head[..head.find(close)?];
    let length = inside.len() + 2;
    let bare = inside.trim();
    let found = |level| Some(Stated { level, length });
    // What may be the name of a part leaves the statement to the level behind it.
    let perhaps = |level| if states_next(&text[length..]) { None } else { found(level) };
    if let Some(level) = word(bare) {
        return if is_weak(bare) { perhaps(level) } else { found(level) };
    }
    // A module and its level, in either order.
    if let Some((a, b)) = bare.split_once(':') {
        if let Some(level) = word(b) {
            return if is_weak(b) { perhaps(level) } else { found(level) };
        }
        if let Some(level) = word(a) {
            return perhaps(level);
        }
    }
    let channel = bare.rsplit_once('.').filter(|(_, name)| is_upper(name));
    found(channel.and_then(|(_, name)| word(name))?)
}

/// Whether the next word is a level that is set apart by capitals, a colon or brackets.
fn states_next(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\t', '|', '-', ':']);
    let end = text.bytes().take(32).take_while(|b| !matches!(b, b' ' | b'\t' | b'|')).count();
    let token = text.get(..end).unwrap_or_default();
    let name = token.trim_matches(['[', ']', '(', ')', '<', '>', ':']);
    is_strong(name) && (is_upper(name) || name.len() < token.len())
}

fn is_upper(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'+')
}

/// The level that a word of a sentence states: the first that does, in the line's beginning.
pub(super) fn in_sentence(line: &str) -> Option<Level> {
    let line = &line[..line.floor_char_boundary(MAX_STATED)];
    let (mut before, mut plain) = ("", 0);
    for word in line.split_whitespace() {
        if let Some((key, value)) = word.split_once('=') {
            if PAIR_LEVEL.contains(&key) {
                return self::word(value.trim_matches(['"', ',']));
            }
        } else if let Some(found) = stated(word) {
            let bare = found.length == word.len() && word.bytes().all(|b| b.is_ascii_uppercase());
            // In the midst of prose, capitals emphasize.
            if !(bare && plain > 1) {
                let fatal = before.eq_ignore_ascii_case("fatal") && found.level == Error;
                return Some(if fatal { Critical } else { found.level });
            }
        }
        plain += usize::from(word.bytes().all(|b| b.is_ascii_lowercase()));
        before = word;
    }
    None
}

/// Where a message begins with one of these, it tells of a failure.
const HEADS: [&str; 9] =
    ["error", "exception", "fatal", "unhandled", "uncaught", "bug:", "oops:", "segfault", "panic:"];
/// Words that tell of a failure, unless none is counted.
const FAILURES: [&str; 8] =
    ["unhandled", "uncaught", "failed", "failure", "panic", "panicked", "traceback", "segfault"];
/// Phrases that do.
const PHRASES: [&str; 9] = [
    "out of memory",
    "killed process",
    "i/o error",
    "core dumped",
    "no space left on device",
    "kernel panic",
    "fatal error",
    "cannot allocate memory",
    "-fs error",
];
/// What stands before the number of an ending.
const ENDINGS: [&str; 4] = ["exit code ", "exit status ", "with status ", "exited with code "];

/// The level of an event that states none: an error if its first line tells of a failure, else info.
pub(super) fn guess(message: &str) -> Level {
    let first = message.lines().next().unwrap_or_default();
    let first = &first[..first.floor_char_boundary(MAX_SIGNS)];
    let failed = is_failure(first) || message[first.len()..].lines().take(3).any(is_sign);
    if failed { Error } else { Info }
}

/// A line below the first that tells of a failure by itself.
fn is_sign(line: &str) -> bool {
    super::trace::opens(line) || is_code(line.split([' ', ':']).next().unwrap_or_default())
}

fn is_failure(line: &str) -> bool {
    let mut before = "";
    for (index, word) in line.split_whitespace().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if word.ends_with("Error:") || word.ends_with("Exception:") {
            return true;
        }
        if index == 0 && HEADS.iter().any(|head| word.eq_ignore_ascii_case(head)) {
            return true;
        }
        // The codes of Oracle and others of five digits.
        if index == 0 && is_code(bare) {
            return true;
        }
        if FAILURES.iter().any(|w| bare.eq_ignore_ascii_case(w))
            && !matches!(before, "0" | "no" | "not")
        {
            return true;
        }
        before = bare;
    }
    let lower = line.to_ascii_lowercase();
    let ending = |start: &str| {
        let rest = lower.split_once(start).map_or("", |(_, rest)| rest);
        rest.starts_with(|c: char| ('1'..='9').contains(&c))
    };
    PHRASES.iter().any(|phrase| lower.contains(phrase))
        || ENDINGS.iter().any(|start| ending(start))
        || super::trace::opens(line)
}

fn is_code(word: &str) -> bool {
    let code = word.split_once('-');
    code.is_some_and(|(area, number)| {
        (2..=4).contains(&area.len())
            && area.bytes().all(|b| b.is_ascii_uppercase())
            && number.len() == 5
            && number.bytes().all(|b| b.is_ascii_digit())
    })
}
