//! The looks at all pages of an open database's tables, one table at a time, and the word on what came of them.

#[cfg(feature = "monitor")]
use super::LogStore;
use super::Store;
use super::sqlite::Database;
use crate::error::Result;
use crate::model::{Service, Timestamp};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A database whose tables are looked at.
#[derive(Clone, Debug)]
pub(crate) struct Inspection {
    db: Arc<Database>,
}

impl Store {
    /// The looks at the tables of jobs.
    pub(crate) fn inspection(&self) -> Inspection {
        Inspection { db: Arc::clone(&self.db) }
    }
}

#[cfg(feature = "monitor")]
impl LogStore {
    /// The looks at the tables of logs.
    pub(crate) fn inspection(&self) -> Inspection {
        Inspection { db: Arc::clone(&self.db) }
    }
}

impl Inspection {
    /// The tables of ours that the file has.
    pub(crate) async fn tables(&self) -> Result<Vec<String>> {
        self.db.own_tables().await
    }

    /// Looks at all pages of a table and its indexes within this time; whether it finished.
    ///
    /// # Errors
    /// `STORE-FILE-008`: the file is not trusted any more.
    pub(crate) async fn look_at(&self, table: String, within: Duration) -> Result<bool> {
        self.db.inspect(table, within).await
    }

    /// Returns when a row was met that cannot be read. Cancel safe.
    pub(crate) async fn meets_strange_row(&self) {
        self.db.guard().meets_strange_row().await;
    }

    /// Says how the looks ended that took until `at`.
    pub(crate) fn ran<E: fmt::Display>(&self, at: Timestamp, ended: Result<String, E>) {
        self.db.board().ran(&Service::Inspector, at, ended);
    }
}
