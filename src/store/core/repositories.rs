//! Repositories that an agent describes: what registers one, and what asks for its description.

use super::enqueue::enqueue;
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, DescribedBy, Description, Enqueued, GoldenRepo, Lease, NewJob, Timestamp,
};
use crate::store::sql::{audit, lease, repositories};
use crate::store::sqlite::Tx;
use std::path::Path;

/// Registers a repository and stores the job that describes it.
///
/// # Errors
/// `REPO-NAME-001` if one has this name or this path.
pub(in crate::store) fn add(
    tx: &Tx<'_>,
    name: &str,
    path: &Path,
    job: &NewJob,
    actor: &Actor,
    now: Timestamp,
) -> Result<Enqueued> {
    let Some(id) = repositories::insert(tx, name, path, now)? else {
        let why = format!("one called {name} or of the folder {} is there", path.display());
        return Err(Error::new(Code::RepositoryTaken, why));
    };
    audit::record(tx, actor, "add", &format!("repository {name}"), now)?;
    describe_by(tx, id, job, now)
}

/// Removes a repository and its description.
///
/// # Errors
/// `REPO-NAME-002` if there is none of this name.
pub(in crate::store) fn remove(
    tx: &Tx<'_>,
    name: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let repository = existing(tx, name)?;
    repositories::delete(tx, repository.id)?;
    audit::record(tx, actor, "remove", &format!("repository {}", repository.name), now)
}

/// Stores a job that describes it, or answers the job that waits to do so.
///
/// # Errors
/// As [`remove`].
pub(in crate::store) fn request(
    tx: &Tx<'_>,
    name: &str,
    job: &NewJob,
    now: Timestamp,
) -> Result<Enqueued> {
    describe_by(tx, existing(tx, name)?.id, job, now)
}

/// Writes what a repository is about, under the lease of the job that found out. A description by the agent is not replaced
/// by one of the files.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held any more.
pub(in crate::store) fn describe(
    tx: &Tx<'_>,
    lease: &Lease,
    id: i64,
    description: &Description,
    by: DescribedBy,
    now: Timestamp,
) -> Result<()> {
    lease::held(tx, lease)?;
    let description = serde_json::to_string(description)
        .map_err(|error| Error::new(Code::ModelInvalid, "write a description").because(error))?;
    repositories::set_description(tx, id, &description, by, now)
}

fn describe_by(tx: &Tx<'_>, id: i64, job: &NewJob, now: Timestamp) -> Result<Enqueued> {
    let made = enqueue(tx, job, now)?;
    repositories::set_job(tx, id, made.id())?;
    Ok(made)
}

fn existing(tx: &Tx<'_>, name: &str) -> Result<GoldenRepo> {
    let unknown = || Error::new(Code::RepositoryUnknown, format!("there is none called {name:?}"));
    repositories::find(tx, name)?.ok_or_else(unknown)
}
