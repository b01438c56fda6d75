//! Errors of jobs: the failed attempts that say the same, as one.

use crate::model::{self, Timestamp};
use serde::Serialize;

/// An error with which attempts of jobs failed.
#[derive(Clone, Debug, Serialize)]
pub struct JobError {
    /// By which it is recognised; `error_group:` in the query language asks for its jobs.
    pub fingerprint: String,
    /// The kind of the jobs.
    pub kind: String,
    /// Its code.
    pub code: String,
    /// What it says, with ‹n›, ‹id›, ‹host› or ‹…› for what differs.
    pub title: String,
    /// When an attempt failed with it for the first time.
    pub first_at: String,
    /// The last time.
    pub last_at: String,
    /// Attempts that failed with it, ever.
    pub failures: u64,
    /// Attempts that failed with it in the range that was asked for.
    pub failures_in_range: u64,
    /// Jobs that ended with it as failed and that nobody has run again; counted up to 10,000.
    pub still_failed: u64,
    /// Who has muted it.
    pub muted_by: Option<String>,
    /// Until when it is muted; `null` for one that is muted: until somebody unmutes it.
    pub muted_until: Option<String>,
}

/// An error that was muted, or is not muted any more.
#[derive(Clone, Debug, Serialize)]
pub struct JobErrorMuted {
    /// By which it is recognised.
    pub fingerprint: String,
    /// Whether it is muted now.
    pub muted: bool,
    /// Until when; `null` for one that is muted: until somebody unmutes it.
    pub until: Option<String>,
}

impl From<&model::JobErrorGroup> for JobError {
    fn from(error: &model::JobErrorGroup) -> Self {
        Self {
            fingerprint: error.fingerprint.clone(),
            kind: error.kind.to_string(),
            code: error.code.clone(),
            title: error.title.clone(),
            first_at: error.first_at.to_string(),
            last_at: error.last_at.to_string(),
            failures: error.failures,
            failures_in_range: error.in_range(),
            still_failed: error.still_failed,
            muted_by: error.mute.as_ref().map(|mute| mute.by.clone()),
            muted_until: error
                .mute
                .as_ref()
                .and_then(|mute| mute.until)
                .as_ref()
                .map(Timestamp::to_string),
        }
    }
}
