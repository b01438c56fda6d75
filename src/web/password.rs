//! Passwords: the rules they fit, their hashes, and how many are hashed at once.

use super::problem::Problem;
use crate::error::{Code, Error, Result};
use crate::error_coded;
use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Characters a password has at least and at most.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;
/// What a guesser tries first among passwords of this length, in lower case.
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
/// Different characters a password has at least: `aaaaaaaaaaaa` is no secret.
const LEAST_DIFFERENT: usize = 4;

/// Argon2id's memory in KiB, passes and lanes.
///
/// Source: OWASP Password Storage Cheat Sheet, second of its equal settings.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// Stands for the hash of an account that does not exist, so that the answer takes as long. No password is known that
/// fits it.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGFtcGxpZ2h0ZXItbm9ib2R5$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes that run at once: each takes 19 MiB and a core for some 20 ms.
const AT_ONCE: usize = 2;
/// Hashes that run or wait; whoever comes then is sent away (429).
const SEATS: usize = AT_ONCE + 16;

/// Hashes a new password with Argon2id, as a PHC string. Blocks for some 20 ms.
///
/// # Errors
/// `AUTH-SETUP-002` for a password of fewer than 12 or more than 128 characters, or one that everybody tries first.
pub fn hash_password(password: &str) -> Result<String> {
    if let Err(why) = check(password) {
        return Err(Error::new(Code::AuthPassword, format!("take the password: {why}")));
    }
    let failed =
        |error| Error::new(Code::WebInternal, "hash a password").because(format!("{error}"));
    let hash = argon2()?.hash_password(password.as_bytes()).map_err(failed)?;
    Ok(hash.to_string())
}

/// Whether a new password fits the rules, or which one it breaks.
pub(super) fn check(password: &str) -> std::result::Result<(), &'static str> {
    let different: std::collections::HashSet<char> = password.chars().collect();
    if !LENGTH.contains(&password.chars().count()) {
        Err("it must have 12 to 128 characters")
    } else if different.len() < LEAST_DIFFERENT {
        Err("it repeats too few characters")
    } else if COMMON.contains(&password.to_lowercase().as_str()) {
        Err("it is one of those that everybody tries first")
    } else {
        Ok(())
    }
}

/// Whether the password belongs to the stored hash; `None` is the hash of nobody and takes as long to refuse. Blocks.
pub(super) fn verify(password: &str, stored: Option<&str>, memory: &mut Memory) -> Result<bool> {
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

/// What one hash works in, 19 MiB once it was used.
pub(super) type Memory = Vec<Block>;

/// Bounds what passwords cost: a few hashes at once, a few waiting, nobody else.
pub(super) struct Hasher {
    seats: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// Memory for those who get a turn. It is kept: freed on one thread and asked for on another, the allocator would
    /// hold 19 MiB for each thread that ever hashed.
    idle: Arc<Mutex<Vec<Memory>>>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            seats: Arc::new(Semaphore::new(SEATS)),
            running: Arc::new(Semaphore::new(AT_ONCE)),
            idle: Arc::default(),
        }
    }
}

impl Hasher {
    /// Runs work that hashes, off the threads that serve. When the caller is gone before its turn the work never
    /// begins; work that has begun keeps its place until it ends.
    ///
    /// # Errors
    /// 429 if too many wait already.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(seat) = self.seats.clone().try_acquire_owned() else {
            return Err(Problem::of(Code::AuthBusy)
                .saying("Too many people sign in at once.")
                .retry_after(Duration::from_secs(1)));
        };
        let turn: Result<OwnedSemaphorePermit, AcquireError> =
            self.running.clone().acquire_owned().await;
        let turn = turn.expect("nobody closes the semaphore");
        let idle = self.idle.clone();
        let ended = tokio::task::spawn_blocking(move || {
            let _held = (seat, turn);
            let mut memory = lock(&idle).pop().unwrap_or_default();
            let answer = work(&mut memory);
            lock(&idle).push(memory);
            answer
        });
        match ended.await {
            Ok(answer) => answer.map_err(Problem::from),
            Err(error) => {
                error_coded!(Code::WebInternal, "hashing a password panicked: {error}");
                Err(Problem::of(Code::WebInternal))
            }
        }
    }
}

/// A panic while somebody held the list leaves a list.
fn lock(idle: &Mutex<Vec<Memory>>) -> MutexGuard<'_, Vec<Memory>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hash_password("a lamp in every street").unwrap();
        let mut memory = Memory::new();
        let mut fits = |password, stored| verify(password, stored, &mut memory).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(fits("a lamp in every street", Some(&hash)));
        assert!(!fits("a lamp in every street.", Some(&hash)));
        assert!(!fits("a lamp in every street", None));
        assert!(fits("a lamp in every street", Some(&hash)), "used memory changes nothing");
        assert_ne!(hash, hash_password("a lamp in every street").unwrap(), "salted");
    }

    #[test]
    fn short_long_common_and_monotonous_passwords_are_refused() {
        let long = "0123456789abcdef".repeat(8);
        assert!(check(&long).is_ok(), "128 characters");
        assert!(check("äöüÄÖÜßéèêëå").is_ok(), "characters are counted, not bytes");
        let too_long = format!("{long}x");
        for bad in ["", "elevenchars", &too_long, "aaaaaaaaaaaaaaa", "PassWord1234", "ababababcabc"]
        {
            let error = hash_password(bad).unwrap_err();
            assert_eq!(error.code(), Code::AuthPassword, "{bad}");
            assert!(bad.is_empty() || !error.to_string().contains(bad), "told nobody");
        }
    }

    #[test]
    fn the_list_of_common_passwords_holds_only_what_the_length_would_let_through() {
        assert!(COMMON.iter().all(|common| LENGTH.contains(&common.chars().count())));
    }

    #[tokio::test]
    async fn whoever_finds_no_seat_is_sent_away() {
        let hasher = Arc::new(Hasher::default());
        let all_turns = hasher.running.clone().acquire_many_owned(AT_ONCE as u32).await.unwrap();
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..SEATS {
            let hasher = hasher.clone();
            waiting.spawn(async move { hasher.run(|_| Ok(())).await.is_ok() });
        }
        while hasher.seats.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = hasher.run(|_| Ok(())).await.unwrap_err();
        assert_eq!(refused.status(), axum::http::StatusCode::TOO_MANY_REQUESTS);
        drop(all_turns);
        assert!(waiting.join_all().await.into_iter().all(|served| served));
    }
}
