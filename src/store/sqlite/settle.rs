//! The end of an attempt: by its own worker, or for a worker that is gone.

use super::claim::{unblock_key, unblock_kind};
use super::jobs::{self, COLUMNS};
use crate::error::{Code, Error, Result};
use crate::model::{
    AttemptEnd, Event, Job, KindRules, Lease, OnInterrupt, Settlement, Status, Terms, Timestamp,
    WorkerId, settlement,
};
use rusqlite::{Connection, named_params};

/// Ends the attempt under `lease`.
///
/// # Errors
/// `STORE-LEASE-001` if the job is not running under exactly this lease; nothing is changed then (P9).
pub(in crate::store) fn settle(
    conn: &Connection,
    lease: &Lease,
    end: AttemptEnd,
    on_interrupt: OnInterrupt,
    chance: f64,
    now: Timestamp,
) -> Result<Status> {
    let job = held(conn, lease)?;
    let terms = terms(&job, on_interrupt);
    let after = settlement(terms, end, now, chance);
    write(conn, &job, lease, &after, now)?;
    Ok(after.status)
}

/// The running job of this lease.
pub(super) fn held(conn: &Connection, lease: &Lease) -> Result<Job> {
    jobs::get(conn, lease.id)?.filter(|job| job.lease().as_ref() == Some(lease)).ok_or_else(|| {
        Error::new(Code::StoreLeaseLost, format!("job {}, epoch {}", lease.id, lease.epoch))
    })
}

/// Settles as lost whatever runs under another worker's name.
///
/// Whoever polls leads the engine of this file (see [`crate::store::Leadership`]), so every other worker is gone.
pub(super) fn rescue_strangers(
    conn: &Connection,
    me: &WorkerId,
    kinds: &[KindRules],
    now: Timestamp,
) -> Result<()> {
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs WHERE status = 'running' AND worker_id <> :me ORDER BY id"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let lost = statement
        .query_map(named_params! {":me": me.as_str()}, jobs::from_row)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for job in lost {
        // A kind nobody knows is settled the careful way: it may not bear running twice.
        let rules = kinds.iter().find(|rules| rules.kind == job.kind);
        let on_interrupt = rules.map_or(OnInterrupt::Fail, |rules| rules.on_interrupt);
        let Some(lease) = job.lease() else { continue };
        let after = settlement(terms(&job, on_interrupt), AttemptEnd::Lost, now, 0.5);
        write(conn, &job, &lease, &after, now)?;
    }
    Ok(())
}

fn terms(job: &Job, on_interrupt: OnInterrupt) -> Terms {
    Terms {
        attempt: job.attempt,
        max_attempts: job.max_attempts.unwrap_or(1),
        interrupted: job.interrupted,
        cancel_requested: job.cancel_requested_at.is_some(),
        on_interrupt,
    }
}

fn write(
    conn: &Connection,
    job: &Job,
    lease: &Lease,
    after: &Settlement,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET status = :status,
            worker_id = NULL,
            key_slot = NULL,
            blocked_by = :blocked_by,
            run_at = coalesce(:run_at, run_at),
            started_at = iif(:final, started_at, NULL),
            finished_at = iif(:final, :now, NULL),
            attempt = :attempt,
            interrupted = :interrupted,
            result = :result,
            error = :error,
            error_code = :error_code
        WHERE id = :id AND epoch = :epoch AND status = 'running' AND worker_id = :worker";
    let changed = conn.prepare_cached(SQL)?.execute(named_params! {
        ":status": after.status.as_str(),
        ":final": after.status.is_final(),
        ":blocked_by": (after.status == Status::Queued).then_some("new"),
        ":run_at": after.run_at.map(Timestamp::millis),
        ":now": now.millis(),
        ":attempt": after.attempt,
        ":interrupted": after.interrupted,
        ":result": after.result.as_ref().map(ToString::to_string),
        ":error": after.error.as_ref().map(|e| &e.message),
        ":error_code": after.error.as_ref().map(|e| &e.code),
        ":id": lease.id.0,
        ":epoch": lease.epoch,
        ":worker": lease.worker.as_str(),
    })?;
    if changed != 1 {
        return Err(Error::new(
            Code::StoreLeaseLost,
            format!("job {}, epoch {}", lease.id, lease.epoch),
        ));
    }
    if let Some(cause) = after.cause {
        jobs::record(conn, lease.id, &event(lease, after, cause, now))?;
    }
    if let Some(key) = &job.concurrency_key {
        unblock_key(conn, key)?;
    }
    unblock_kind(conn, &job.kind)
}

fn event(lease: &Lease, after: &Settlement, cause: &str, now: Timestamp) -> Event {
    Event {
        at: now,
        from: Some(Status::Running),
        to: after.status,
        cause: cause.into(),
        actor: lease.worker.to_string(),
        detail: after.error.as_ref().map(|e| e.message.clone()),
    }
}
