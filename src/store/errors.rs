//! Errors of jobs: the failed attempts that say the same, as one.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{Actor, ErrorMute, Job, JobErrorGroup, Timestamp};

impl Store {
    /// The errors with which attempts failed in a range of time, by whole hours, the most frequent first, at most `limit`.
    /// Each attempt is counted in the commit of its end. The 10,000 errors that were met last are kept, and their hours for
    /// thirty days. The jobs of one are found by `error_group:` in the query language.
    pub async fn job_errors(
        &self,
        range: (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<Vec<JobErrorGroup>> {
        self.db.read("list errors of jobs", move |c| sql::errors::list(c, range, limit)).await
    }

    /// How many errors were met for the first time since an instant, without those that are muted now; counted up to `limit`.
    pub async fn new_job_errors(
        &self,
        since: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<u64> {
        let count = move |c: &_| sql::errors::count_new(c, (since, now), limit);
        self.db.read("count new errors of jobs", count).await
    }

    /// One of them, with its hours in a range of time.
    pub async fn job_error(
        &self,
        fingerprint: String,
        range: (Timestamp, Timestamp),
    ) -> Result<Option<JobErrorGroup>> {
        let get = move |c: &_| sql::errors::get(c, &fingerprint, range);
        self.db.read("read an error of jobs", get).await
    }

    /// The newest jobs that ended with an error and that nobody has run again, found by an index.
    pub async fn still_failed_jobs(&self, fingerprint: String, limit: usize) -> Result<Vec<Job>> {
        let find = move |c: &_| sql::errors::still_failed(c, &fingerprint, limit);
        self.db.read("list the jobs of an error", find).await
    }

    /// Has nobody told of an error any more until an instant, or until it is unmuted; `None` for `mute` unmutes it. Answers
    /// whether there is such an error.
    pub async fn mute_job_error(
        &self,
        fingerprint: String,
        mute: Option<ErrorMute>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let set = move |tx: &Tx<'_>, now| {
            core::errors::mute(tx, &fingerprint, mute.as_ref(), &actor, now)
        };
        self.db.rule("mute an error of jobs", now, set).await
    }
}
