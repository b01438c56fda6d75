//! The log that scans read: our own, or a table of another program's database.

use super::foreign::ForeignLog;
use super::sql::{self, logs::Stored};
use super::{LogStore, Store};
use crate::error::Result;
use crate::model::{Found, LogFilter, LogPicture, LogRow};

/// The log that scans read. Clones share it.
#[derive(Clone, Debug)]
pub enum ScannedLog {
    /// The log database.
    Own(LogStore),
    /// A table of another program's database.
    Foreign(ForeignLog),
}

impl From<&LogStore> for ScannedLog {
    fn from(logs: &LogStore) -> Self {
        Self::Own(logs.clone())
    }
}

impl From<&ForeignLog> for ScannedLog {
    fn from(log: &ForeignLog) -> Self {
        Self::Foreign(log.clone())
    }
}

impl ScannedLog {
    /// The name of its watermark and its templates.
    pub fn identity(&self) -> &str {
        match self {
            Self::Own(logs) => logs.identity(),
            Self::Foreign(log) => log.identity(),
        }
    }

    /// What people call it; `None`: it is our own.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Own(_) => None,
            Self::Foreign(log) => Some(log.table().to_string()),
        }
    }

    /// The log under the name by which `store` knows it, and the last of its rows that a scan has examined; 0 at first. Our own is known by the
    /// name in its file, another program's by its rows.
    ///
    /// # Errors
    /// Those of [`ForeignLog::check`].
    pub async fn placed(&self, store: &Store) -> Result<(Self, i64)> {
        match self {
            Self::Own(logs) => {
                let mark = store.log_watermark(logs.identity().to_owned()).await?;
                Ok((self.clone(), mark))
            }
            Self::Foreign(log) => {
                log.check().await?;
                let marks = store.log_marks(log.identity().to_owned()).await?;
                let (log, mark) = log.placed(marks).await?;
                Ok((Self::Foreign(log), mark))
            }
        }
    }

    /// What tells a row of another program's log from others of its id; `None` for our own, whose ids never come back.
    pub async fn mark(&self, id: i64) -> Result<Option<String>> {
        match self {
            Self::Own(_) => Ok(None),
            Self::Foreign(log) => log.mark(id).await,
        }
    }

    /// The id of the newest row; 0 if there is none.
    pub async fn last_id(&self) -> Result<i64> {
        match self {
            Self::Own(logs) => logs.last_id().await,
            Self::Foreign(log) => log.last_id().await,
        }
    }

    /// The newest rows that fit the filter, as [`LogStore::search`] finds them.
    pub async fn search(&self, filter: LogFilter) -> Result<Found<LogRow>> {
        match self {
            Self::Own(logs) => logs.search(filter).await,
            Self::Foreign(log) => log.search(filter).await,
        }
    }

    /// What the newest rows are about that fit the filter, as [`LogStore::picture`] counts them.
    pub async fn picture(&self, filter: LogFilter) -> Result<LogPicture> {
        match self {
            Self::Own(logs) => logs.picture(filter).await,
            Self::Foreign(log) => log.picture(filter).await,
        }
    }

    /// Up to `limit` rows of level warning or worse with ids above `after` and up to `upto`, oldest first.
    pub async fn warnings(&self, after: i64, upto: i64, limit: usize) -> Result<Vec<LogRow>> {
        let rows = self.stored_warnings(after, upto, limit).await?;
        Ok(rows.into_iter().map(|stored| stored.row).collect())
    }

    /// The same with the instants at which they were stored.
    pub(super) async fn stored_warnings(
        &self,
        after: i64,
        upto: i64,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        match self {
            Self::Own(logs) => logs.stored_warnings(after, upto, limit).await,
            Self::Foreign(log) => log.warnings(after, upto, limit).await,
        }
    }

    /// Rows that led to those of these correlation ids; `None` if the log has no quick answer.
    pub(super) async fn context(
        &self,
        correlations: Vec<(String, i64)>,
        after: i64,
    ) -> Result<Option<Vec<Stored>>> {
        match self {
            Self::Own(logs) => {
                let read = move |c: &_| sql::logs::context(c, &correlations, after);
                logs.db.read("read log rows", read).await.map(Some)
            }
            Self::Foreign(log) => log.context(correlations, after).await,
        }
    }
}
