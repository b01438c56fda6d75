//! What the build of a message tells, whatever its words: advice, a version, an exception, a person, or what was done.

use std::ops::RangeInclusive;

/// Verbs that open a piece of advice: `...; use the new one`.
const ADVICE: &[&str] = &[
    "use",
    "write",
    "send",
    "give",
    "pass",
    "specify",
    "say",
    "type",
    "subscribe",
    "migrate",
    "assign",
    "avoid",
    "please",
    "replace",
    "choose",
    "change",
    "try",
    "add",
    "rename",
    "switch",
];
/// Verbs that are nouns too, so that they count only before a name: `load "netcdf/4.9"`.
const PERHAPS_ADVICE: &[&str] = &["call", "load", "run", "set"];
/// Words that stand before the number of a version.
const BEFORE_VERSION: &[&str] =
    &["since", "in", "from", "until", "by", "with", "after", "before", "of"];
const VERSION: &[&str] = &["release", "version", "cycle"];
/// Units of time.
const DURATIONS: &[&str] = &[
    "ms", "s", "sec", "second", "seconds", "min", "minute", "minutes", "h", "hour", "hours", "day",
    "days", "week", "weeks",
];
/// Longest text in quotes that is a value or a name, in bytes.
const MAX_QUOTED: usize = 40;
/// Longest name of a person, in characters.
const MAX_NAME: usize = 32;
/// Most words of a last clause that says what was done.
const MAX_CLAUSE: usize = 5;

/// Whether a clause behind the first tells its reader to do something.
pub(super) fn advises(line: &str) -> bool {
    let clauses = line.split([',', ';', '(', ')']).flat_map(|part| part.split(". "));
    clauses.flat_map(|part| part.split(": ")).flat_map(|part| part.split(" -- ")).skip(1).any(
        |clause| {
            let mut words = clause.split_whitespace();
            let (Some(verb), Some(next)) = (words.next(), words.next()) else { return false };
            let verb = verb.to_lowercase();
            let is_name =
                next.starts_with(['"', '\'', '`']) || next.contains(['.', '_', '-', '/', '=']);
            ADVICE.contains(&verb.as_str()) || is_name && PERHAPS_ADVICE.contains(&verb.as_str())
        },
    )
}

/// Whether a line names a version: `since 2.4`, `in release 8`.
pub(super) fn names_version(line: &str) -> bool {
    let words = line.split_whitespace();
    words.clone().zip(words.skip(1)).any(|(word, next)| {
        let word = word.trim_start_matches('(').to_lowercase();
        BEFORE_VERSION.contains(&word.as_str()) && is_version(next)
            || VERSION.contains(&word.as_str()) && next.starts_with(|c: char| c.is_ascii_digit())
    })
}

/// Whether a word is like `2.4`, `v3.0.1` or `10.2`.
fn is_version(word: &str) -> bool {
    let word = word.trim_matches(|c: char| ".,;:()\"'".contains(c));
    let mut parts = word.strip_prefix('v').unwrap_or(word).split('.');
    let is_number = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    let is_first = parts.next().is_some_and(|first| is_number(first, 2));
    is_first
        && (1..=2).contains(&parts.clone().take(3).count())
        && parts.all(|part| is_number(part, 3))
}

/// Whether a line has paths of two versions: `/v1/orders` and `/v2/orders`.
pub(super) fn names_two_versions(line: &str) -> bool {
    let number = |rest: &str| {
        let mut chars = rest.chars();
        let number = chars.next().filter(char::is_ascii_digit)?;
        chars.next().is_none_or(|next| !next.is_alphanumeric()).then_some(number)
    };
    let mut numbers = line.split("/v").skip(1).filter_map(number);
    numbers.next().is_some_and(|first| numbers.any(|other| other != first))
}

/// Whether a line has the name of an exception: `java.io.EOFException`, `TypeError`.
pub(super) fn names_exception(line: &str) -> bool {
    line.split_whitespace().any(|word| {
        let word = word.trim_matches(|c: char| "(),;:\"'".contains(c));
        let name = word.rsplit(['.', ':']).next().unwrap_or_default();
        let kind = name.strip_suffix("Exception").or_else(|| name.strip_suffix("Error"));
        kind.is_some_and(|kind| {
            kind.starts_with(|c: char| c.is_ascii_uppercase())
                && kind.ends_with(|c: char| c.is_ascii_lowercase())
                && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
    })
}

/// Whether a line quotes something short, other than behind the equals sign of a key.
pub(super) fn quotes(line: &str) -> bool {
    let is_short = |quote: char| {
        let (mut before, mut opened) = (' ', None);
        for (at, c) in line.char_indices() {
            if c == quote {
                match opened.take() {
                    Some(from) if (1..=MAX_QUOTED).contains(&(at - from - 1)) => return true,
                    None if " (:,[".contains(before) => opened = Some(at),
                    Some(_) | None => {}
                }
            }
            before = c;
        }
        false
    };
    !line.starts_with('{') && ['"', '`', '\''].into_iter().any(is_short)
}

/// Whether a line tells how long something took or is so: `38 s`, `4 h 12 min`, `30002ms`.
pub(super) fn tells_duration(line: &str) -> bool {
    let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '.')).peekable();
    while let Some(word) = words.next() {
        let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        if unit.len() == word.len() {
            continue;
        }
        let unit = if unit.is_empty() { words.peek().copied().unwrap_or_default() } else { unit };
        if DURATIONS.contains(&unit.trim_end_matches('.')) {
            return true;
        }
    }
    false
}

/// Whether a line names somebody as accounts of people are named: `m.lind`, `ann@example.com`.
pub(super) fn names_person(line: &str) -> bool {
    let is_name = |part: &str, lengths: RangeInclusive<usize>| {
        lengths.contains(&part.chars().count()) && part.chars().all(char::is_lowercase)
    };
    let divides = |c: char| c.is_whitespace() || "\"'`(),;[]=:".contains(c);
    line.split(divides).map(|word| word.trim_end_matches('.')).any(|word| {
        let initial = |(first, last)| is_name(first, 1..=1) && is_name(last, 2..=MAX_NAME);
        let user = |(user, host): (&str, &str)| {
            is_name(&user.replace('.', ""), 2..=MAX_NAME) && host.contains('.')
        };
        word.split_once('.').is_some_and(initial) || word.split_once('@').is_some_and(user)
    })
}

/// Whether the last clause of a line is short and says what was done: `..., order parked`.
pub(super) fn ends_in_an_act(line: &str) -> bool {
    let last = line.rsplit_once([',', ';']).map_or("", |(_, last)| last);
    let is_act = |word: &str| word.len() > 4 && word.ends_with("ed");
    last.split_whitespace().count() <= MAX_CLAUSE
        && last.split_whitespace().rev().take(2).any(is_act)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_durations_people_and_acts_are_told_from_what_only_looks_like_them() {
        let quoted = quotes("key \"cache_dir\" is new");
        assert!(quoted && !quotes("level=warn msg=\"disk is full\", don't"));
        let lasts = tells_duration("lags 4 h 12 min") && tells_duration("took 30002ms");
        assert!(lasts && !tells_duration("took 12 steps at 4.5 m, since 2 s3"));
        let named = names_person("swap of m.lindqvist failed") && names_person("to ann@shop.se");
        assert!(named && !names_person("wrote x.txt2 to A.b and e.g"));
        assert!(ends_in_an_act("three orders at once, order parked"));
        assert!(!ends_in_an_act("order parked by the 3rd rule"));
    }
}
