//! What jobs run after: rows of `job_after`, and the news of ends to those that wait for them.

use super::jobs::list;
use crate::error::Result;
use crate::model::{After, JobId, Neighbours, NewJob, Precedence, Status};
use crate::store::sqlite::row::{optional_text, parsed};
use rusqlite::{Connection, Row, named_params};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::str::FromStr;

/// Jobs behind another one that a page shows.
const MAX_BEHIND: i64 = 100;

/// What the ends of the jobs that a row of `jobs` runs after come to, for [`precedence`]; NULL: it runs after none.
pub(super) const PRECEDENCE: &str = "(
    SELECT min(CASE
        WHEN a.ended_as IS NULL THEN 'open'
        WHEN a.anyway = 1 OR a.ended_as = 'completed' THEN 'over'
        ELSE a.after_id || ' ' || a.ended_as END)
    FROM job_after a
    WHERE a.job_id = jobs.id)";

/// Reads [`PRECEDENCE`]. Digits sort before letters, so that one bad end comes before all else.
pub(super) fn precedence(row: &Row<'_>, at: usize) -> rusqlite::Result<Precedence> {
    let least = optional_text(row, at)?;
    let bad = |text: &str| {
        let (id, ended_as) = text.split_once(' ')?;
        Some((JobId(id.parse().ok()?), Status::from_str(ended_as).ok()?))
    };
    Ok(match least.as_deref() {
        None | Some("over") => Precedence::Clear,
        Some(text) => bad(text).map_or(Precedence::Open, |(id, end)| Precedence::Broken(id, end)),
    })
}

/// The first of the jobs that a new one is to run after and that do not exist.
pub(in crate::store) fn missing(conn: &Connection, job: &NewJob) -> Result<Option<JobId>> {
    const SQL: &str = "
        SELECT min(value)
        FROM json_each(:ids)
        WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = value)";
    if job.runs_after() == 0 {
        return Ok(None);
    }
    let ids: Vec<JobId> = job.after.iter().chain(&job.after_any).copied().collect();
    let params = named_params! {":ids": list(&ids)};
    let id: Option<i64> = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?;
    Ok(id.map(JobId))
}

/// Says what a new job runs after; the schema fills in the ends of those that are over. A job that is named twice counts as
/// one that has to complete.
pub(in crate::store) fn insert(conn: &Connection, id: JobId, job: &NewJob) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_after (job_id, after_id, anyway)
        SELECT :id, value ->> 0, value ->> 1
        FROM json_each(:after)
        WHERE true
        ON CONFLICT (job_id, after_id) DO NOTHING";
    if job.runs_after() == 0 {
        return Ok(());
    }
    let strict = job.after.iter().map(|id| json!([id.0, 0]));
    let rows = strict.chain(job.after_any.iter().map(|id| json!([id.0, 1])));
    let rows = Value::from(rows.collect::<Vec<_>>()).to_string();
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id.0, ":after": rows})?;
    Ok(())
}

/// Tells of the ends that were noted, to at most `limit` jobs that wait for them. Has those wait for admission of which this
/// decides anything. Answers whether there may be more to tell.
pub(in crate::store) fn tell_ends(conn: &Connection, limit: usize) -> Result<bool> {
    const TELL: &str = "
        UPDATE job_after
        SET ended_as = e.ended_as
        FROM (
            SELECT a.job_id, a.after_id, e.ended_as
            FROM job_ended e
            JOIN job_after a ON a.after_id = e.id AND a.ended_as IS NULL
            LIMIT :limit) e
        WHERE job_after.job_id = e.job_id AND job_after.after_id = e.after_id
        RETURNING job_id";
    const CALL_UP: &str = "
        UPDATE jobs
        SET waits_for = 'admission'
        WHERE id IN (SELECT value FROM json_each(:ids)) AND waits_for = 'after'
          AND (NOT EXISTS (SELECT 1 FROM job_after WHERE job_id = jobs.id AND ended_as IS NULL)
            OR EXISTS (
                SELECT 1
                FROM job_after
                WHERE job_id = jobs.id AND anyway = 0 AND ended_as <> 'completed'))";
    const FORGET: &str = "
        DELETE FROM job_ended
        WHERE NOT EXISTS (SELECT 1 FROM job_after WHERE after_id = job_ended.id AND ended_as IS NULL)";
    let mut statement = conn.prepare_cached(TELL)?;
    let told = statement.query_map(named_params! {":limit": limit as i64}, |row| row.get(0))?;
    let told = told.map(|id| id.map(JobId)).collect::<rusqlite::Result<Vec<_>>>()?;
    if !told.is_empty() {
        conn.prepare_cached(CALL_UP)?.execute(named_params! {":ids": list(&told)})?;
    }
    conn.prepare_cached(FORGET)?.execute([])?;
    Ok(told.len() == limit)
}

/// What each of these jobs runs after.
fn of(conn: &Connection, ids: &[JobId]) -> Result<Vec<(JobId, After)>> {
    const SQL: &str = "
        SELECT job_id, after_id, anyway, ended_as
        FROM job_after
        WHERE job_id IN (SELECT value FROM json_each(:ids))
        ORDER BY job_id, after_id";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":ids": list(ids)}, |row| {
        let ended_as = parsed(row, 3, |text| Status::from_str(text).ok())?;
        let after = After { id: JobId(row.get(1)?), anyway: row.get(2)?, ended_as };
        Ok((JobId(row.get(0)?), after))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// For each of these jobs those that it runs after and that are not over.
pub(super) fn open(conn: &Connection, ids: &[JobId]) -> Result<BTreeMap<JobId, Vec<JobId>>> {
    let mut open: BTreeMap<JobId, Vec<JobId>> = BTreeMap::new();
    for (id, after) in of(conn, ids)?.into_iter().filter(|(_, after)| after.ended_as.is_none()) {
        open.entry(id).or_default().push(after.id);
    }
    Ok(open)
}

/// What a job runs after, and what runs after it.
pub(in crate::store) fn neighbours(conn: &Connection, id: JobId) -> Result<Neighbours> {
    const BEHIND: &str = "
        SELECT job_id
        FROM job_after
        WHERE after_id = :id
        ORDER BY ended_as, job_id
        LIMIT :limit";
    let after = of(conn, &[id])?.into_iter().map(|(_, after)| after).collect();
    let mut statement = conn.prepare_cached(BEHIND)?;
    let params = named_params! {":id": id.0, ":limit": MAX_BEHIND};
    let before = statement.query_map(params, |row| row.get(0).map(JobId))?;
    Ok(Neighbours { after, before: before.collect::<rusqlite::Result<_>>()? })
}
