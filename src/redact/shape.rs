//! Texts that look like secrets by themselves.

use super::bytes::{Hit, before_style, is_random, run};
use super::field;
use std::ops::Range;

/// Bytes of a token.
type Alphabet = fn(u8) -> bool;

const ALNUM: Alphabet = |b| b.is_ascii_alphanumeric();
const UPPER: Alphabet = |b| b.is_ascii_uppercase() || b.is_ascii_digit();
const WORD: Alphabet = |b| b.is_ascii_alphanumeric() || b == b'_';
const DASHED: Alphabet = |b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
const BASE64: Alphabet = |b| b.is_ascii_alphanumeric() || b"+/._~-".contains(&b);

/// How tokens begin, how many more bytes they have at least, and of which kind. Sources: the issuers' pages on secret
/// scanning. The longer prefix comes first.
const TOKENS: &[(&str, usize, Alphabet)] = &[
    ("ghp_", 16, WORD),
    ("gho_", 16, WORD),
    ("ghs_", 16, WORD),
    ("ghu_", 16, WORD),
    ("ghr_", 16, WORD),
    ("github_pat_", 22, WORD),
    ("glpat-", 16, DASHED),
    ("sk-ant-", 16, DASHED),
    ("sk_live_", 16, ALNUM),
    ("sk_test_", 16, ALNUM),
    ("rk_live_", 16, ALNUM),
    ("npm_", 30, ALNUM),
    ("AKIA", 16, UPPER),
    ("ASIA", 16, UPPER),
    ("AIza", 35, DASHED),
    ("xoxa-", 10, DASHED),
    ("xoxb-", 10, DASHED),
    ("xoxp-", 10, DASHED),
    ("xoxr-", 10, DASHED),
    ("xoxs-", 10, DASHED),
    // Ours: the login cookie's value, and the one-time link behind its path.
    ("lamplighter=", 40, DASHED),
    ("/setup/", 40, DASHED),
];

/// The first secret at or after `from`.
pub(super) fn next(line: &str, from: usize) -> Option<Hit<'_>> {
    let bytes = line.as_bytes();
    (from..bytes.len()).find_map(|i| match bytes[i] {
        b':' if bytes[i..].starts_with(b"://") => userinfo(bytes, i + 3).map(Hit::plain),
        b':' | b'=' => field::value(line, i),
        b'-' if bytes[i..].starts_with(b"-----BEGIN ") => key(line, i),
        b'-' if bytes[i..].starts_with(b"--") => field::flag(line, i),
        b'e' if begins(bytes, i, b"eyJ") => jwt(bytes, i).map(Hit::plain),
        b'b' | b'B' if is_word_start(bytes, i) => scheme(bytes, i).map(Hit::plain),
        b'g' | b's' | b'r' | b'n' | b'A' | b'x' | b'l' if is_word_start(bytes, i) => {
            token(bytes, i).map(Hit::plain)
        }
        b'/' => token(bytes, i).map(Hit::plain),
        _ => None,
    })
}

fn is_word_start(bytes: &[u8], at: usize) -> bool {
    let at = before_style(bytes, at);
    at == 0 || !WORD(bytes[at - 1]) || is_escape(bytes, at)
}

/// Whether the letter before `at` is the `n` of a line break inside a JSON string.
fn is_escape(bytes: &[u8], at: usize) -> bool {
    at >= 2 && bytes[at - 2] == b'\\' && b"nrt".contains(&bytes[at - 1])
}

fn begins(bytes: &[u8], at: usize, with: &[u8]) -> bool {
    bytes[at..].starts_with(with) && is_word_start(bytes, at)
}

fn token(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = &bytes[at..];
    let known = TOKENS.iter().find(|(prefix, ..)| rest.starts_with(prefix.as_bytes()));
    if let Some((prefix, least, alphabet)) = known {
        let start = at + prefix.len();
        let end = run(bytes, start, alphabet);
        // A name that is ours stays: only what is behind it is secret.
        let keep = prefix.ends_with(['=', '/']);
        return (end - start >= *least).then_some(if keep { start } else { at }..end);
    }
    // `sk-` begins words too: what follows must hold a long run that is no word.
    if rest.starts_with(b"sk-") {
        let end = run(bytes, at, DASHED);
        let random = bytes[at + 3..end].split(|b| *b == b'-').any(|part| {
            part.len() >= 16
                && part.iter().any(u8::is_ascii_digit)
                && part.iter().any(u8::is_ascii_alphabetic)
        });
        return random.then_some(at..end);
    }
    None
}

/// A signed token (RFC 7519): three parts of base64url, the first a JSON object.
fn jwt(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let header = run(bytes, at, DASHED);
    let dot = |at: usize| bytes.get(at) == Some(&b'.');
    if header - at < 10 || !dot(header) {
        return None;
    }
    let mut end = run(bytes, header + 1, DASHED);
    if end - header < 9 {
        return None;
    }
    // The signature; an encrypted token has two parts more.
    while dot(end) {
        end = run(bytes, end + 1, DASHED);
    }
    Some(at..end)
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
    let at = start + bytes[start..end].iter().rposition(|b| *b == b'@')?;
    let user = &bytes[start..at];
    let secret = match user.iter().position(|b| *b == b':') {
        Some(colon) => !field::is_harmless(&user[colon + 1..]),
        None => user.len() >= 20 && is_random(user),
    };
    secret.then_some(start..at)
}

const KEY_END: &str = "-----END ";

/// A private key in PEM (RFC 7468): to its end, or to the end of the string or line it is in.
fn key(line: &str, at: usize) -> Option<Hit<'_>> {
    let label = line[at + 11..].split("-----").next()?;
    if !label.contains("PRIVATE KEY") || label.len() > 40 {
        return None;
    }
    let body = at + 11 + label.len();
    if let Some(end) = key_end(line, body) {
        return Some(Hit::plain(at..end));
    }
    let end =
        line[body..].find('"').map_or(line.trim_end_matches(['\r', '\n']).len(), |n| body + n);
    let opens_key = !line[body..].contains('"');
    Some(Hit { at: at..end.max(body), quote: "", opens_key })
}

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
