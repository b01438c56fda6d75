//! Bounds how many passwords are hashed at once.

use super::problem::Problem;
use crate::actions::people::Memory;
use crate::error::{Code, Result};
use crate::error_coded;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// How many hashes run at once. Each takes 19 MiB and a core for some 20 ms.
const AT_ONCE: usize = 2;
/// How many hashes may run or wait. A further caller is refused with 429.
const SEATS: usize = AT_ONCE + 16;

/// Bounds what passwords cost: a few hashes run at once, a few more wait, and all others are refused.
pub(super) struct Hasher {
    seats: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// The memory of the hashes that run. It is kept and used again: if one thread freed it and another asked for it, the
    /// allocator would hold 19 MiB for each thread that ever hashed.
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
    /// Runs work that hashes, on a thread that may block. If the caller goes away before its turn, the work never begins.
    /// Work that has begun keeps its place until it ends.
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

/// Locks the list. A panic while it was locked leaves it usable.
fn lock(idle: &Mutex<Vec<Memory>>) -> MutexGuard<'_, Vec<Memory>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_caller_who_finds_no_seat_is_sent_away() {
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
