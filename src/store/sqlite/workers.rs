//! Rows of `workers`: processes that claim.

use crate::error::Result;
use crate::model::{Timestamp, WorkerId};
use rusqlite::{Connection, named_params};

/// Registers a worker that has just become the leader, in place of every earlier one.
pub(in crate::store) fn register(
    conn: &Connection,
    worker: &WorkerId,
    pid: u32,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO workers (id, pid, version, started_at, heartbeat_at)
        VALUES (:id, :pid, :version, :now, :now)";
    conn.execute("DELETE FROM workers", [])?;
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": worker.as_str(),
        ":pid": pid,
        ":version": env!("CARGO_PKG_VERSION"),
        ":now": now.millis(),
    })?;
    Ok(())
}

/// Says that the worker is alive.
pub(in crate::store) fn heartbeat(
    conn: &Connection,
    worker: &WorkerId,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE workers
        SET heartbeat_at = :now
        WHERE id = :id";
    conn.prepare_cached(SQL)?
        .execute(named_params! {":id": worker.as_str(), ":now": now.millis()})?;
    Ok(())
}

/// Removes a worker that stopped on purpose.
pub(in crate::store) fn retire(conn: &Connection, worker: &WorkerId) -> Result<()> {
    const SQL: &str = "
        DELETE FROM workers
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": worker.as_str()})?;
    Ok(())
}
