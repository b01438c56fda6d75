//! Issues as they were read at the tracker: people's, ours, and those of other servers.

use super::{Classification, IssueMark, IssueState, Timestamp};

/// An issue that was read at the tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackerIssue {
    /// Its number.
    pub number: i64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Whether it is open.
    pub state: IssueState,
    /// Whether it is closed as a duplicate.
    pub is_duplicate: bool,
    /// The error codes that it names.
    pub error_codes: Vec<String>,
    /// Whose it is.
    pub owner: IssueOwner,
}

/// Whose an issue at the tracker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssueOwner {
    /// A server of ours filed it, perhaps another one or before a backup was put back.
    Ours {
        /// What it is found and recognised by.
        mark: IssueMark,
        /// Its class, as far as its title says it.
        classification: Option<Classification>,
        /// Markdown.
        body: String,
    },
    /// A person's, with the name of the account.
    Person(String),
}

/// What a read of a repository's issues brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackerNews {
    /// The issues in which anything changed, or with `is_full` every one that is open.
    pub issues: Vec<TrackerIssue>,
    /// The numbers of issues that the tracker has no longer.
    pub gone: Vec<i64>,
    /// Whether every open issue was read.
    pub is_full: bool,
    /// The last change, by the tracker's clock; `None` if there is no issue.
    pub newest: Option<Timestamp>,
    /// What the tracker calls its answer about what changed since `newest`.
    pub etag: Option<String>,
    /// When the tracker was asked.
    pub asked_at: Timestamp,
}

/// How far a repository's issues were read before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackerReading {
    /// The last change that was seen, by the tracker's clock.
    pub newest: Option<Timestamp>,
    /// What the tracker calls its answer about what changed since then.
    pub etag: Option<String>,
    /// When the tracker answered last.
    pub read_at: Option<Timestamp>,
    /// When every open issue was read last.
    pub full_at: Option<Timestamp>,
    /// When it refused last and why, if it did since it answered.
    pub refused: Option<(Timestamp, String)>,
}
