//! What is open at another home than the one where issues are filed now.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{
    Actor, Caps, IssueHome, OpenElsewhere, Posting, RefileOffer, Timestamp, Tracker,
};

impl Store {
    /// What is open elsewhere and can be filed at this home.
    pub async fn refile_offer(&self, home: IssueHome) -> Result<RefileOffer> {
        self.db.read("read what is open elsewhere", move |c| sql::refilings::offer(c, &home)).await
    }

    /// The problems that are open elsewhere and can be filed at this home, oldest first.
    pub async fn open_elsewhere(&self, home: IssueHome) -> Result<Vec<OpenElsewhere>> {
        self.db.read("read what is open elsewhere", move |c| sql::refilings::open(c, &home)).await
    }

    /// Has a job file what is open elsewhere at this home, also what was left there before; answers how many problems that
    /// are.
    pub async fn ask_refiling(&self, home: IssueHome, actor: Actor, now: Timestamp) -> Result<u64> {
        let ask = move |tx: &Tx<'_>, now| core::refilings::ask(tx, &home, &actor, now);
        self.db.rule("have open problems filed elsewhere", now, ask).await
    }

    /// Leaves what is open elsewhere where it is, so that it is offered no more; answers how many problems that are.
    pub async fn leave_elsewhere(
        &self,
        home: IssueHome,
        actor: Actor,
        now: Timestamp,
    ) -> Result<u64> {
        let leave = move |tx: &Tx<'_>, now| core::refilings::leave(tx, &home, &actor, now);
        self.db.rule("leave open problems where they are", now, leave).await
    }

    /// Stores problems that are open elsewhere as issues of this home, and what is to be done there, in one transaction;
    /// answers how many were not known there. Nothing is asked for any more then.
    pub async fn refile(
        &self,
        (tracker, home): (Tracker, IssueHome),
        problems: Vec<(OpenElsewhere, Posting)>,
        caps: Caps,
        now: Timestamp,
    ) -> Result<u64> {
        let file = move |tx: &Tx<'_>, now| {
            core::refilings::file(tx, (tracker, &home), &problems, caps, now)
        };
        self.db.rule("file what is open elsewhere", now, file).await
    }
}
