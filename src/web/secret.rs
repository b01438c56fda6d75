//! Random secrets that a browser holds and the database knows only by their hash.

use crate::error::{Code, Error, Result};
use crate::model::sha256_hex;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

/// 256 bits of the system's randomness, as base64url text. It has no `Debug`: it must not reach a log.
pub(super) struct Secret(String);

impl Secret {
    /// A new secret.
    ///
    /// # Errors
    /// `WEB-PAGE-001` if the system has no randomness to give.
    pub(super) fn new() -> Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::new(Code::WebInternal, "make a secret").because(error))?;
        Ok(Self(BASE64URL_NOPAD.encode(&bytes)))
    }

    /// The text for the browser.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// What is stored.
    pub(super) fn hash(&self) -> String {
        hash(&self.0)
    }
}

/// A name for one request, in its log lines and in those of the jobs it makes. Not a secret.
pub(super) fn correlation_id() -> String {
    let mut bytes = [0; 8];
    // Without randomness lines are tied together too loosely, which is no reason to refuse a request.
    getrandom::fill(&mut bytes).unwrap_or_default();
    HEXLOWER.encode(&bytes)
}

/// SHA-256 in hex: enough for a secret that cannot be guessed, where a password needs a slow hash.
pub(super) fn hash(text: &str) -> String {
    sha256_hex(text)
}
