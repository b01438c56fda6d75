//! The text of a token: `lmp_`, the eight characters of its id, `_`, 32 bytes of chance and a checksum in base62.
//!
//! The checksum is the CRC-32 of everything before it, as six digits. With it a scanner of secrets tells a token from a
//! word that looks like one without asking us, and a slip of the finger never counts as a guess. It proves nothing.

use crate::model::sha256_hex;
use serde::Serialize;
use std::fmt;

/// What every token begins with.
const PREFIX: &str = "lmp_";
/// The digits of base62, as GitHub's tokens have them.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// How many digits the id has.
const ID: usize = 8;
/// How many digits 32 bytes have: 62^43 is more than 2^256.
const SECRET: usize = 43;
/// How many digits a CRC-32 has: 62^6 is more than 2^32.
const CHECKSUM: usize = 6;

/// The text of a token, which opens what the token opens. Its `Debug` hides it, so that it cannot reach a log line.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TokenText(String);

impl TokenText {
    /// The text of a new token, made of 40 bytes of chance.
    pub fn made_of(chance: &[u8; 40]) -> Self {
        let (id, secret) = chance.split_at(8);
        Self::with_id(&base62(id, ID), secret)
    }

    /// The next text of the token with this id, made of 32 bytes of chance.
    pub fn renewed(id: &str, chance: &[u8; 32]) -> Self {
        Self::with_id(id, chance)
    }

    fn with_id(id: &str, secret: &[u8]) -> Self {
        let text = format!("{PREFIX}{id}_{}", base62(secret, SECRET));
        let checksum = checksum(&text);
        Self(text + &checksum)
    }

    /// Reads a text of this form. `None` for any other, also if the checksum does not fit.
    pub fn read(text: &str) -> Option<Self> {
        let (id, rest) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let digits = |text: &str, count| {
            text.len() == count && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        if !digits(id, ID) || !digits(rest, SECRET + CHECKSUM) {
            return None;
        }
        let (before, sum) = text.split_at(text.len() - CHECKSUM);
        (checksum(before) == sum).then(|| Self(text.to_owned()))
    }

    /// The eight characters by which people name the token. They open nothing.
    pub fn id(&self) -> &str {
        &self.0[PREFIX.len()..PREFIX.len() + ID]
    }

    /// SHA-256 in hex, which is what the database keeps. 256 bits of chance need no slow hash.
    pub fn hash(&self) -> String {
        sha256_hex(&self.0)
    }

    /// The text, to be shown once.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenText({PREFIX}{}_…)", self.id())
    }
}

fn checksum(text: &str) -> String {
    base62(&crc32fast::hash(text.as_bytes()).to_be_bytes(), CHECKSUM)
}

/// The last `count` digits of the number that these bytes are, the highest first.
fn base62(bytes: &[u8], count: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec!['0'; count];
    for digit in digits.iter_mut().rev() {
        let rest = number.iter_mut().fold(0u32, |rest, byte| {
            let value = (rest << 8) | u32::from(*byte);
            *byte = (value / 62) as u8;
            value % 62
        });
        *digit = char::from(DIGITS[rest as usize]);
    }
    digits.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that differ from each other.
    fn chance<const N: usize>() -> [u8; N] {
        std::array::from_fn(|n| (n * 7 + 200) as u8)
    }

    #[test]
    fn a_token_has_its_id_its_secret_and_a_checksum_in_62_characters() {
        let token = TokenText::made_of(&chance());
        assert_eq!(token.as_str().len(), 62);
        assert!(token.as_str().starts_with("lmp_"));
        assert_eq!(TokenText::read(token.as_str()), Some(token.clone()));
        let renewed = TokenText::renewed(token.id(), &chance());
        assert_eq!(renewed.id(), token.id());
        assert_ne!(renewed.hash(), token.hash());
        assert!(!format!("{token:?}").contains(&token.as_str()[13..]), "hidden");
    }

    #[test]
    fn each_wrong_character_and_each_other_length_is_seen() {
        let token = TokenText::made_of(&chance());
        let text = token.as_str();
        for at in 0..text.len() {
            let other = if &text[at..=at] == "x" { "y" } else { "x" };
            let wrong = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert_eq!(TokenText::read(&wrong), None, "{wrong}");
        }
        for wrong in ["", "lmp_", "lmp_a_b", &text[1..], &text[..61], &format!("{text}0"), "lmp_ä"]
        {
            assert_eq!(TokenText::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn all_of_the_chance_counts() {
        let least = TokenText::made_of(&[0; 40]);
        assert_eq!(
            least.as_str()[..56],
            format!("{PREFIX}{}_{}", "0".repeat(ID), "0".repeat(SECRET))
        );
        let most = base62(&[255; 32], SECRET);
        assert_ne!(most, base62(&[255; 32], SECRET + 1)[..SECRET], "no digit is cut off");
        assert_eq!(base62(&[255; 32], SECRET + 1), format!("0{most}"));
        assert_eq!(base62(&[0, 61], 2), "0z");
        assert_eq!(base62(&[0, 62], 2), "10");
        assert_eq!(base62(&u32::MAX.to_be_bytes(), CHECKSUM), "4gfFC3");
    }
}
