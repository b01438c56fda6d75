//! What the miner has masked otherwise than a message by itself.
//!
//! Numbers that say what happened stay; places without a value, names of units and paths that hold blanks are values.

use super::super::numbers::{BROKEN, Number, announced, asks, message_number};
use super::super::words::{UNITS, is_file, is_started};
use super::{Masker, ends_word, is_space, is_word};

/// Longest text in angle brackets that stands for no value, in bytes.
const MAX_PLACEHOLDER: usize = 24;
/// Most words that a path with blanks has behind its first.
const MAX_BLANKS: usize = 4;

impl Masker<'_> {
    /// Where `<none>`, `<unknown name>` ends: what a program writes where it has no value.
    pub(super) fn placeholder(&self, at: usize) -> Option<usize> {
        if !self.mined || self.bytes[at] != b'<' {
            return None;
        }
        let inside = self.bytes[at + 1..].iter().take(MAX_PLACEHOLDER);
        let fits = |b: &&u8| b.is_ascii_alphabetic() || matches!(b, b' ' | b'-' | b'_');
        let end = at + 1 + inside.take_while(fits).count();
        (end > at + 2 && self.bytes.get(end) == Some(&b'>')).then_some(end + 1)
    }

    /// Whether the equals sign of a key is here, and nothing behind it.
    pub(super) fn is_without_value(&self, at: usize) -> bool {
        let ends = |b: &u8| is_space(*b) || matches!(b, b',' | b';' | b')' | b']' | b'&');
        self.mined
            && self.bytes[at] == b'='
            && at > 0
            && is_word(self.bytes[at - 1])
            && self.bytes.get(at + 1).is_none_or(ends)
    }

    /// Writes a number that says what happened (an exit code, a status, `ORA-01653`) and answers where it ends.
    pub(super) fn number(&mut self, at: usize, core: &str) -> Option<usize> {
        if !self.mined {
            return None;
        }
        let end = at + core.len();
        if let Some(len) = message_number(core) {
            let after = self.bytes.get(at + len);
            let heads =
                self.out.is_empty() || ["[", "(", ": "].iter().any(|s| self.out.ends_with(s));
            if heads && after.is_none_or(|b| ends_word(*b) || *b == b':') {
                self.out.push_str(&core[..len]);
                return Some(at + len);
            }
        }
        // The number behind a path is an answer, and the next one is not.
        let path = self.spans.last().is_some_and(|span| span.end + 1 == at) && !self.answered;
        // `wrong code 3 times` counts, and `code 9 min old` measures.
        let next = self.text[end..].strip_prefix(' ').unwrap_or_default();
        let next = &next[..next.find(|c: char| !c.is_alphabetic()).unwrap_or(next.len())];
        let behind =
            self.text[end..].trim_start_matches(' ').strip_prefix(next).unwrap_or_default();
        let is_key = behind.starts_with(['=', ':']);
        let counts = ["times", "attempts", "tries"].contains(&next) || UNITS.contains(&next);
        let number = announced(&self.out, core, path).filter(|_| is_key || !counts)?;
        self.answered = true;
        match number {
            Number::Kept => self.out.push_str(core),
            Number::Broken => self.out.push_str(BROKEN),
            Number::Value => self.push_mask(at..end),
        }
        Some(end)
    }

    /// Writes the name of a systemd unit, and what it is where systemd writes that behind it: `Started a.service - A.`
    pub(super) fn unit_name(&mut self, at: usize, end: usize) -> usize {
        let said = self.text[end..].strip_prefix(" - ").filter(|_| is_started(&self.out));
        let said = said.map_or("", |said| said.trim_end_matches('.'));
        let end = if said.is_empty() { end } else { end + 3 + said.len() };
        self.push_mask(at..end);
        end
    }

    /// Whether the word before this one is a verb of HTTP.
    pub(super) fn is_asked_for(&self) -> bool {
        let out = self.out.trim_end();
        out.len() < self.out.len() && asks(out.rsplit([' ', '"']).next().unwrap_or_default())
    }

    /// Where a path ends that is asked for by the word before it. It holds blanks only where its last word looks like the
    /// end of a path, and the answer follows: `GET /my files/a b.txt 404`, but not `GET /a failed after 30 s`.
    pub(super) fn requested(&self, end: usize) -> usize {
        let Some(rest) = self.text[end..].strip_prefix(' ').filter(|_| self.is_asked_for()) else {
            return end;
        };
        let (mut stop, mut ends_path) = (end, false);
        for word in rest.split(' ').take(MAX_BLANKS + 1) {
            if word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit()) {
                return if ends_path { stop } else { end };
            }
            if word.is_empty() || word.starts_with("HTTP/") || word.bytes().any(ends_word) {
                return end;
            }
            ends_path = word.contains('/') || is_file(word);
            stop += 1 + word.len();
        }
        end
    }
}
