//! The log store: rows of other programs' logs and of our own.

use super::sql;
use super::sqlite::{self, Database, Owner, Schema};
use super::{OpenMode, schema};
use crate::error::Result;
use crate::model::{
    Found, LogFilter, LogPicture, LogProgress, LogRow, LogSlice, LogStep, NewLogRow, ProcessFacts,
    Service, Timestamp,
};
use std::fmt;
#[cfg(feature = "web")]
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// `LMLG`, the mark of `logs.db` in SQLite's header.
pub(super) const APPLICATION_ID: i32 = i32::from_be_bytes(*b"LMLG");

/// A power cut may cost the last log lines, never the file: a sync per batch would be a sync per log line.
static SCHEMA: Schema = Schema {
    owner: Owner::Ours { application_id: APPLICATION_ID },
    components: &[&schema::LOGS],
    durable: false,
    witness: None,
};

/// The log database. Clones share it; the last one to go closes it.
#[derive(Clone, Debug)]
pub struct LogStore {
    pub(super) db: Arc<Database>,
    identity: Arc<str>,
}

impl LogStore {
    /// What the services of the log database have done last.
    pub fn says(&self) -> ProcessFacts {
        self.db.board().says()
    }

    /// Says how a service of the log database ended that ran until `at`, as [`Store::ran`](super::Store::ran) does.
    pub fn ran<E: fmt::Display>(&self, service: &Service, at: Timestamp, ended: Result<String, E>) {
        self.db.board().ran(service, at, ended);
    }

    /// The newest log rows that fit the filter. Looks through 100,000 rows at most and says so.
    pub async fn search(&self, filter: LogFilter) -> Result<Found<LogRow>> {
        self.db.read("list log rows", move |c| sql::log_search::own(c, &filter)).await
    }

    /// How many of our own log rows have a correlation id, counted up to `most` by an index.
    #[cfg(feature = "web")]
    pub async fn count_correlated(&self, correlation_id: String, most: usize) -> Result<u64> {
        let count = move |c: &_| sql::log_search::count_correlated(c, &correlation_id, most);
        self.db.read("count log rows", count).await
    }

    /// The ids among which the rows of the filter's time lie, looked for with more patience than a page has.
    #[cfg(feature = "web")]
    pub(crate) async fn ids_of_time(&self, filter: LogFilter) -> Result<Range<i64>> {
        let most = sql::log_search::FOR_A_FILE;
        let look = move |c: &_| sql::log_search::ids_of_time(c, &filter, most);
        self.db.read("list log rows", look).await
    }

    /// The same with the patience of a page.
    #[cfg(feature = "web")]
    pub(crate) async fn ids_of_page(&self, filter: LogFilter) -> Result<Range<i64>> {
        let most = sql::log_search::AT_ONCE;
        let look = move |c: &_| sql::log_search::ids_of_time(c, &filter, most);
        self.db.read("list log rows", look).await
    }

    /// As [`LogStore::search`], among the ids that [`LogStore::ids_of_time`] answered.
    #[cfg(feature = "web")]
    pub(crate) async fn search_among(
        &self,
        filter: LogFilter,
        ids: Range<i64>,
    ) -> Result<Found<LogRow>> {
        let look = move |c: &_| sql::log_search::own_among(c, &filter, &ids);
        self.db.read("list log rows", look).await
    }

    /// What the newest log rows are about that fit the filter, whatever its limit. Counts among 50,000 rows at most and says so.
    pub async fn picture(&self, filter: LogFilter) -> Result<LogPicture> {
        self.db.read("count log rows", move |c| sql::log_search::own_picture(c, &filter)).await
    }

    /// Bytes of the log database with its write-ahead log.
    pub fn bytes(&self) -> u64 {
        self.db.sizes().0
    }

    /// Opens or creates the log database at `path`. Blocks.
    ///
    /// # Errors
    /// As [`Store::open`](super::Store::open).
    pub fn open(path: &Path, mode: OpenMode) -> Result<Self> {
        let db = Database::open(path, &SCHEMA, mode)?;
        let identity = db.read_here("read the log's name", sql::logs::identity)?;
        Ok(Self { db: Arc::new(db), identity: identity.into() })
    }

    /// The name of this log's watermark, which is in the file: it goes with a copy, and a new file in its place has another.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// A receiver that sees a new number after every commit that added rows, ours at once, another program's while
    /// [`LogStore::watch_foreign_commits`] runs.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.db.changes()
    }

    /// Watches for other programs' commits and announces them to [`LogStore::changes`]; returns only with an error, when the
    /// database closes. Cancel safe.
    pub async fn watch_foreign_commits(&self) -> Result<()> {
        sqlite::watch::foreign_commits(&self.db).await
    }

    /// Appends rows, all or none.
    pub async fn append(&self, rows: Vec<NewLogRow>) -> Result<()> {
        self.db.row("append log rows", move |c| sql::logs::append(c, &rows)).await
    }

    /// How far the followed source of this name was read.
    pub async fn progress(&self, source: &str) -> Result<Option<LogProgress>> {
        let source = source.to_owned();
        self.db.read("read a log position", move |c| sql::logs::progress(c, &source)).await
    }

    /// Appends rows of a followed source and moves its position on, all or none. `false`, and nothing is changed, if
    /// the position is not that from which the step begins: somebody else reads this source.
    pub async fn append_from(
        &self,
        rows: Vec<NewLogRow>,
        source: &str,
        step: LogStep,
    ) -> Result<bool> {
        let source = source.to_owned();
        let append = move |c: &sqlite::Tx<'_>| {
            let LogStep { from, to, unread } = &step;
            let stored = sql::logs::progress(c, &source)?.map(|progress| progress.position);
            if stored != *from {
                return Ok(false);
            }
            sql::logs::append(c, &rows)?;
            sql::logs::advance(c, &source, (to, rows.len(), *unread))?;
            Ok(true)
        };
        self.db.row("append log rows", append).await
    }

    /// The slices of imported texts that come after the text of this digest.
    pub async fn slices_after(&self, after: String) -> Result<Vec<LogSlice>> {
        self.db.read("look for imported logs", move |c| sql::logs::slices_after(c, &after)).await
    }

    /// Appends the rows of these slices of an imported text, all or none. `false`, and nothing is changed, if the first of the slices is there
    /// already, unless the text is to be imported `again`.
    pub async fn append_slices(
        &self,
        rows: Vec<NewLogRow>,
        slices: Vec<LogSlice>,
        again: bool,
    ) -> Result<bool> {
        let append = move |c: &sqlite::Tx<'_>| {
            for (index, slice) in slices.iter().enumerate() {
                if !sql::logs::add_slice(c, slice, again)? && index == 0 && !again {
                    return Ok(false);
                }
            }
            sql::logs::append(c, &rows)?;
            Ok(true)
        };
        self.db.row("append log rows", append).await
    }

    /// Removes a slice of the rows that came in before `before`, the oldest first; whether there may be more. The newest
    /// row stays, since its id tells where the log is.
    pub async fn prune(&self, before: Timestamp) -> Result<bool> {
        self.db.row("remove old log rows", move |c| sql::logs::prune(c, before)).await
    }

    /// Forgets which texts were imported before `before`, except those that have grown since: an import adds what it does not know.
    pub async fn forget_imports(&self, before: Timestamp) -> Result<()> {
        self.db.row("forget old imports", move |c| sql::logs::forget_slices(c, before)).await
    }

    /// Whether the oldest row came in before this instant.
    pub(crate) async fn has_older(&self, before: Timestamp) -> Result<bool> {
        self.db.read("look for old log rows", move |c| sql::logs::has_older(c, before)).await
    }

    /// The id of the newest row; 0 if there is none.
    pub async fn last_id(&self) -> Result<i64> {
        self.db.read("read the newest log id", sql::logs::last_id).await
    }

    /// Up to `limit` rows of level warning or worse with ids above `after` and up to `upto`, oldest first, with the instants at
    /// which they were stored.
    pub(super) async fn stored_warnings(
        &self,
        after: i64,
        upto: i64,
        limit: usize,
    ) -> Result<Vec<sql::logs::Stored>> {
        self.db.read("read log rows", move |c| sql::logs::warnings(c, after, upto, limit)).await
    }
}
