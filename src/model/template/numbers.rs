//! Numbers that say what happened: exit codes, statuses of HTTP, `errno`, `ORA-01653`.
//!
//! The miner leaves them standing where a word announces them. What takes many different ones in one place turns out to be
//! a value all the same, in hindsight.

use super::MASK;

/// Stands for any answer of the 500s: which of them a broken service gives is chance.
pub(crate) const BROKEN: &str = "5xx";

/// Words that announce a number of any meaning.
const CODES: &[&str] = &["errno", "code", "exitcode", "rc", "sqlstate"];
/// Words before `status` that make it a program's, not an answer of HTTP.
const PROGRAMS: &[&str] = &["exit", "exited", "process", "return", "with"];
/// Words that announce an answer of HTTP.
const ANSWERS: &[&str] =
    &["status", "statuscode", "http", "answered", "responded", "returned", "response", "replied"];
/// What a request begins with.
const VERBS: &[&str] = &["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"];
/// Bytes before a number that are looked at.
const MAX_BEFORE: usize = 48;

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// As it stands.
    Kept,
    /// As an answer of the 500s.
    Broken,
    /// As a value: an answer that says that all is well.
    Value,
}

/// What the text before a number says of it; `None` if nothing. `single`: the
/// value before it is one thing.
pub(super) fn announced(before: &str, number: &str, single: bool) -> Option<Number> {
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    if !(1..=5).contains(&digits.len()) || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let before = &before[before.floor_char_boundary(before.len().saturating_sub(MAX_BEFORE))..];
    let mut words = before
        .rsplit(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '<' | '*' | '>')))
        .filter(|word| !word.is_empty());
    let (last, earlier) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is = |list: &[&str], word: &str| list.iter().any(|known| known.eq_ignore_ascii_case(word));
    if last.eq_ignore_ascii_case("sqlstate") && digits.len() == 5 {
        return Some(Number::Kept);
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let by_program = is(CODES, last) && !is(&["http", "status", "response"], earlier)
        || last.eq_ignore_ascii_case("status") && is(PROGRAMS, earlier);
    if by_program {
        return Some(Number::Kept);
    }
    let requested = last == MASK
        && (before.trim_end().ends_with("<*>\"") || (single && asks(earlier)))
        && before.ends_with(' ');
    let status =
        digits.parse::<u16>().ok().filter(|n| digits.len() == 3 && (100..600).contains(n))?;
    let answers = requested || is(ANSWERS, last) || is(CODES, last);
    answers.then_some(match status {
        100..400 => Number::Value,
        400..500 => Number::Kept,
        _ => Number::Broken,
    })
}

/// Whether a word asks for the path behind it: `GET`.
pub(super) fn asks(word: &str) -> bool {
    VERBS.contains(&word)
}

/// The length of the number of a message that a word begins with: `ORA-01653`, `TNS-12541`.
pub(super) fn message_number(word: &str) -> Option<usize> {
    let upper = word.bytes().take_while(u8::is_ascii_uppercase).count();
    let rest = word[upper..].strip_prefix('-')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    ((2..=5).contains(&upper) && (4..=5).contains(&digits)).then_some(upper + 1 + digits)
}

/// Whether a word of a masked line is such a number.
pub(crate) fn is_kept(word: &str) -> bool {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    word == BROKEN
        || message_number(word) == Some(word.len())
        || (digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::super::mine_read;

    #[test]
    fn numbers_that_say_what_happened_stay_and_others_do_not() {
        for (line, expected) in [
            ("exited with code 137 after 12 s", "exited with code 137 after <*>"),
            ("exit status 1, errno 13", "exit status 1, errno 13"),
            ("connect failed: errno -110", "connect failed: errno -110"),
            ("10.0.0.1 \"GET /a HTTP/1.1\" 404 12", "<*> \"GET <*>\" 404 <*>"),
            ("10.0.0.1 \"GET /a HTTP/1.1\" 200 12", "<*> \"GET <*>\" <*>"),
            ("GET /a 503 12ms", "GET <*> 5xx <*>"),
            ("GET /my files/a b.txt 404 12", "GET <*> 404 <*>"),
            ("GET /a failed after 30 s", "GET <*> failed after <*>"),
            ("GET /a refused after 404 s", "GET <*> refused after <*>"),
            ("upstream answered 502, status=404", "upstream answered 5xx, status=404"),
            ("ORA-01653: no room for 12", "ORA-01653: no room for <*>"),
            ("SQLSTATE[42P01]: gone", "SQLSTATE[42P01]: gone"),
            ("took 404 of 503", "took <*> of <*>"),
            ("answered with status 503 bytes=0", "answered with status 503 bytes=<*>"),
            ("answered with status 404 min: 3", "answered with status 404 min: <*>"),
            ("order ORD-1234567 lost", "order ORD-<*> lost"),
        ] {
            assert_eq!(mine_read(line, |_| None).template, expected, "{line}");
        }
    }

    #[test]
    fn what_has_no_value_is_one_and_words_of_the_trade_are_none() {
        for (line, expected) in [
            ("user=ann owner= state=done", "user=<*> owner=<*> state=done"),
            ("server api/<NOSRV> is down", "server api/<*> is down"),
            ("libc6:amd64 over ipv6", "libc<*>:amd64 over ipv6"),
            ("Started nginx.service - A web server.", "Started <*>."),
            ("nginx.service: gone", "<*>: gone"),
            ("order.service - payment declined", "<*> - payment declined"),
            ("Reached target web.target - Web Servers.", "Reached target <*>."),
            ("failed with result 'exit-code' of 'a'", "failed with result 'exit-code' of <*>"),
        ] {
            assert_eq!(mine_read(line, |_| None).template, expected, "{line}");
        }
    }
}
