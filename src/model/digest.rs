//! SHA-256 as text.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// SHA-256 of the text in lower-case hex.
pub(crate) fn sha256_hex(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes every write");
        hex
    })
}
