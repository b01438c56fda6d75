//! The history of a job: `job_events`, its steps outside the plain path, and `job_attempts`.

use crate::error::Result;
use crate::model::{Attempt, Cause, Event, JobId, JobStep, Status, Timestamp};
use crate::store::sqlite::row::{instant, optional_text, parsed, text, word};
use rusqlite::{Connection, Row, named_params};
use serde_json::{Value, json};
use std::str::FromStr;

/// One step of a job's history.
pub(in crate::store) struct Line {
    pub(in crate::store) job: JobId,
    pub(in crate::store) at: Timestamp,
    pub(in crate::store) from: Option<Status>,
    pub(in crate::store) to: Status,
    pub(in crate::store) step: JobStep,
}

/// Writes one step.
pub(in crate::store) fn record(conn: &Connection, line: Line) -> Result<()> {
    record_all(conn, &[line])
}

/// Writes steps of different jobs. One that is said once is left out where the history ends with the same.
pub(in crate::store) fn record_all(conn: &Connection, lines: &[Line]) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_events (job_id, sequence, at, from_status, to_status, cause, actor, detail)
        SELECT m.job_id, coalesce(m.last, 0) + 1, m.at, m.from_status, m.to_status, m.cause, m.actor, m.detail
        FROM (
            SELECT value ->> 0 AS job_id, value ->> 1 AS at, value ->> 2 AS from_status, value ->> 3 AS to_status,
                value ->> 4 AS cause, value ->> 5 AS actor, value ->> 6 AS detail, value ->> 7 AS once,
                (SELECT max(sequence) FROM job_events WHERE job_id = value ->> 0) AS last
            FROM json_each(:lines)) m
        WHERE m.once = 0 OR NOT EXISTS (
            SELECT 1
            FROM job_events e
            WHERE e.job_id = m.job_id AND e.sequence = m.last AND e.cause = m.cause
              AND e.detail IS NOT DISTINCT FROM m.detail)";
    if lines.is_empty() {
        return Ok(());
    }
    let rows = lines.iter().map(|line| {
        let JobStep { cause, actor, detail, once } = &line.step;
        let (from, to) = (line.from.map(Status::as_str), line.to.as_str());
        json!([line.job.0, line.at.millis(), from, to, cause.as_str(), actor, detail, once])
    });
    let rows: Vec<Value> = rows.collect();
    let params = named_params! {":lines": Value::from(rows).to_string()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// A job's newest steps, oldest first; at most `limit` rows. The schema keeps the first 100 and the newest 400.
pub(in crate::store) fn events(conn: &Connection, id: JobId, limit: usize) -> Result<Vec<Event>> {
    const SQL: &str = "
        SELECT at, from_status, to_status, cause, actor, detail, sequence
        FROM job_events
        WHERE job_id = :id
        ORDER BY sequence DESC
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":id": id.0, ":limit": limit as i64};
    let rows = statement.query_map(params, event)?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    rows.reverse();
    Ok(rows)
}

/// A job's first step and its last one, where it has some; one alone is both. If somebody asked for its end, that step is the
/// last one: what a worker then did follows from it.
pub(in crate::store) fn ends(conn: &Connection, id: JobId) -> Result<Vec<Event>> {
    const SQL: &str = "
        SELECT at, from_status, to_status, cause, actor, detail, sequence
        FROM job_events
        WHERE job_id = :id
          AND (sequence = (SELECT min(sequence) FROM job_events WHERE job_id = :id)
            OR sequence = coalesce(
                (SELECT max(sequence) FROM job_events WHERE job_id = :id AND cause = 'cancel_requested'),
                (SELECT max(sequence) FROM job_events WHERE job_id = :id)))
        ORDER BY sequence";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":id": id.0}, event)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        number: row.get(6)?,
        at: Timestamp::from_millis(row.get(0)?),
        from: parsed(row, 1, |text| Status::from_str(text).ok())?,
        to: word(row, 2)?,
        cause: text(row, 3).map(|word| Cause::from_str(&word).map_err(|()| word))?,
        actor: text(row, 4)?,
        detail: optional_text(row, 5)?,
    })
}

/// A job's newest attempts beyond the plain path, oldest first; at most `limit` rows.
pub(in crate::store) fn attempts(
    conn: &Connection,
    id: JobId,
    limit: usize,
) -> Result<Vec<Attempt>> {
    const SQL: &str = "
        SELECT epoch, attempt, worker_id, started_at, ended_at, ended_as, error, error_code, fingerprint
        FROM job_attempts
        WHERE job_id = :id
        ORDER BY epoch DESC
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":id": id.0, ":limit": limit as i64}, |row| {
        Ok(Attempt {
            epoch: row.get(0)?,
            attempt: row.get(1)?,
            worker_id: optional_text(row, 2)?,
            started_at: instant(row, 3)?,
            ended_at: Timestamp::from_millis(row.get(4)?),
            ended_as: text(row, 5).map(|word| word.parse().map_err(|()| word))?,
            error: optional_text(row, 6)?,
            error_code: optional_text(row, 7)?,
            fingerprint: optional_text(row, 8)?,
        })
    })?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    rows.reverse();
    Ok(rows)
}
