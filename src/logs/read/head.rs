//! The head of a line of text: its time, its level and what stands before and between them.

use super::level::{self, Stated};
use super::time::{self, Moment, TimeFrame};
use crate::model::Level;

/// Most words of a head.
const MAX_WORDS: usize = 8;
/// Longest word or group in brackets that belongs to a head, in bytes.
const MAX_GROUP: usize = 80;

/// A time that stands in front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lead {
    pub(super) moment: Moment,
    /// Where the text behind it begins.
    pub(super) end: usize,
    /// The level that stands before or beside the time.
    pub(super) level: Option<Level>,
    /// From and to where words of the head stand before or beside the time: a thread, a process, a module.
    pub(super) words: (usize, usize),
    style: Style,
}

impl Lead {
    /// The same of a text with so many bytes more in front.
    pub(super) fn behind(self, bytes: usize) -> Self {
        let words = (self.words.0 + bytes, self.words.1 + bytes);
        Self { end: self.end + bytes, words, ..self }
    }
}

/// What the time was written by, where more of the line depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    /// `E1121 05:29:51.123456 4711 cart.cc:7] `
    Glog,
    /// `E, [2026-11-21T05:29:51.123456 #77] ERROR -- shop: `
    Ruby,
    /// `1234:M 21 Nov 2026 05:29:51.123 # `
    Redis,
}

/// Reads the time in front of a text, if one is there.
pub(super) fn lead(text: &str, frame: TimeFrame) -> Option<Lead> {
    let first = *text.as_bytes().first()?;
    let plain =
        |(moment, end)| Lead { moment, end, level: None, words: (0, 0), style: Style::Plain };
    match first {
        b'0'..=b'9' => time::leading(text, frame).map(plain).or_else(|| behind_words(text, frame)),
        b'A'..=b'Z' => glog(text, frame)
            .or_else(|| time::leading(text, frame).map(plain))
            .or_else(|| behind_words(text, frame)),
        b'[' | b'(' | b'<' => bracketed(text, 0, frame).or_else(|| behind_words(text, frame)),
        b'=' => report(text, frame),
        _ => None,
    }
}

/// A time in brackets that open at `start`, perhaps with a level beside it.
fn bracketed(text: &str, start: usize, frame: TimeFrame) -> Option<Lead> {
    let close = match text.as_bytes().get(start)? {
        b'[' => ']',
        b'(' => ')',
        b'<' => '>',
        _ => return None,
    };
    let mut at = start + 1;
    let mut found = None;
    let inside = &text[at..];
    // Tornado and Jupyter put a letter in front.
    if inside.as_bytes().get(1) == Some(&b' ') {
        found = level::letter(inside.as_bytes()[0]);
        at += if found.is_some() { 2 } else { 0 };
    }
    let (moment, length) = time::leading(&text[at..], frame)?;
    let end = at + length;
    let rest = &text[end..];
    let near = &rest[..rest.floor_char_boundary(MAX_GROUP)];
    let Some(closes) = near.find(close) else {
        let lead = Lead { moment, end, level: found, words: (0, 0), style: Style::Plain };
        return Some(lead);
    };
    let beside = &rest[..closes];
    for word in beside.split([' ', '/', ',', '|']).filter(|word| !word.is_empty()) {
        found = found.or_else(|| level::stated(word).map(|stated| stated.level));
    }
    let words = if beside.is_empty() { (0, 0) } else { (end, end + closes) };
    Some(Lead { moment, end: end + closes + 1, level: found, words, style: Style::Plain })
}

/// `E1121 05:29:51.123456 4711 cart.cc:7] text`
fn glog(text: &str, frame: TimeFrame) -> Option<Lead> {
    let bytes = text.as_bytes();
    if !(bytes.get(1..5)?.iter().all(u8::is_ascii_digit) && bytes.get(5) == Some(&b' ')) {
        return None;
    }
    let found = level::letter(bytes[0])?;
    let dated = format!("{}-{}", text.get(1..3)?, text.get(3..text.floor_char_boundary(40))?);
    let (moment, length) = time::leading(&dated, frame)?;
    let end = length;
    let rest = text.get(end..)?;
    let near = &rest[..rest.floor_char_boundary(MAX_GROUP)];
    let closes = near.find("] ").map_or(0, |at| at + 1);
    let words = (end, end + closes.saturating_sub(1));
    Some(Lead { moment, end: end + closes, level: Some(found), words, style: Style::Glog })
}

/// `=ERROR REPORT==== 21-Nov-2026::05:29:51.123456 ===`
fn report(text: &str, frame: TimeFrame) -> Option<Lead> {
    let (name, rest) = text[1..].split_once(" REPORT==== ")?;
    let (moment, length) = time::leading(rest, frame)?;
    let behind = &rest[length..];
    let end = text.len() - behind.strip_prefix(" ===").unwrap_or(behind).len();
    Some(Lead { moment, end, level: level::word(name), words: (0, 0), style: Style::Plain })
}

/// A time behind a level, a thread, a process.
fn behind_words(text: &str, frame: TimeFrame) -> Option<Lead> {
    let mut at = 0;
    let mut found: Option<Level> = None;
    let (mut words, mut style) = ((0, 0), Style::Plain);
    for index in 0..4 {
        let rest = &text[at..];
        if index > 0 {
            let lead = time::leading(rest, frame)
                .map(|(moment, length)| Lead {
                    moment,
                    end: at + length,
                    level: None,
                    words: (0, 0),
                    style,
                })
                .or_else(|| bracketed(text, at, frame));
            if let Some(lead) = lead {
                // A process number in Ruby's brackets is no word of the head.
                let words = if words.1 > 0 { words } else { lead.words };
                return Some(Lead { level: found.or(lead.level), words, style, ..lead });
            }
        }
        let bytes = rest.as_bytes();
        let length = if bytes.get(1) == Some(&b',') && bytes.get(2) == Some(&b' ') {
            found = Some(level::letter(bytes[0])?);
            style = Style::Ruby;
            2
        } else if let Some(stated) = level::stated(rest).filter(|stated| stated.length > 0) {
            found = found.or(Some(stated.level));
            stated.length
        } else {
            let length = group(rest).or_else(|| process(rest))?;
            if rest[..length].contains(':') && bytes[0].is_ascii_digit() {
                style = Style::Redis;
            }
            words = (if words.1 == 0 { at } else { words.0 }, at + length);
            length
        };
        at += length;
        at += separators(&text[at..]);
    }
    None
}

/// `4711`, `1234:M`
fn process(text: &str) -> Option<usize> {
    let end = text.bytes().take(MAX_GROUP).take_while(|b| *b != b' ').count();
    let token = text.get(..end)?;
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    let role = &token[digits..];
    (digits > 0
        && (role.is_empty()
            || (role.starts_with(':')
                && role[1..].bytes().all(|b| b.is_ascii_alphabetic() || b == b'-'))))
    .then_some(end)
}

/// The length of a group in brackets that a head may have; not one with an error code, which the message keeps.
fn group(text: &str) -> Option<usize> {
    let close = match text.as_bytes().first()? {
        b'[' => b']',
        b'(' => b')',
        b'{' => b'}',
        b'<' => b'>',
        _ => return None,
    };
    let end = text.bytes().take(MAX_GROUP).position(|b| b == close)?;
    (!is_code(&text[1..end])).then_some(end + 1)
}

/// `AREA-TOPIC-NNN`
fn is_code(text: &str) -> bool {
    let mut parts = text.split('-');
    let upper = |part: Option<&str>| {
        part.is_some_and(|part| part.len() > 1 && part.bytes().all(|b| b.is_ascii_uppercase()))
    };
    upper(parts.next())
        && upper(parts.next())
        && parts
            .next()
            .is_some_and(|part| part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()))
}

/// The length of blanks, bars, dashes and colons between the words of a head.
fn separators(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        let ends = |length: usize| matches!(bytes.get(at + length), None | Some(b' ' | b'\t'));
        match bytes.get(at) {
            Some(b' ' | b'\t' | b'|') => at += 1,
            Some(b'-' | b':') if ends(1) => at += 1,
            Some(b'-')
                if bytes.get(at + 1) == Some(&b'-')
                    && (ends(2) || (bytes.get(at + 2) == Some(&b'-') && ends(3))) =>
            {
                at += 2;
            }
            _ => return at,
        }
    }
}

/// What the text behind the time says at its head.
#[derive(Debug, Default)]
pub(super) struct Behind<'a> {
    pub(super) level: Option<Level>,
    /// Where the message begins.
    pub(super) message: usize,
    /// The words between time and level that are no part of the message.
    pub(super) words: &'a str,
    /// Who speaks.
    pub(super) source: Option<&'a str>,
}

/// Reads on behind the time, or at the start of a text without one.
pub(super) fn behind<'a>(text: &'a str, lead: Option<&Lead>) -> Behind<'a> {
    let line = &text[..text.find('\n').unwrap_or(text.len())];
    let style = lead.map_or(Style::Plain, |lead| lead.style);
    let blanks = line.len() - line.trim_start().len();
    let start = if style == Style::Redis { blanks } else { separators(line) };
    let mut found = Behind { message: start, ..Behind::default() };
    if style == Style::Glog {
        return found;
    }
    let first = &line[start..];
    if style == Style::Redis && first.as_bytes().get(1) == Some(&b' ') {
        found.level = level::mark(first.as_bytes()[0]);
        found.message += if found.level.is_some() { 2 } else { 0 };
        return found;
    }
    if lead.is_some()
        && let Some((name, _)) = first.split_once("| ")
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric())
        && level::word(name).is_none()
    {
        found.source = Some(name);
        found.message += name.len() + 2;
        let after = behind(&text[found.message..], None);
        return Behind { level: after.level, message: found.message + after.message, ..found };
    }
    let mut at = start;
    let mut numbers = 0;
    for _ in 0..MAX_WORDS {
        let rest = &line[at..];
        if let Some(stated) = level_here(rest, numbers) {
            found.level = Some(stated.level);
            if stated.length > 0 {
                found.words = line[start..at].trim_end();
                found.message = after_level(line, at + stated.length, style, &mut found.source);
            }
            return found;
        }
        let Some(length) = group(rest).or_else(|| word(rest)) else { break };
        numbers += usize::from(rest[..length].bytes().all(|b| b.is_ascii_digit()));
        at += length;
        at += separators(&line[at..]);
    }
    found
}

/// A level here; behind numbers of processes also a letter.
fn level_here(text: &str, numbers: usize) -> Option<Stated> {
    let bytes = text.as_bytes();
    if numbers > 0 && bytes.get(1) == Some(&b' ') {
        return level::letter(bytes[0]).map(|level| Stated { level, length: 1 });
    }
    level::stated(text)
}

/// Where the message begins behind the level; a logger that is joined to it is the source.
fn after_level<'a>(line: &'a str, end: usize, style: Style, source: &mut Option<&'a str>) -> usize {
    let rest = &line[end..];
    let named = |text: &'a str| {
        let (name, _) = text.split_once(':')?;
        let fits = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:/".contains(&b));
        fits.then_some(name)
    };
    // Python's `ERROR:shop.cart:text`.
    if line[..end].ends_with(':')
        && let Some(name) = named(rest)
    {
        *source = Some(name);
        return end + name.len() + 1 + separators(&rest[name.len() + 1..]);
    }
    let at = end + separators(rest);
    let at = at + process_behind(&line[at..]);
    let rest = &line[at..];
    if style == Style::Ruby
        && let Some(name) = named(rest)
    {
        *source = Some(name);
        return at + name.len() + 1 + separators(&rest[name.len() + 1..]);
    }
    at
}

/// `(77): `, the number of a process behind a level.
fn process_behind(text: &str) -> usize {
    let Some(length) = group(text) else { return 0 };
    let digits = text[1..length - 1].bytes().all(|b| b.is_ascii_digit());
    let after = &text[length..];
    if digits && after.starts_with(": ") { length + separators(after) } else { 0 }
}

/// The length of a word that a head may have: a number, a name in parts, one that a colon, a bar or a dash ends, a pair.
fn word(text: &str) -> Option<usize> {
    let end =
        text.bytes().take(MAX_GROUP).take_while(|b| !matches!(b, b' ' | b'\t' | b'|')).count();
    let token = text.get(..end)?;
    if token.is_empty()
        || token.starts_with(['[', '(', '<', '{'])
        || token.len() == MAX_GROUP
        || token.contains(['"', '\''])
    {
        return None;
    }
    let rest = text[end..].trim_start();
    let parted =
        token.contains(['.', '@', '=', '[']) || token.contains("::") || token.ends_with(':');
    let is_number = token.bytes().all(|b| b.is_ascii_digit());
    let ended = rest.starts_with("- ") || rest.starts_with('|') || rest.starts_with('[');
    (parted || is_number || ended).then_some(end)
}

/// The level that a word of the head's sentence states, if none is at its head.
pub(super) fn in_sentence(message: &str) -> Option<Level> {
    level::in_sentence(message.lines().next().unwrap_or_default())
}
