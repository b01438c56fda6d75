//! Masks a line: one pass over its bytes that writes it with every value replaced.

mod mined;

use super::numbers::BROKEN;
use super::words::{
    CALENDAR, NAMING_KEYS, REASONS, UNITS, UUID, has_known_digits, is_address, is_colon_hex,
    is_host, is_mail, is_media_type, is_product, is_relative_path, is_unit_name, is_uuid, tells,
};
use super::{MASK, code_at, codes, is_word};
use std::ops::Range;

/// Shortest run of nothing but the letters a to f that is an id: English has no common word of that kind so long.
const MIN_HEX_LETTERS: usize = 8;
/// Shortest run of hex letters followed by digits that is an id; `ab1` may be a name with a number.
const MIN_HEX: usize = 4;

/// A line masked to at most so many bytes, and where its values are. `mined`: for the miner.
pub(super) fn masked_to(line: &str, most: usize, mined: bool) -> (String, Vec<Range<usize>>) {
    let mut masker = Masker {
        text: line,
        bytes: line.as_bytes(),
        out: String::with_capacity(line.len().min(most) + 2 * MASK.len()),
        spans: Vec::new(),
        unclosed: [false; 3],
        plain: 0,
        most,
        mined,
        answered: false,
    };
    masker.run();
    let mut out = masker.out;
    out.truncate(out.floor_char_boundary(most));
    out.truncate(out.trim_end().len());
    (out, masker.spans)
}

fn is_space(b: u8) -> bool {
    b <= b' ' || b == 0x7f
}

fn quote_index(b: u8) -> Option<usize> {
    match b {
        b'"' => Some(0),
        b'\'' => Some(1),
        b'`' => Some(2),
        _ => None,
    }
}

/// What stands between words and belongs to none.
fn is_separator(b: u8) -> bool {
    matches!(
        b,
        b'=' | b',' | b';' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'|' | b'&'
    )
}

fn ends_word(b: u8) -> bool {
    is_space(b) || is_separator(b) || quote_index(b).is_some()
}

/// What ends a path or a URL, which may hold `=`, `&` and braces.
fn ends_address(b: u8) -> bool {
    ends_word(b) && !matches!(b, b'=' | b'&' | b'{' | b'}' | b'(' | b'[')
}

struct Masker<'a> {
    text: &'a str,
    bytes: &'a [u8],
    out: String,
    /// What each mask in `out` stands for.
    spans: Vec<Range<usize>>,
    /// Per kind of quote: no closing one follows, so that nobody looks for it again.
    unclosed: [bool; 3],
    /// Quotes before this index are plain characters, for they enclose an error code.
    plain: usize,
    /// Longest `out`, in bytes.
    most: usize,
    /// Whether quotes are looked into.
    mined: bool,
    /// Whether an answer was written.
    answered: bool,
}

impl Masker<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while at < self.bytes.len() && self.out.len() < self.most {
            let b = self.bytes[at];
            at = if is_space(b) {
                if !self.out.is_empty() && !self.out.ends_with(' ') {
                    self.out.push(' ');
                }
                at + 1
            } else if let Some(kind) = quote_index(b) {
                self.quote(at, kind)
            } else if let Some(end) = self.json(at) {
                self.push_mask(at..end);
                end
            } else if let Some(end) = self.named(at) {
                self.out.push('=');
                self.push_mask(at + 1..end);
                end
            } else if let Some(end) = self.placeholder(at) {
                self.push_mask(at..end);
                end
            } else if self.is_without_value(at) {
                self.out.push('=');
                self.push_mask(at + 1..at + 1);
                at + 1
            } else if is_separator(b) {
                self.out.push(char::from(b));
                at + 1
            } else {
                self.word(at)
            };
        }
    }

    /// Masks text in quotes; an apostrophe, an unclosed quote and quotes around an error code stay.
    fn quote(&mut self, at: usize, kind: usize) -> usize {
        let opens = at == 0 || !is_word(self.bytes[at - 1]);
        if opens && at >= self.plain && !self.unclosed[kind] {
            match self.closing(at) {
                Some(close) if self.mined && tells(&self.out) => self.plain = close + 1,
                Some(close) if codes(&self.text[at..close]).next().is_none() => {
                    match self.verb(at + 1, close) {
                        0 => self.push_mask(at..close + 1),
                        verb => {
                            self.out.push_str(&self.text[at..=at + verb]);
                            self.push_mask(at + 1 + verb..close);
                            self.out.push_str(&self.text[close..=close]);
                        }
                    }
                    return close + 1;
                }
                Some(close) => self.plain = close + 1,
                None => self.unclosed[kind] = true,
            }
        }
        self.out.push(char::from(self.bytes[at]));
        at + 1
    }

    /// The length of the verb and the blank that a request in quotes begins with, if quotes are looked into and it is
    /// what the line is about rather than the value of a key.
    fn verb(&self, start: usize, end: usize) -> usize {
        let upper = self.bytes[start..end].iter().take_while(|b| b.is_ascii_uppercase()).count();
        let path = self.text[start + upper..end].strip_prefix(' ').filter(|_| upper > 2);
        let asks = path.is_some_and(|path| path.starts_with('/') || path.starts_with("http"));
        let valued = self.out.trim_end().ends_with([':', '=']);
        if self.mined && asks && !valued { upper + 1 } else { 0 }
    }

    fn closing(&self, open: usize) -> Option<usize> {
        let quote = self.bytes[open];
        let closes = |i: &usize| {
            let next = self.bytes.get(i + 1);
            self.bytes[*i] == quote
                && self.bytes[i - 1] != b'\\'
                && !next.is_some_and(|b| is_word(*b))
        };
        (open + 1..self.bytes.len()).find(closes)
    }

    /// Where the JSON object or Python dictionary that starts here ends; one that was cut off ends with the line.
    /// `None` where there is none or where it holds an error code.
    fn json(&self, at: usize) -> Option<usize> {
        let inside = self.bytes[at..].strip_prefix(b"{")?.trim_ascii_start();
        let named = inside.first().is_some_and(|b| matches!(b, b'"' | b'\''));
        if !named || at < self.plain {
            return None;
        }
        let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
        let closes = |b: &u8| {
            match (quote, *b) {
                _ if escaped => escaped = false,
                (Some(_), b'\\') => escaped = true,
                (Some(open), b) if open == b => quote = None,
                (None, b'"' | b'\'') => quote = Some(*b),
                (None, b'{') => depth += 1,
                (None, b'}') => depth -= 1,
                (Some(_) | None, _) => {}
            }
            depth == 0
        };
        let len = self.bytes[at..].iter().position(closes);
        let end = len.map_or(self.bytes.len(), |len| at + len + 1);
        codes(&self.text[at..end]).next().is_none().then_some(end)
    }

    /// Where the value of `user=ann` and the like ends, if its equals sign is here.
    fn named(&self, at: usize) -> Option<usize> {
        if self.bytes[at] != b'=' {
            return None;
        }
        let key = self.out.rsplit(|c: char| !c.is_ascii_alphanumeric()).next()?;
        let names = NAMING_KEYS.iter().any(|name| name.eq_ignore_ascii_case(key));
        let quoted = self.bytes.get(at + 1).is_some_and(|b| quote_index(*b).is_some());
        if self.mined && names && self.bytes.get(at + 1) == Some(&b'[') {
            // `host=[local]`
            let end = self.end_of(at + 2, ends_word);
            return (end > at + 2 && self.bytes.get(end) == Some(&b']')).then_some(end + 1);
        }
        // An apostrophe belongs to the name.
        let end = self.end_of(at + 1, |b| is_space(b) || is_separator(b));
        let fits = names && !quoted && end > at + 1;
        (fits && codes(&self.text[at..end]).next().is_none()).then_some(end)
    }

    /// Writes an answer of HTTP with its usual words, as it stands or as `5xx`, and answers where it ends.
    fn answer(&mut self, at: usize, core: &str) -> Option<usize> {
        if core == BROKEN {
            self.out.push_str(BROKEN);
            return Some(at + core.len());
        }
        let rest = self.text[at..].strip_prefix(core)?.strip_prefix(' ')?;
        let (status, reason) =
            REASONS.iter().find(|(status, reason)| *status == core && rest.starts_with(reason))?;
        let end = at + status.len() + 1 + reason.len();
        if status.starts_with('5') {
            self.out.push_str(BROKEN);
        } else {
            self.out.push_str(&self.text[at..end]);
        }
        Some(end)
    }

    /// Where the user agent ends whose first product ends at `end`: products and remarks in parentheses follow.
    fn user_agent(&self, mut end: usize) -> usize {
        loop {
            let rest = &self.text[end..];
            let Some(next) = rest.strip_prefix(' ') else {
                return end;
            };
            let word = |text: &str| text.find([' ', '"', '\'', ',', ';']).unwrap_or(text.len());
            let first = word(next);
            let len = if next.starts_with('(') {
                next.find(')').map(|close| close + 1)
            } else if is_product(&next[..first]) {
                Some(first)
            } else {
                // `Mobile Safari/604.1`
                let second = next[first..].strip_prefix(' ');
                second.and_then(|second| {
                    let len = word(second);
                    is_product(&second[..len]).then_some(first + 1 + len)
                })
            };
            match len {
                Some(len) if codes(&next[..len]).next().is_none() => end += 1 + len,
                Some(_) | None => return end,
            }
        }
    }

    /// Writes the word that starts at `at`, masked as far as it is a value, and answers where it ends.
    fn word(&mut self, at: usize) -> usize {
        let full = self.end_of(at, ends_word);
        let mut end = full;
        while end > at && matches!(self.bytes[end - 1], b'.' | b':' | b'!' | b'?') {
            end -= 1;
        }
        let core = &self.text[at..end];
        if let Some(end) = self.answer(at, core).or_else(|| self.number(at, core)) {
            return end;
        }
        if core.bytes().all(|b| b.is_ascii_lowercase()) && core.len() < MIN_HEX_LETTERS {
            self.plain_word(at..end, false);
        } else if is_address(core) {
            return self.address(at);
        } else if self.mined && is_unit_name(core) {
            return self.unit_name(at, end);
        } else if is_product(core) {
            let end = self.user_agent(end);
            self.push_mask(at..end);
            return end;
        } else if is_mail(core)
            || is_host(core)
            || is_relative_path(core)
            || is_colon_hex(core)
            || (self.mined && is_media_type(core))
            || (self.mined && core.contains('/') && self.is_asked_for())
        {
            let further = if self.mined { self.requested(end) } else { end };
            self.push_mask(at..further);
            if further > end {
                return further;
            }
        } else if core.bytes().all(is_word) && !core.bytes().any(|b| b.is_ascii_digit()) {
            self.plain_word(at..end, core.len() == 3);
        } else {
            return self.parts(at, full);
        }
        self.out.push_str(&self.text[end..full]);
        full
    }

    /// Writes a word of letters only: a unit or a month beside a number goes with the number.
    fn plain_word(&mut self, range: Range<usize>, may_be_date: bool) {
        let word = &self.text[range.clone()];
        let after_value = self.out.ends_with("<*> ");
        let is_unit = after_value && UNITS.contains(&word);
        if is_unit
            || (may_be_date && CALENDAR.contains(&word) && (after_value || self.dated(range.end)))
        {
            self.push_mask(range);
        } else {
            self.letters(range);
        }
    }

    /// Whether a number or another name of the calendar follows.
    fn dated(&self, end: usize) -> bool {
        let next = self.text[end..].trim_start_matches([',', ' ']);
        next.starts_with(|c: char| c.is_ascii_digit())
            || next.get(..3).is_some_and(|word| CALENDAR.contains(&word))
    }

    fn letters(&mut self, range: Range<usize>) {
        let word = &self.text[range.clone()];
        let hex = word.len() >= MIN_HEX_LETTERS && word.bytes().all(|b| b.is_ascii_hexdigit());
        if hex {
            self.push_mask(range);
        } else {
            self.out.push_str(word);
        }
    }

    fn address(&mut self, at: usize) -> usize {
        let mut end = self.end_of(at, ends_address);
        while end > at + 1 && matches!(self.bytes[end - 1], b'.' | b':' | b'!' | b'?') {
            end -= 1;
        }
        if self.mined {
            end = self.requested(end);
        }
        self.push_mask(at..end);
        end
    }

    /// Writes a word that mixes letters, digits and signs, piece by piece.
    fn parts(&mut self, mut at: usize, end: usize) -> usize {
        let start = at;
        if matches!(self.bytes[at], b'-' | b'+')
            && self.bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
        {
            at += 1;
        }
        while at < end {
            let b = self.bytes[at];
            if !is_word(b) {
                if b == b'/' && !is_word(self.bytes[at - 1]) {
                    return self.address(at);
                }
                self.out.push(char::from(b));
                at += 1;
            } else if let Some(len) = code_at(self.bytes, at) {
                self.out.push_str(&self.text[at..at + len]);
                at += len;
            } else if is_uuid(&self.bytes[at..end]) {
                self.push_mask(at..at + UUID);
                at += UUID;
            } else {
                let stop = self.end_of(at, |b| !is_word(b));
                self.part(at..stop);
                // A sign belongs to its number.
                if matches!(self.bytes[start], b'-' | b'+')
                    && let Some(value) = self.spans.last_mut().filter(|v| v.start == start + 1)
                {
                    value.start = start;
                }
                let percent = stop < end && self.bytes[stop] == b'%' && self.out.ends_with(MASK);
                at = stop + usize::from(percent);
            }
        }
        end
    }

    /// Writes one run of letters and digits: `cart`, `42`, `42ms`, `worker3`, `9f86d081`.
    fn part(&mut self, range: Range<usize>) {
        let part = &self.text[range.clone()];
        let Some(first) = part.bytes().position(|b| b.is_ascii_digit()) else {
            return self.letters(range);
        };
        let (name, number) = part.split_at(first);
        let is_id = !number.bytes().all(|b| b.is_ascii_digit())
            || (part.len() >= MIN_HEX && part.bytes().all(|b| b.is_ascii_hexdigit()));
        if self.mined && has_known_digits(part) {
            self.out.push_str(part);
        } else if first == 0 || is_id {
            self.push_mask(range);
        } else {
            self.out.push_str(name);
            self.out.push_str(MASK);
            self.spans.push(range.start + first..range.end);
        }
    }

    /// Writes `<*>`, once for values that only blanks, commas and joining signs divide.
    fn push_mask(&mut self, range: Range<usize>) {
        let joined =
            |b: &&u8| matches!(b, b' ' | b',' | b'-' | b'.' | b':' | b'/' | b'+' | b'_' | b'~');
        let joiners = self.out.as_bytes().iter().rev().take_while(joined).count();
        // `worker_7: 3 jobs` says two things.
        let joiners = if self.mined && self.out.ends_with(": ") { 0 } else { joiners };
        let kept = self.out.len() - joiners;
        if self.out.as_bytes()[..kept].ends_with(MASK.as_bytes()) {
            self.out.truncate(kept);
            if let Some(list) = self.spans.last_mut() {
                list.end = range.end;
            }
        } else {
            self.out.push_str(MASK);
            self.spans.push(range);
        }
    }

    fn end_of(&self, at: usize, ends: impl Fn(u8) -> bool) -> usize {
        self.bytes[at..].iter().position(|b| ends(*b)).map_or(self.bytes.len(), |n| at + n)
    }
}
