//! The decisions of people about acts that wait to go to the tracker.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{Actor, FilingId, Timestamp, WaitingFiling};

impl Store {
    /// The acts that are not done yet, oldest first: those that wait for approval, for their turn, or for a tracker that
    /// refuses them.
    pub async fn waiting_filings(&self, limit: usize) -> Result<Vec<WaitingFiling>> {
        let list = move |c: &_| sql::approvals::waiting(c, limit);
        self.db.read("list what waits for the tracker", list).await
    }

    /// Lets an act that waits for approval go to the tracker.
    ///
    /// # Errors
    /// `TRACK-FILE-001` if it does not wait for approval any more, `-002` if there is none of this id.
    pub async fn approve_filing(&self, id: FilingId, actor: Actor, now: Timestamp) -> Result<()> {
        let approve = move |tx: &Tx<'_>, now| core::approvals::approve(tx, id, &actor, now);
        self.db.rule("approve what is filed", now, approve).await
    }

    /// Keeps an act that waits for approval from the tracker, for good. Its issue, if it has none there yet, is closed as not
    /// planned: the same problem stays quiet for a season.
    ///
    /// # Errors
    /// As [`Store::approve_filing`].
    pub async fn reject_filing(&self, id: FilingId, actor: Actor, now: Timestamp) -> Result<()> {
        let reject = move |tx: &Tx<'_>, now| core::approvals::reject(tx, id, &actor, now);
        self.db.rule("reject what was to be filed", now, reject).await
    }

    /// Changes the text of an act that waits for approval; its marker stays at the end of the body.
    ///
    /// # Errors
    /// As [`Store::approve_filing`]; `JOB-VALUE-001` for an empty title or body, or a title that is too long; `JOB-SIZE-001` for a
    /// body that is.
    pub async fn edit_filing(
        &self,
        id: FilingId,
        title: Option<String>,
        body: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let edit = move |tx: &Tx<'_>, now| {
            core::approvals::edit(tx, id, title.as_deref(), &body, &actor, now)
        };
        self.db.rule("edit what is to be filed", now, edit).await
    }
}
