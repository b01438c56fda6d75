//! One act on many jobs: what is asked for, what it would do, and what a slice of it did.
//!
//! [`BulkAct::skip`] is the one rule that says which jobs an act leaves alone. The preview counts by it and the slices
//! act by it, so that what was shown is what is done.

use super::job::word_enum;
#[cfg(feature = "web")]
use super::limits::check_priority;
use super::{Filter, Job, Status, Timestamp};
use crate::error::Result;
use std::collections::BTreeMap;
use std::fmt;

/// What is done to each job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkAct {
    /// Cancel it, or ask it to end.
    Cancel,
    /// Run a failed or cancelled one again, as a new one.
    Retry,
    /// Make a waiting one due.
    RunNow,
    /// Delete a final one with its history.
    Delete,
    /// Give a waiting one this priority, -100 to 100.
    SetPriority(i32),
}

impl BulkAct {
    /// The word for it, as programs write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::RunNow => "run_now",
            Self::Delete => "delete",
            Self::SetPriority(_) => "set_priority",
        }
    }

    /// The act of a word, and of the priority that it gives if it gives one.
    pub fn parse(word: &str, priority: Option<i32>) -> Option<Self> {
        match (word, priority) {
            ("cancel", _) => Some(Self::Cancel),
            ("retry", _) => Some(Self::Retry),
            ("run_now", _) => Some(Self::RunNow),
            ("delete", _) => Some(Self::Delete),
            ("set_priority", Some(to)) => Some(Self::SetPriority(to)),
            _ => None,
        }
    }

    /// Why the act would leave a job alone at `now`; `None` if it would not.
    pub fn skip(self, job: JobState, now: Timestamp) -> Option<Skip> {
        let is_final = job.status.is_final();
        let waits = !is_final && job.status != Status::Running;
        match self {
            Self::Cancel if is_final => Some(Skip::Final),
            Self::Cancel if job.is_asked_to_end => Some(Skip::AskedAlready),
            Self::Retry | Self::Delete if !is_final => Some(Skip::NotFinal),
            Self::Retry if job.status == Status::Completed => Some(Skip::Completed),
            Self::Cancel | Self::Retry | Self::Delete => None,
            Self::RunNow | Self::SetPriority(_) if !waits => Some(Skip::NotWaiting),
            Self::RunNow => (job.run_at <= now).then_some(Skip::DueAlready),
            Self::SetPriority(to) => (job.priority == Some(to)).then_some(Skip::Unchanged),
        }
    }

    /// The act, if it can be done at all.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a priority out of range.
    #[cfg(feature = "web")]
    pub(crate) fn checked(self) -> Result<Self> {
        match self {
            Self::SetPriority(priority) => check_priority(priority)
                .map(|()| self)
                .map_err(|error| error.while_doing("change the jobs of a query")),
            Self::Cancel | Self::Retry | Self::RunNow | Self::Delete => Ok(self),
        }
    }
}

impl fmt::Display for BulkAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

word_enum!(
    /// Why an act leaves a job alone that fits its filter.
    #[derive(PartialOrd, Ord)]
    Skip {
        /// It is over already.
        Final = "final",
        /// It was asked to end already.
        AskedAlready = "asked_already",
        /// It is not over yet.
        NotFinal = "not_final",
        /// It completed, and a bulk action does not run completed jobs again.
        Completed = "completed",
        /// It does not wait any more.
        NotWaiting = "not_waiting",
        /// Its time has come already.
        DueAlready = "due_already",
        /// It has this priority already.
        Unchanged = "unchanged",
        /// This bulk action has run it again already.
        Repeated = "repeated",
        /// It is over, but the processes of its agent are not known to be gone.
        ProcessesLeft = "processes_left",
        /// A foreign key of another table names it.
        Referenced = "referenced",
        /// As many jobs of its kind wait already as may.
        NoRoom = "no_room",
        /// What is stored of it cannot be read, or is nothing that a job may have.
        Unreadable = "unreadable",
    }
);

/// What of a job decides whether an act leaves it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobState {
    /// Where it is in its life.
    pub status: Status,
    /// Its earliest start.
    pub run_at: Timestamp,
    /// Its priority; `None` before admission.
    pub priority: Option<i32>,
    /// Whether somebody asked it to end.
    pub is_asked_to_end: bool,
}

impl From<&Job> for JobState {
    fn from(job: &Job) -> Self {
        Self {
            status: job.status,
            run_at: job.run_at,
            priority: job.priority,
            is_asked_to_end: job.cancel_requested_at.is_some(),
        }
    }
}

/// An act on the jobs that fit a filter, as it was previewed: jobs that were made later are never touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Which jobs.
    pub filter: Filter,
    /// What is done to each.
    pub act: BulkAct,
    /// When it was previewed; `since:2h` counts from here, however long the act takes.
    pub asked_at: Timestamp,
    /// The lowest id that was looked at.
    pub from_id: i64,
    /// The highest id that was looked at.
    pub through_id: i64,
}

/// What a bulk action would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The request of each slice, so that it does what the preview showed.
    pub bulk: Bulk,
    /// Jobs that fit the filter.
    pub matched: u64,
    /// How many of them the act would leave alone, by reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// How many ids were looked through; rows that were removed are counted.
    pub looked_through: u64,
    /// Where to go on if older jobs were not looked at: ids below this one.
    pub next: Option<i64>,
    /// The newest of the jobs that fit, at most twenty.
    pub sample: Vec<Job>,
    /// The commonest errors of the jobs that fit, at most three.
    pub errors: Vec<CommonError>,
}

impl Preview {
    /// How many jobs the act would change.
    pub fn changes(&self) -> u64 {
        self.matched.saturating_sub(self.skipped.values().sum())
    }
}

/// An error that several jobs have: their numbers may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonError {
    /// Its code.
    pub code: Option<String>,
    /// The beginning of the newest one's text.
    pub example: String,
    /// How many jobs have it.
    pub count: u64,
}

/// What a slice of a bulk action did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BulkSlice {
    /// Jobs that were changed.
    pub done: u64,
    /// Jobs that fit the filter and were left alone, by reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// Where the next slice begins: ids above this one. `None`: the act is done.
    pub next: Option<i64>,
}
