//! Rows of `job_errors`: the errors of jobs, and who has muted them.

use super::jobs;
use crate::error::Result;
use crate::model::{ErrorMute, Job, JobErrorGroup, JobId, Timestamp};
use crate::store::sqlite::row;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long it is kept how often an error was met in an hour.
const HOURS: Duration = Duration::from_hours(30 * 24);

const COLUMNS: &str =
    "fingerprint, kind, code, title, first_at, last_at, failures, muted_by, muted_until";

/// The errors that attempts failed with in a range, by whole hours: the most frequent first, at most so many.
pub(in crate::store) fn list(
    conn: &Connection,
    (from, until): (Timestamp, Timestamp),
    limit: usize,
) -> Result<Vec<JobErrorGroup>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM job_errors
         JOIN (
             SELECT fingerprint AS met, sum(failures) AS often
             FROM job_error_hours
             WHERE hour >= :from AND hour < :until
             GROUP BY fingerprint
             ORDER BY often DESC
             LIMIT :limit) ON met = fingerprint
         ORDER BY often DESC, last_at DESC"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {
        ":from": from.hour().millis(), ":until": until.millis(), ":limit": limit as i64,
    };
    let groups = statement.query_map(params, from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    groups.into_iter().map(|group| complete(conn, group, (from, until))).collect()
}

/// One error, with its hours in a range.
pub(in crate::store) fn get(
    conn: &Connection,
    fingerprint: &str,
    range: (Timestamp, Timestamp),
) -> Result<Option<JobErrorGroup>> {
    let sql = format!("SELECT {COLUMNS} FROM job_errors WHERE fingerprint = :fingerprint");
    let params = named_params! {":fingerprint": fingerprint};
    let group = conn.prepare_cached(&sql)?.query_row(params, from_row).optional()?;
    group.map(|group| complete(conn, group, range)).transpose()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<JobErrorGroup> {
    let mute = row::optional_text(row, 7)?;
    let until = row::instant(row, 8)?;
    Ok(JobErrorGroup {
        fingerprint: row::text(row, 0)?,
        kind: row::kind(row, 1)?,
        code: row::text(row, 2)?,
        title: row::text(row, 3)?,
        first_at: Timestamp::from_millis(row.get(4)?),
        last_at: Timestamp::from_millis(row.get(5)?),
        failures: row.get::<_, i64>(6)?.max(0) as u64,
        still_failed: 0,
        hours: BTreeMap::new(),
        mute: mute.map(|by| ErrorMute { until, by }),
    })
}

/// The same with what other tables say of it.
fn complete(
    conn: &Connection,
    group: JobErrorGroup,
    (from, until): (Timestamp, Timestamp),
) -> Result<JobErrorGroup> {
    const STILL: &str = "
        SELECT count(*)
        FROM (
            SELECT 1 FROM job_attempts WHERE fingerprint = :fingerprint AND still_failed = 1 LIMIT :limit)";
    const SEEN: &str = "
        SELECT hour, failures
        FROM job_error_hours
        WHERE fingerprint = :fingerprint AND hour >= :from AND hour < :until";
    let params = named_params! {":fingerprint": group.fingerprint, ":limit": JobErrorGroup::MOST_STILL_FAILED as i64};
    let still: i64 = conn.prepare_cached(STILL)?.query_row(params, |row| row.get(0))?;
    let mut statement = conn.prepare_cached(SEEN)?;
    let params = named_params! {
        ":fingerprint": group.fingerprint, ":from": from.hour().millis(), ":until": until.millis(),
    };
    let hours = statement.query_map(params, |row| {
        Ok((Timestamp::from_millis(row.get(0)?), row.get::<_, i64>(1)?.max(0) as u64))
    })?;
    let hours = hours.collect::<rusqlite::Result<_>>()?;
    Ok(JobErrorGroup { still_failed: still as u64, hours, ..group })
}

/// How many errors were met for the first time since, and are not muted; counted up to `limit`.
pub(in crate::store) fn count_new(
    conn: &Connection,
    (since, now): (Timestamp, Timestamp),
    limit: usize,
) -> Result<u64> {
    const SQL: &str = "
        SELECT count(*)
        FROM (
            SELECT 1
            FROM job_errors
            WHERE last_at >= :since AND first_at >= :since
              AND (muted_by IS NULL OR muted_until <= :now)
            LIMIT :limit)";
    let params =
        named_params! {":since": since.millis(), ":now": now.millis(), ":limit": limit as i64};
    let count: i64 = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?;
    Ok(count.max(0) as u64)
}

/// The newest jobs that ended with an error and that nobody has run again.
pub(in crate::store) fn still_failed(
    conn: &Connection,
    fingerprint: &str,
    limit: usize,
) -> Result<Vec<Job>> {
    const SQL: &str = "
        SELECT DISTINCT job_id
        FROM job_attempts
        WHERE fingerprint = :fingerprint AND still_failed = 1
        ORDER BY job_id DESC
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":fingerprint": fingerprint, ":limit": limit as i64};
    let ids = statement.query_map(params, |row| row.get(0).map(JobId))?;
    let ids = ids.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut found = jobs::of(conn, &ids)?;
    found.sort_unstable_by_key(|job| std::cmp::Reverse(job.id));
    Ok(found)
}

/// A failed job was run again: it is not still failed.
pub(in crate::store) fn retried(conn: &Connection, id: JobId) -> Result<()> {
    const SQL: &str =
        "UPDATE job_attempts SET still_failed = 0 WHERE job_id = :id AND still_failed = 1";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id.0})?;
    Ok(())
}

/// Writes who has muted an error, or that nobody has; answers whether there is such an error.
pub(in crate::store) fn set_mute(
    conn: &Connection,
    fingerprint: &str,
    mute: Option<&ErrorMute>,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE job_errors
        SET muted_by = :by, muted_until = :until
        WHERE fingerprint = :fingerprint";
    let changed = conn.prepare_cached(SQL)?.execute(named_params! {
        ":fingerprint": fingerprint,
        ":by": mute.map(|mute| &mute.by),
        ":until": mute.and_then(|mute| mute.until).map(Timestamp::millis),
    })?;
    Ok(changed > 0)
}

/// Removes what is old of the hours, at most so many; answers how many.
pub(in crate::store) fn prune(conn: &Connection, now: Timestamp, limit: usize) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM job_error_hours
        WHERE (fingerprint, hour) IN (
            SELECT fingerprint, hour
            FROM job_error_hours
            WHERE hour < :before
            LIMIT :limit)";
    let params = named_params! {":before": now.minus(HOURS).millis(), ":limit": limit as i64};
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}

/// Whether there are hours that are so much older than they are kept.
pub(in crate::store) fn has_old(conn: &Connection, now: Timestamp, by: Duration) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM job_error_hours WHERE hour < :before)";
    let params = named_params! {":before": now.minus(HOURS.saturating_add(by)).millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}
