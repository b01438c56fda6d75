//! The queries that people keep under a name, each for themselves.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{Actor, ListPage, SavedView, Timestamp};

impl Store {
    /// The views of a person for a list, by name.
    pub async fn views(&self, owner: String, page: ListPage) -> Result<Vec<SavedView>> {
        self.db.read("read saved views", move |c| sql::views::of(c, &owner, page)).await
    }

    /// Keeps a query for a person under a name, in place of the one that had the name.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for more than 20 views of one list.
    pub async fn save_view(
        &self,
        owner: String,
        (page, name, query): (ListPage, String, String),
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let save = move |tx: &Tx<'_>, now| {
            core::views::save(tx, &owner, (page, &name, &query), &actor, now)
        };
        self.db.rule("save a view", now, save).await
    }

    /// Removes a view of a person; answers what it was, if there was one.
    pub async fn remove_view(
        &self,
        owner: String,
        id: i64,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Option<SavedView>> {
        let remove = move |tx: &Tx<'_>, now| core::views::remove(tx, &owner, id, &actor, now);
        self.db.rule("remove a view", now, remove).await
    }
}
