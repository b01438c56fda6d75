//! What people do to existing jobs: they cancel them, or run them again.

use super::jobs::{self, COLUMNS};
use super::{audit, history};
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, Cancelled, Cause, Enqueued, Event, Job, JobEvent, JobId, NewJob, Queue, Status,
    Timestamp, Trigger, WorkerId,
};
use crate::store::sqlite::Tx;
use rusqlite::{Connection, named_params};

/// The most jobs that are made due at once when what they wait for is gone; the others wait for their own time.
const MAX_LIFTED: usize = 10_000;

/// Cancels a job that waits, or asks a running one to end.
///
/// # Errors
/// `JOB-ID-001` if there is no such job.
pub(in crate::store) fn cancel(
    tx: &Tx<'_>,
    id: JobId,
    actor: &Actor,
    now: Timestamp,
) -> Result<Cancelled> {
    let job = existing(tx, id)?;
    let cancelled = cancel_job(tx, &job, actor, now)?;
    let is_asked_already = job.status == Status::Running && job.cancel_requested_at.is_some();
    if !job.status.is_final() && !is_asked_already {
        audit::record(tx, actor, "cancel", &format!("job {id} ({})", job.kind), now)?;
    }
    Ok(cancelled)
}

/// The same, without a row of the audit log.
pub(super) fn cancel_job(
    tx: &Tx<'_>,
    job: &Job,
    actor: &Actor,
    now: Timestamp,
) -> Result<Cancelled> {
    match job.status {
        Status::Completed | Status::Failed | Status::Cancelled => {
            return Ok(Cancelled::AlreadyFinal(job.status));
        }
        Status::Running if job.cancel_requested_at.is_some() => {}
        Status::Running => request_cancel(tx, job, actor, now)?,
        Status::Scheduled | Status::Queued => {
            end(tx, job, actor, now)?;
            return Ok(Cancelled::Done);
        }
    }
    Ok(Cancelled::Requested)
}

fn end(tx: &Tx<'_>, job: &Job, actor: &Actor, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET status = 'cancelled',
            finished_at = :now,
            cancel_requested_at = :now,
            claim_order = NULL,
            key_slot = NULL,
            waits_for = NULL,
            counted = 1
        WHERE id = :id";
    tx.prepare_cached(SQL)?.execute(named_params! {":id": job.id.0, ":now": now.millis()})?;
    tx.moved(job, Status::Cancelled, job.queue.as_ref());
    tx.took(JobEvent::of(job, Status::Cancelled, Some(Cause::Cancelled), now));
    history::record(tx, job.id, &step(job, Status::Cancelled, Cause::Cancelled, actor, now))
}

fn request_cancel(tx: &Tx<'_>, job: &Job, actor: &Actor, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET cancel_requested_at = :now
        WHERE id = :id";
    tx.prepare_cached(SQL)?.execute(named_params! {":id": job.id.0, ":now": now.millis()})?;
    tx.took(JobEvent::of(job, Status::Running, Some(Cause::CancelRequested), now));
    history::record(tx, job.id, &step(job, Status::Running, Cause::CancelRequested, actor, now))
}

fn step(job: &Job, to: Status, cause: Cause, actor: &Actor, now: Timestamp) -> Event {
    Event {
        at: now,
        from: Some(job.status),
        to,
        cause: Ok(cause),
        actor: actor.name.clone(),
        detail: None,
    }
}

/// Asks everything that runs to end; answers how many jobs that is.
pub(super) fn cancel_running(tx: &Tx<'_>, actor: &Actor, now: Timestamp) -> Result<usize> {
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs WHERE status = 'running' AND cancel_requested_at IS NULL"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let running = statement.query_map([], jobs::from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    for job in &running {
        request_cancel(tx, job, actor, now)?;
    }
    Ok(running.len())
}

/// The jobs of a worker that somebody asked to end.
pub(super) fn cancel_requests(conn: &Connection, worker: &WorkerId) -> Result<Vec<JobId>> {
    const SQL: &str = "
        SELECT id
        FROM jobs
        WHERE status = 'running' AND worker_id = :worker AND cancel_requested_at IS NOT NULL";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":worker": worker.as_str()};
    let ids = statement.query_map(params, |row| row.get(0).map(JobId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// Stores a new job like a final one, which stays as it is (P10).
///
/// # Errors
/// `JOB-ID-001` if there is no such job, `JOB-ID-002` if it is not final.
pub(in crate::store) fn run_again(
    conn: &Connection,
    id: JobId,
    actor: &Actor,
    correlation_id: Option<String>,
    now: Timestamp,
) -> Result<Enqueued> {
    let job = existing(conn, id)?;
    if !job.status.is_final() {
        return Err(Error::new(Code::JobNotFinal, format!("job {id} is {}", job.status)));
    }
    let again = NewJob { actor: Some(actor.clone()), correlation_id, ..copy(&job)? };
    jobs::insert(conn, &again, now)
}

/// A new job like this one, with it as its parent.
///
/// # Errors
/// `STORE-ROW-001` if its payload cannot be read.
pub(super) fn copy(job: &Job) -> Result<NewJob> {
    let payload = serde_json::from_str(&job.payload).map_err(|e| {
        Error::new(Code::StoreCorrupt, format!("read the payload of job {}", job.id)).because(e)
    })?;
    Ok(NewJob {
        payload,
        trigger: Trigger::Retry,
        queue: job.queue.clone(),
        max_attempts: job.max_attempts,
        timeout: job.timeout,
        concurrency_key: job.concurrency_key.clone(),
        parent_id: Some(job.id),
        schedule_id: job.schedule_id,
        ..NewJob::new(job.kind.clone())
    })
}

/// The job of this id.
///
/// # Errors
/// `JOB-ID-001` if there is none.
pub(super) fn existing(conn: &Connection, id: JobId) -> Result<Job> {
    jobs::get(conn, id)?
        .ok_or_else(|| Error::new(Code::JobUnknown, format!("there is no job {id}")))
}

/// Makes the jobs due that their last step put off for this cause, in one queue or in all: the cause is gone. An
/// edit that left their time alone is no such step.
pub(super) fn lift(
    conn: &Connection,
    cause: Cause,
    queue: Option<&Queue>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET run_at = :now
        WHERE id IN (
            SELECT id
            FROM jobs
            WHERE status = 'scheduled' AND waits_for IS NULL AND run_at > :now
              AND (:queue IS NULL OR queue = :queue)
              AND (SELECT cause FROM job_events WHERE job_id = jobs.id AND cause <> 'edited' ORDER BY id DESC LIMIT 1) = :cause
            ORDER BY run_at, id
            LIMIT :limit)
        RETURNING id";
    let mut statement = conn.prepare_cached(SQL)?;
    let lifted = statement.query_map(
        named_params! {
            ":queue": queue.map(Queue::as_str),
            ":cause": cause.as_str(),
            ":now": now.millis(),
            ":limit": MAX_LIFTED as i64,
        },
        |row| row.get(0).map(JobId),
    )?;
    for id in lifted.collect::<rusqlite::Result<Vec<_>>>()? {
        let event = Event {
            at: now,
            from: Some(Status::Scheduled),
            to: Status::Scheduled,
            cause: Ok(Cause::Resumed),
            actor: actor.name.clone(),
            detail: None,
        };
        history::record(conn, id, &event)?;
    }
    Ok(())
}
