//! Filings: what is to be done at the tracker, and what happened there.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{
    Actor, Filing, FilingId, FilingState, IssueState, RemoteKind, Repository, Timestamp,
};

impl Store {
    /// Stores a job of kind `file_findings`, which files everything that is pending, unless one waits already.
    pub async fn wake_filing(&self, now: Timestamp) -> Result<()> {
        self.db
            .rule("have findings filed", now, move |c, now| core::filings::wake(c, None, now))
            .await
    }

    /// The first act after `after` that can be done at this repository of a tracker of this kind; start with `FilingId(0)`.
    pub async fn next_filing(
        &self,
        kind: RemoteKind,
        repository: Repository,
        after: FilingId,
    ) -> Result<Option<Filing>> {
        let next = move |c: &_| sql::filings::next(c, kind, repository.as_str(), after);
        self.db.read("read what is to be filed", next).await
    }

    /// An act at the tracker as it is now.
    pub async fn filing(&self, id: FilingId) -> Result<Option<Filing>> {
        self.db.read("read a filing", move |c| sql::filings::find(c, id)).await
    }

    /// Replaces an act that is in state `was`; an issue that is filed by it gets its number and page.
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

    /// From when on the issues of a repository may have changed unnoticed; `None` while none of ours is there.
    pub async fn tracker_news_since(
        &self,
        kind: RemoteKind,
        repository: Repository,
    ) -> Result<Option<Timestamp>> {
        let since = move |c: &_| sql::filings::news_since(c, kind, repository.as_str());
        self.db.read("read how far the tracker's news were read", since).await
    }

    /// Takes over how issues are at the tracker, by their pages, as read at `asked_at`; answers how many that changed. An
    /// issue that is to be opened again there, or was since, stays as it is here.
    pub async fn take_tracker_news(
        &self,
        repository: Repository,
        states: Vec<(String, IssueState)>,
        asked_at: Timestamp,
        now: Timestamp,
    ) -> Result<u64> {
        let take = move |tx: &Tx<'_>, now| {
            let actor = Actor { name: "tracker".into(), remote: None };
            core::filings::take_news(tx, repository.as_str(), &states, asked_at, &actor, now)
        };
        self.db.rule("take over the tracker's news", now, take).await
    }
}
