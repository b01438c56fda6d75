//! What the search for secrets knows of a line's bytes: a hit, runs of bytes, colour codes, words that look random.

use std::ops::Range;

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
pub(super) fn before_style(bytes: &[u8], end: usize) -> usize {
    if end == 0 || bytes[end - 1] != b'm' {
        return end;
    }
    let digits = bytes[..end - 1].iter().rposition(|b| !b.is_ascii_digit() && *b != b';');
    match digits {
        Some(at) if at > 0 && bytes[at] == b'[' && bytes[at - 1] == 0x1b => {
            before_style(bytes, at - 1)
        }
        Some(_) | None => end,
    }
}

/// Where the colour codes end that begin at `start`.
pub(super) fn behind_style(bytes: &[u8], start: usize) -> usize {
    if !bytes[start..].starts_with(b"\x1b[") {
        return start;
    }
    let end = run(bytes, start + 2, |b| b.is_ascii_digit() || b == b';');
    if bytes.get(end) == Some(&b'm') { behind_style(bytes, end + 1) } else { start }
}

/// The end of the run of such bytes that begins at `from`.
pub(super) fn run(bytes: &[u8], from: usize, of: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|b| !of(*b)).map_or(bytes.len(), |length| from + length)
}

/// Whether this is no word of a language: digits among letters, padding, capitals inside, or sheer length.
pub(super) fn is_random(word: &[u8]) -> bool {
    let digits = word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic);
    let humps =
        word.windows(2).filter(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase()).count();
    word.len() >= 8 && (digits || humps >= 2 || word.ends_with(b"=") || word.len() >= 32)
}
