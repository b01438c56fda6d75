//! The filters of lists, and the figures of the dashboard.

use super::{Kind, Level, Queue, Status, Timestamp};
use crate::error::{Code, Error};
use std::fmt;
use std::str::FromStr;

/// Which log rows a list shows; `None` is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Only this level and worse.
    pub level: Option<Level>,
    /// Only this source.
    pub source: Option<String>,
    /// Only messages with this error code in brackets.
    pub code: Option<String>,
    /// Only messages with this text, upper and lower case alike (ASCII).
    pub text: Option<String>,
    /// Only rows of this correlation id.
    pub correlation_id: Option<String>,
    /// Only rows of this instant and later.
    pub since: Option<Timestamp>,
    /// Only rows before this instant.
    pub until: Option<Timestamp>,
    /// Only rows of these ids, if there are any, whatever else is asked.
    pub ids: Vec<i64>,
    /// Only ids below this one (the cursor).
    pub before: Option<i64>,
    /// At most this many rows.
    pub limit: usize,
}

/// A slice of a list that was searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T, P = i64> {
    /// The rows that fit, in the order of the list.
    pub rows: Vec<T>,
    /// Where the next slice begins; a number means the ids below it. `None` at the end.
    pub next: Option<P>,
    /// Whether the search reached its limit of rows to look through before the slice was full.
    pub cut_short: bool,
    /// How many ids the search looked through; ids of removed rows count too.
    pub looked_through: u64,
}

/// A place in a list of jobs: right behind the job of this id.
///
/// It is written as `184302`, and with a time before it, as `1764488000000-184302`, where the list goes by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobPlace {
    /// The time by which the list goes. `None`: it goes by ids, or that of the job is meant.
    pub at: Option<Timestamp>,
    /// The job's id.
    pub id: i64,
}

impl fmt::Display for JobPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, "{}-", at.millis())?;
        }
        write!(f, "{}", self.id)
    }
}

impl FromStr for JobPlace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (at, id) = match text.trim().split_once('-') {
            Some((at, id)) if !at.is_empty() => (Some(at), id),
            Some(_) | None => (None, text.trim()),
        };
        let at = at.map(str::parse).transpose().ok();
        if let (Some(at), Ok(id @ 1..)) = (at, id.parse()) {
            return Ok(Self { at: at.map(Timestamp::from_millis), id });
        }
        let why = "list jobs: the cursor is an id above 0, or what the list before said";
        Err(Error::new(Code::ModelInvalid, why))
    }
}

/// The order of a list of jobs. It follows from the status that the list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobOrder {
    /// The newest first, by their ids.
    Newest,
    /// The next start first: what waits for its time.
    NextStart,
    /// The last start first: what runs.
    LastStart,
    /// The last end first: what is over in this way.
    LastEnd(Status),
}

/// What log rows are about: how many of each level come when, of each level, source and error code. It is of the newest rows
/// that fit a filter, as many as one look counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPicture {
    /// The spans of time, in order, without a gap between them.
    pub bars: Vec<LogBar>,
    /// How many rows each level has, in the order of [`Level::ALL`].
    pub levels: [u64; 5],
    /// The sources with the most rows.
    pub sources: Vec<(String, u64)>,
    /// The error codes with the most rows.
    pub codes: Vec<(String, u64)>,
    /// How many rows were counted.
    pub counted: u64,
    /// Whether there may be rows that were not looked at.
    pub cut_short: bool,
}

impl LogPicture {
    /// The most sources, and the most codes, that are named.
    pub const NAMED: usize = 12;
}

/// A span of time with its log rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogBar {
    /// Where it begins.
    pub since: Timestamp,
    /// Where it ends; this instant is not of it.
    pub until: Timestamp,
    /// How many rows each level has, in the order of [`Level::ALL`].
    pub levels: [u64; 5],
}

/// How many jobs of a kind are in a status and a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobCount {
    /// Which status.
    pub status: Status,
    /// Which kind.
    pub kind: Kind,
    /// Which queue; `None` before admission.
    pub queue: Option<Queue>,
    /// How many.
    pub count: i64,
}

/// One hour of finished jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// When it begins.
    pub begins_at: Timestamp,
    /// Jobs that completed in it.
    pub completed: u64,
    /// Jobs that failed in it.
    pub failed: u64,
}

/// The figures of the dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Jobs that may start as soon as there is room, or that something blocks.
    pub queued: u64,
    /// Jobs that wait for their time.
    pub scheduled: u64,
    /// Jobs that run.
    pub running: u64,
    /// The last 24 hours, oldest first, the current one last; the newest 100,000 final jobs are counted.
    pub hours: Vec<Hour>,
    /// Bytes of the database and of its write-ahead log.
    pub database_bytes: u64,
    /// Bytes of the write-ahead log alone.
    pub wal_bytes: u64,
}
