//! Texts that look like secrets by themselves.

use super::bytes::{Hit, Places, is_random, is_telling, is_word, is_word_start, run, window};
use super::chance::Chance;
use super::format::{Formats, formats};
use super::names::is_harmless;
use super::{field, pair};
use std::ops::Range;

/// Bytes of a token.
type Alphabet = fn(u8) -> bool;

const DASHED: Alphabet = |b| is_word(b) || b == b'-';
const BASE64: Alphabet = |b| b.is_ascii_alphanumeric() || b"+/._~-".contains(&b);

/// The search through one line, from left to right. What it has read in vain it does not read again, so that its time
/// grows with the line's length, whatever stands in it.
pub(super) struct Search<'a> {
    line: &'a str,
    /// Where the white space at the end of the line begins.
    end: usize,
    /// Up to where no signed token can begin, and no token of the form `sk-`: a look at the same run found none.
    no_jwt: usize,
    no_sk: usize,
    formats: &'static Formats,
    by_chance: Chance,
    /// Marks of a PEM key, and quotes.
    key_ends: Places,
    dashes: Places,
    /// The dashes behind the mark of a key's end.
    closing: Places,
    quotes: Places,
}

impl<'a> Search<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self {
            line,
            end: line.trim_end().len(),
            no_jwt: 0,
            no_sk: 0,
            formats: formats(),
            by_chance: Chance::default(),
            key_ends: Places::of(KEY_END),
            dashes: Places::of("-----"),
            closing: Places::of("-----"),
            quotes: Places::of("\""),
        }
    }

    /// The first secret at or after `from`.
    pub(super) fn next(&mut self, from: usize) -> Option<Hit<'a>> {
        (from..self.line.len()).find_map(|at| self.at(from, at))
    }

    fn at(&mut self, from: usize, i: usize) -> Option<Hit<'a>> {
        let (line, bytes) = (self.line, self.line.as_bytes());
        let known = match bytes[i] {
            b':' if bytes[i..].starts_with(b"://") => userinfo(bytes, i + 3).map(Hit::plain),
            b':' | b'=' => {
                field::value(line, self.end, i).or_else(|| pair::beside(bytes, i).map(Hit::plain))
            }
            b',' => pair::listed(bytes, i).map(Hit::plain),
            b'>' => pair::element(bytes, i).map(Hit::plain),
            b'-' if bytes[i..].starts_with(b"-----BEGIN ") => self.key(i),
            b'-' if bytes[i..].starts_with(b"--") => field::flag(line, i),
            b'e' if i >= self.no_jwt && begins(bytes, i, b"eyJ") => self.jwt(i),
            b'b' | b'B' if is_word_start(bytes, i) => scheme(bytes, i).map(Hit::plain),
            b's' if i >= self.no_sk
                && begins(bytes, i, b"sk-")
                && !begins(bytes, i, b"sk-ant-") =>
            {
                self.sk(i)
            }
            _ => None,
        };
        known
            .or_else(|| self.formats.find(line, from, i).map(Hit::plain))
            .or_else(|| self.by_chance.find(bytes, i).map(Hit::plain))
    }

    /// `sk-` begins words too: what follows must hold a long run that is no word.
    fn sk(&mut self, at: usize) -> Option<Hit<'a>> {
        let bytes = self.line.as_bytes();
        let end = run(bytes, at, DASHED);
        let random = bytes[at + 3..end].split(|b| *b == b'-').any(|part| {
            part.len() >= 16
                && part.iter().any(u8::is_ascii_digit)
                && part.iter().any(u8::is_ascii_alphabetic)
        });
        if !random {
            self.no_sk = end;
        }
        random.then(|| Hit::plain(at..end))
    }

    /// A signed token (RFC 7519): three parts of base64url, the first a JSON object.
    fn jwt(&mut self, at: usize) -> Option<Hit<'a>> {
        let bytes = self.line.as_bytes();
        let header = run(bytes, at, DASHED);
        let dot = |at: usize| bytes.get(at) == Some(&b'.');
        let payload = if dot(header) { run(bytes, header + 1, DASHED) } else { header };
        if header - at < 10 || payload - header < 9 {
            // What begins later in the same run is shorter and ends alike.
            self.no_jwt = header;
            return None;
        }
        let mut end = payload;
        // The signature; an encrypted token has two parts more.
        while dot(end) {
            end = run(bytes, end + 1, DASHED);
        }
        Some(Hit::plain(at..end))
    }

    /// A private key in PEM (RFC 7468): to its end, or to the end of the string or line it is in.
    fn key(&mut self, at: usize) -> Option<Hit<'a>> {
        let line = self.line;
        let label = at + 11;
        let body = self.dashes.after(line, label).unwrap_or(line.len());
        let is_private = body - label <= 40 && line[label..body].contains("PRIVATE KEY");
        if !is_private {
            return None;
        }
        if let Some(end) = self.key_ends.after(line, body)
            && let Some(closing) = self.closing.after(line, end + KEY_END.len())
        {
            return Some(Hit::plain(at..closing + 5));
        }
        let quote = self.quotes.after(line, body);
        let end = quote.unwrap_or(line.trim_end_matches(['\r', '\n']).len());
        Some(Hit { at: at..end.max(body), quote: "", opens_key: quote.is_none() })
    }
}

fn begins(bytes: &[u8], at: usize, with: &[u8]) -> bool {
    bytes[at..].starts_with(with) && is_word_start(bytes, at)
}

/// The credentials behind `Bearer ` or `Basic ` (RFC 7235).
fn scheme(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = &bytes[at..];
    let is = |name: &str| {
        rest.len() > name.len() && rest[..name.len()].eq_ignore_ascii_case(name.as_bytes())
    };
    let start = at + ["bearer ", "basic "].iter().find(|name| is(name))?.len();
    let word = run(bytes, start, BASE64);
    let end = run(bytes, word, |b| b == b'=');
    if end > word && bytes.get(end).is_some_and(|b| BASE64(*b)) {
        // `bearer name=value`.
        return None;
    }
    is_random(&bytes[start..end]).then_some(start..end)
}

/// User and password in a URL, up to the `@`. A user alone stays unless it is a token.
fn userinfo(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let end = run(bytes, start, |b| !b.is_ascii_whitespace() && !b"/?#\"'<>`\\()".contains(&b));
    let colon = || bytes[start..end].iter().position(|b| *b == b':');
    let Some(at) = bytes[start..end].iter().rposition(|b| *b == b'@') else {
        return slashed(bytes, start, start + colon()? + 1);
    };
    let user = &bytes[start..start + at];
    let secret = match colon().filter(|colon| *colon < at) {
        Some(colon) => !is_harmless(&user[colon + 1..]),
        None => user.len() >= 20 && is_random(user),
    };
    secret.then_some(start..start + at)
}

/// The same of a password with a slash, which begins at `password`: no port, and no word.
fn slashed(bytes: &[u8], start: usize, password: usize) -> Option<Range<usize>> {
    let near = window(bytes, start);
    let end = run(near, password, |b| !b.is_ascii_whitespace() && !b"?#\"'<>`\\()".contains(&b));
    let at = password + near[password..end].iter().position(|b| *b == b'@')?;
    let secret = &near[password..at];
    let first = secret.split(|b| *b == b'/').next().unwrap_or_default();
    let is_port = first.iter().all(u8::is_ascii_digit) || first.starts_with(b"{");
    (!is_port && is_telling(secret)).then_some(start..at)
}

const KEY_END: &str = "-----END ";

/// The end of the END line that comes after `from`.
fn key_end(line: &str, from: usize) -> Option<usize> {
    let label = from + line[from..].find(KEY_END)? + KEY_END.len();
    Some(label + line[label..].find("-----")? + 5)
}

/// How much of a line belongs to a key that began before it.
pub(super) struct Inside {
    /// Its bytes, from the start of the line.
    pub(super) end: usize,
    /// Whether the next line may belong to it too.
    pub(super) goes_on: bool,
}

/// Looks whether a line goes on with a PEM key: base64, one of its headers, or its end.
pub(super) fn inside_key(line: &str) -> Inside {
    if let Some(end) = key_end(line, 0) {
        return Inside { end, goes_on: false };
    }
    let text = line.trim();
    let header = text.starts_with("Proc-Type:") || text.starts_with("DEK-Info:");
    let goes_on = header || text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    Inside { end: if goes_on { line.len() } else { 0 }, goes_on }
}
