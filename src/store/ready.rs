//! Whether the database takes writes and is to be trusted, from memory: no look at the file, no query.

use super::Store;
#[cfg(feature = "monitor")]
use super::logs::LogStore;
use crate::error::{Error, Result};
use std::time::{Duration, Instant};

/// A database whose last commit or last look for work is older than this is not ready: an engine makes one of each at least
/// every ten seconds.
const FRESH: Duration = Duration::from_secs(30);
/// How long a refusal counts that no other write followed: a program without an engine may write again much later. Longer than
/// a write waits for the lock, so that writes which are refused one after the other leave no gap.
const REFUSED_FOR: Duration = Duration::from_mins(1);
/// How often a log database that nothing is written to is looked at.
#[cfg(feature = "monitor")]
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Store {
    /// Whether the file is to be trusted still: no page of it was found damaged, and it is the one at its path.
    ///
    /// # Errors
    /// `STORE-FILE-008`, `STORE-FILE-009`: nothing is acknowledged any more, whatever becomes of the file. Every write is refused
    /// with this error.
    pub fn check_trust(&self) -> Result<()> {
        self.db.guard().check()
    }

    /// Returns when [`check_trust`](Store::check_trust) has an error, with it. An engine on this store ends by itself then.
    /// Cancel safe.
    pub async fn trust_lost(&self) -> Error {
        self.db.guard().breaks().await
    }

    /// Why this process is not ready to take work, in a sentence; `None`: it is ready. `runs_engine`: it has an engine, whose
    /// commits and looks are to be fresh; without one nothing else looks at the files, so the writer is asked to, for the next
    /// answer. It is known from memory.
    pub fn not_ready(&self, runs_engine: bool) -> Option<String> {
        if !runs_engine {
            self.db.look_soon();
        }
        if let Err(error) = self.check_trust() {
            return Some(format!("The database is not to be trusted: {error}"));
        }
        let (committed, refused) = self.db.guard().last_write();
        let refusal = refused.and_then(|(why, at)| refusal(&why, at.elapsed()));
        if refusal.is_some() {
            return refusal;
        }
        let ages = [committed.elapsed(), self.last_look().elapsed()];
        if runs_engine { stale(ages) } else { None }
    }

    /// When the engine last looked for work; before the first look, when the file was opened.
    pub(crate) fn last_look(&self) -> Instant {
        self.db.guard().last_look()
    }
}

/// What a write was refused for so long ago, while that says something about the next one.
fn refusal(why: &str, age: Duration) -> Option<String> {
    (age < REFUSED_FOR).then(|| format!("The database refuses writes: {why}"))
}

/// What has not happened for too long: the last commit, the last look for work.
fn stale([committed, looked]: [Duration; 2]) -> Option<String> {
    if committed >= FRESH {
        return Some(format!("Nothing could be saved for {} seconds.", committed.as_secs()));
    }
    let looked = Some(looked).filter(|age| *age >= FRESH)?;
    Some(format!("The engine has not looked for work for {} seconds.", looked.as_secs()))
}

#[cfg(feature = "monitor")]
impl LogStore {
    /// As [`Store::trust_lost`]. While it is waited for, the files are looked at every second.
    pub async fn trust_lost(&self) -> Error {
        let look = async {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                if let Err(closed) = self.db.look().await {
                    return closed;
                }
            }
        };
        tokio::select! {
            error = self.db.guard().breaks() => error,
            closed = look => closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::store::OpenMode;
    use std::fs;

    #[test]
    fn a_refusal_counts_for_a_minute() {
        let said = refusal("it is full", Duration::from_secs(59));
        assert_eq!(said.unwrap(), "The database refuses writes: it is full");
        assert_eq!(refusal("it is full", REFUSED_FOR), None);
    }

    #[tokio::test]
    async fn without_an_engine_a_question_has_the_files_looked_at_although_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lamplighter.db");
        let store = Store::open(&path, OpenMode::Migrate).unwrap();
        assert_eq!(store.not_ready(false), None);
        fs::rename(&path, folder.path().join("elsewhere.db")).unwrap();
        // It is said from memory, which may have been brought up to date meanwhile by the look that the first question began.
        let said = store.not_ready(false);
        assert!(said.is_none_or(|said| said.contains("is not to be trusted")));
        let lost = tokio::time::timeout(Duration::from_secs(20), store.trust_lost()).await.unwrap();
        assert_eq!(lost.code(), Code::StoreReplaced);
        let said = store.not_ready(false).unwrap();
        assert!(said.starts_with("The database is not to be trusted: "), "{said}");
    }

    #[test]
    fn what_has_not_happened_for_half_a_minute_is_said() {
        let stale = |committed, looked| {
            stale([Duration::from_secs(committed), Duration::from_secs(looked)])
        };
        assert_eq!(stale(29, 29), None);
        assert_eq!(stale(30, 0).unwrap(), "Nothing could be saved for 30 seconds.");
        let looked = "The engine has not looked for work for 31 seconds.";
        assert_eq!(stale(0, 31).unwrap(), looked);
    }
}
