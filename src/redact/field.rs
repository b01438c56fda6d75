//! Values of fields whose name says that they are secret: `password=x`, `"token": "x"`, `X-Api-Key: x`, `--secret x`.

use super::bytes::{Hit, before_style, behind_style, is_random, is_telling, run, window};
use super::names::{is_harmless, is_secret_name, is_weak_name};
use std::ops::Range;

/// The name before a `=` or `:`.
struct Name<'a> {
    text: &'a [u8],
    /// The quote behind it, with its backslashes; empty if it stands bare.
    quote: &'a str,
    /// The last byte before it that is no space; `None` at the start of the line.
    before: Option<u8>,
}

/// The secret value behind the `=` or `:` at `at` of a line whose text ends at `text_end`.
pub(super) fn value(line: &str, text_end: usize, at: usize) -> Option<Hit<'_>> {
    let bytes = line.as_bytes();
    let next = bytes.get(at + 1).copied().unwrap_or(b' ');
    let mut end = at;
    let mut start = at + 1;
    if bytes[at] == b'=' {
        match at.checked_sub(1).map(|before| bytes[before]) {
            Some(b':') => end -= 1,
            Some(b'=' | b'!' | b'<' | b'>' | b'+' | b'~') => return None,
            Some(_) | None => {}
        }
        match next {
            b'=' | b'~' => return None,
            b'>' => start += 1,
            _ => {}
        }
    } else if next == b':' || next == b'=' || (at > 0 && bytes[at - 1] == b':') {
        return None;
    }
    let name = name_before(line, end)?;
    let header = Header::of(name.text);
    let is_weak = header == Header::None && !is_secret_name(name.text);
    // Programs for tests write `PASS: name_of_a_test2`.
    let is_verdict = bytes[at] == b':' && name.text.iter().all(u8::is_ascii_uppercase);
    if is_weak && (is_verdict || !is_weak_name(name.text)) {
        return None;
    }
    let start = behind_style(bytes, start);
    let after = run(bytes, start, |b| b == b' ' || b == b'\t');
    let spaced = after > start;
    let field = Field { line, end: text_end, name, colon: bytes[at] == b':', spaced };
    match header {
        Header::None if is_weak => field.telling(after),
        Header::None => field.secret(after),
        Header::Authorization => field.credentials(after).map(Hit::plain),
        Header::Cookie => field.cookies(after).map(Hit::plain),
    }
}

/// The secret behind a flag such as `--password x` or `"--password", "x"`; the form with `=` is a plain field.
pub(super) fn flag(line: &str, at: usize) -> Option<Hit<'_>> {
    let bytes = line.as_bytes();
    if at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'-') {
        return None;
    }
    let near = window(bytes, at);
    let end = run(near, at + 2, |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !is_secret_name(&bytes[at + 2..end]) {
        return None;
    }
    let start = run(near, end, |b| b"\"', \\".contains(&b));
    if start == end || bytes.get(start).is_none_or(|b| *b == b'-') {
        return None;
    }
    let value = |bytes| run(bytes, start, |b| !b.is_ascii_whitespace() && !b"\"'\\".contains(&b));
    let begin = &bytes[start..value(window(bytes, start))];
    (!is_harmless(begin)).then(|| Hit::plain(start..value(bytes)))
}

fn name_before(line: &str, end: usize) -> Option<Name<'_>> {
    let bytes = line.as_bytes();
    let back = |from: usize, of: &dyn Fn(u8) -> bool| {
        bytes[..from].iter().rposition(|b| !of(*b)).map_or(0, |last| last + 1)
    };
    let end = before_style(bytes, back(end, &|b| b == b' '));
    let mut name_end = end;
    if end > 0 && (bytes[end - 1] == b'"' || bytes[end - 1] == b'\'') {
        name_end = back(end - 1, &|b| b == b'\\');
    }
    let start = back(name_end, &|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    let text = &bytes[start..name_end];
    if text.is_empty() {
        return None;
    }
    let gap = back(before_style(bytes, start), &|b| b == b' ' || b == b'\t');
    Some(Name { text, quote: &line[name_end..end], before: gap.checked_sub(1).map(|i| bytes[i]) })
}

/// Headers whose value has a form of its own.
#[derive(PartialEq, Eq)]
enum Header {
    None,
    Authorization,
    Cookie,
}

impl Header {
    fn of(name: &[u8]) -> Self {
        let ends = |word: &[u8]| {
            name.len() >= word.len() && name[name.len() - word.len()..].eq_ignore_ascii_case(word)
        };
        if ends(b"authorization") {
            Self::Authorization
        } else if ends(b"cookie") {
            Self::Cookie
        } else {
            Self::None
        }
    }
}

/// A field whose value is looked at.
struct Field<'a> {
    line: &'a str,
    /// Where the white space at the end of the line begins.
    end: usize,
    name: Name<'a>,
    /// It is `name: value`, not `name=value`.
    colon: bool,
    /// There is a space before the value.
    spaced: bool,
}

impl<'a> Field<'a> {
    fn bytes(&self) -> &'a [u8] {
        self.line.as_bytes()
    }

    /// The value that begins at `start`, if it gives something away.
    fn secret(&self, start: usize) -> Option<Hit<'a>> {
        let bytes = self.bytes();
        let start = if bytes[start..].starts_with(b"Some(") { start + 5 } else { start };
        let near = window(bytes, start);
        if let Some(begin) = quoted(near, start) {
            let begin = &bytes[begin];
            let sure = !self.is_prose() || is_telling(begin);
            let whole = || quoted(bytes, start).map(Hit::plain);
            return if sure && !is_harmless(begin) { whole() } else { None };
        }
        let end = bare_end(near, start);
        let value = &bytes[start..end];
        let nested = !self.name.quote.is_empty() && value.starts_with(b"[");
        if is_harmless(value) || nested || self.is_code(value) {
            return None;
        }
        if value[0] == b'/' && self.name.text.to_ascii_lowercase().ends_with(b"wd") {
            return None;
        }
        let words = self.colon && self.spaced && goes_on_in_words(bytes, end);
        let sure = !words && !self.is_prose();
        if !sure && !is_telling(value) {
            return None;
        }
        // `"token": 7` stays JSON.
        Some(Hit { quote: self.name.quote, ..Hit::plain(start..bare_end(bytes, start)) })
    }

    /// The value that begins at `start`, if it is no word and no code.
    fn telling(&self, start: usize) -> Option<Hit<'a>> {
        let bytes = self.bytes();
        let near = window(bytes, start);
        let inside = quoted(near, start);
        let begin = &near[inside.clone().unwrap_or_else(|| start..bare_end(near, start))];
        let is_code = begin.iter().any(|b| b"([{<".contains(b));
        if is_code || is_harmless(begin) || !is_telling(begin) {
            return None;
        }
        if inside.is_some() {
            return quoted(bytes, start).map(Hit::plain);
        }
        let end = bare_end(bytes, start);
        // A session's number in a path ends where the query begins.
        let query = bytes[start..end].iter().position(|b| *b == b'?');
        Some(Hit::plain(start..query.map_or(end, |query| start + query)))
    }

    /// Whether the name is the last word of a sentence, as in `invalid token: expected three parts`.
    fn is_prose(&self) -> bool {
        let word = |b: u8| b.is_ascii_alphanumeric() || b")=:.".contains(&b);
        let plain = !self.name.text.iter().any(|b| *b == b'_' || *b == b'-');
        self.colon
            && self.name.quote.is_empty()
            && plain
            && (self.name.before.is_some_and(word) || self.name.text.contains(&b'.'))
    }

    /// Whether this is a line of a program, as traces show them: `token = lexer.next()`.
    fn is_code(&self, value: &[u8]) -> bool {
        let path = run(value, 0, |b| b.is_ascii_alphanumeric() || b"_.:&".contains(&b));
        let opens = value.get(path).is_some_and(|b| *b == b'(' || *b == b'[');
        self.spaced && path > 0 && opens && self.name.quote.is_empty()
    }

    /// What follows the scheme of an `Authorization` header.
    fn credentials(&self, start: usize) -> Option<Range<usize>> {
        let bytes = self.bytes();
        let near = window(bytes, start);
        let inside = quoted(near, start);
        let start = inside.as_ref().map_or(start, |inside| inside.start);
        let limit = match inside {
            Some(inside) if inside.end < near.len() => inside.end,
            Some(_) | None => self.end,
        };
        let near = &near[..near.len().min(limit).max(start)];
        let word = run(near, start, |b| b.is_ascii_alphanumeric() || b == b'-');
        let name = bytes[start..word].to_ascii_lowercase();
        match name.as_slice() {
            b"bearer" | b"basic" | b"token" | b"apikey" if near.get(word) == Some(&b' ') => {
                let end = |bytes: &[u8]| {
                    run(bytes, word + 1, |b| !b.is_ascii_whitespace() && !b",;\"'\\".contains(&b))
                };
                let value = &bytes[word + 1..end(near)];
                let is_secret = !is_harmless(value) && value.len() > 3;
                is_secret.then(|| word + 1..end(&bytes[..limit]))
            }
            // Their credentials are lists.
            b"digest" | b"negotiate" | b"aws4-hmac-sha256" if word < limit => Some(word..limit),
            _ => {
                let begin = start..bare_end(near, start);
                is_random(&bytes[begin]).then(|| start..bare_end(&bytes[..limit], start))
            }
        }
    }

    /// Everything behind `Cookie:`.
    fn cookies(&self, start: usize) -> Option<Range<usize>> {
        let inside = |bytes| {
            quoted(bytes, start).unwrap_or_else(|| {
                let quote = run(bytes, start, |b| b != b'"' && b != b'\\');
                start..quote.min(self.end.max(start))
            })
        };
        let bytes = self.bytes();
        let is_list = || bytes[inside(window(bytes, start))].contains(&b'=');
        (self.colon && is_list()).then(|| inside(bytes))
    }
}

/// Whether a plain word follows, as in `password: must be longer`.
fn goes_on_in_words(bytes: &[u8], from: usize) -> bool {
    let bytes = window(bytes, from);
    let start = run(bytes, from, |b| b == b' ');
    let end = run(bytes, start, |b| !b.is_ascii_whitespace());
    let word = &bytes[start..end];
    start > from
        && word.first().is_some_and(u8::is_ascii_alphanumeric)
        && !word.contains(&b'=')
        && !word.ends_with(b":")
}

/// The inside of the quoted text at `start`, up to its closing quote or the end of the line.
fn quoted(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let start = if bytes.get(start) == Some(&b'b') {
        run(bytes, start, |b| b == b'b').min(start + 1)
    } else {
        start
    };
    let open = run(bytes, start, |b| b == b'\\');
    let quote = *bytes.get(open).filter(|b| **b == b'"' || **b == b'\'')?;
    // Each level of JSON in JSON doubles the backslashes before a quote and adds one.
    let depth = open - start;
    let first = open + 1;
    let mut slashes = 0;
    for (i, byte) in bytes.iter().enumerate().skip(first) {
        match *byte {
            b'\\' => slashes += 1,
            byte if byte == quote => {
                if slashes % (2 * depth + 2) == depth || slashes < depth {
                    return Some(first..i - slashes.min(depth));
                }
                slashes = 0;
            }
            b'\n' => return Some(first..i),
            _ => slashes = 0,
        }
    }
    Some(first..bytes.len())
}

/// The end of the value that stands bare at `start`: white space, a quote, or punctuation that ends a field.
fn bare_end(bytes: &[u8], start: usize) -> usize {
    let mut end = start;
    while end < bytes.len() {
        let after = &bytes[end + 1..];
        let stops = match bytes[end] {
            b'"' | 0x1b => true,
            b if b.is_ascii_whitespace() => true,
            b'\'' | b')' | b']' | b'}' => {
                after.first().is_none_or(|b| b.is_ascii_whitespace() || b",;&)]}\"'.".contains(b))
            }
            b',' | b';' | b'&' => ends_field(after),
            _ => false,
        };
        if stops {
            break;
        }
        end += 1;
    }
    // The backslash before a quote belongs to the quote.
    while end > start && end < bytes.len() && bytes[end] == b'"' && bytes[end - 1] == b'\\' {
        end -= 1;
    }
    end
}

/// Whether what follows a comma is the end, or another field.
fn ends_field(after: &[u8]) -> bool {
    let name = window(after, 0)
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || b"_-.\"' ".contains(b)));
    after.first().is_none_or(u8::is_ascii_whitespace)
        || after[0] == b'"'
        || name.is_some_and(|end| end > 0 && (after[end] == b'=' || after[end] == b':'))
}
