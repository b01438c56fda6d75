//! Log rows, and how many were imported.

use super::job::embedded;
#[cfg(feature = "monitor")]
use super::job::instant;
#[cfg(feature = "monitor")]
use crate::logs::{LogPlace, LogState};
use crate::model;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A template of a log: what its events have in common.
#[derive(Clone, Debug, Serialize)]
pub struct LogTemplate {
    /// Its number, from 1 in the order of their first events, with gaps.
    pub id: u32,
    /// The message of one of them with every value as `<*>`.
    pub template: String,
    /// Events that fit it.
    pub count: u64,
    /// The first of them, from 1.
    pub first: u64,
    /// The last of them.
    pub last: u64,
}

/// The last line of an export that does not hold all.
#[derive(Clone, Debug, Serialize)]
pub struct LogNote {
    /// Where it ends, and why.
    pub note: String,
}

/// A log row.
#[derive(Clone, Debug, Serialize)]
pub struct LogRow {
    /// Its id: later rows have larger ones.
    pub id: i64,
    /// When it was logged, as its source wrote it.
    pub timestamp: String,
    /// How grave it is.
    pub level: &'static str,
    /// Which program or module logged it.
    pub source: String,
    /// The text.
    pub message: String,
    /// Ties the rows of one request together.
    pub correlation_id: Option<String>,
    /// Whose request it was.
    pub user_id: Option<String>,
    /// The request's path.
    pub request_path: Option<String>,
    /// Everything else that its source gave.
    pub extra_data: Option<Box<RawValue>>,
}

/// Rows that were brought in.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LogsImported {
    /// How many.
    pub imported: u64,
    /// Those of level warning or worse.
    pub warning_or_worse: u64,
    /// Lines with bytes that are not text.
    pub unread: u64,
    /// Rows that earlier imports had brought in.
    pub known: u64,
    /// Each log by itself.
    pub logs: Vec<LogImported>,
}

/// One log of them.
#[derive(Clone, Debug, Serialize)]
pub struct LogImported {
    /// The file, or standard input.
    pub name: String,
    /// How many rows it brought in.
    pub imported: u64,
    /// Those of each level.
    pub levels: BTreeMap<&'static str, u64>,
    /// Lines with bytes that are not text.
    pub unread: u64,
    /// Rows that earlier imports had brought in.
    pub known: u64,
    /// Whether an earlier import was cut off, so that this one went on.
    pub went_on: bool,
    /// Why it was not read to its end, with the error's code.
    pub error: Option<String>,
}

/// A log of another program that is followed.
#[cfg(feature = "monitor")]
#[derive(Clone, Debug, Serialize)]
pub struct LogSource {
    /// Its path, or whose journal it is.
    pub log: String,
    /// The pattern of the configuration that it fits, where it is one of many.
    pub pattern: Option<String>,
    /// The zone of its times that name none; `null`: UTC.
    pub zone: Option<&'static str>,
    /// The regular expression that the first line of an event fits; `null`: the reader judges.
    pub begins: Option<String>,
    /// `missing`, `refused`, `behind`, `up_to_date`, or `journal`, of which nothing can be seen from outside.
    pub state: &'static str,
    /// Why it cannot be looked at.
    pub why: Option<String>,
    /// Length of its file.
    pub bytes: Option<u64>,
    /// Bytes of the file that are not in stored rows.
    pub left: Option<u64>,
    /// When its file changed last.
    pub changed_at: Option<String>,
    /// Rows that came of it.
    pub rows: u64,
    /// Lines of it with bytes that are not text.
    pub unread: u64,
    /// When rows of it were stored last.
    pub stored_at: Option<String>,
}

#[cfg(feature = "monitor")]
impl From<&LogPlace> for LogSource {
    fn from(place: &LogPlace) -> Self {
        let LogPlace { name, pattern, rules, state, changed_at, progress } = place;
        let (why, bytes, left) = match state {
            LogState::Missing | LogState::Journal => (None, None, None),
            LogState::Refused(why) => (Some(why.clone()), None, None),
            LogState::File { bytes, left } => (None, Some(*bytes), Some(*left)),
        };
        Self {
            log: name.clone(),
            pattern: pattern.clone(),
            zone: rules.zone(),
            begins: rules.begins().map(str::to_owned),
            state: state.as_str(),
            why,
            bytes,
            left,
            changed_at: instant(*changed_at),
            rows: progress.as_ref().map_or(0, |progress| progress.rows),
            unread: progress.as_ref().map_or(0, |progress| progress.unread),
            stored_at: instant(progress.as_ref().map(|progress| progress.moved_at)),
        }
    }
}

impl From<&model::LogRow> for LogRow {
    fn from(row: &model::LogRow) -> Self {
        let model::LogRow { id, row } = row;
        Self {
            id: *id,
            timestamp: row.timestamp.clone(),
            level: row.level.as_str(),
            source: row.source.clone(),
            message: row.message.clone(),
            correlation_id: row.correlation_id.clone(),
            user_id: row.user_id.clone(),
            request_path: row.request_path.clone(),
            extra_data: row.extra_data.as_deref().and_then(embedded),
        }
    }
}
