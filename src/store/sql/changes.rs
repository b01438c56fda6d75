//! Rows of `session_changes`: what runs have changed in their folders.

use super::lease::IS_HELD;
use crate::error::Result;
use crate::model::{JobId, Lease, SessionChanges};
use crate::store::sqlite::row::text;
use rusqlite::{Connection, OptionalExtension, named_params};

/// What an earlier attempt has left gives way.
const IN_PLACE: &str =
    "ON CONFLICT (job_id) DO UPDATE SET changes = excluded.changes, patch = excluded.patch";

/// Keeps what a run has changed, in place of what an earlier attempt has.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held any more.
pub(in crate::store) fn keep(
    conn: &Connection,
    lease: &Lease,
    changes: &SessionChanges,
    patch: &str,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO session_changes (job_id, changes, patch)
         SELECT job_id, :changes, :patch
         FROM sessions
         WHERE job_id = :id AND {IS_HELD}
         {IN_PLACE}"
    );
    let own = named_params! {
        ":changes": serde_json::json!(changes).to_string(),
        ":patch": patch,
    };
    super::lease::write(conn, &sql, lease, own)
}

/// Keeps what a run has changed that ended with its server, in place of what an earlier attempt has.
pub(in crate::store) fn keep_of_closed(
    conn: &Connection,
    id: JobId,
    changes: &SessionChanges,
    patch: &str,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO session_changes (job_id, changes, patch)
         VALUES (:id, :changes, :patch)
         {IN_PLACE}"
    );
    conn.prepare_cached(&sql)?.execute(named_params! {
        ":id": id.0, ":changes": serde_json::json!(changes).to_string(), ":patch": patch,
    })?;
    Ok(())
}

/// What a session has changed. A row that cannot be read says nothing.
pub(in crate::store) fn get(conn: &Connection, id: JobId) -> Result<Option<SessionChanges>> {
    const SQL: &str = "SELECT changes FROM session_changes WHERE job_id = :id";
    let mut statement = conn.prepare_cached(SQL)?;
    let found = statement.query_row(named_params! {":id": id.0}, |row| text(row, 0)).optional()?;
    Ok(found.and_then(|changes| serde_json::from_str(&changes).ok()))
}

/// The patch of what a session has changed.
pub(in crate::store) fn patch(conn: &Connection, id: JobId) -> Result<Option<String>> {
    const SQL: &str = "SELECT patch FROM session_changes WHERE job_id = :id";
    let mut statement = conn.prepare_cached(SQL)?;
    Ok(statement.query_row(named_params! {":id": id.0}, |row| text(row, 0)).optional()?)
}
