//! The end of an attempt: by its own worker, or for a worker that is gone.

use super::jobs;
use super::unblock::unblock_constraint;
use super::{history, queues, workers};
use crate::error::{Code, Error, Result};
use crate::model::{
    AttemptEnd, Cause, Event, Job, JobEvent, JobId, KindRules, Lease, OnInterrupt, Settlement,
    Status, Terms, Timestamp, settlement,
};
use crate::store::sqlite::Tx;
use rusqlite::{Connection, named_params};
use std::time::Duration;

/// Longest progress text, in bytes: a line or two.
const MAX_PROGRESS_BYTES: usize = 1000;
/// The crash that ends a job whose kind this process does not know.
const POISON_AFTER: u32 = 3;

/// Ends the attempt under `lease`; a retry waits for `retry_after`.
///
/// # Errors
/// `STORE-LEASE-001` if the job is not running under exactly this lease; nothing is changed then (P9).
pub(in crate::store) fn settle(
    tx: &Tx<'_>,
    lease: &Lease,
    end: AttemptEnd,
    retry_after: Duration,
    now: Timestamp,
) -> Result<Status> {
    let job = held(tx, lease)?;
    let after = settlement(terms(&job, POISON_AFTER), end, now, retry_after);
    write(tx, &job, &after, now)?;
    Ok(after.status)
}

/// Keeps the beginning of what a handler says about how far it is.
pub(in crate::store) fn set_progress(conn: &Connection, lease: &Lease, text: &str) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET progress = :text
        WHERE id = :id AND epoch = :epoch AND worker_id = :worker AND status = 'running'
          AND NOT EXISTS (SELECT 1 FROM job_workers w WHERE w.id = :worker AND w.lost_at IS NOT NULL)";
    let changed = conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": lease.id.0,
        ":epoch": lease.epoch,
        ":worker": lease.worker.as_str(),
        ":text": &text[..text.floor_char_boundary(MAX_PROGRESS_BYTES)],
    })?;
    if changed == 1 { Ok(()) } else { Err(lost(lease.id, lease.epoch)) }
}

/// The running job of this lease. A worker that was judged lost holds none, although its jobs may not be rescued yet.
pub(super) fn held(conn: &Connection, lease: &Lease) -> Result<Job> {
    let job = jobs::get(conn, lease.id)?.filter(|job| job.lease().as_ref() == Some(lease));
    let job = job.ok_or_else(|| lost(lease.id, lease.epoch))?;
    if workers::is_lost(conn, &lease.worker)? { Err(lost(lease.id, lease.epoch)) } else { Ok(job) }
}

/// Settles a job as lost: its worker is gone, or does not know of it.
pub(super) fn lose(
    tx: &Tx<'_>,
    job: &Job,
    rules: Option<&KindRules>,
    now: Timestamp,
) -> Result<Settlement> {
    let poison_after = rules.map_or(POISON_AFTER, |rules| rules.poison_after);
    let after = settlement(terms(job, poison_after), AttemptEnd::Lost, now, Duration::ZERO);
    write(tx, job, &after, now)?;
    Ok(after)
}

fn terms(job: &Job, poison_after: u32) -> Terms {
    Terms {
        attempt: job.attempt,
        max_attempts: job.max_attempts.unwrap_or(1),
        interrupted: job.interrupted,
        cancel_requested: job.cancel_requested_at.is_some(),
        // A running job that was never admitted was started by another program: running it twice may do harm.
        on_interrupt: job.on_interrupt.unwrap_or(OnInterrupt::Fail),
        poison_after,
    }
}

fn write(tx: &Tx<'_>, job: &Job, after: &Settlement, now: Timestamp) -> Result<()> {
    // The epoch names the claim. `held` checks the worker, which does not matter to a rescue.
    const SQL: &str = "
        UPDATE jobs
        SET status = :status,
            worker_id = NULL,
            key_slot = NULL,
            waits_for = :waits_for,
            run_at = coalesce(:run_at, run_at),
            started_at = iif(:final, started_at, NULL),
            finished_at = iif(:final, :now, NULL),
            attempt = :attempt,
            interrupted = :interrupted,
            result = :result,
            error = :error,
            error_code = :error_code,
            counted = 1
        WHERE id = :id AND epoch = :epoch AND status = 'running'";
    let changed = tx.prepare_cached(SQL)?.execute(named_params! {
        ":status": after.status.as_str(),
        ":final": after.status.is_final(),
        ":waits_for": (after.status == Status::Queued).then_some("admission"),
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
    tx.moved(job, after.status, job.queue.as_ref());
    let attempt = after.attempt;
    tx.took(JobEvent { attempt, ..JobEvent::of(job, after.status, after.cause, now) });
    history::record_attempt(tx, job, after, now)?;
    if let Some(cause) = after.cause {
        history::record(tx, job.id, &event(job, after, cause, now))?;
    }
    if let (Some((reason, until)), Some(queue)) = (&after.pause, &job.queue) {
        queues::pause_until(tx, queue, reason, *until, now)?;
    }
    // The key's next job is marked by the schema; here only the one that a constraint may have kept back.
    unblock_constraint(tx, &job.kind)
}

fn lost(id: JobId, epoch: i64) -> Error {
    Error::new(Code::StoreLeaseLost, format!("job {id}, epoch {epoch}"))
}

fn event(job: &Job, after: &Settlement, cause: Cause, now: Timestamp) -> Event {
    Event {
        at: now,
        from: Some(Status::Running),
        to: after.status,
        cause: Ok(cause),
        actor: job.worker_id.as_ref().map_or_else(|| "nobody".into(), ToString::to_string),
        detail: after.error.as_ref().map(|e| e.message.clone()).or_else(|| after.detail.clone()),
    }
}
