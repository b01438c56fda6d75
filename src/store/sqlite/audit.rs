//! Rows of `audit_log`: what people did.

use crate::error::Result;
use crate::model::{Actor, Timestamp};
use rusqlite::{Connection, named_params};

/// Writes down a deed.
pub(super) fn record(
    conn: &Connection,
    actor: &Actor,
    action: &str,
    subject: &str,
    now: Timestamp,
) -> Result<()> {
    record_change(conn, actor, action, subject, (None, None), now)
}

/// Writes down a deed that made of what was (`change.0`) what is (`change.1`).
pub(super) fn record_change(
    conn: &Connection,
    actor: &Actor,
    action: &str,
    subject: &str,
    change: (Option<&str>, Option<&str>),
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO audit_log (at, actor, remote, action, subject, before, after)
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
