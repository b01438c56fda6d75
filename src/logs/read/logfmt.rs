//! `key=value` lines, as Go's programs and Heroku write them.

use super::names::{PAIR_MESSAGE, PAIR_TIME};
use serde_json::{Map, Value};

/// Most pairs of one line.
const MAX_PAIRS: usize = 200;

/// Whether a text may be a line of pairs; most are not.
pub(super) fn is_likely(text: &str) -> bool {
    key_length(text).is_some()
}

/// The pairs of a line that says its message or its time by one of them.
pub(super) fn read(text: &str) -> Option<Map<String, Value>> {
    let mut pairs = Map::new();
    let mut rest = text;
    while let Some(key) = key_length(rest) {
        let (name, after) = (&rest[..key], &rest[key + 1..]);
        let (value, left) = value(after)?;
        pairs.entry(name).or_insert(Value::String(value));
        rest = left.trim_start();
        if rest.is_empty() || pairs.len() == MAX_PAIRS {
            break;
        }
    }
    let has = |names: &[&str]| names.iter().any(|name| pairs.contains_key(*name));
    let whole = rest.is_empty() && pairs.len() > 1;
    (whole && (has(&PAIR_MESSAGE) || has(&PAIR_TIME))).then_some(pairs)
}

/// The length of the key that stands before an equals sign here.
fn key_length(text: &str) -> Option<usize> {
    let allowed =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'@' | b'/');
    let length = text.as_bytes().iter().take(64).take_while(|b| allowed(b)).count();
    (length > 0 && text.as_bytes().get(length) == Some(&b'=')).then_some(length)
}

/// A bare word, or a text in quotes with backslashes; and what follows.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut out = String::new();
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            '"' if !escaped => return Some((out, &quoted[at + 1..])),
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            'n' if escaped => out.push('\n'),
            't' if escaped => out.push('\t'),
            c => out.push(c),
        }
        escaped = false;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pairs_are_read_with_and_without_quotes() {
        let pairs =
            read(r#"time=2026-11-21T05:29:51Z level=error msg="no \"cart\"\nhere" err="" n=7"#)
                .unwrap();
        let expected = json!({"time": "2026-11-21T05:29:51Z", "level": "error", "msg": "no \"cart\"\nhere", "err": "", "n": "7"});
        assert_eq!(Value::Object(pairs), expected);
        for text in
            ["a=1", "a=1 b=2", "msg=\"open", "msg=a then prose", "plain words", "=x msg=y", ""]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
