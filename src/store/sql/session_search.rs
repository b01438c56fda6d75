//! Sessions that fit: those of a query, the last one of a schedule that answered, and one that writes in a folder.
//!
//! A search is linear: an index of words would have each answer written twice, and there are some hundred sessions a day at
//! most, of some kilobytes each.

use super::filter;
use super::sessions::{COLUMNS, FROM, from_row};
use crate::error::Result;
use crate::model::{Filter, Found, JobId, Session, Timestamp};
use crate::store::sqlite::row::{optional_text, text};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, named_params, params_from_iter};
use std::path::{Path, PathBuf};

/// Sessions that one search looks through: their prompts and answers are read from the file, tens of megabytes at most.
const SEARCHED: i64 = 10_000;

/// The newest sessions below the cursor that fit: each of the newest `SEARCHED` is looked at, and no other.
pub(in crate::store) fn find(
    conn: &Connection,
    filter: &Filter,
    before: Option<i64>,
    limit: usize,
    now: Timestamp,
) -> Result<Found<Session>> {
    const WINDOW: &str = "
        SELECT count(*), min(id)
        FROM (
            SELECT id
            FROM jobs
            WHERE kind = 'agent_session' AND id < :before AND id >= :floor
            ORDER BY id DESC
            LIMIT :most)";
    let before = before.unwrap_or(i64::MAX);
    let looked = |floor: i64| -> Result<(u64, Option<i64>)> {
        let params = named_params! {":before": before, ":floor": floor, ":most": SEARCHED};
        let counted = conn.prepare_cached(WINDOW)?.query_row(params, |row| {
            Ok((row.get::<_, i64>(0)? as u64, row.get::<_, Option<i64>>(1)?))
        })?;
        Ok(counted)
    };
    let (all, floor) = looked(1)?;
    let fits = filter::conditions_on_sessions(filter, now, 3);
    let sql = format!(
        "SELECT {COLUMNS} {FROM}
         WHERE j.id IN (
             SELECT id
             FROM jobs
             WHERE kind = 'agent_session' AND id < ?1 AND id >= ?2 {}
             ORDER BY id DESC
             LIMIT ?3)
         ORDER BY j.id DESC",
        fits.sql
    );
    let mut params: Vec<Value> =
        vec![before.into(), floor.unwrap_or(before).into(), (limit as i64 + 1).into()];
    params.extend(fits.values);
    let mut statement = conn.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(params), from_row)?;
    let mut rows: Vec<Session> = rows.collect::<rusqlite::Result<_>>()?;
    let is_full = rows.len() > limit;
    rows.truncate(limit);
    if let Some(last) = rows.last().map(|session| session.id.0).filter(|_| is_full) {
        let (looked_through, _) = looked(last)?;
        return Ok(Found { rows, next: Some(last), cut_short: false, looked_through });
    }
    let next = floor.filter(|_| all >= SEARCHED as u64);
    Ok(Found { rows, next, cut_short: next.is_some(), looked_through: all })
}

/// The newest session of a schedule that was done before this one, and what it answered: of its newest occurrences, as many as one
/// search looks at.
pub(in crate::store) fn last_answer(
    conn: &Connection,
    schedule: i64,
    before: JobId,
) -> Result<Option<(JobId, String)>> {
    const SQL: &str = "
        SELECT j.id, s.response
        FROM (
            SELECT id, status, schedule_id
            FROM jobs
            WHERE kind = 'agent_session' AND id < :before
            ORDER BY id DESC
            LIMIT :most) j
        JOIN sessions s ON s.job_id = j.id
        WHERE j.schedule_id = :schedule AND j.status = 'completed' AND s.response IS NOT NULL
        ORDER BY j.id DESC
        LIMIT 1";
    let params = named_params! {":schedule": schedule, ":before": before.0, ":most": SEARCHED};
    let mut statement = conn.prepare_cached(SQL)?;
    let read = |row: &rusqlite::Row<'_>| Ok((JobId(row.get(0)?), text(row, 1)?));
    Ok(statement.query_row(params, read).optional()?)
}

/// A running session that has begun.
#[derive(Clone, Debug)]
pub(in crate::store) struct Open {
    id: JobId,
    /// The folder of its files, by name.
    place: String,
    /// The folder in which it may write.
    writes_in: Option<PathBuf>,
}

/// The running sessions that have begun. Each goes on until its job is over: what it has changed is looked at after its program
/// has ended.
pub(in crate::store) fn open(conn: &Connection) -> Result<Vec<Open>> {
    const SQL: &str = "
        SELECT s.job_id, s.place, CASE WHEN s.profile IN ('workspace', 'full') THEN s.working_dir END
        FROM sessions s
        JOIN jobs j ON j.id = s.job_id
        WHERE (s.marker IS NOT NULL OR s.began_at >= j.started_at) AND j.status = 'running'
        ORDER BY s.job_id";
    let mut statement = conn.prepare_cached(SQL)?;
    let open = statement.query_map([], |row| {
        let writes_in: Option<String> = optional_text(row, 2)?;
        let writes_in = writes_in.map(PathBuf::from);
        Ok(Open { id: JobId(row.get(0)?), place: text(row, 1)?, writes_in })
    })?;
    Ok(open.collect::<rusqlite::Result<_>>()?)
}

/// The open session that keeps another one from its folder, and how: it has the same folder of runs, because both go on with one
/// session, or it may write in the folder in which this one may write, in one above it or in one below it.
pub(in crate::store) fn holder(
    open: &[Open],
    id: JobId,
    place: Option<&str>,
    writes_in: Option<&Path>,
) -> Option<(JobId, String)> {
    let mut others = open.iter().filter(|other| other.id != id);
    if let Some(other) = others.clone().find(|other| place == Some(other.place.as_str())) {
        let id = other.id;
        let why = format!("session {id}, which goes on with the same session, is not over");
        return Some((id, why));
    }
    let folder = writes_in?;
    others.find_map(|other| {
        let its = other.writes_in.as_ref()?;
        let is_shared = its.starts_with(folder) || folder.starts_with(its);
        let why =
            || format!("session {} may write in {} until it is over", other.id, its.display());
        is_shared.then(|| (other.id, why()))
    })
}
