//! The masked template of a log message: what stays the same when only its values change.
//!
//! A flood of rows that differ in ids, numbers, addresses or names in quotes has one template, so that it can be
//! counted, shown and recognised as one problem. Values become `<*>`; error codes (`AREA-TOPIC-NNN`) never do.
//!
//! It is one pass over the bytes without a regular expression: every row of a scan goes through here. Words with a
//! digit count as values more often than not, since a value left standing splits a problem in two, while a word
//! masked in vain costs a little readability (the choice of Drain, He et al., ICWS 2017).

/// What stands for a value.
pub(crate) const MASK: &str = "<*>";

/// Longest template, in bytes: a long sentence; what differs only beyond it is one problem.
const MAX_TEMPLATE: usize = 300;
/// Most codes taken from one message: a finding with more is about no code in particular.
const MAX_CODES: usize = 5;
/// Shortest run of nothing but the letters a to f that is an id: English has no common word of that kind so long.
const MIN_HEX_LETTERS: usize = 8;
/// Shortest run of hex letters followed by digits that is an id; `ab1` may be a name with a number.
const MIN_HEX: usize = 4;
/// Length of a UUID with its four dashes.
const UUID: usize = 36;

/// Words that belong to the number before them.
const UNITS: &[&str] = &[
    "ns", "us", "µs", "ms", "s", "sec", "secs", "second", "seconds", "min", "mins", "minute",
    "minutes", "h", "hour", "hours", "day", "days", "B", "byte", "bytes", "kB", "KB", "KiB", "MB",
    "MiB", "GB", "GiB", "TB", "TiB", "AM", "PM", "UTC", "GMT", "percent",
];
/// Names of months and days in dates; masked only beside a number.
const CALENDAR: &[&str] = &[
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Mon",
    "Tue", "Wed", "Thu", "Fri", "Sat", "Sun",
];

/// The template of a message: its first telling line with every value replaced by `<*>`, at most 300 bytes.
///
/// Values are numbers (with unit), hex ids, UUIDs, addresses, paths, URLs, dates, times and text in quotes; a list of
/// values counts as one value, however long. The first telling line is the first that is not blank, or, where that
/// one only opens a Python traceback, the line that names the exception.
pub(crate) fn mask(message: &str) -> String {
    let line = telling_line(message);
    let out = String::with_capacity(line.len().min(MAX_TEMPLATE) + 2 * MASK.len());
    let mut masker =
        Masker { text: line, bytes: line.as_bytes(), out, unclosed: [false; 3], plain: 0 };
    masker.run();
    let mut out = masker.out;
    out.truncate(out.floor_char_boundary(MAX_TEMPLATE));
    out.truncate(out.trim_end().len());
    out
}

/// The error codes in a text, the first five different ones, sorted.
pub(crate) fn error_codes(message: &str) -> Vec<String> {
    let mut found: Vec<&str> = Vec::new();
    for code in codes(message) {
        if found.len() == MAX_CODES {
            break;
        }
        if !found.contains(&code) {
            found.push(code);
        }
    }
    found.sort_unstable();
    found.into_iter().map(str::to_owned).collect()
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

fn telling_line(message: &str) -> &str {
    let mut lines = message.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    if first.trim_start().starts_with("Traceback (most recent call last)") {
        return lines.find(|line| !line.starts_with([' ', '\t'])).unwrap_or(first);
    }
    first
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
    /// Per kind of quote: no closing one follows, so that nobody looks for it again.
    unclosed: [bool; 3],
    /// Quotes before this index are plain characters, for they enclose an error code.
    plain: usize,
}

impl Masker<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while at < self.bytes.len() && self.out.len() < MAX_TEMPLATE {
            let b = self.bytes[at];
            at = if is_space(b) {
                if !self.out.is_empty() && !self.out.ends_with(' ') {
                    self.out.push(' ');
                }
                at + 1
            } else if let Some(kind) = quote_index(b) {
                self.quote(at, kind)
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
                Some(close) if codes(&self.text[at..close]).next().is_none() => {
                    self.push_mask();
                    return close + 1;
                }
                Some(close) => self.plain = close + 1,
                None => self.unclosed[kind] = true,
            }
        }
        self.out.push(char::from(self.bytes[at]));
        at + 1
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

    /// Writes the word that starts at `at`, masked as far as it is a value, and answers where it ends.
    fn word(&mut self, at: usize) -> usize {
        let full = self.end_of(at, ends_word);
        let mut end = full;
        while end > at && matches!(self.bytes[end - 1], b'.' | b':' | b'!' | b'?') {
            end -= 1;
        }
        let core = &self.text[at..end];
        if core.bytes().all(|b| b.is_ascii_lowercase()) && core.len() < MIN_HEX_LETTERS {
            self.plain_word(core, false, end);
        } else if is_address(core) {
            return self.address(at);
        } else if is_mail(core) || is_relative_path(core) || is_colon_hex(core) {
            self.push_mask();
        } else if core.bytes().all(is_word) && !core.bytes().any(|b| b.is_ascii_digit()) {
            self.plain_word(core, core.len() == 3, end);
        } else {
            return self.parts(at, full);
        }
        self.out.push_str(&self.text[end..full]);
        full
    }

    /// Writes a word of letters only: a unit or a month beside a number goes with the number.
    fn plain_word(&mut self, word: &str, may_be_date: bool, end: usize) {
        let after_value = self.out.ends_with("<*> ");
        let is_unit = after_value && UNITS.contains(&word);
        if is_unit || (may_be_date && CALENDAR.contains(&word) && (after_value || self.dated(end)))
        {
            self.push_mask();
        } else {
            self.letters(word);
        }
    }

    /// Whether a number or another name of the calendar follows.
    fn dated(&self, end: usize) -> bool {
        let next = self.text[end..].trim_start_matches([',', ' ']);
        next.starts_with(|c: char| c.is_ascii_digit())
            || next.get(..3).is_some_and(|word| CALENDAR.contains(&word))
    }

    fn letters(&mut self, word: &str) {
        let hex = word.len() >= MIN_HEX_LETTERS && word.bytes().all(|b| b.is_ascii_hexdigit());
        if hex {
            self.push_mask();
        } else {
            self.out.push_str(word);
        }
    }

    fn address(&mut self, at: usize) -> usize {
        let mut end = self.end_of(at, ends_address);
        while end > at + 1 && matches!(self.bytes[end - 1], b'.' | b':' | b'!' | b'?') {
            end -= 1;
        }
        self.push_mask();
        end
    }

    /// Writes a word that mixes letters, digits and signs, piece by piece.
    fn parts(&mut self, mut at: usize, end: usize) -> usize {
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
                self.push_mask();
                at += UUID;
            } else {
                let stop = self.end_of(at, |b| !is_word(b));
                self.part(&self.text[at..stop]);
                let percent = stop < end && self.bytes[stop] == b'%' && self.out.ends_with(MASK);
                at = stop + usize::from(percent);
            }
        }
        end
    }

    /// Writes one run of letters and digits: `cart`, `42`, `42ms`, `worker3`, `9f86d081`.
    fn part(&mut self, part: &str) {
        let Some(first) = part.bytes().position(|b| b.is_ascii_digit()) else {
            return self.letters(part);
        };
        let (name, number) = part.split_at(first);
        let is_id = !number.bytes().all(|b| b.is_ascii_digit())
            || (part.len() >= MIN_HEX && part.bytes().all(|b| b.is_ascii_hexdigit()));
        if first == 0 || is_id {
            self.push_mask();
        } else {
            self.out.push_str(name);
            self.out.push_str(MASK);
        }
    }

    /// Writes `<*>`, once for values that only blanks, commas and joining signs divide.
    fn push_mask(&mut self) {
        let joined =
            |b: &&u8| matches!(b, b' ' | b',' | b'-' | b'.' | b':' | b'/' | b'+' | b'_' | b'~');
        let joiners = self.out.as_bytes().iter().rev().take_while(joined).count();
        let kept = self.out.len() - joiners;
        if self.out.as_bytes()[..kept].ends_with(MASK.as_bytes()) {
            self.out.truncate(kept);
        } else {
            self.out.push_str(MASK);
        }
    }

    fn end_of(&self, at: usize, ends: impl Fn(u8) -> bool) -> usize {
        self.bytes[at..].iter().position(|b| ends(*b)).map_or(self.bytes.len(), |n| at + n)
    }
}

/// A URL, a path from a root or from here, or a path with backslashes.
fn is_address(core: &str) -> bool {
    core.starts_with('/')
        || core.starts_with("./")
        || core.starts_with("../")
        || core.starts_with("~/")
        || core.contains("://")
        || (core.contains('\\') && core.bytes().any(|b| b.is_ascii_alphanumeric()))
}

fn is_mail(word: &str) -> bool {
    word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
}

/// `src/cart.rs:42`, `a/b/c`, but neither `and/or` nor `text/html`.
fn is_relative_path(word: &str) -> bool {
    let Some((head, tail)) = word.split_once('/') else {
        return false;
    };
    let suffix = tail.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    let is_file =
        (1..=5).contains(&suffix.len()) && suffix.bytes().all(|b| b.is_ascii_alphanumeric());
    !head.is_empty() && (tail.contains('/') || is_file || word.bytes().any(|b| b.is_ascii_digit()))
}

/// An IPv6 or a hardware address.
fn is_colon_hex(word: &str) -> bool {
    let colons = word.bytes().filter(|b| *b == b':').count();
    let digit = word.bytes().any(|b| b.is_ascii_digit());
    let fits = |b: u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    (colons >= 5 || (colons >= 2 && digit)) && word.bytes().all(fits)
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() >= UUID
        && bytes[..UUID].iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ids [1, 2, 3] and [4] => ids [<*>] and [<*>]
    "#;

    #[test]
    fn every_kind_of_value_becomes_the_mask() {
        for case in VALUES.lines().filter(|line| !line.trim().is_empty()) {
            let (message, template) = case.trim().split_once(" => ").unwrap();
            assert_eq!(mask(message), template, "{message}");
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
            assert_eq!(mask(a), mask(b));
        }
        assert_ne!(mask("cart is empty"), mask("cart is full"));
    }

    #[test]
    fn words_that_are_no_values_stay() {
        for text in
            ["don't read/write text/html; users' carts aren't I/O", "may fail: a::b::c", "Überlauf"]
        {
            assert_eq!(mask(text), text);
        }
        assert_eq!(mask("unclosed \"quote and 5"), "unclosed \"quote and <*>");
    }

    #[test]
    fn a_token_shaped_like_an_error_code_is_never_masked() {
        for text in [
            "[SHOP-PAY-014] no",
            "(SHOP-PAY-014): no",
            "code=SHOP-PAY-014, no",
            "'SHOP-PAY-014' no",
        ] {
            assert_eq!(mask(text), text);
        }
        assert_eq!(mask("\"7 [SHOP-PAY-014]\" 8"), "\"<*> [SHOP-PAY-014]\" <*>");
        assert_eq!(mask("SHOP-PAY-0145 and XSHOPPY-PAY-014"), "SHOP-PAY-<*> and XSHOPPY-PAY-<*>");
    }

    #[test]
    fn codes_are_found_sorted_and_once_at_most_five() {
        assert_eq!(
            error_codes("[SHOP-PAY-014] after SHOP-API-002, SHOP-PAY-014."),
            ["SHOP-API-002", "SHOP-PAY-014"]
        );
        assert!(
            error_codes(
                "S-PAY-014 SHOP-P-014 SHOP-PAY-14 xSHOP-PAY-014 A-SHOP-PAY-014 SHOP-PAY-014x"
            )
            .is_empty()
        );
        let many = "7654321".split("").collect::<Vec<_>>().join(" AA-BB-00");
        assert_eq!(
            error_codes(&many),
            ["AA-BB-003", "AA-BB-004", "AA-BB-005", "AA-BB-006", "AA-BB-007"]
        );
    }

    #[test]
    fn only_the_first_telling_line_counts() {
        assert_eq!(mask("\n  cart 5 broke\r\n  at x.rs:3"), "cart <*> broke");
        let trace = "Traceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'x'\n";
        assert_eq!(mask(trace), "KeyError: <*>");
        assert_eq!(
            mask("Traceback (most recent call last):"),
            "Traceback (most recent call last):"
        );
        assert_eq!(mask(""), "");
    }

    #[test]
    fn a_template_is_cut_on_a_character_and_masking_it_again_changes_nothing() {
        let long = mask(&"ä 5 größer ".repeat(100));
        assert!(long.len() <= MAX_TEMPLATE && long.len() > MAX_TEMPLATE - 8);
        for text in ["a 5 b <*> c", "x=1 'y' [SHOP-PAY-014] 3 ms /a", "worker-3 (7)"] {
            let once = mask(text);
            assert_eq!(mask(&once), once);
        }
    }

    #[test]
    fn hostile_text_of_full_length_is_masked_within_the_limit() {
        for piece in ["\"a ", "'a\"b `", "-", "/", ":", "A-", "AA-BB-", "\u{1}\u{2028}é1", "\\\" "]
        {
            let text = piece.repeat(64 * 1024 / piece.len());
            assert!(mask(&text).len() <= MAX_TEMPLATE);
            assert!(mask(&format!("{text} [AA-BB-001]\"")).len() <= MAX_TEMPLATE);
        }
    }
}
