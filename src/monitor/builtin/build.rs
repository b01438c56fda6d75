//! What the build of a message tells, whatever its words: it advises something, or it names a version or an exception.

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
