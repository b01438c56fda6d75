//! Repositories that an agent describes.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{
    Actor, DescribedBy, Description, Enqueued, GoldenRepo, Lease, NewJob, Timestamp,
};
use std::path::PathBuf;

/// Repositories that are listed at most.
const MAX_LIST: usize = 1_000;

impl Store {
    /// The repositories, by name, at most 1,000.
    pub async fn repositories(&self) -> Result<Vec<GoldenRepo>> {
        let list = |c: &_| sql::repositories::list(c, MAX_LIST);
        self.db.read("list repositories", list).await
    }

    /// The repository of this name or number.
    pub async fn repository(&self, name: String) -> Result<Option<GoldenRepo>> {
        self.db.read("read a repository", move |c| sql::repositories::find(c, &name)).await
    }

    /// Registers a repository and stores the job that describes it.
    ///
    /// # Errors
    /// `REPO-NAME-001` if one has this name or this path.
    pub async fn add_repository(
        &self,
        name: String,
        path: PathBuf,
        job: NewJob,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Enqueued> {
        let add =
            move |tx: &Tx<'_>, now| core::repositories::add(tx, &name, &path, &job, &actor, now);
        self.db.rule("add a repository", now, add).await
    }

    /// Removes a repository and its description; its jobs stay.
    ///
    /// # Errors
    /// `REPO-NAME-002` if there is none of this name.
    pub async fn remove_repository(
        &self,
        name: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let remove = move |tx: &Tx<'_>, now| core::repositories::remove(tx, &name, &actor, now);
        self.db.rule("remove a repository", now, remove).await
    }

    /// Stores the job that describes a repository, or answers the job that waits to do so.
    ///
    /// # Errors
    /// `REPO-NAME-002` if there is none of this name.
    pub async fn request_description(
        &self,
        name: String,
        job: NewJob,
        now: Timestamp,
    ) -> Result<Enqueued> {
        let request = move |tx: &Tx<'_>, now| core::repositories::request(tx, &name, &job, now);
        self.db.rule("refresh a repository", now, request).await
    }

    /// Writes what a repository is about, under the lease of the job that found out.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the lease is not held any more; nothing is changed then (P9).
    pub async fn describe_repository(
        &self,
        lease: Lease,
        id: i64,
        description: Description,
        by: DescribedBy,
        now: Timestamp,
    ) -> Result<()> {
        let write = move |tx: &Tx<'_>, now| {
            core::repositories::describe(tx, &lease, id, &description, by, now)
        };
        self.db.rule("describe a repository", now, write).await
    }
}
