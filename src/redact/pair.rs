//! Values of names that stand apart from them: `<password>x</password>`, `key="Password" value="x"`, `["password", "x"]`.

use super::bytes::{is_telling, run, window};
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

/// The text behind the `,` at `at`, if the text before it in the same list names a secret. A list of names is none: what is no
/// pair, or a plain word, has to look like a secret.
pub(super) fn listed(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let back = |from: usize, most: usize, of: fn(u8) -> bool| {
        let near = &bytes[from.saturating_sub(most)..from];
        from - near.iter().rev().take_while(|b| of(**b)).count()
    };
    let space = |b: u8| b == b' ' || b == b'\t';
    let end = back(at, MAX_SIGNS, space).checked_sub(1)?;
    let quote = bytes[end];
    if quote != b'"' && quote != b'\'' {
        return None;
    }
    let name_end = back(end, MAX_SIGNS, |b| b == b'\\');
    let start = back(name_end, MAX_NAME, |b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    if !is_secret_name(&bytes[start..name_end]) {
        return None;
    }
    let opened =
        back(start.checked_sub(1).filter(|before| bytes[*before] == quote)?, MAX_SIGNS, |b| {
            b == b'\\'
        });
    let before = back(opened, MAX_SIGNS, space);
    let is_first = before > 0 && b"[(".contains(&bytes[before - 1]);
    let follows_another = before > 0 && bytes[before - 1] == b',';
    if !is_first && !follows_another {
        return None;
    }
    let open = run(bytes, run(bytes, at + 1, space), |b| b == b'\\');
    if bytes.get(open) != Some(&quote) {
        return None;
    }
    let value = |bytes| run(bytes, open + 1, |b: u8| b != quote && b != b'\\' && b != b'\n');
    let value_end = value(window(bytes, open));
    let begin = &bytes[open + 1..value_end];
    let shut = run(bytes, value_end, |b| b == b'\\');
    let is_last = bytes.get(shut) == Some(&quote)
        && bytes.get(run(bytes, shut + 1, space)).is_some_and(|b| b"])".contains(b));
    let is_pair = is_first && is_last;
    let is_word = begin.iter().all(|b| b.is_ascii_lowercase() || b"_-.".contains(b));
    let is_secret = is_telling(begin) || (is_pair && !is_word);
    (is_secret && !is_harmless(begin)).then(|| open + 1..value(bytes))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_list_what_follows_a_secrets_name_is_found_and_other_words_are_not() {
        let found = |text: &str| {
            let all = (0..text.len()).filter(|at| text.as_bytes()[*at] == b',');
            all.filter_map(|at| listed(text.as_bytes(), at))
                .map(|at| text[at].to_owned())
                .collect::<Vec<_>>()
        };
        for (text, secret) in [
            (r#"["password","hunter2hunter2"]"#, "hunter2hunter2"),
            (r#"["password", "Correct horse"]"#, "Correct horse"),
            ("('db_password', 'S3cret')", "S3cret"),
            (r#"["user","bob","password","hunter2x","role","x"]"#, "hunter2x"),
            (r#"{\"args\":[\"token\",\"a1b2c3d4\"]}"#, "a1b2c3d4"),
        ] {
            assert_eq!(found(text), [secret], "{text}");
        }
        for text in [
            r#"["password","username"]"#,
            r#"["password","token","secret"]"#,
            r#"["user","password"]"#,
            r#"["password",null]"#,
            r#"["password","null"]"#,
            r#"["name","hunter2hunter2"]"#,
            r#""password", "hunter2hunter2""#,
            "password,hunter2hunter2",
            ",",
            "\",",
            r#"["pwd","#,
            r#"["pwd",""#,
            r#"["pwd","Ab"#,
            "password\",\"hunter2hunter2\"",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
