//! Rows of `job_audit`: what people did.

use crate::error::Result;
#[cfg(feature = "web")]
use crate::model::Deed;
use crate::model::{Actor, Timestamp};
#[cfg(feature = "web")]
use crate::store::sqlite::row::{optional_text, text};
#[cfg(feature = "web")]
use rusqlite::Row;
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

/// The columns of [`from_row`].
#[cfg(feature = "web")]
pub(super) const COLUMNS: &str = "id, at, actor, remote, action, subject, before, after";

/// Reads a row of [`COLUMNS`].
#[cfg(feature = "web")]
pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Deed> {
    Ok(Deed {
        id: row.get(0)?,
        at: Timestamp::from_millis(row.get(1)?),
        by: Actor { name: text(row, 2)?, remote: optional_text(row, 3)? },
        action: text(row, 4)?,
        subject: optional_text(row, 5)?.unwrap_or_default(),
        before: optional_text(row, 6)?,
        after: optional_text(row, 7)?,
    })
}
