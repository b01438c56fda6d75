//! Values of names that stand apart from them: `<password>x</password>`, `key="Password" value="x"`.

use super::bytes::{run, window};
use super::names::{is_harmless, is_secret_name};
use std::ops::Range;

/// Names of a member that says what the value beside it is.
const NAMING: [&[u8]; 5] = [b"name", b"key", b"id", b"variable", b"header"];
/// The member that holds the value.
const VALUE: &[u8] = b"value";
/// Longest name that is looked for before a value.
const MAX_NAME: usize = 64;
/// Most signs between a name and its value.
const MAX_SIGNS: usize = 16;

/// The text of an element whose tag ends with the `>` at `at`, if the tag's name is a secret's.
pub(super) fn element(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let near = &bytes[at.saturating_sub(MAX_NAME)..at];
    let open = near.iter().rposition(|b| *b == b'<')?;
    let name = &near[open + 1..];
    if !is_secret_name(name)
        || !name.iter().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(b))
    {
        return None;
    }
    let near = window(bytes, at + 1);
    let end = run(near, at + 1, |b| b != b'<');
    let is_closed = bytes[end..].strip_prefix(b"</").is_some_and(|rest| rest.starts_with(name));
    (is_closed && !is_harmless(&bytes[at + 1..end])).then(|| at + 1..end)
}

/// What is behind the `=` or `:` at `at`, if it is the quoted member `value` and the member before it names a secret.
pub(super) fn beside(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let near = &bytes[at.saturating_sub(3)..at];
    if !near.iter().any(|b| b.eq_ignore_ascii_case(&b'e')) {
        return None;
    }
    let back = |from: usize, most: usize, of: fn(u8) -> bool| {
        let near = &bytes[from.saturating_sub(most)..from];
        from - near.iter().rev().take_while(|b| of(**b)).count()
    };
    let signs = |b: u8| b.is_ascii_whitespace() || b",;:=\"'\\{".contains(&b);
    let part = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    let end = back(at, MAX_SIGNS, signs);
    let member = back(end, VALUE.len() + 1, part);
    if !bytes[member..end].eq_ignore_ascii_case(VALUE) {
        return None;
    }
    let end = back(member, MAX_SIGNS, signs);
    let name = back(end, MAX_NAME, part);
    if end == member || !is_secret_name(&bytes[name..end]) {
        return None;
    }
    let end = back(name, MAX_SIGNS, signs);
    let word = &bytes[back(end, MAX_NAME, part)..end];
    if !NAMING.iter().any(|naming| word.eq_ignore_ascii_case(naming)) {
        return None;
    }
    let open = run(bytes, run(bytes, at + 1, |b| b == b' '), |b| b == b'\\');
    let quote = *bytes.get(open).filter(|b| **b == b'"' || **b == b'\'')?;
    let value = |bytes| run(bytes, open + 1, |b: u8| b != quote && b != b'\\' && b != b'\n');
    let near = &bytes[open + 1..value(window(bytes, open))];
    (!is_harmless(near)).then(|| open + 1..value(bytes))
}
