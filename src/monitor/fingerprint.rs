//! The fingerprint of a finding without an error code: what its rows say, or where the program broke and how.

use crate::model::{Classification, Fingerprint, sha256_hex};

/// SHA-256 of `classification|source|template`, in lower-case hex.
///
/// It is stored and compared over years, so neither the words, nor the order, nor the divider may change.
pub(crate) fn fingerprint(
    classification: Classification,
    source: &str,
    template: &str,
) -> Fingerprint {
    let parts = format!("{}|{source}|{template}", classification.as_str());
    Fingerprint::from_hex(sha256_hex(&parts))
}

/// Characters of a body in which the name of an error is looked for: its summary.
const MAX_BODY: usize = 500;
/// Stands for the error where neither title nor body names one.
const UNKNOWN: &str = "UnknownError";

/// SHA-256 of `classification|files|error`, in lower-case hex: the files sorted by code point and joined by commas, and
/// the first word of the title, or else of the body's first 500 characters, that names an error.
///
/// It is stored and compared over years too.
pub(crate) fn structural(
    classification: Classification,
    files: &[String],
    title: &str,
    body: &str,
) -> Fingerprint {
    let mut files: Vec<&str> = files.iter().map(String::as_str).collect();
    files.sort_unstable();
    let title = format!("{} {title}", classification.prefix());
    let summary: String = body.chars().take(MAX_BODY).collect();
    let error = error_type(&title).or_else(|| error_type(&summary)).unwrap_or(UNKNOWN);
    let parts = format!("{}|{}|{error}", classification.as_str(), files.join(","));
    Fingerprint::from_hex(sha256_hex(&parts))
}

/// The first word that ends in Error, Exception or Failure and has something before it.
fn error_type(text: &str) -> Option<&str> {
    let names = |word: &&str| {
        ["Error", "Exception", "Failure"]
            .iter()
            .any(|end| word.strip_suffix(end).is_some_and(|before| !before.is_empty()))
    };
    text.split(|c: char| !c.is_alphanumeric() && c != '_').find(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fingerprint of a server bug in one file.
    fn of(title: &str, body: &str) -> Fingerprint {
        structural(Classification::ServerBug, &["a.py".into()], title, body)
    }

    #[test]
    fn the_structural_one_is_the_sha256_of_class_files_and_error() {
        let made = structural(
            Classification::ServerBug,
            &["src/git_service.py".into()],
            "ValidationError while cloning",
            "",
        );
        let expected = "56dece1f5ec8fb75297e3a5eec794aa9ba068edc9314742cda2fab69c17cbe93";
        assert_eq!(made.as_str(), expected);
        let made = structural(Classification::ClientMisuse, &[], "no such thing", "nothing");
        let expected = "e5745be8c79bb42731e8a4a15b355a361a456b5e5adf8b0e0a0e6b4e3efc2c43";
        assert_eq!(made.as_str(), expected);
    }

    #[test]
    fn the_order_of_files_does_not_matter_and_code_points_decide_it() {
        let of = |files: &[&str]| {
            let files: Vec<String> = files.iter().map(|&file| file.into()).collect();
            structural(Classification::ServerBug, &files, "", "")
        };
        assert_eq!(of(&["b.py", "a.py", "Z.py"]), of(&["Z.py", "a.py", "b.py"]));
        // printf 'server_bug|Z.py,a.py,b.py|UnknownError' | sha256sum
        let expected = sha256_hex("server_bug|Z.py,a.py,b.py|UnknownError");
        assert_eq!(of(&["a.py", "Z.py", "b.py"]).as_str(), expected);
    }

    #[test]
    fn the_error_is_the_first_word_with_such_an_ending_in_the_title_then_in_the_summary() {
        let named =
            |error: &str| Fingerprint::from_hex(sha256_hex(&format!("server_bug|a.py|{error}")));
        for (title, body, error) in [
            ("a KeyError, then an IOException", "ValueError", "KeyError"),
            ("my.app.Größe_Failure!", "", "Größe_Failure"),
            ("Error, Exception and Failure", "see DiskFailure", "DiskFailure"),
            ("Errors and TypeErrors", "", "UnknownError"),
            ("keyerror", "", "UnknownError"),
        ] {
            assert_eq!(of(title, body), named(error), "{title} {body}");
        }
        let padding = "ä ".repeat(245);
        assert_eq!(of("", &format!("{padding}123 KeyError")), named("UnknownError"));
        assert_eq!(of("", &format!("{padding} KeyError")), named("KeyError"));
    }

    #[test]
    fn it_is_the_sha256_of_the_three_parts() {
        // printf 'server_bug|shop.cart|cart <*> is empty' | sha256sum
        let expected = "e8a22ed14c9352b4d86346818ee90d5b9b294ccbf9f4cd11b0aa98977b65f320";
        let made = fingerprint(Classification::ServerBug, "shop.cart", "cart <*> is empty");
        assert_eq!(made.as_str(), expected);
    }

    #[test]
    fn each_part_makes_a_difference() {
        let base = fingerprint(Classification::ServerBug, "a", "b");
        assert_ne!(base, fingerprint(Classification::ClientMisuse, "a", "b"));
        assert_ne!(base, fingerprint(Classification::ServerBug, "x", "b"));
        assert_ne!(base, fingerprint(Classification::ServerBug, "a", "x"));
    }
}
