//! Running jobs and their leases: who holds one, what is written under it, who is asked to end.

use super::jobs::{self, COLUMNS};
use crate::error::{Code, Error, Result};
use crate::model::{Job, JobId, Lease, Timestamp, WorkerId};
use rusqlite::{Connection, named_params};

/// Longest progress text, in bytes: a line or two.
const MAX_PROGRESS_BYTES: usize = 1000;

/// The running job of this lease.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held.
pub(in crate::store) fn held(conn: &Connection, lease: &Lease) -> Result<Job> {
    let held = all_held(conn, &[lease])?.pop().flatten();
    held.ok_or_else(|| lost(lease))
}

/// The running job of each of these leases; `None` for one that is not held, or that an earlier one of them names too.
pub(in crate::store) fn all_held(conn: &Connection, leases: &[&Lease]) -> Result<Vec<Option<Job>>> {
    let ids: Vec<JobId> = leases.iter().map(|lease| lease.id).collect();
    let mut jobs: std::collections::HashMap<JobId, Job> =
        jobs::of(conn, &ids)?.into_iter().map(|job| (job.id, job)).collect();
    let held = leases.iter().map(|lease| {
        let is_held = jobs.get(&lease.id).and_then(Job::lease).as_ref() == Some(*lease);
        is_held.then(|| jobs.remove(&lease.id)).flatten()
    });
    Ok(held.collect())
}

/// The error of a lease that is not held any more.
pub(in crate::store) fn lost(lease: &Lease) -> Error {
    Error::new(Code::StoreLeaseLost, format!("job {}, epoch {}", lease.id, lease.epoch))
}

/// Keeps the beginning of what a handler says about how far it is.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held.
pub(in crate::store) fn set_progress(conn: &Connection, lease: &Lease, text: &str) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET progress = :text
        WHERE id = :id AND epoch = :epoch AND worker_id = :worker AND status = 'running'";
    let changed = conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": lease.id.0,
        ":epoch": lease.epoch,
        ":worker": lease.worker.as_str(),
        ":text": &text[..text.floor_char_boundary(MAX_PROGRESS_BYTES)],
    })?;
    if changed == 1 { Ok(()) } else { Err(lost(lease)) }
}

/// The running jobs that nobody has asked to end.
pub(in crate::store) fn not_asked(conn: &Connection) -> Result<Vec<JobId>> {
    const SQL: &str = "
        SELECT id
        FROM jobs
        WHERE status = 'running' AND cancel_requested_at IS NULL";
    let mut statement = conn.prepare_cached(SQL)?;
    let ids = statement.query_map([], |row| row.get(0).map(JobId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// Asks these running jobs to end.
pub(in crate::store) fn ask_to_end(conn: &Connection, ids: &[JobId], now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET cancel_requested_at = :now
        WHERE id IN (SELECT value FROM json_each(:ids)) AND status = 'running' AND cancel_requested_at IS NULL";
    let params = named_params! {":ids": jobs::list(ids), ":now": now.millis()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// The jobs of a worker that somebody asked to end.
pub(in crate::store) fn cancel_requests(
    conn: &Connection,
    worker: &WorkerId,
) -> Result<Vec<JobId>> {
    const SQL: &str = "
        SELECT id
        FROM jobs
        WHERE status = 'running' AND worker_id = :worker AND cancel_requested_at IS NOT NULL";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":worker": worker.as_str()};
    let ids = statement.query_map(params, |row| row.get(0).map(JobId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}
