//! The options of a job to be stored, one call for each.

use super::NewJob;
use crate::error::Result;
use crate::model::{Actor, ConcurrencyKey, JobId, Queue, Tag, Timestamp, UniqueKey};
use std::time::Duration;

/// # Example
/// ```
/// use lamplighter::prelude::*;
///
/// # #[derive(Serialize, Deserialize)]
/// # struct SendInvoice { number: u64 }
/// # impl Payload for SendInvoice {
/// #     const KIND: Kind = Kind::named("send_invoice");
/// #     type Output = ();
/// # }
/// # fn main() -> lamplighter::Result<()> {
/// let job = NewJob::of(&SendInvoice { number: 7 })?.delay(Duration::from_hours(2)).unique("inv-7")?;
/// assert_eq!(job.unique_key.expect("just set").as_str(), "inv-7");
/// # Ok(())
/// # }
/// ```
impl NewJob {
    /// Earliest start, counted from when the job is stored.
    #[must_use]
    pub fn delay(self, length: Duration) -> Self {
        Self { delay: Some(length), run_at: None, ..self }
    }

    /// Earliest start. One that is past makes the job due at once.
    #[must_use]
    pub fn at(self, start: Timestamp) -> Self {
        Self { run_at: Some(start), delay: None, ..self }
    }

    /// Lower runs first, −100 to 100, each level worth ten minutes of waiting. Default: the kind's.
    #[must_use]
    pub fn priority(self, priority: i32) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// Where the job waits. Default: the kind's queue.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the name is not `snake_case` of at most 64 bytes.
    pub fn queue(self, name: impl AsRef<str>) -> Result<Self> {
        Ok(Self { queue: Some(Queue::parse(name)?), ..self })
    }

    /// Attempts it has, 1 to 1,000,000. Default: the kind's.
    #[must_use]
    pub fn max_attempts(self, attempts: u32) -> Self {
        Self { max_attempts: Some(attempts), ..self }
    }

    /// How long an attempt may run, at least a millisecond. Default: the kind's.
    #[must_use]
    pub fn timeout(self, length: Duration) -> Self {
        Self { timeout: Some(length), ..self }
    }

    /// At most one job of the kind that is not final holds this key; a second one is answered
    /// [`Enqueued::Existing`](super::Enqueued::Existing).
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the key does not have 1 to 200 bytes.
    pub fn unique(self, key: impl AsRef<str>) -> Result<Self> {
        Ok(Self { unique_key: Some(UniqueKey::parse(key)?), unique_window: None, ..self })
    }

    /// The same for a window of the clock, even if the job becomes final earlier: an hour's window goes from one full hour
    /// to the next.
    ///
    /// # Errors
    /// As [`NewJob::unique`].
    pub fn unique_for(self, key: impl AsRef<str>, window: Duration) -> Result<Self> {
        Ok(Self { unique_window: Some(window), ..self.unique(key)? })
    }

    /// A limited number of running jobs hold this key; the others wait.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the key does not have 1 to 200 bytes.
    pub fn concurrency(self, key: impl AsRef<str>) -> Result<Self> {
        Ok(Self { concurrency_key: Some(ConcurrencyKey::parse(key)?), ..self })
    }

    /// A word by which the job is found, whatever its kind, beside those that it has. At most 10 of them.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the word does not have 1 to 64 bytes.
    pub fn tag(mut self, word: impl AsRef<str>) -> Result<Self> {
        let tag = Tag::parse(word)?;
        if !self.tags.contains(&tag) {
            self.tags.push(tag);
        }
        Ok(self)
    }

    /// The caller's name for this request, 1 to 200 bytes: a second request of this name is answered with the first job
    /// (P3).
    #[must_use]
    pub fn idempotent(self, key: impl Into<String>) -> Self {
        Self { idempotency_key: Some(key.into()), ..self }
    }

    /// The job runs once these have completed. If one of them fails or is cancelled, it is cancelled, and so are those that
    /// run after it. A job has at most 100 of them, all stored before it.
    #[must_use]
    pub fn after(mut self, ids: impl IntoIterator<Item = JobId>) -> Self {
        self.after.extend(ids);
        self
    }

    /// The job runs once these are over, whatever became of them.
    #[must_use]
    pub fn after_any(mut self, ids: impl IntoIterator<Item = JobId>) -> Self {
        self.after_any.extend(ids);
        self
    }

    /// Ties the job's log lines to those of the request that made it, 1 to 200 bytes.
    #[must_use]
    pub fn correlated(self, id: impl Into<String>) -> Self {
        Self { correlation_id: Some(id.into()), ..self }
    }

    /// Who asked for it: written to the audit log in the same transaction.
    #[must_use]
    pub fn asked_by(self, actor: Actor) -> Self {
        Self { actor: Some(actor), ..self }
    }
}
