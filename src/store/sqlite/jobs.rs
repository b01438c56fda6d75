//! Rows of `jobs` and `job_events`: insert, read, list.

use super::error::unreadable;
use crate::error::Result;
use crate::model::{
    Actor, BlockedBy, ConcurrencyKey, Event, Job, JobId, Kind, NewJob, OnInterrupt, Queue, Status,
    Timestamp, UniqueKey, WorkerId,
};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::str::FromStr;

/// The columns that [`from_row`] reads, in its order.
pub(super) const COLUMNS: &str = "id, kind, queue, priority, status, payload, trigger, attempt, max_attempts, \
    interrupted, on_interrupt, epoch, worker_id, unique_key, concurrency_key, blocked_by, run_at, created_at, started_at, \
    finished_at, cancel_requested_at, parent_id, correlation_id, result, error, error_code";

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: JobId(row.get(0)?),
        kind: Kind::parse(text(row, 1)?).map_err(|_| unreadable(1, "kind"))?,
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
        // Names that are no text: a worker nobody is, and keys that nobody shares.
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
    })
}

/// Reads a text that another program may have written in bytes that are no UTF-8: one such row must not stop
/// everybody who reads the table.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    parsed(row, column, Some)?.ok_or_else(|| unreadable(column, "text"))
}

/// Reads one of our words.
pub(super) fn word<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = text(row, column)?;
    T::from_str(&text).map_err(|_| unreadable(column, &format!("word {text:?}")))
}

pub(super) fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// Reads a text that may be NULL, and makes of it what it stands for.
pub(super) fn parsed<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(String) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let Some(bytes) = row.get_ref(column)?.as_bytes_or_null()? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(bytes).into_owned();
    parse(text).map(Some).ok_or_else(|| unreadable(column, "text"))
}

/// Stores a job as any program may: queued, for the poller to admit.
pub(in crate::store) fn insert(conn: &Connection, job: &NewJob, now: Timestamp) -> Result<JobId> {
    const SQL: &str = "
        INSERT INTO jobs (kind, payload, trigger, queue, priority, run_at, created_at, parent_id,
            correlation_id)
        VALUES (:kind, :payload, :trigger, :queue, :priority, :run_at, :created_at, :parent_id,
            :correlation_id)";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":kind": job.kind.as_str(),
        ":payload": job.payload_text()?,
        ":trigger": job.trigger.as_str(),
        ":queue": job.queue.as_ref().map(Queue::as_str),
        ":priority": job.priority,
        ":run_at": job.run_at.unwrap_or(now).millis(),
        ":created_at": now.millis(),
        ":parent_id": job.parent_id.map(|id| id.0),
        ":correlation_id": job.correlation_id,
    })?;
    let id = JobId(conn.last_insert_rowid());
    if let Some(actor) = &job.actor {
        audit(conn, actor, "enqueue", &format!("job {id} ({})", job.kind), now)?;
    }
    Ok(id)
}

/// Writes a row of the audit log.
pub(super) fn audit(
    conn: &Connection,
    actor: &Actor,
    action: &str,
    subject: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO audit_log (at, actor, remote, action, subject)
        VALUES (:at, :actor, :remote, :action, :subject)";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":at": now.millis(),
        ":actor": actor.name,
        ":remote": actor.remote,
        ":action": action,
        ":subject": subject,
    })?;
    Ok(())
}

pub(in crate::store) fn get(conn: &Connection, id: JobId) -> Result<Option<Job>> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = :id");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(named_params! {":id": id.0}, from_row).optional()?)
}

/// Writes one step of a job's history.
pub(super) fn record(conn: &Connection, id: JobId, event: &Event) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_events (job_id, at, from_status, to_status, cause, actor, detail)
        VALUES (:job_id, :at, :from, :to, :cause, :actor, :detail)";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":job_id": id.0,
        ":at": event.at.millis(),
        ":from": event.from.map(Status::as_str),
        ":to": event.to.as_str(),
        ":cause": event.cause,
        ":actor": event.actor,
        ":detail": event.detail,
    })?;
    Ok(())
}

/// The same, unless it is what the history ends with already: a job that is blocked again for the same reason has
/// nothing new to tell.
pub(super) fn record_once(conn: &Connection, id: JobId, event: &Event) -> Result<()> {
    const SQL: &str = "
        SELECT cause, detail
        FROM job_events
        WHERE job_id = :id
        ORDER BY id DESC
        LIMIT 1";
    let last = conn
        .prepare_cached(SQL)?
        .query_row(named_params! {":id": id.0}, |row| Ok((text(row, 0)?, parsed(row, 1, Some)?)));
    match last.optional()? {
        Some((cause, detail)) if cause == event.cause && detail == event.detail => Ok(()),
        Some(_) | None => record(conn, id, event),
    }
}

/// A job's history, oldest first; at most `limit` rows.
pub(in crate::store) fn events(conn: &Connection, id: JobId, limit: usize) -> Result<Vec<Event>> {
    const SQL: &str = "
        SELECT at, from_status, to_status, cause, actor, detail
        FROM job_events
        WHERE job_id = :id
        ORDER BY id
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":id": id.0, ":limit": limit as i64}, |row| {
        Ok(Event {
            at: Timestamp::from_millis(row.get(0)?),
            from: parsed(row, 1, |text| Status::from_str(&text).ok())?,
            to: word(row, 2)?,
            cause: text(row, 3)?,
            actor: text(row, 4)?,
            detail: parsed(row, 5, Some)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
