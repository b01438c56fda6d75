//! The decisions of people about acts that wait to go to the tracker.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{Actor, FilingId, FilingPick, FilingVerdict, Timestamp, WaitingFiling};

impl Store {
    /// The acts that are not done yet, oldest first: those that wait for approval, for their turn, or for a tracker that
    /// refuses them.
    pub async fn waiting_filings(&self, limit: usize) -> Result<Vec<WaitingFiling>> {
        let list = move |c: &_| sql::approvals::waiting(c, limit);
        self.db.read("list what waits for the tracker", list).await
    }

    /// How many acts wait for approval, counted up to `limit`, and since when the oldest does.
    pub async fn filings_to_approve(&self, limit: usize) -> Result<(u64, Option<Timestamp>)> {
        let count = move |c: &_| sql::approvals::to_approve(c, limit);
        self.db.read("count what waits for approval", count).await
    }

    /// The acts that people have rejected since then, the newest first.
    pub async fn rejected_filings(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<WaitingFiling>> {
        let list = move |c: &_| sql::approvals::rejected(c, since, limit);
        self.db.read("list what was rejected", list).await
    }

    /// What people see of acts, oldest first: those that are not done, those that somebody has rejected since then, and of the
    /// newest acts those that somebody has approved since then and that are done. They are read at one moment: an act that is
    /// filed meanwhile is there once.
    pub async fn filings_on_show(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<WaitingFiling>> {
        let list = move |c: &_| {
            let mut filings = sql::approvals::waiting(c, limit)?;
            filings.extend(sql::approvals::rejected(c, since, limit)?);
            filings.extend(sql::approvals::approved(c, since, limit)?);
            filings.sort_by_key(|filing| filing.id.0);
            Ok(filings)
        };
        self.db.read("list what people decide about", list).await
    }

    /// The act of this id, whatever became of it.
    pub async fn filing_text(&self, id: FilingId) -> Result<Option<WaitingFiling>> {
        let find = move |c: &_| Ok(sql::approvals::find(c, id)?.map(|(filing, _)| filing));
        self.db.read("read what is filed", find).await
    }

    /// Decides about acts, all of them or none. An approved one goes to the tracker. A rejected one never does; its issue, if it
    /// has none there yet, is closed as not planned: the same problem stays quiet for a season. Either is taken back as long as
    /// nothing was sent.
    ///
    /// # Errors
    /// `TRACK-FILE-001` if one does not wait for this decision any more, `-002` if there is none of its id, `-003` if its text is
    /// another than the one that was shown, `-004` if it is to be taken back and was sent already.
    pub async fn decide_filings(
        &self,
        picks: Vec<FilingPick>,
        verdict: FilingVerdict,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let decide =
            move |tx: &Tx<'_>, now| core::approvals::decide(tx, &picks, verdict, &actor, now);
        let doing = match verdict {
            FilingVerdict::Approve => "approve what is filed",
            FilingVerdict::Reject => "reject what was to be filed",
            FilingVerdict::TakeBack => "take the decision back",
        };
        self.db.rule(doing, now, decide).await
    }

    /// Changes the text of an act that waits for approval; its marker stays at the end of the body.
    ///
    /// # Errors
    /// As [`Store::decide_filings`]; `JOB-VALUE-001` for an empty title or body, or a title that is too long; `JOB-SIZE-001` for a
    /// body that is.
    pub async fn edit_filing(
        &self,
        pick: FilingPick,
        title: Option<String>,
        body: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let edit = move |tx: &Tx<'_>, now| {
            core::approvals::edit(tx, &pick, title.as_deref(), &body, &actor, now)
        };
        self.db.rule("edit what is to be filed", now, edit).await
    }
}
