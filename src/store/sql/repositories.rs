//! Rows of `repositories`.

use super::audit;
use super::jobs;
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, DescribedBy, Description, Enqueued, GoldenRepo, JobId, Lease, NewJob, Timestamp,
};
use crate::store::sqlite::Tx;
use crate::store::sqlite::row::{parsed, text, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::path::{Path, PathBuf};

const COLUMNS: &str = "id, name, path, description, described_by, described_at, job_id, added_at";

fn from_row(row: &Row<'_>) -> rusqlite::Result<GoldenRepo> {
    let description = parsed(row, 3, |text| serde_json::from_str::<Description>(&text).ok())?;
    let description = match description {
        Some(description) => {
            Some((description, word(row, 4)?, Timestamp::from_millis(row.get(5)?)))
        }
        None => None,
    };
    Ok(GoldenRepo {
        id: row.get(0)?,
        name: text(row, 1)?,
        path: PathBuf::from(text(row, 2)?),
        description,
        job_id: row.get::<_, Option<i64>>(6)?.map(JobId),
        added_at: Timestamp::from_millis(row.get(7)?),
    })
}

/// The repositories, by name.
pub(in crate::store) fn list(conn: &Connection, limit: usize) -> Result<Vec<GoldenRepo>> {
    let sql = format!("SELECT {COLUMNS} FROM repositories ORDER BY name LIMIT :limit");
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(named_params! {":limit": limit as i64}, from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The repository of this name, or of this number.
pub(in crate::store) fn find(conn: &Connection, name: &str) -> Result<Option<GoldenRepo>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM repositories WHERE name = :name OR CAST(id AS TEXT) = :name
         ORDER BY name = :name DESC LIMIT 1"
    );
    let params = named_params! {":name": name};
    Ok(conn.prepare_cached(&sql)?.query_row(params, from_row).optional()?)
}

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
    const SQL: &str = "
        INSERT INTO repositories (name, path, added_at)
        SELECT :name, :path, :now
        WHERE NOT EXISTS (SELECT 1 FROM repositories WHERE name = :name OR path = :path)
        RETURNING id";
    let params =
        named_params! {":name": name, ":path": path.to_string_lossy(), ":now": now.millis()};
    let added = tx.prepare_cached(SQL)?.query_row(params, |row| row.get(0)).optional()?;
    let Some(id) = added else {
        let why = format!("one called {name} or of the folder {} is there", path.display());
        return Err(Error::new(Code::RepositoryTaken, why));
    };
    audit::record(tx, actor, "add", &format!("repository {name}"), now)?;
    describe_by(tx, id, job, now)
}

/// Removes a repository and its description.
pub(in crate::store) fn remove(
    conn: &Connection,
    name: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        DELETE FROM repositories
        WHERE id = :id";
    let repository = find(conn, name)?.ok_or_else(|| unknown(name))?;
    conn.prepare_cached(SQL)?.execute(named_params! {":id": repository.id})?;
    audit::record(conn, actor, "remove", &format!("repository {}", repository.name), now)
}

/// Stores a job that describes it, or answers the job that waits to do so.
pub(in crate::store) fn request(
    tx: &Tx<'_>,
    name: &str,
    job: &NewJob,
    now: Timestamp,
) -> Result<Enqueued> {
    let repository = find(tx, name)?.ok_or_else(|| unknown(name))?;
    describe_by(tx, repository.id, job, now)
}

fn describe_by(tx: &Tx<'_>, id: i64, job: &NewJob, now: Timestamp) -> Result<Enqueued> {
    const SQL: &str = "
        UPDATE repositories
        SET job_id = :job
        WHERE id = :id";
    let made = jobs::insert(tx, job, now)?;
    tx.prepare_cached(SQL)?.execute(named_params! {":job": made.id().0, ":id": id})?;
    Ok(made)
}

/// Writes what a repository is about, under the lease of the job that found out. A description by the agent is not replaced
/// by one of the files.
pub(in crate::store) fn describe(
    conn: &Connection,
    lease: &Lease,
    id: i64,
    description: &Description,
    by: DescribedBy,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE repositories
        SET description = :description, described_by = :by, described_at = :now
        WHERE id = :id AND (:by = 'agent' OR described_by IS DISTINCT FROM 'agent')";
    super::lease::held(conn, lease)?;
    let description = serde_json::to_string(description)
        .map_err(|error| Error::new(Code::ModelInvalid, "write a description").because(error))?;
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":description": description, ":by": by.as_str(), ":now": now.millis(), ":id": id,
    })?;
    Ok(())
}

fn unknown(name: &str) -> Error {
    Error::new(Code::RepositoryUnknown, format!("there is none called {name:?}"))
}
