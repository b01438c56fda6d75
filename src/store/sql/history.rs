//! The history of a job: `job_events`, its steps outside the plain path, and `attempts`.

use crate::error::Result;
use crate::model::{Attempt, Cause, Event, Job, JobId, Settlement, Status, Timestamp};
use crate::store::sqlite::row::{instant, parsed, text, word};
use rusqlite::{Connection, OptionalExtension, named_params};
use std::str::FromStr;

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
        ":cause": event.cause_word(),
        ":actor": event.actor,
        ":detail": event.detail,
    })?;
    Ok(())
}

/// The same, unless the history ends with this step already: a job that is blocked again for the same reason has
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
        Some((cause, detail)) if cause == event.cause_word() && detail == event.detail => Ok(()),
        Some(_) | None => record(conn, id, event),
    }
}

/// A job's newest steps, oldest first; at most `limit` rows.
pub(in crate::store) fn events(conn: &Connection, id: JobId, limit: usize) -> Result<Vec<Event>> {
    const SQL: &str = "
        SELECT at, from_status, to_status, cause, actor, detail
        FROM job_events
        WHERE job_id = :id
        ORDER BY id DESC
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":id": id.0, ":limit": limit as i64}, |row| {
        Ok(Event {
            at: Timestamp::from_millis(row.get(0)?),
            from: parsed(row, 1, |text| Status::from_str(&text).ok())?,
            to: word(row, 2)?,
            cause: text(row, 3).map(|word| Cause::from_str(&word).map_err(|()| word))?,
            actor: text(row, 4)?,
            detail: parsed(row, 5, Some)?,
        })
    })?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    rows.reverse();
    Ok(rows)
}

/// Writes the row of an attempt that ended, unless it was the only one and completed.
pub(super) fn record_attempt(
    conn: &Connection,
    job: &Job,
    after: &Settlement,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT OR REPLACE INTO job_attempts (job_id, epoch, attempt, worker_id, started_at, ended_at, ended_as, error, error_code)
        VALUES (:job_id, :epoch, :attempt, :worker_id, :started_at, :now, :ended_as, :error, :error_code)";
    if after.cause.is_none() && job.epoch == 1 {
        return Ok(());
    }
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":job_id": job.id.0,
        ":epoch": job.epoch,
        ":attempt": job.attempt,
        ":worker_id": job.worker_id.as_ref().map(ToString::to_string),
        ":started_at": job.started_at.map(Timestamp::millis),
        ":now": now.millis(),
        ":ended_as": after.cause.map_or(after.status.as_str(), Cause::as_str),
        ":error": after.error.as_ref().map(|error| &error.message),
        ":error_code": after.error.as_ref().map(|error| &error.code),
    })?;
    Ok(())
}

/// A job's newest attempts beyond the plain path, oldest first; at most `limit` rows.
pub(in crate::store) fn attempts(
    conn: &Connection,
    id: JobId,
    limit: usize,
) -> Result<Vec<Attempt>> {
    const SQL: &str = "
        SELECT epoch, attempt, worker_id, started_at, ended_at, ended_as, error, error_code
        FROM job_attempts
        WHERE job_id = :id
        ORDER BY epoch DESC
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":id": id.0, ":limit": limit as i64}, |row| {
        Ok(Attempt {
            epoch: row.get(0)?,
            attempt: row.get(1)?,
            worker_id: parsed(row, 2, Some)?,
            started_at: instant(row, 3)?,
            ended_at: Timestamp::from_millis(row.get(4)?),
            ended_as: text(row, 5)?,
            error: parsed(row, 6, Some)?,
            error_code: parsed(row, 7, Some)?,
        })
    })?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    rows.reverse();
    Ok(rows)
}
