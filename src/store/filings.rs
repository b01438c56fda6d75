//! Filings: what is to be done at the tracker, and what happened there.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{Filing, FilingId, FilingState, IssueHome, Timestamp};

impl Store {
    /// Stores a job of kind `file_findings`, which files everything that is pending, unless one waits already.
    pub async fn wake_filing(&self, now: Timestamp) -> Result<()> {
        self.db
            .rule("have findings filed", now, move |c, now| core::filings::wake(c, None, now))
            .await
    }

    /// The first act after `after` that can be done at this home; start with `FilingId(0)`.
    pub async fn next_filing(&self, home: IssueHome, after: FilingId) -> Result<Option<Filing>> {
        let next = move |c: &_| sql::filings::next(c, &home, after);
        self.db.read("read what is to be filed", next).await
    }

    /// An act at the tracker as it is now.
    pub async fn filing(&self, id: FilingId) -> Result<Option<Filing>> {
        self.db.read("read a filing", move |c| sql::filings::find(c, id)).await
    }

    /// Replaces an act that is in state `was`; an issue that is filed by it gets its number and page, and
    /// one that it closes as a duplicate is closed, with what was counted there moved to the older one.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if it is in another state; nothing is changed then.
    pub async fn save_filing(
        &self,
        filing: Filing,
        was: FilingState,
        now: Timestamp,
    ) -> Result<()> {
        let save = move |tx: &Tx<'_>, now| core::filings::save(tx, &filing, was, now);
        self.db.rule("save a filing", now, save).await
    }
}
