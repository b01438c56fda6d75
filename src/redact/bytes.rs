//! What the search for secrets knows of a line's bytes: a hit, runs of bytes, colour codes, words that look random.

use std::cell::Cell;
use std::ops::Range;

/// How far a search looks, in bytes, before it has found a secret. Without it a text in which a secret seems to begin at
/// each place would be read to its end from each of them. Of a secret that is found, the whole is taken.
pub(super) const WINDOW: usize = 512;

/// One secret in a line.
pub(super) struct Hit<'a> {
    /// Which bytes are replaced.
    pub(super) at: Range<usize>,
    /// What stands on both sides of the replacement: quotes where a bare JSON value becomes a string.
    pub(super) quote: &'a str,
    /// Whether it is a PEM key that goes on in the next line.
    pub(super) opens_key: bool,
}

impl Hit<'_> {
    /// A plain replacement.
    pub(super) fn plain(at: Range<usize>) -> Self {
        Self { at, quote: "", opens_key: false }
    }
}

/// Where the terminal's colour codes begin that end at `end`; `end` if there are none.
pub(super) fn before_style(bytes: &[u8], mut end: usize) -> usize {
    while end > 0 && bytes[end - 1] == b'm' {
        let digits = bytes[..end - 1].iter().rposition(|b| !b.is_ascii_digit() && *b != b';');
        match digits {
            Some(at) if at > 0 && bytes[at] == b'[' && bytes[at - 1] == 0x1b => end = at - 1,
            Some(_) | None => break,
        }
    }
    end
}

/// Where the colour codes end that begin at `start`.
pub(super) fn behind_style(bytes: &[u8], mut start: usize) -> usize {
    while bytes[start..].starts_with(b"\x1b[") {
        let end = run(bytes, start + 2, |b| b.is_ascii_digit() || b == b';');
        if bytes.get(end) != Some(&b'm') {
            break;
        }
        start = end + 1;
    }
    start
}

/// Whether the byte is one of a word.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a word begins at `at`, if it is a byte of one.
pub(super) fn is_word_start(bytes: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| bytes[before]) else { return true };
    if !is_word(before) {
        return true;
    }
    // The end of a colour code, or the `n` of a line break inside a JSON string.
    match before {
        b'm' => {
            let start = before_style(bytes, at);
            start < at && (start == 0 || !is_word(bytes[start - 1]) || is_escape(bytes, start))
        }
        _ => is_escape(bytes, at),
    }
}

/// Whether the letter before `at` is the `n` of a line break inside a JSON string.
fn is_escape(bytes: &[u8], at: usize) -> bool {
    at >= 2 && bytes[at - 2] == b'\\' && b"nrt".contains(&bytes[at - 1])
}

/// The end of the run of such bytes that begins at `from`.
pub(super) fn run(bytes: &[u8], from: usize, of: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|b| !of(*b)).map_or(bytes.len(), |length| from + length)
}

/// The bytes up to the end of the window that begins at `from`.
pub(super) fn window(bytes: &[u8], from: usize) -> &[u8] {
    &bytes[..bytes.len().min(from.saturating_add(WINDOW))]
}

/// Where a line has a text. It goes through the line once, however often it is asked, if it is asked from left to right.
pub(super) struct Places {
    what: &'static str,
    /// From where it looked last, and what it found.
    found: Cell<Option<(usize, Option<usize>)>>,
}

impl Places {
    pub(super) const fn of(what: &'static str) -> Self {
        Self { what, found: Cell::new(None) }
    }

    /// The first place at or after `from`.
    pub(super) fn after(&self, line: &str, from: usize) -> Option<usize> {
        if let Some((asked, found)) = self.found.get()
            && asked <= from
            && found.is_none_or(|found| found >= from)
        {
            return found;
        }
        let found = line[from..].find(self.what).map(|at| from + at);
        self.found.set(Some((from, found)));
        found
    }
}

/// Whether this is no word of a language: digits among letters, padding, capitals inside, or sheer length.
pub(super) fn is_random(word: &[u8]) -> bool {
    let digits = word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic);
    let humps =
        word.windows(2).filter(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase()).count();
    word.len() >= 8 && (digits || humps >= 2 || word.ends_with(b"=") || word.len() >= 32)
}

/// Whether a value that may be a word is none: letters and digits mixed.
pub(super) fn is_telling(value: &[u8]) -> bool {
    value.len() >= 6
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
}
