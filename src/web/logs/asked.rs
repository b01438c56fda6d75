//! What the address of the pages of log rows asks for.

use super::super::base::{Link, link, query_text};
use super::super::clocks::Clocks;
use super::super::extract::given;
use super::super::nav::Tab;
use super::super::problem::Problem;
use crate::actions::logs;
use crate::model::{LogFilter, Timestamp};
use serde::{Deserialize, Serialize};

pub(in crate::web) const PATH: &str = Tab::Logs.path();
pub(in crate::web) const PART_PATH: &str = "/logs/part";
pub(in crate::web) const EXPORT_PATH: &str = "/logs/export";
/// How many rows a page shows.
const ROWS: usize = 50;
/// The view of the rows grouped by what they say.
pub(super) const PATTERNS: &str = "patterns";

/// The address's query.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(in crate::web) struct LogsQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ids: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<i64>,
    /// `patterns`: the rows grouped by what they say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) view: Option<String>,
    /// Of the patterns only the one of the row with this id, with its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) like: Option<i64>,
    /// `newest`: the cursor keeps the rows that were grouped together, and newer ones have come at most since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<String>,
    /// Of these rows only those with ids below this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<i64>,
    /// `scanned`: the log that scans read, where it is another program's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<String>,
    #[serde(skip_serializing)]
    pub(super) v: Option<String>,
}

impl LogsQuery {
    /// The query without its empty fields, which a form sends too.
    pub(super) fn tidied(self) -> Self {
        Self {
            level: given(self.level),
            source: given(self.source),
            code: given(self.code),
            text: given(self.text),
            correlation_id: given(self.correlation_id),
            since: given(self.since),
            until: given(self.until),
            ids: given(self.ids),
            log: given(self.log),
            view: given(self.view),
            ..self
        }
    }

    pub(super) fn filter(&self, (clocks, now): (Clocks, Timestamp)) -> Result<LogFilter, Problem> {
        let ask = logs::LogsAsk {
            level: self.level.clone(),
            source: self.source.clone(),
            code: self.code.clone(),
            text: self.text.clone(),
            correlation_id: self.correlation_id.clone(),
            ids: self.ids.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            now,
            zone: clocks.zone_or_utc(),
            before: self.before,
            limit: ROWS,
        };
        Ok(logs::filter(ask)?)
    }

    /// The same without the conditions that cannot be read.
    pub(super) fn readable(&self, at: (Clocks, Timestamp)) -> Self {
        let reads = |one: &Self| one.filter(at).is_ok();
        let level = Self { level: self.level.clone(), ..Self::default() };
        let ids = Self { ids: self.ids.clone(), ..Self::default() };
        let before = Self { before: self.before, ..Self::default() };
        let since = Self { since: self.since.clone(), ..Self::default() };
        let until = Self { until: self.until.clone(), ..Self::default() };
        let read = Self {
            level: level.level.clone().filter(|_| reads(&level)),
            ids: ids.ids.clone().filter(|_| reads(&ids)),
            before: before.before.filter(|_| reads(&before)),
            since: since.since.clone().filter(|_| reads(&since)),
            until: until.until.clone().filter(|_| reads(&until)),
            ..self.clone()
        };
        // A time that ends before it begins is none.
        if reads(&read) { read } else { Self { since: None, until: None, ..read } }
    }

    pub(super) fn link(&self, path: &str) -> Link {
        link(path).with(self)
    }

    /// The same question from its newest row on.
    pub(super) fn anew(&self) -> Self {
        Self { before: None, kept: None, like: None, from: None, ..self.clone() }
    }

    /// All patterns of the rows among which the open one was found.
    pub(super) fn around(&self) -> Self {
        match self.kept {
            Some(_) => self.anew(),
            None => Self { like: None, from: None, ..self.clone() },
        }
    }

    /// Whether the rows are to be grouped by what they say.
    pub(super) fn is_grouped(&self) -> bool {
        self.view.as_deref() == Some(PATTERNS)
    }

    /// The page without any condition, in the same view.
    pub(super) fn whole(&self) -> Self {
        Self { view: self.view.clone(), ..Self::default() }
    }

    /// Whether there is no condition.
    pub(super) fn is_empty(&self) -> bool {
        query_text(&Self { view: None, ..self.clone() }).is_empty()
    }
}

/// The same question about another span of time.
pub(super) fn span(asked: &LogsQuery, since: Timestamp, until: Timestamp) -> Link {
    let at = |at: Timestamp| Some(at.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string());
    LogsQuery { since: at(since), until: at(until), ..asked.anew() }.link(PATH)
}
