//! A table of another program's database that scans read where it lies.
//!
//! *Invariants:* nothing is written: not the database, and no file beside it that its owner could not open. Each question has a connection of its
//! own and a transaction of five seconds at most, so that the other program's log can be written back between two of them.

use super::sql::{self, logs::Stored};
use super::sqlite::Snapshot;
use super::sqlite::foreign::{self, Slow};
use crate::error::{Code, Error, Result};
#[cfg(feature = "web")]
use crate::model::Timestamp;
use crate::model::{Found, LogFilter, LogMark, LogPicture, LogRow, LogTable, sha256_hex};
use crate::warn_coded;
#[cfg(feature = "web")]
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Rows that one transaction looks through at first, and how few it is cut to where that takes too long.
const MAX_WINDOW: i64 = 200_000;
const MIN_WINDOW: i64 = 100;

/// A table of another program's database. Clones share it.
#[derive(Clone, Debug)]
pub struct ForeignLog {
    table: Arc<LogTable>,
    /// The name of its watermark.
    identity: Arc<str>,
    /// One connection at a time: to close a file ends all locks on it that this process has.
    turn: Arc<Mutex<()>>,
}

impl ForeignLog {
    /// The table that the configuration names, unless its database is one of these files of ours. Nothing is opened yet.
    ///
    /// # Errors
    /// `CONFIG-VALUE-001` if it is: to close a file that is open elsewhere in this process would end its locks there.
    pub fn beside(table: LogTable, own: &[PathBuf]) -> Result<Self> {
        let id = |path: &Path| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.dev(), about.ino()))
        };
        let file = id(&table.path);
        if file.is_some() && own.iter().any(|own| id(own) == file) {
            let doing = "read monitoring.log_db: it names a database of this server, whose log scans read by themselves";
            return Err(Error::new(Code::ConfigInvalid, doing));
        }
        Ok(Self::new(table))
    }

    /// A table of a database that is none of ours. Nothing is opened yet.
    pub fn new(table: LogTable) -> Self {
        let identity = table.to_string().into();
        Self { table: Arc::new(table), identity, turn: Arc::default() }
    }

    /// Which table it is.
    pub fn table(&self) -> &LogTable {
        &self.table
    }

    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Reads with a connection of its own, on a thread that may wait.
    async fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&Snapshot) -> Result<T> + Send + 'static,
    ) -> Result<std::result::Result<T, Slow>> {
        let (table, turn) = (Arc::clone(&self.table), Arc::clone(&self.turn));
        let run = move || {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            foreign::read(&table, &read)
        };
        let answer = tokio::task::spawn_blocking(run).await;
        answer
            .unwrap_or_else(|error| Err(Error::new(Code::StoreIo, "").because(error)))
            .map_err(|error| error.while_doing(&format!("read the log {}", self.table)))
    }

    /// The same for what takes no time.
    async fn look<T: Send + 'static>(
        &self,
        read: impl Fn(&Snapshot) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.read(read).await?.map_err(|Slow| self.too_slow())
    }

    fn too_slow(&self) -> Error {
        let limit = foreign::MAX_TIME.as_secs();
        let why = format!("a question to the log {} took longer than {limit} s", self.table);
        Error::new(Code::LogTableSlow, why)
    }

    /// Whether it can be read.
    ///
    /// # Errors
    /// `LOGS-DB-001` if the file cannot be opened, `-002` if it has no such table, or a column or the meaning of a level is missing, `-003` if its newest rows cannot be reached,
    /// `-004` if it answers too slowly.
    pub async fn check(&self) -> Result<()> {
        let unknown = self.look(sql::logs::unknown_levels).await?;
        if unknown.is_empty() {
            return Ok(());
        }
        let why = format!(
            "read the log {}: nobody knows the levels {}; say what they are under [monitoring.log_levels]",
            self.table,
            unknown.join(", ")
        );
        Err(Error::new(Code::LogTableShape, why))
    }

    pub(super) async fn last_id(&self) -> Result<i64> {
        self.look(sql::logs::last_id).await
    }

    /// The newest rows that fit.
    pub(super) async fn search(&self, filter: LogFilter) -> Result<Found<LogRow>> {
        self.look(move |conn| sql::log_search::any(conn, &filter)).await
    }

    /// Whether there are rows of these ids, and each tells a time before this instant; `false` also if that takes too long.
    #[cfg(feature = "web")]
    pub(crate) async fn are_older(&self, ids: Range<i64>, since: Timestamp) -> Result<bool> {
        let look = move |conn: &Snapshot| sql::log_search::are_older(conn, &ids, since);
        Ok(self.read(look).await?.unwrap_or(false))
    }

    /// What the newest rows are about that fit.
    pub(super) async fn picture(&self, filter: LogFilter) -> Result<LogPicture> {
        self.look(move |conn| sql::log_search::any_picture(conn, &filter)).await
    }

    /// Rows of warning or worse, in as many transactions as it takes.
    pub(super) async fn warnings(
        &self,
        after: i64,
        upto: i64,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let (mut found, mut from, mut window) = (Vec::new(), after, MAX_WINDOW);
        while found.len() < limit && from < upto {
            let room = limit - found.len();
            let slice = move |conn: &Snapshot| {
                let to = sql::logs::id_after(conn, from, window)?.map_or(upto, |to| to.min(upto));
                Ok((sql::logs::warnings(conn, from, to, room)?, to))
            };
            match self.read(slice).await? {
                Ok((rows, to)) => {
                    from = if rows.len() == room { upto } else { to };
                    found.extend(rows);
                }
                Err(Slow) if window > MIN_WINDOW => window = (window / 8).max(MIN_WINDOW),
                Err(Slow) => return Err(self.too_slow()),
            }
        }
        Ok(found)
    }

    /// Rows that led to those of these correlation ids; `None` if that takes too long, as in a table without an index on them.
    pub(super) async fn context(
        &self,
        correlations: Vec<(String, i64)>,
        after: i64,
    ) -> Result<Option<Vec<Stored>>> {
        let read = move |conn: &Snapshot| sql::logs::context(conn, &correlations, after);
        Ok(self.read(read).await?.ok())
    }

    /// What is in the row of this id, as a digest; `None` if there is none.
    pub(super) async fn mark(&self, id: i64) -> Result<Option<String>> {
        let row = self.look(move |conn| sql::logs::row(conn, id)).await?;
        Ok(row.map(|row| digest(&row)))
    }

    /// Finds out how far this log was examined, by what is in it: the log of one of these marks, wherever its file was then, or that of its own
    /// name. Answers it under its name with the last row that was examined.
    pub(super) async fn placed(&self, marks: Vec<LogMark>) -> Result<(Self, i64)> {
        let (own, others): (Vec<_>, Vec<_>) =
            marks.into_iter().partition(|mark| *mark.log == *self.identity);
        for mark in own.iter().chain(&others).filter(|mark| mark.row.is_some()) {
            if self.mark(mark.id).await? == mark.row {
                return Ok((Self { identity: mark.log.as_str().into(), ..self.clone() }, mark.id));
            }
        }
        let Some(LogMark { id, row, .. }) = own.into_iter().next() else {
            return Ok((self.clone(), 0));
        };
        let newest = self.last_id().await?;
        let is_other = row.is_some() && self.mark(id).await?.is_some();
        if newest < id || is_other {
            let what = if is_other {
                format!("row {id} is not the row that an earlier scan examined last")
            } else {
                format!("the newest row is {newest}, but an earlier scan examined rows up to {id}")
            };
            let from = "this scan reads the log from its start";
            warn_coded!(Code::ScanWatermark, "of the log {}, {what}: {from}", self.table);
            return Ok((self.clone(), 0));
        }
        // The row was removed as others are, from the oldest on.
        Ok((self.clone(), id))
    }
}

fn digest(row: &LogRow) -> String {
    // The source may be the file's name, which changes when the file moves.
    let LogRow { id, row } = row;
    sha256_hex(&format!("{id}\n{}\n{}\n{}", row.timestamp, row.level, row.message))
}
