//! Running jobs and their leases: who holds one, what is written under it, who is asked to end.

use super::jobs::{self, COLUMNS};
use crate::error::{Code, Error, Result};
use crate::model::{Job, JobId, Lease, Timestamp, WorkerId};
use crate::planted::{self, Bug};
use crate::store::sqlite::dialect;
use rusqlite::{Connection, ToSql, named_params};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Longest progress text, in bytes: a line or two.
const MAX_PROGRESS_BYTES: usize = 1000;

/// The running job of this lease.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held.
#[cfg(any(feature = "agents", feature = "monitor", test))]
pub(in crate::store) fn held(conn: &Connection, lease: &Lease) -> Result<Job> {
    let held = read_held(conn, COLUMNS, &[lease])?.pop().flatten();
    held.ok_or_else(|| lost(lease))
}

/// The running job of each of these leases, without what decides nothing about its end; `None` for one that is not held, or
/// that an earlier one of them names too. A worker that was judged lost holds none, although its jobs may not be rescued yet.
pub(in crate::store) fn all_held(conn: &Connection, leases: &[&Lease]) -> Result<Vec<Option<Job>>> {
    static OF_AN_END: LazyLock<String> = LazyLock::new(jobs::of_an_end);
    read_held(conn, &OF_AN_END, leases)
}

fn read_held(conn: &Connection, columns: &str, leases: &[&Lease]) -> Result<Vec<Option<Job>>> {
    let ids: Vec<JobId> = leases.iter().map(|lease| lease.id).collect();
    let sql = format!(
        "SELECT {columns}
         FROM jobs
         WHERE id IN ({}) AND status = 'running'
           AND NOT EXISTS (SELECT 1 FROM job_workers w WHERE w.id = jobs.worker_id AND w.lost_at IS NOT NULL{})",
        dialect::members(":ids"),
        if planted::is(Bug::HeedsTheLost) { " AND 1 = 2" } else { "" }
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let jobs = statement.query_map(named_params! {":ids": jobs::list(&ids)}, jobs::from_row)?;
    let jobs = jobs.map(|job| job.map(|job| (job.id, job)));
    let mut jobs: HashMap<JobId, Job> = jobs.collect::<rusqlite::Result<_>>()?;
    let held = leases.iter().map(|lease| {
        let is_held = jobs.get(&lease.id).is_some_and(|job| is_of(lease, job));
        is_held.then(|| jobs.remove(&lease.id)).flatten()
    });
    Ok(held.collect())
}

/// Refuses ends of jobs of which one was claimed by a worker that was judged lost since.
///
/// # Errors
/// `STORE-LEASE-001`
pub(in crate::store) fn expect_alive<'a>(
    conn: &Connection,
    claimed: impl Iterator<Item = &'a Job>,
) -> Result<()> {
    const SQL: &str =
        "SELECT EXISTS (SELECT 1 FROM job_workers WHERE id = :worker AND lost_at IS NOT NULL)";
    let mut alive: Option<&WorkerId> = None;
    for job in claimed {
        let worker = job.worker_id.as_ref();
        if worker.is_none() || worker == alive {
            continue;
        }
        alive = worker;
        let params = named_params! {":worker": alive.map(WorkerId::as_str)};
        let is_lost: bool = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?;
        if is_lost && !planted::is(Bug::HeedsTheLost) {
            return Err(Error::new(
                Code::StoreLeaseLost,
                format!("job {}: its worker is lost", job.id),
            ));
        }
    }
    Ok(())
}

/// Whether a lease is that of this running job: its epoch, in its worker's name.
fn is_of(lease: &Lease, job: &Job) -> bool {
    let knows_epoch = planted::is(Bug::SettlesForAnybody) && lease.epoch == job.epoch;
    let is_planted = knows_epoch || planted::is(Bug::ChecksNoLease);
    is_planted || job.lease().as_ref() == Some(lease)
}

/// Refuses to write under a lease that is not held.
///
/// # Errors
/// `STORE-LEASE-001`
pub(in crate::store) fn expect_held(conn: &Connection, lease: &Lease) -> Result<()> {
    let params = named_params! {
        ":id": lease.id.0, ":epoch": lease.epoch, ":worker": lease.worker.as_str(),
    };
    let sql = format!("SELECT {IS_HELD}");
    if conn.prepare_cached(&sql)?.query_row(params, |row| row.get(0))? {
        return Ok(());
    }
    Err(lost(lease))
}

/// The error of a lease that is not held any more.
pub(in crate::store) fn lost(lease: &Lease) -> Error {
    Error::new(Code::StoreLeaseLost, format!("job {}, epoch {}", lease.id, lease.epoch))
}

/// Whether the lease of `:id`, `:epoch` and `:worker` is held.
pub(super) const IS_HELD: &str = "EXISTS (SELECT 1 FROM jobs WHERE id = :id AND epoch = :epoch AND worker_id = :worker \
    AND status = 'running' AND NOT EXISTS (SELECT 1 FROM job_workers w WHERE w.id = :worker AND w.lost_at IS NOT NULL))";

/// Runs an UPDATE of one row that is changed only while the lease is held, with parameters of its own beside the lease's.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held.
pub(super) fn write(
    conn: &Connection,
    sql: &str,
    lease: &Lease,
    own: &[(&str, &dyn ToSql)],
) -> Result<()> {
    let of_lease = named_params! {
        ":id": lease.id.0, ":epoch": lease.epoch, ":worker": lease.worker.as_str(),
    };
    let changed = conn.prepare_cached(sql)?.execute([own, of_lease].concat().as_slice())?;
    if changed == 1 { Ok(()) } else { Err(lost(lease)) }
}

/// Keeps the beginning of what a handler says about how far it is.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held.
pub(in crate::store) fn set_progress(conn: &Connection, lease: &Lease, text: &str) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET progress = :text
        WHERE id = :id AND epoch = :epoch AND worker_id = :worker AND status = 'running'
          AND NOT EXISTS (SELECT 1 FROM job_workers w WHERE w.id = :worker AND w.lost_at IS NOT NULL)";
    let text = &text[..text.floor_char_boundary(MAX_PROGRESS_BYTES)];
    write(conn, SQL, lease, named_params! {":text": text})
}

/// The running jobs that nobody has asked to end; without their long texts.
pub(in crate::store) fn not_asked(conn: &Connection) -> Result<Vec<Job>> {
    let sql = format!(
        "SELECT {} FROM jobs WHERE status = 'running' AND cancel_requested_at IS NULL",
        jobs::lean()
    );
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_map([], jobs::from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// Asks these running jobs to end.
pub(in crate::store) fn ask_to_end(conn: &Connection, ids: &[JobId], now: Timestamp) -> Result<()> {
    let sql = format!(
        "UPDATE jobs
         SET cancel_requested_at = :now
         WHERE id IN ({}) AND status = 'running' AND cancel_requested_at IS NULL",
        dialect::members(":ids")
    );
    let params = named_params! {":ids": jobs::list(ids), ":now": now.millis()};
    conn.prepare_cached(&sql)?.execute(params)?;
    Ok(())
}

/// The running jobs that nobody runs, as far as a worker is to look: those in its own name that do not really run here, and
/// with `others` those in the name of a worker that is lost or has no row.
pub(in crate::store) fn orphaned(
    conn: &Connection,
    worker: &WorkerId,
    running: &[JobId],
    others: bool,
) -> Result<Vec<Job>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM jobs
         WHERE status = 'running'
           AND CASE
               WHEN worker_id = :me THEN id NOT IN ({})
               ELSE :others AND worker_id NOT IN (SELECT id FROM job_workers WHERE lost_at IS NULL)
           END
         ORDER BY worker_id, id",
        dialect::members(":running")
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {
        ":me": worker.as_str(), ":running": jobs::list(running), ":others": others,
    };
    Ok(statement.query_map(params, jobs::from_row)?.collect::<rusqlite::Result<_>>()?)
}
