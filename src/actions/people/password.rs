//! Passwords: the rules for a new one, and their hashes.

use crate::error::{Code, Error, Result};
use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use std::collections::HashSet;
use std::fmt;

/// How many characters a password may have.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;
/// The passwords of this length that an attacker tries first, in lower case.
const COMMON: [&str; 26] = [
    "000000000000",
    "111111111111",
    "1234567890ab",
    "1q2w3e4r5t6y",
    "123456789012",
    "1234567891011",
    "adminadminadmin",
    "administrator",
    "administrator1",
    "changeme1234",
    "changemechangeme",
    "correcthorsebatterystaple",
    "iloveyou1234",
    "lamplighter1",
    "lamplighter123",
    "lamplighteradmin",
    "letmein12345",
    "letmeinletmein",
    "password1234",
    "password12345",
    "password123!",
    "passwordpassword",
    "qwerty123456",
    "qwertyuiop12",
    "qwertyuiop123",
    "welcome12345",
];
/// The least number of different characters in a password: `aaaaaaaaaaaa` is not a secret.
const LEAST_DIFFERENT: usize = 4;

/// Argon2id's memory in KiB, passes and lanes.
///
/// Source: the second of the equivalent settings in the OWASP Password Storage Cheat Sheet.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// The hash that is compared for an account that does not exist, so that the refusal takes as long as for any other
/// account. Nobody knows a password that fits it.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGFtcGxpZ2h0ZXItbm9ib2R5$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A new password that fits the rules. Its `Debug` hides it, so that it cannot reach a log line.
pub struct Password(String);

impl Password {
    /// The rule, in words for a prompt.
    pub const RULE: &'static str = "12 to 128 characters";

    /// Reads a new password, and the same again if the person was asked twice.
    ///
    /// # Errors
    /// `AUTH-SETUP-002` for a password of fewer than 12 or more than 128 characters, for one that attackers try first,
    /// and if the two differ.
    pub fn read(text: impl Into<String>, again: Option<&str>) -> Result<Self> {
        let text = text.into();
        let different: HashSet<char> = text.chars().collect();
        let why = if !LENGTH.contains(&text.chars().count()) {
            "it must have 12 to 128 characters"
        } else if different.len() < LEAST_DIFFERENT {
            "it repeats too few characters"
        } else if COMMON.contains(&text.to_lowercase().as_str()) {
            "it is one of those that everybody tries first"
        } else if again.is_some_and(|again| again != text) {
            "the two passwords differ"
        } else {
            return Ok(Self(text));
        };
        Err(Error::new(Code::AuthPassword, format!("take the password: {why}")))
    }

    /// Hashes the password with Argon2id and answers a PHC string. Blocks for some 20 ms.
    ///
    /// # Errors
    /// `WEB-PAGE-001` if the system has no randomness to give.
    pub fn hash(&self) -> Result<String> {
        let failed =
            |error| Error::new(Code::WebInternal, "hash a password").because(format!("{error}"));
        Ok(argon2()?.hash_password(self.0.as_bytes()).map_err(failed)?.to_string())
    }

    /// The same as [`hash`](Self::hash), on a thread that may block.
    ///
    /// # Errors
    /// As [`hash`](Self::hash).
    pub(super) async fn hashed(self) -> Result<String> {
        let hashed = tokio::task::spawn_blocking(move || self.hash()).await;
        hashed.map_err(|error| Error::new(Code::WebInternal, "hash a password").because(error))?
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// The memory that one hash works in: 19 MiB once it was used.
pub type Memory = Vec<Block>;

/// Whether the password belongs to the stored hash. `None` stands for an account that does not exist, and its refusal
/// takes as long. Blocks.
pub fn verify(password: &str, stored: Option<&str>, memory: &mut Memory) -> Result<bool> {
    let unreadable =
        |why: String| Error::new(Code::StoreCorrupt, "read a password hash").because(why);
    let hash =
        PasswordHash::new(stored.unwrap_or(NOBODY)).map_err(|e| unreadable(e.to_string()))?;
    let params = Params::try_from(&hash).map_err(|e| unreadable(e.to_string()))?;
    let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else {
        return Err(unreadable("it has no salt or no output".into()));
    };
    memory.resize(params.block_count(), Block::new());
    let mut output = vec![0; expected.len()];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), &salt, &mut output, memory)
        .map_err(|error| {
            Error::new(Code::WebInternal, "verify a password").because(format!("{error}"))
        })?;
    let output = Output::new(&output).map_err(|e| unreadable(e.to_string()))?;
    // The comparison takes the same time wherever the two differ.
    Ok(output == expected && stored.is_some())
}

fn argon2() -> Result<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|error| {
        Error::new(Code::WebInternal, "set up Argon2").because(format!("{error}"))
    })?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(password: &str) -> String {
        Password::read(password, None).unwrap().hash().unwrap()
    }

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hashed("a lamp in every street");
        let mut memory = Memory::new();
        let mut fits = |password, stored| verify(password, stored, &mut memory).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(fits("a lamp in every street", Some(&hash)));
        assert!(!fits("a lamp in every street.", Some(&hash)));
        assert!(!fits("a lamp in every street", None));
        assert!(fits("a lamp in every street", Some(&hash)), "used memory changes nothing");
        assert_ne!(hash, hashed("a lamp in every street"), "salted");
    }

    #[test]
    fn short_long_common_and_monotonous_passwords_are_refused() {
        let long = "0123456789abcdef".repeat(8);
        assert!(Password::read(&long, None).is_ok(), "128 characters");
        assert!(Password::read("äöüÄÖÜßéèêëå", None).is_ok(), "characters are counted, not bytes");
        let too_long = format!("{long}x");
        for bad in ["", "elevenchars", &too_long, "aaaaaaaaaaaaaaa", "PassWord1234", "ababababcabc"]
        {
            let error = Password::read(bad, None).unwrap_err();
            assert_eq!(error.code(), Code::AuthPassword, "{bad}");
            assert!(bad.is_empty() || !error.to_string().contains(bad), "told nobody");
        }
    }

    #[test]
    fn the_list_of_common_passwords_holds_only_what_the_length_would_let_through() {
        assert!(COMMON.iter().all(|common| LENGTH.contains(&common.chars().count())));
    }

    #[test]
    fn a_repetition_must_be_the_same_and_neither_is_shown() {
        let read = |again| Password::read("a lamp in every street", again);
        assert_eq!(
            format!("{:?}", read(Some("a lamp in every street")).unwrap()),
            "Password(hidden)"
        );
        assert_eq!(
            read(Some("a lamp in each street")).unwrap_err().sentence(),
            "Could not take the password: the two passwords differ."
        );
    }
}
