//! Texts that no language and no program writes by itself: long runs of letters and digits that follow each other by chance.
//!
//! This finds keys and tokens of no known format. Names, paths, hashes, UUIDs and public keys stay.

use super::bytes::run;
use std::ops::Range;

/// How many letters and digits such a secret has, without the words that stand before it. What is longer is a file or a
/// picture, and no key.
const LENGTH: std::ops::RangeInclusive<usize> = 32..=512;
/// The least share of neighbours that differ in kind: small letter, capital, digit. Chance gives 0.62, names much less.
const CHANGES: f64 = 0.4;
/// The least bits that a byte tells, by how often each one stands there. Chance gives 4.5 with 32 of them.
const BITS: f64 = 4.0;
/// One slash in so many bytes is one too many: a path.
const SLASHES: usize = 16;
/// How public keys of SSH begin (RFC 4253): the length and name of their kind.
const PUBLIC: [&[u8]; 4] = [b"AAAAB3NzaC1", b"AAAAC3NzaC1", b"AAAAE2VjZHNh", b"AAAAGnNr"];

/// The search through one line from left to right. It reads a few bytes of most runs, and all bytes of long ones once.
#[derive(Default)]
pub(super) struct Chance {
    /// Before it no long run begins that was not looked at.
    from: usize,
}

impl Chance {
    /// The bytes of a secret whose run begins at `at`.
    #[inline]
    pub(super) fn find(&mut self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        if at < self.from {
            return None;
        }
        self.look(bytes, at)
    }

    fn look(&mut self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        let Some(begin) = bytes.get(at..at + LENGTH.start()) else {
            self.from = bytes.len();
            return None;
        };
        if let Some(gap) = begin.iter().rposition(|b| !is_key(*b)) {
            self.from = at + gap + 1;
            return None;
        }
        let end = run(bytes, at + LENGTH.start(), is_key);
        self.from = end;
        if is_public(&bytes[..at], &bytes[at..end]) {
            return None;
        }
        let start = at + words(&bytes[at..end]);
        is_by_chance(&bytes[start..end]).then(|| start..run(bytes, end, |b| b == b'='))
    }
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/')
}

/// How long the words are that stand before the secret and say what it is, as in `live_`.
fn words(text: &[u8]) -> usize {
    let mut length = 0;
    loop {
        let word = run(text, length, |b| b.is_ascii_alphabetic());
        match text.get(word) {
            Some(b'_' | b'-') => length = word + 1,
            Some(_) | None => return length,
        }
    }
}

/// Whether it is known not to be secret by how it begins or by what stands before it.
fn is_public(before: &[u8], text: &[u8]) -> bool {
    let is_hash = |name: &[u8]| {
        let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let name = &name[..name.len() - digits];
        digits > 0 && name.len() >= 3 && name[name.len() - 3..].eq_ignore_ascii_case(b"sha")
    };
    let dash = text.iter().take(8).position(|b| *b == b'-');
    // Names that compilers made of names, which stand in traces.
    let is_mangled = text.starts_with(b"_Z") || text.starts_with(b"_R");
    let is_sum = before.ends_with(b"h1:") || text.starts_with(b"sha256/");
    is_mangled
        || is_sum
        || PUBLIC.iter().any(|begin| text.starts_with(begin))
        || before.ends_with(b"base64,")
        || before
            .strip_suffix(b":")
            .is_some_and(|name| is_hash(&name[name.len().saturating_sub(8)..]))
        || dash.is_some_and(|dash| is_hash(&text[..dash]))
}

/// Whether the bytes follow each other by chance.
fn is_by_chance(text: &[u8]) -> bool {
    let mut counts = [0_u32; 256];
    let (mut kinds, mut letters, mut changes, mut slashes) = ([false; 3], 0_u32, 0_u32, 0);
    let mut last = None;
    for byte in text.iter().take(LENGTH.end() * 2) {
        counts[usize::from(*byte)] += 1;
        let kind = match byte {
            b'a'..=b'z' => 0,
            b'A'..=b'Z' => 1,
            b'0'..=b'9' => 2,
            b'/' => {
                slashes += 1;
                continue;
            }
            _ => continue,
        };
        kinds[kind] = true;
        letters += 1;
        changes += u32::from(last.is_some_and(|last| last != kind));
        last = Some(kind);
    }
    kinds == [true; 3]
        && LENGTH.contains(&(letters as usize))
        && slashes * SLASHES <= text.len()
        && f64::from(changes) >= CHANGES * f64::from(letters - 1)
        && bits(&counts) >= BITS
}

/// How many bits a byte tells on average.
fn bits(counts: &[u32; 256]) -> f64 {
    let all: f64 = counts.iter().map(|count| f64::from(*count)).sum();
    let of = |count: f64| if count > 0.0 { count / all * (all / count).log2() } else { 0.0 };
    counts.iter().map(|count| of(f64::from(*count))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<&str> {
        let mut chance = Chance::default();
        (0..line.len()).find_map(|at| chance.find(line.as_bytes(), at)).map(|at| &line[at])
    }

    #[test]
    fn long_runs_by_chance_are_found_and_the_words_before_them_stay() {
        let (one, two) = ("q7Rz2mKx9Lw4Tb8V", "n3Jc6Hd1Fg5Ps0Ye");
        let key = format!("{one}{two}");
        assert_eq!(found(&format!("a key {key}, and more")), Some(key.as_str()));
        assert_eq!(found(&format!("acme_live_{key}==")), Some(format!("{key}==").as_str()));
        assert_eq!(
            found(&format!("{one}/{two}+{one}")),
            Some(format!("{one}/{two}+{one}").as_str())
        );
        assert_eq!(found(&key[1..]), None, "31 are too few");
        assert_eq!(found(&key.repeat(17)), None, "544 are too many");
    }

    #[test]
    fn names_paths_hashes_ids_and_public_keys_stay() {
        let (one, two) = ("q7Rz2mKx9Lw4Tb8V", "n3Jc6Hd1Fg5Ps0Ye");
        for line in [
            "9fceb02d0ae598e95dc970b74767f19372d61af8 0d1a2b3c-4d5e-6f70-8192-a3b4c5d6e7f8"
                .to_owned(),
            "AbstractSingletonProxyFactoryBean2GetUserByIdFromRequestContext3".to_owned(),
            "MAX_CONNECTIONS_PER_HOST_2_OF_THE_POOL_AND_SO_ON_1234".to_owned(),
            "/srv/App1/Lib2/x64/V3/Py3/Z9/a1/B2/c3/D4/e5/F6/g7/H8".to_owned(),
            format!("sha512-{one}{two}"),
            format!("SHA256:{one}{two}"),
            format!("ssh-rsa AAAAB3NzaC1yc2{one}{two}"),
            format!("data:image/png;base64,{one}{two}"),
            "aAbBcCaAbBcCaAbBcCaAbBcC1aAbBcCaAbBcCaAbBcCaAbBcC".to_owned(),
        ] {
            assert_eq!(found(&line), None, "{line}");
        }
    }
}
