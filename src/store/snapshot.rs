//! A copy of the part of a log that one scan examines: a SQLite file of its own, for an agent to query.

use super::sql;
use super::sql::logs::Stored;
use super::sql::snapshot::Draft;
use super::{LogStore, ScannedLog};
use crate::error::{Code, Error, Result};
use crate::model::{Cited, NewLogRow, RowTemplate};
use crate::redact::redactor;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows copied at a time: a megabyte or so, and a reader is never held for long.
const CHUNK: usize = 1_000;
/// Correlation ids whose context is read at a time: up to twenty rows each.
const CORRELATIONS: usize = 100;
/// Context rows of a snapshot; a flood of requests that all went wrong tells its story by its first.
const MAX_CONTEXT_ROWS: u64 = 50_000;

/// What to copy, and where to.
#[derive(Clone, Debug)]
pub struct SnapshotPlan {
    /// The file to make. One that is there already is replaced.
    pub path: PathBuf,
    /// The watermark: only rows above it are copied.
    pub after: i64,
    /// The newest row to look at.
    pub upto: i64,
    /// Most rows of warning or worse; the oldest are taken.
    pub max_rows: u64,
    /// Which template each of them belongs to.
    pub grouping: Grouping,
}

/// Says which template a row belongs to.
#[derive(Clone)]
pub struct Grouping(Arc<dyn Fn(&NewLogRow) -> RowTemplate + Send + Sync>);

impl Grouping {
    /// A grouping by this function.
    pub fn by(of: impl Fn(&NewLogRow) -> RowTemplate + Send + Sync + 'static) -> Self {
        Self(Arc::new(of))
    }

    /// The template of a row.
    pub(super) fn of(&self, row: &NewLogRow) -> RowTemplate {
        (self.0)(row)
    }
}

impl fmt::Debug for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grouping")
    }
}

/// A copy of the rows that one scan examines. Its rows hold no secret and never change. What describes it can be stored,
/// so that a scan that was cut off goes on with the same copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The file: tables `logs`, with the columns of the log database and `template_id`, `templates` and `template_hours`.
    pub path: PathBuf,
    /// The watermark before: every row has a larger id.
    pub after: i64,
    /// The last row that was looked at, whether or not it was worth a copy.
    pub end: i64,
    /// The largest id in the file, `after` if it holds none.
    pub last_id: i64,
    /// Whether there are more rows of warning or worse than it may hold.
    pub more: bool,
    /// Its rows of warning or worse.
    pub rows: u64,
    /// Its rows of lower levels, which share a correlation id with one of those.
    pub context: u64,
    /// Its templates.
    pub templates: u64,
}

impl LogStore {
    /// Makes a snapshot of our own log, as [`ScannedLog::snapshot`] does.
    ///
    /// # Errors
    /// As there.
    pub async fn snapshot(&self, plan: SnapshotPlan) -> Result<Snapshot> {
        ScannedLog::from(self).snapshot(plan).await
    }
}

impl ScannedLog {
    /// Makes a snapshot, redacted while it is copied. The file appears under its name when it is whole and on disk.
    ///
    /// # Errors
    /// `STORE-IO-001`, `STORE-FULL-001`; no file is left then.
    pub async fn snapshot(&self, plan: SnapshotPlan) -> Result<Snapshot> {
        let path = plan.path.clone();
        let mut draft = blocking(move || Draft::create(&path)).await?;
        let (mut rows, mut end, mut more) = (0, plan.after, false);
        loop {
            // One row too many is asked for, to know whether there is one.
            let room = (plan.max_rows - rows) as usize;
            let mut chunk = self.stored_warnings(end, plan.upto, CHUNK.min(room + 1)).await?;
            let last = chunk.len() < CHUNK.min(room + 1);
            if chunk.len() > room {
                (chunk, more) = (chunk.into_iter().take(room).collect(), true);
            }
            rows += chunk.len() as u64;
            end = chunk.last().map_or(end, |stored| stored.row.id);
            draft = with_rows(draft, chunk, Some(plan.grouping.clone())).await?;
            if last || more {
                break;
            }
        }
        let (draft, context) = self.with_context(draft, plan.after).await?;
        let (last_id, templates) = blocking(move || draft.finish()).await?;
        let SnapshotPlan { path, after, upto, .. } = plan;
        let end = if more { end } else { upto };
        let last_id = last_id.unwrap_or(after);
        Ok(Snapshot { path, after, end, last_id, more, rows, context, templates })
    }

    /// Adds the rows that led to those in the draft; answers how many it added.
    async fn with_context(&self, mut draft: Draft, after: i64) -> Result<(Draft, u64)> {
        let (mut context, mut seen) = (0, String::new());
        loop {
            let ids;
            (draft, ids) = blocking(move || {
                let ids = draft.correlations(&seen, CORRELATIONS)?;
                Ok((draft, ids))
            })
            .await?;
            let Some((last, _)) = ids.last() else { return Ok((draft, context)) };
            seen = last.clone();
            let Some(mut rows) = self.context(ids, after).await? else {
                return Ok((draft, context));
            };
            rows.truncate((MAX_CONTEXT_ROWS - context) as usize);
            context += rows.len() as u64;
            draft = with_rows(draft, rows, None).await?;
            if context == MAX_CONTEXT_ROWS {
                return Ok((draft, context));
            }
        }
    }
}

impl Snapshot {
    /// The definition of its tables, for an agent that writes a query.
    pub const SCHEMA: &str = sql::snapshot::SCHEMA;

    /// The rows with these ids, oldest first, each once. An id that is not in the snapshot has no row.
    ///
    /// # Errors
    /// `STORE-IO-001` if the file is gone.
    pub async fn cited(&self, ids: Vec<i64>) -> Result<Vec<Cited>> {
        let path = self.path.clone();
        blocking(move || sql::snapshot::cited(&path, &ids)).await
    }
}

/// Takes the secrets out of rows and puts them into the draft; with their templates, where a grouping says which.
async fn with_rows(
    mut draft: Draft,
    mut rows: Vec<Stored>,
    grouping: Option<Grouping>,
) -> Result<Draft> {
    blocking(move || {
        for stored in &mut rows {
            redactor().clean_row(&mut stored.row.row);
        }
        let groups = rows.iter().map(|stored| grouping.as_ref().map(|by| by.of(&stored.row.row)));
        let groups: Vec<_> = groups.collect();
        draft.add(&rows, &groups)?;
        Ok(draft)
    })
    .await
}

/// Runs what reads or writes a snapshot's file on a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let answer = tokio::task::spawn_blocking(run).await;
    let answer = answer.unwrap_or_else(|e| Err(Error::new(Code::StoreIo, "").because(e)));
    answer.map_err(|e| e.while_doing("copy log rows"))
}
