//! Rows of `jobs`: insert and read.

use super::row::{instant, kind, parsed, text, word};
use super::{audit, idempotency};
use crate::error::{Code, Error, Result};
use crate::model::{
    BlockedBy, ConcurrencyKey, Enqueued, Job, JobId, Kind, NewJob, Occurrence, OnInterrupt, Queue,
    Timestamp, UniqueKey, WorkerId,
};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::str::FromStr;
use std::time::Duration;

/// The columns that [`from_row`] reads, in its order.
pub(super) const COLUMNS: &str = "id, kind, queue, priority, status, payload, trigger, attempt, max_attempts, \
    interrupted, on_interrupt, epoch, worker_id, unique_key, concurrency_key, blocked_by, run_at, created_at, started_at, \
    finished_at, cancel_requested_at, parent_id, correlation_id, result, error, error_code, timeout_ms, schedule_id, \
    occurrence_at, progress, counted";

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: JobId(row.get(0)?),
        kind: kind(row, 1)?,
        queue: parsed(row, 2, |text| Queue::parse(text).ok())?,
        priority: row.get(3)?,
        status: word(row, 4)?,
        payload: text(row, 5)?,
        trigger: word(row, 6)?,
        attempt: row.get(7)?,
        max_attempts: row.get(8)?,
        interrupted: row.get(9)?,
        on_interrupt: parsed(row, 10, |text| OnInterrupt::from_str(&text).ok())?,
        epoch: row.get(11)?,
        // For names that are not text: a worker that no process is, and keys that no job shares.
        worker_id: parsed(row, 12, |text| {
            WorkerId::parse(text).or_else(|_| WorkerId::parse("unreadable")).ok()
        })?,
        unique_key: parsed(row, 13, |text| Some(UniqueKey::parse(text).ok()))?.flatten(),
        concurrency_key: parsed(row, 14, |text| Some(ConcurrencyKey::parse(text).ok()))?.flatten(),
        blocked_by: parsed(row, 15, |text| BlockedBy::from_str(&text).ok())?,
        run_at: Timestamp::from_millis(row.get(16)?),
        created_at: Timestamp::from_millis(row.get(17)?),
        started_at: instant(row, 18)?,
        finished_at: instant(row, 19)?,
        cancel_requested_at: instant(row, 20)?,
        parent_id: row.get::<_, Option<i64>>(21)?.map(JobId),
        correlation_id: parsed(row, 22, Some)?,
        result: parsed(row, 23, Some)?,
        error: parsed(row, 24, Some)?,
        error_code: parsed(row, 25, Some)?,
        timeout: row.get::<_, Option<i64>>(26)?.map(|ms| Duration::from_millis(ms.max(1) as u64)),
        occurrence: match (row.get(27)?, instant(row, 28)?) {
            (Some(schedule_id), Some(at)) => Some(Occurrence { schedule_id, at }),
            (_, _) => None,
        },
        schedule_id: row.get(27)?,
        progress: parsed(row, 29, Some)?,
        counted: row.get(30)?,
    })
}

/// Stores a job as any program may: queued, for the poller to admit. Answers the earlier one of the same request or
/// with the same unique key instead, if there is one.
pub(in crate::store) fn insert(
    conn: &Connection,
    job: &NewJob,
    now: Timestamp,
) -> Result<Enqueued> {
    let request = idempotency::Request::of(job.checked()?);
    if let Some(request) = &request
        && let Some(first) = request.first_job(conn, now)?
    {
        return Ok(Enqueued::Existing(first));
    }
    let unique_key = job.stored_unique_key(now)?;
    let enqueued = match &unique_key {
        Some(key) => holder(conn, &job.kind, key)?.map(Enqueued::Existing),
        None => None,
    };
    let enqueued = if let Some(existing) = enqueued {
        existing
    } else {
        // An occurrence of a schedule is never lost: its own policies bound how many of its jobs wait.
        if job.occurrence.is_none() {
            expect_room(conn, &job.kind)?;
        }
        Enqueued::Inserted(insert_row(conn, job, unique_key.as_ref(), now)?)
    };
    if let Some(request) = &request {
        request.remember(conn, enqueued.id(), now)?;
    }
    if let (Enqueued::Inserted(id), Some(actor)) = (enqueued, &job.actor) {
        let subject = format!("job {id} ({})", job.kind);
        audit::record(conn, actor, "enqueue", &subject, now)?;
    }
    Ok(enqueued)
}

/// Refuses a job if as many of its kind wait as may. Jobs that are not admitted yet count too.
fn expect_room(conn: &Connection, kind: &Kind) -> Result<()> {
    const SQL: &str = "
        SELECT (SELECT coalesce(sum(count), 0) FROM job_counts WHERE kind = :kind AND status = 'queued')
             + (SELECT count(*) FROM (
                    SELECT 1
                    FROM jobs
                    WHERE blocked_by = 'new' AND kind = :kind AND counted = 0
                    LIMIT :limit))";
    let Some(limit) = kind.most_waiting() else { return Ok(()) };
    let params = named_params! {":kind": kind.as_str(), ":limit": limit};
    let waiting: i64 = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?;
    if waiting < limit {
        return Ok(());
    }
    Err(Error::new(
        Code::QueueFull,
        format!("queue another job of kind {kind}: {limit} wait already"),
    ))
}

fn insert_row(
    conn: &Connection,
    job: &NewJob,
    unique_key: Option<&UniqueKey>,
    now: Timestamp,
) -> Result<JobId> {
    const SQL: &str = "
        INSERT INTO jobs (kind, payload, trigger, queue, priority, run_at, created_at, max_attempts, timeout_ms,
            unique_key, unique_window_ms, concurrency_key, schedule_id, occurrence_at, parent_id, correlation_id)
        VALUES (:kind, :payload, :trigger, :queue, :priority, :run_at, :created_at, :max_attempts, :timeout_ms,
            :unique_key, :unique_window_ms, :concurrency_key, :schedule_id, :occurrence_at, :parent_id,
            :correlation_id)";
    let millis = |length: Option<Duration>| length.map(|length| length.as_millis() as i64);
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":kind": job.kind.as_str(),
        ":payload": job.payload_text()?,
        ":trigger": job.trigger.as_str(),
        ":queue": job.queue.as_ref().map(Queue::as_str),
        ":priority": job.priority,
        ":run_at": job.run_at.unwrap_or(now).millis(),
        ":created_at": now.millis(),
        ":max_attempts": job.max_attempts,
        ":timeout_ms": millis(job.timeout),
        ":unique_key": unique_key.map(UniqueKey::as_str),
        ":unique_window_ms": millis(job.unique_window),
        ":concurrency_key": job.concurrency_key.as_ref().map(ConcurrencyKey::as_str),
        ":schedule_id": job.occurrence.map_or(job.schedule_id, |occurrence| Some(occurrence.schedule_id)),
        ":occurrence_at": job.occurrence.map(|occurrence| occurrence.at.millis()),
        ":parent_id": job.parent_id.map(|id| id.0),
        ":correlation_id": job.correlation_id,
    })?;
    Ok(JobId(conn.last_insert_rowid()))
}

/// The job that holds a unique key.
fn holder(conn: &Connection, kind: &Kind, key: &UniqueKey) -> Result<Option<JobId>> {
    const SQL: &str = "
        SELECT id
        FROM jobs
        WHERE kind = :kind AND unique_key = :key
          AND unique_key IS NOT NULL AND (finished_at IS NULL OR unique_window_ms IS NOT NULL)";
    let params = named_params! {":kind": kind.as_str(), ":key": key.as_str()};
    let id = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0)).optional()?;
    Ok(id.map(JobId))
}

pub(in crate::store) fn get(conn: &Connection, id: JobId) -> Result<Option<Job>> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = :id");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(named_params! {":id": id.0}, from_row).optional()?)
}

/// Whether nothing runs, nothing can start, nothing waits to be admitted and nothing is due.
pub(in crate::store) fn is_idle(conn: &Connection, now: Timestamp) -> Result<bool> {
    const SQL: &str = "
        SELECT NOT (EXISTS (SELECT 1 FROM jobs WHERE claim_order IS NOT NULL)
            OR EXISTS (SELECT 1 FROM jobs WHERE blocked_by = 'new')
            OR EXISTS (SELECT 1 FROM jobs WHERE status = 'running')
            OR EXISTS (SELECT 1 FROM jobs WHERE status = 'scheduled' AND blocked_by IS NULL AND run_at <= :now)
            OR EXISTS (SELECT 1 FROM schedules WHERE paused_at IS NULL AND next_at <= :now))";
    let params = named_params! {":now": now.millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}
