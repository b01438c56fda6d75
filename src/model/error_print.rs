//! What an error of a job is recognised by: its kind, its code, and its text without the values that differ from job to job.

use super::template::{MASK, mask};
use super::transition::MAX_ERROR_BYTES;
use super::{JobError, Kind, sha256_hex};
use crate::error::without_code;

/// Hex digits of a fingerprint: of ten thousand errors no two share one but by a chance of one in 10^11.
const DIGITS: usize = 16;

/// The text of an error without its values, and the same with words for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ErrorPrint {
    template: String,
    /// For people: `Mailing ‹id› failed at ‹host› after ‹n›`.
    pub(crate) title: String,
}

impl ErrorPrint {
    /// Reads an error, in time that grows with its length.
    pub(crate) fn of(error: &JobError) -> Self {
        // Of a longer text no more is stored, and no more is read.
        let kept = error.message.floor_char_boundary(MAX_ERROR_BYTES);
        let masked = mask(without_code(&error.message[..kept], Some(&error.code)));
        let mut values = masked.values();
        let template = masked.template.clone();
        let (mut title, mut rest) = (String::new(), template.as_str());
        while let Some((before, after)) = rest.split_once(MASK) {
            title.push_str(before);
            title.push_str(values.next().map_or("‹…›", word));
            rest = after;
        }
        title.push_str(rest);
        if title.is_empty() {
            title.clone_from(&error.code);
        }
        Self { template, title }
    }

    /// Under which the failures of a kind are counted. It is stored, so nothing of it may change.
    pub(crate) fn fingerprint(&self, kind: &Kind, code: &str) -> String {
        let mut digits = sha256_hex(&format!("{kind}|{code}|{}", self.template));
        digits.truncate(DIGITS);
        digits
    }
}

/// The word for a value.
fn word(value: &str) -> &'static str {
    let is_number = |text: &str| {
        let digits = text.trim_start_matches(['-', '+']);
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.bytes().filter(u8::is_ascii_alphabetic).count() <= 3
            && digits.bytes().all(|b| b.is_ascii_alphanumeric() || b"., %".contains(&b))
            && digits.bytes().filter(|b| *b == b'.').count() <= 1
    };
    let is_host = |text: &str| {
        let host = text.split(':').next().unwrap_or_default();
        text.contains("://")
            || (host.contains('.')
                && host.split('.').all(|part| {
                    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                }))
    };
    if is_number(value) {
        "‹n›"
    } else if is_host(value) {
        "‹host›"
    } else if value.bytes().any(|b| b.is_ascii_digit()) && !value.contains(char::is_whitespace) {
        "‹id›"
    } else {
        "‹…›"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(message: &str) -> ErrorPrint {
        ErrorPrint::of(&JobError { code: "SHOP-MAIL-001".into(), message: message.into() })
    }

    #[test]
    fn a_title_has_words_for_values() {
        for (message, title) in [
            ("took 12 ms for 3 rows", "took ‹n› for ‹n› rows"),
            ("no answer from 10.0.0.1:8080", "no answer from ‹host›"),
            ("see https://a.example.com/x?y=1 for it", "see ‹host› for it"),
            ("run 6ba7b810-9dad-11d1-80b4-00c04fd430c8 is gone", "run ‹id› is gone"),
            ("no field `name` in it", "no field ‹…› in it"),
            ("[SHOP-MAIL-001] mail 7 bounced", "mail ‹n› bounced"),
            ("\n", "SHOP-MAIL-001"),
        ] {
            assert_eq!(print(message).title, title, "{message}");
        }
    }

    #[test]
    fn errors_of_a_kind_that_differ_in_values_alone_are_one() {
        let (mail, letter) = (Kind::named("mail"), Kind::named("letter"));
        let of = |kind, code, message| print(message).fingerprint(kind, code);
        let one = of(&mail, "A", "mail 7 to ann@example.com bounced");
        assert_eq!(one, of(&mail, "A", "mail 1234 to bob@example.org bounced"));
        assert_eq!(one.len(), DIGITS);
        for other in [
            of(&letter, "A", "mail 7 to ann@example.com bounced"),
            of(&mail, "B", "mail 7 to ann@example.com bounced"),
            of(&mail, "A", "mail 7 to ann@example.com was lost"),
        ] {
            assert_ne!(one, other);
        }
        // printf 'mail|A|mail <*> bounced' | sha256sum
        assert_eq!(of(&mail, "A", "mail 7 bounced"), sha256_hex("mail|A|mail <*> bounced")[..16]);
    }

    #[test]
    fn a_long_error_costs_in_proportion_to_its_length() {
        for piece in ["12 \"", "at a.rs:1\n", "{", "<*>", "'x 7 "] {
            crate::growth::grows_with_its_length("an error", piece, |text| drop(print(text)));
        }
    }
}
