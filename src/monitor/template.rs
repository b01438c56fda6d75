//! The masked template of a log message: what stays the same when only its values change.
//!
//! A flood of rows that differ in ids, numbers, addresses or names in quotes has one template, so that it can be
//! counted, shown and recognised as one problem. Values become `<*>`; error codes (`AREA-TOPIC-NNN`) never do.
//!
//! It is one pass over the bytes without a regular expression: every row of a scan goes through here. Words with a
//! digit count as values more often than not, since a value left standing splits a problem in two, while a word
//! masked in vain costs a little readability (the choice of Drain, He et al., ICWS 2017).

mod numbers;
mod trace;
mod words;

pub(crate) use trace::{has_trace, is_source_file, places};

pub(super) use numbers::{BROKEN, is_kept};
use numbers::{Number, announced, asks, message_number};
use std::ops::Range;
pub(super) use words::names_somebody;
use words::{
    CALENDAR, NAMING_KEYS, REASONS, UNITS, UUID, has_known_digits, is_address, is_colon_hex,
    is_host, is_mail, is_product, is_relative_path, is_unit_name, is_uuid, tells,
};

/// What stands for a value.
pub(crate) const MASK: &str = "<*>";
/// Between these stands what differs from row to row, in the example that a title is.
pub(crate) const MARKS: (char, char) = ('‹', '›');

/// Longest template, in bytes: a long sentence; what differs only beyond it is one problem.
const MAX_TEMPLATE: usize = 300;
/// Longest line template that is mined, in bytes: structures printed in one line differ late.
const MAX_MINED: usize = 1_000;
/// Longest text in angle brackets that stands for no value, in bytes.
const MAX_PLACEHOLDER: usize = 24;
/// Most words of a path that holds blanks.
const MAX_BLANKS: usize = 4;
/// Bytes of a line that are read for it.
const MAX_READ: usize = 4_096;
/// Shortest run of nothing but the letters a to f that is an id: English has no common word of that kind so long.
const MIN_HEX_LETTERS: usize = 8;
/// Shortest run of hex letters followed by digits that is an id; `ab1` may be a name with a number.
const MIN_HEX: usize = 4;

/// A message as its template and what the template leaves out.
#[derive(Debug)]
pub(crate) struct Masked<'a> {
    /// The telling line with every value replaced by `<*>`, and the fault that a trace names; at most 300 bytes.
    pub(crate) template: String,
    line: &'a str,
    spans: Vec<Range<usize>>,
}

impl<'a> Masked<'a> {
    /// The text behind each `<*>`, in their order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &'a str> {
        self.spans.iter().map(|span| &self.line[span.clone()])
    }
}

/// Masks a message: its telling line with every value replaced.
///
/// Values are numbers (with unit), hex ids, UUIDs, addresses, paths, URLs, dates, times, JSON, user agents, names
/// after `user=` and the like, and text in quotes; a list of values counts as one value, however long. The telling
/// line is the first that is not blank, or, where that one only opens a trace, the line that says what went wrong.
pub(crate) fn mask(message: &str) -> Masked<'_> {
    let telling = trace::telling(message);
    let (mut template, spans) = masked(telling.line);
    let (fault, _) = masked(&telling.fault);
    let room = MAX_TEMPLATE.saturating_sub(fault.len() + 1);
    template.truncate(template.floor_char_boundary(room));
    template.truncate(template.trim_end().len());
    if !fault.is_empty() {
        template.push(' ');
        template.push_str(&fault);
    }
    Masked { template, line: telling.line, spans }
}

/// Masks a message or a line for the miner: longer than [`mask`], and what a request or a text in quotes says stays
/// (`"GET <*>"`, `msg="no room for <*>"`), as numbers do that say what happened (`exited with code 137`).
///
/// Of a line no more is read than its first 4 KB; what differs only beyond them is one template.
pub(crate) fn mine(message: &str) -> Masked<'_> {
    let telling = trace::telling(message);
    let line = &telling.line[..telling.line.floor_char_boundary(MAX_READ)];
    let (mut template, spans) = masked_to(line, MAX_MINED, true);
    if !telling.fault.is_empty() {
        let room = MAX_MINED.saturating_sub(telling.fault.len() + 1);
        template.truncate(template.floor_char_boundary(room));
        template = format!("{} {}", template.trim_end(), telling.fault.trim_start());
    }
    Masked { template, line, spans }
}

/// The template of one line, and where its values are.
fn masked(line: &str) -> (String, Vec<Range<usize>>) {
    masked_to(line, MAX_TEMPLATE, false)
}

fn masked_to(line: &str, most: usize, mined: bool) -> (String, Vec<Range<usize>>) {
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

/// Every error code in a text, in the order of the text, repeats included.
pub(crate) fn codes(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    text.match_indices('-').filter_map(move |(dash, _)| {
        let area = bytes[..dash].iter().rev().take_while(|b| b.is_ascii_uppercase()).count();
        let start = dash - area;
        code_at(bytes, start).map(|len| &text[start..start + len])
    })
}

/// The length of the error code that starts at `at` and stands by itself.
fn code_at(bytes: &[u8], at: usize) -> Option<usize> {
    let glued = |b: &u8| is_word(*b) || matches!(b, b'-' | b'_');
    if at > 0 && (glued(&bytes[at - 1]) || bytes[at - 1] == b'/') {
        return None;
    }
    let upper = |from: usize, most: usize| {
        let run =
            bytes[from..].iter().take(most + 1).take_while(|b| b.is_ascii_uppercase()).count();
        ((2..=most).contains(&run) && bytes.get(from + run) == Some(&b'-'))
            .then_some(from + run + 1)
    };
    let number = upper(at, 6).and_then(|topic| upper(topic, 8))?;
    let end = number + 3;
    let digits = bytes.get(number..end)?.iter().all(u8::is_ascii_digit);
    (digits && !bytes.get(end).is_some_and(glued)).then_some(end - at)
}

/// Letters, digits and everything beyond ASCII, so that every other byte is a character by itself.
fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b >= 0x80
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

    /// Where `<none>`, `<unknown name>` ends: what a program writes where it has no value.
    fn placeholder(&self, at: usize) -> Option<usize> {
        if !self.mined || self.bytes[at] != b'<' {
            return None;
        }
        let inside = self.bytes[at + 1..].iter().take(MAX_PLACEHOLDER);
        let fits = |b: &&u8| b.is_ascii_alphabetic() || matches!(b, b' ' | b'-' | b'_');
        let end = at + 1 + inside.take_while(fits).count();
        (end > at + 2 && self.bytes.get(end) == Some(&b'>')).then_some(end + 1)
    }

    /// Whether the equals sign of a key is here, and nothing behind it.
    fn is_without_value(&self, at: usize) -> bool {
        let ends = |b: &u8| is_space(*b) || matches!(b, b',' | b';' | b')' | b']' | b'&');
        self.mined
            && self.bytes[at] == b'='
            && at > 0
            && is_word(self.bytes[at - 1])
            && self.bytes.get(at + 1).is_none_or(ends)
    }

    /// Writes a number that says what happened (an exit code, a status, `ORA-01653`) and answers where it ends.
    fn number(&mut self, at: usize, core: &str) -> Option<usize> {
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
        let number = announced(&self.out, core, path)?;
        self.answered = true;
        match number {
            Number::Kept => self.out.push_str(core),
            Number::Broken => self.out.push_str(BROKEN),
            Number::Value => self.push_mask(at..end),
        }
        Some(end)
    }

    /// Writes the name of a systemd unit with what it is, which is written behind it.
    fn unit_name(&mut self, at: usize, end: usize) -> usize {
        let said =
            self.text[end..].strip_prefix(" - ").map_or("", |said| said.trim_end_matches('.'));
        let end = if said.is_empty() { end } else { end + 3 + said.len() };
        self.push_mask(at..end);
        end
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
            || (self.mined && core.contains('/') && self.is_asked_for())
        {
            let further = if self.mined { self.requested(at, end) } else { end };
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
            end = self.requested(at, end);
        }
        self.push_mask(at..end);
        end
    }

    /// Whether the word before this one is a verb of HTTP.
    fn is_asked_for(&self) -> bool {
        let out = self.out.trim_end();
        out.len() < self.out.len() && asks(out.rsplit([' ', '"']).next().unwrap_or_default())
    }

    /// Where a path ends that is asked for by the word before it and may hold blanks: before the next number.
    fn requested(&self, at: usize, end: usize) -> usize {
        if !self.is_asked_for() {
            return end;
        }
        let mut stop = end;
        for word in self.text[end..].split(' ').skip(1).take(MAX_BLANKS) {
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                return stop.max(at);
            }
            if word.is_empty() || word.starts_with("HTTP/") || word.bytes().any(ends_word) {
                return end;
            }
            stop += 1 + word.len();
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn template(message: &str) -> String {
        mask(message).template
    }

    /// One case a line: message, arrow, template.
    const VALUES: &str = r#"
        took 12 ms for 3 rows => took <*> for <*> rows
        took 1.5s, then 3h20m. => took <*>, then <*>.
        delta -3 and 4.5e-7 and 50% => delta <*> and <*> and <*>
        id 9f86d081 in deadbeef => id <*> in <*>
        run 6ba7b810-9dad-11d1-80b4-00c04fd430c8 done => run <*> done
        from 10.0.0.1:8080 via fe80::1 and [::1]:80 => from <*> via <*> and [<*>]:<*>
        mail to ann.lee@example.com bounced => mail to <*> bounced
        GET /cart/42?item=3&x=y failed => GET <*> failed
        open /var/lib/a.db: no such file => open <*>: no such file
        open C:\Users\ann\a.txt failed => open <*> failed
        at src/cart.rs:42:7, see => at <*>, see
        see https://docs.example.com/a?b=c#d. => see <*>.
        no field "na\"me" in 'x y' or `z` => no field <*> in <*> or <*>
        on 2026-11-21T05:29:51.123+00:00 it => on <*> it
        on 2026-11-21 05:29:51,123 it => on <*> it
        on Sat, 21 Nov 2026 05:29:51 GMT it => on <*> it
        on Sat Nov 21 05:29:51 2026 it => on <*> it
        worker-3 of user_42 and libc6 => worker-<*> of user_<*> and libc<*>
        key=7 path=/a/b, c:/d => key=<*> path=<*>, c:<*>
        bad {"a":[1,{"b":"}"}],"c":null} end => bad <*> end
        args {'to': 'ann', 'n': 3}; cut {"a": "b => args <*>; cut <*>
        got 422 Unprocessable Entity from 10.0.0.1 => got 422 Unprocessable Entity from <*>
        got 503 Service Unavailable, 3 left => got 5xx, <*> left
        by user=O'Neill, user="ann lee" => by user=<*>, user=<*>
        by user=ann.lee host=db-a reason=full => by user=<*> host=<*> reason=full
        by Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0 Mobile Safari/537.36, ok => by <*>, ok
        ids [1, 2, 3] and [4] => ids [<*>] and [<*>]
    "#;

    #[test]
    fn every_kind_of_value_becomes_the_mask() {
        for case in VALUES.lines().filter(|line| !line.trim().is_empty()) {
            let (message, expected) = case.trim().split_once(" => ").unwrap();
            assert_eq!(template(message), expected, "{message}");
        }
    }

    #[test]
    fn messages_that_differ_only_in_values_share_a_template() {
        let uuids =
            "s-6ba7b810-9dad-11d1-80b4-00c04fd430c8 | s-abcdefab-abcd-abcd-abcd-abcdefabcdef";
        for pair in [
            "took 3 s | took 1200 ms",
            "job 7f00aa failed | job 123456 failed",
            "order ord-8f3a2c lost | order ord-123abc lost",
            "GET / failed | GET /a/b failed",
            "ids 1, 2, 3 gone | ids 4 gone",
            "no `a` here | no `b c` here",
            "at 2026-11-21 05:29:51 | at 2026-11-21T05:29:51Z",
            uuids,
        ] {
            let (a, b) = pair.split_once(" | ").unwrap();
            assert_eq!(template(a), template(b));
        }
        assert_ne!(template("cart is empty"), template("cart is full"));
    }

    #[test]
    fn words_that_are_no_values_stay() {
        for text in
            ["don't read/write text/html; users' carts aren't I/O", "may fail: a::b::c", "Überlauf"]
        {
            assert_eq!(template(text), text);
        }
        assert_eq!(template("unclosed \"quote and 5"), "unclosed \"quote and <*>");
    }

    #[test]
    fn a_token_shaped_like_an_error_code_is_never_masked() {
        for text in [
            "[SHOP-PAY-014] no",
            "(SHOP-PAY-014): no",
            "code=SHOP-PAY-014, no",
            "'SHOP-PAY-014' no",
        ] {
            assert_eq!(template(text), text);
        }
        assert_eq!(template("\"7 [SHOP-PAY-014]\" 8"), "\"<*> [SHOP-PAY-014]\" <*>");
        assert_eq!(
            template("SHOP-PAY-0145 and XSHOPPY-PAY-014"),
            "SHOP-PAY-<*> and XSHOPPY-PAY-<*>"
        );
    }

    #[test]
    fn codes_are_found_where_they_stand_by_themselves() {
        let found = |text| codes(text).collect::<Vec<_>>();
        let text = "[SHOP-PAY-014] after SHOP-API-002, SHOP-PAY-014.";
        assert_eq!(found(text), ["SHOP-PAY-014", "SHOP-API-002", "SHOP-PAY-014"]);
        let none = "S-PAY-014 SHOP-P-014 SHOP-PAY-14 xSHOP-PAY-014 A-SHOP-PAY-014 SHOP-PAY-014x";
        assert!(found(none).is_empty());
    }

    #[test]
    fn a_trace_adds_its_error_and_its_file() {
        assert_eq!(template("\n  cart 5 broke\r\n  at x.rs:3"), "cart <*> broke in x.rs");
        let trace = "Traceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'x'\n";
        assert_eq!(template(trace), "KeyError: <*> in a.py");
        let long = "w ".repeat(MAX_TEMPLATE) + "\n" + trace;
        assert!(template(&long).ends_with(" (KeyError in a.py)"));
        assert!(template(&long).len() <= MAX_TEMPLATE);
    }

    #[test]
    fn each_mask_has_the_text_it_stands_for() {
        let masked = mask("POST /a: ids 1, 2, 3 of 'ann' in worker-7 after 12 ms");
        let values: Vec<_> = masked.values().collect();
        assert_eq!(values, ["/a", "1, 2, 3", "'ann'", "7", "12 ms"]);
        assert_eq!(masked.template.matches(MASK).count(), values.len());
    }

    #[test]
    fn a_template_is_cut_on_a_character_and_masking_it_again_changes_nothing() {
        let long = template(&"ä 5 größer ".repeat(100));
        assert!(long.len() <= MAX_TEMPLATE && long.len() > MAX_TEMPLATE - 8);
        for text in ["a 5 b <*> c", "x=1 'y' [SHOP-PAY-014] 3 ms /a", "worker-3 (7)"] {
            let once = template(text);
            assert_eq!(template(&once), once);
        }
    }

    #[test]
    fn hostile_text_of_full_length_is_masked_within_the_limit() {
        for piece in ["\"a ", "'a\"b `", "-", "/", ":", "A-", "AA-BB-", "\u{1}\u{2028}é1", "\\\" "]
        {
            let text = piece.repeat(64 * 1024 / piece.len());
            assert!(template(&text).len() <= MAX_TEMPLATE);
            assert!(template(&format!("{text} [AA-BB-001]\"")).len() <= MAX_TEMPLATE);
        }
    }
}
