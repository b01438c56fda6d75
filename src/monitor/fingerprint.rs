//! What a finding without an error code is recognised by.

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

#[cfg(test)]
mod tests {
    use super::*;

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
