//! The end of an attempt: by its own worker, or for a worker that is gone.

use super::claim;
use super::jobs::{self, COLUMNS};
use crate::error::{Code, Error, Result};
use crate::model::{
    AttemptEnd, Event, Job, JobId, Lease, OnInterrupt, PollRequest, Settlement, Status, Terms,
    Timestamp, settlement,
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
    chance: f64,
    now: Timestamp,
) -> Result<Status> {
    let job = held(conn, lease)?;
    let after = settlement(terms(&job), end, now, chance);
    write(conn, &job, &after, now)?;
    Ok(after.status)
}

/// The running job of this lease.
pub(super) fn held(conn: &Connection, lease: &Lease) -> Result<Job> {
    jobs::get(conn, lease.id)?
        .filter(|job| job.lease().as_ref() == Some(lease))
        .ok_or_else(|| lost(lease.id, lease.epoch))
}

/// Settles as lost whatever runs under another worker's name, or under ours without really running here.
///
/// Whoever polls leads the engine of this file (see [`crate::store::Leadership`]), so every other worker is gone. A
/// job in our own name that nobody runs is one whose claim was committed although the commit seemed to fail.
pub(super) fn rescue_lost(
    conn: &Connection,
    request: &PollRequest,
    now: Timestamp,
) -> Result<Vec<(Job, Status)>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM jobs
         WHERE status = 'running'
           AND (worker_id <> :me OR id NOT IN (SELECT value FROM json_each(:running)))
         ORDER BY worker_id, id"
    );
    let running: Vec<i64> = request.running.iter().map(|id| id.0).collect();
    let running = serde_json::json!(running).to_string();
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":me": request.worker.as_str(), ":running": running};
    let lost =
        statement.query_map(params, jobs::from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut rescued = Vec::with_capacity(lost.len());
    for job in lost {
        let after = settlement(terms(&job), AttemptEnd::Lost, now, 0.5);
        write(conn, &job, &after, now)?;
        rescued.push((job, after.status));
    }
    Ok(rescued)
}

fn terms(job: &Job) -> Terms {
    Terms {
        attempt: job.attempt,
        max_attempts: job.max_attempts.unwrap_or(1),
        interrupted: job.interrupted,
        cancel_requested: job.cancel_requested_at.is_some(),
        // Who was never admitted was started by another hand: it may not bear running twice.
        on_interrupt: job.on_interrupt.unwrap_or(OnInterrupt::Fail),
    }
}

fn write(conn: &Connection, job: &Job, after: &Settlement, now: Timestamp) -> Result<()> {
    // The epoch names the claim; whose it was is checked by `held`, and does not matter to a rescue.
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
        WHERE id = :id AND epoch = :epoch AND status = 'running'";
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
        ":id": job.id.0,
        ":epoch": job.epoch,
    })?;
    if changed != 1 {
        return Err(lost(job.id, job.epoch));
    }
    if let Some(cause) = after.cause {
        jobs::record(conn, job.id, &event(job, after, cause, now))?;
    }
    // The key's next job is marked by the schema; here only the one that a constraint may have kept back.
    claim::unblock_constraint(conn, &job.kind)
}

fn lost(id: JobId, epoch: i64) -> Error {
    Error::new(Code::StoreLeaseLost, format!("job {id}, epoch {epoch}"))
}

fn event(job: &Job, after: &Settlement, cause: &str, now: Timestamp) -> Event {
    Event {
        at: now,
        from: Some(Status::Running),
        to: after.status,
        cause: cause.into(),
        actor: job.worker_id.as_ref().map_or_else(|| "nobody".into(), ToString::to_string),
        detail: after.error.as_ref().map(|e| e.message.clone()),
    }
}
