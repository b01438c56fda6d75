//! Rows of `jobs` and `job_events`: insert, read, list.

use super::error::unreadable;
use crate::error::Result;
use crate::model::{
    Actor, BlockedBy, ConcurrencyKey, Event, Job, JobId, Kind, NewJob, Page, Queue, Status,
    Timestamp, UniqueKey, WorkerId,
};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::str::FromStr;

/// The columns that [`from_row`] reads, in its order.
pub(super) const COLUMNS: &str = "id, kind, queue, priority, status, payload, trigger, attempt, max_attempts, \
    interrupted, epoch, worker_id, unique_key, concurrency_key, blocked_by, run_at, created_at, started_at, \
    finished_at, cancel_requested_at, parent_id, correlation_id, result, error, error_code";

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: JobId(row.get(0)?),
        kind: Kind::parse(row.get::<_, String>(1)?).map_err(|_| unreadable(1, "kind"))?,
        queue: parsed(row, 2, |text| Queue::parse(text).ok())?,
        priority: row.get(3)?,
        status: word(row, 4)?,
        payload: row.get(5)?,
        trigger: word(row, 6)?,
        attempt: row.get(7)?,
        max_attempts: row.get(8)?,
        interrupted: row.get(9)?,
        epoch: row.get(10)?,
        worker_id: parsed(row, 11, |text| WorkerId::parse(text).ok())?,
        unique_key: parsed(row, 12, |text| UniqueKey::parse(text).ok())?,
        concurrency_key: parsed(row, 13, |text| ConcurrencyKey::parse(text).ok())?,
        blocked_by: parsed(row, 14, |text| BlockedBy::from_str(&text).ok())?,
        run_at: Timestamp::from_millis(row.get(15)?),
        created_at: Timestamp::from_millis(row.get(16)?),
        started_at: instant(row, 17)?,
        finished_at: instant(row, 18)?,
        cancel_requested_at: instant(row, 19)?,
        parent_id: row.get::<_, Option<i64>>(20)?.map(JobId),
        correlation_id: row.get(21)?,
        result: row.get(22)?,
        error: row.get(23)?,
        error_code: row.get(24)?,
    })
}

/// Reads one of our words.
pub(super) fn word<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    T::from_str(&text).map_err(|_| unreadable(column, &format!("word {text:?}")))
}

pub(super) fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

fn parsed<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(String) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else {
        return Ok(None);
    };
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

/// The newest jobs below the cursor.
pub(in crate::store) fn list(
    conn: &Connection,
    before: Option<JobId>,
    limit: usize,
) -> Result<Page<Job>> {
    let sql =
        format!("SELECT {COLUMNS} FROM jobs WHERE id < :before ORDER BY id DESC LIMIT :limit");
    let mut statement = conn.prepare_cached(&sql)?;
    let params =
        named_params! {":before": before.map_or(i64::MAX, |id| id.0), ":limit": limit as i64 + 1};
    let rows = statement.query_map(params, from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |job| job.id.0))
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
            cause: row.get(3)?,
            actor: row.get(4)?,
            detail: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
