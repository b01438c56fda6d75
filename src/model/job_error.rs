//! Errors of jobs: the failed attempts that say the same, as one.

use super::{Kind, Timestamp};
use std::collections::BTreeMap;

/// Attempts of one kind that failed with the same code and the same text, apart from its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobErrorGroup {
    /// By which it is recognised, and asked for: `error_group:` in the query language.
    pub fingerprint: String,
    /// The kind of the jobs.
    pub kind: Kind,
    /// Its code.
    pub code: String,
    /// What it says, with ‹n›, ‹id›, ‹host› or ‹…› for what differs.
    pub title: String,
    /// When an attempt failed with it for the first time.
    pub first_at: Timestamp,
    /// The last time.
    pub last_at: Timestamp,
    /// Attempts that failed with it, ever.
    pub failures: u64,
    /// Jobs that ended with it as failed and that nobody has run again; counted up to 10,000.
    pub still_failed: u64,
    /// Attempts that failed with it in each hour of the range that was asked for, if any did.
    pub hours: BTreeMap<Timestamp, u64>,
    /// Who wants to hear no more of it.
    pub mute: Option<ErrorMute>,
}

impl JobErrorGroup {
    /// The number up to which jobs that are still failed are counted.
    pub const MOST_STILL_FAILED: u64 = 10_000;

    /// Attempts that failed with it in the range that was asked for, by whole hours.
    pub fn in_range(&self) -> u64 {
        self.hours.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Whether it is muted at an instant.
    pub fn is_muted(&self, now: Timestamp) -> bool {
        self.mute.as_ref().is_some_and(|mute| mute.until.is_none_or(|until| until > now))
    }
}

/// Somebody wants to hear no more of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorMute {
    /// Until when; `None`: until somebody wants to hear of it again.
    pub until: Option<Timestamp>,
    /// Who.
    pub by: String,
}
