//! Random secrets. A browser holds the secret, and the database has only its hash.

use crate::error::{Code, Error, Result};
use crate::model::sha256_hex;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

/// 256 bits of the system's randomness, as base64url text. It has no `Debug`, because it must not reach a log.
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

    /// The hash, which is what the database stores.
    pub(super) fn hash(&self) -> String {
        hash(&self.0)
    }
}

/// An id for one request, which is in its log lines and in those of the jobs that it makes. It is not a secret.
pub(super) fn correlation_id() -> String {
    let mut bytes = [0; 8];
    // If the system has no randomness, requests share an id. That is no reason to refuse a request.
    getrandom::fill(&mut bytes).unwrap_or_default();
    HEXLOWER.encode(&bytes)
}

/// SHA-256 in hex. It is enough for a secret that cannot be guessed; only a password needs a slow hash.
pub(super) fn hash(text: &str) -> String {
    sha256_hex(text)
}
