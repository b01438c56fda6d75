//! Rows of `repositories`.

use crate::error::Result;
use crate::model::{DescribedBy, Description, GoldenRepo, JobId, Timestamp};
use crate::store::sqlite::row::{parsed, text, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::path::{Path, PathBuf};

const COLUMNS: &str = "id, name, path, description, described_by, described_at, job_id, added_at";

fn from_row(row: &Row<'_>) -> rusqlite::Result<GoldenRepo> {
    let description = parsed(row, 3, |text| serde_json::from_str::<Description>(text).ok())?;
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

/// Stores a repository; answers its id if its name and its path were free.
pub(in crate::store) fn insert(
    conn: &Connection,
    name: &str,
    path: &Path,
    now: Timestamp,
) -> Result<Option<i64>> {
    const SQL: &str = "
        INSERT INTO repositories (name, path, added_at)
        SELECT :name, :path, :now
        WHERE NOT EXISTS (SELECT 1 FROM repositories WHERE name = :name OR path = :path)
        RETURNING id";
    let params =
        named_params! {":name": name, ":path": path.to_string_lossy(), ":now": now.millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0)).optional()?)
}

pub(in crate::store) fn delete(conn: &Connection, id: i64) -> Result<()> {
    const SQL: &str = "
        DELETE FROM repositories
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id})?;
    Ok(())
}

/// Notes the job that is to describe a repository.
pub(in crate::store) fn set_job(conn: &Connection, id: i64, job: JobId) -> Result<()> {
    const SQL: &str = "
        UPDATE repositories
        SET job_id = :job
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {":job": job.0, ":id": id})?;
    Ok(())
}

/// Writes what a repository is about, unless that would replace a description by the agent with one of the files.
pub(in crate::store) fn set_description(
    conn: &Connection,
    id: i64,
    description: &str,
    by: DescribedBy,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE repositories
        SET description = :description, described_by = :by, described_at = :now
        WHERE id = :id AND (:by = 'agent' OR described_by IS DISTINCT FROM 'agent')";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":description": description, ":by": by.as_str(), ":now": now.millis(), ":id": id,
    })?;
    Ok(())
}
