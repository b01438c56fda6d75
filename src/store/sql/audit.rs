//! Rows of `job_audit`: what people did.

use crate::error::Result;
#[cfg(feature = "web")]
use crate::model::Deed;
use crate::model::{Actor, Timestamp};
#[cfg(feature = "web")]
use crate::store::sqlite::row::{parsed, text};
use rusqlite::{Connection, named_params};

/// Writes down a deed.
pub(in crate::store) fn record(
    conn: &Connection,
    actor: &Actor,
    action: &str,
    subject: &str,
    now: Timestamp,
) -> Result<()> {
    record_change(conn, actor, action, subject, (None, None), now)
}

/// Records an act that changed a value from `change.0` to `change.1`.
pub(in crate::store) fn record_change(
    conn: &Connection,
    actor: &Actor,
    action: &str,
    subject: &str,
    change: (Option<&str>, Option<&str>),
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_audit (at, actor, remote, action, subject, before, after)
        VALUES (:at, :actor, :remote, :action, :subject, :before, :after)";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":at": now.millis(),
        ":actor": actor.name,
        ":remote": actor.remote,
        ":action": action,
        ":subject": subject,
        ":before": change.0,
        ":after": change.1,
    })?;
    Ok(())
}

/// The newest deeds, newest first.
#[cfg(feature = "web")]
pub(in crate::store) fn newest(conn: &Connection, limit: usize) -> Result<Vec<Deed>> {
    const SQL: &str = "
        SELECT id, at, actor, remote, action, subject, before, after
        FROM job_audit
        ORDER BY id DESC
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":limit": limit as i64}, |row| {
        Ok(Deed {
            id: row.get(0)?,
            at: Timestamp::from_millis(row.get(1)?),
            by: Actor { name: text(row, 2)?, remote: parsed(row, 3, Some)? },
            action: text(row, 4)?,
            subject: parsed(row, 5, Some)?.unwrap_or_default(),
            before: parsed(row, 6, Some)?,
            after: parsed(row, 7, Some)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
