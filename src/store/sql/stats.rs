//! Rows of `job_stats`: what jobs did, by minutes, hours and days.

use crate::error::Result;
use crate::model::{
    FIGURES_KEPT, FiguresOf, Histogram, JobFigures, JobFiguresRow, Kind, Queue, Timestamp,
};
use crate::store::sqlite::{FigureRows, row};
use rusqlite::{Connection, Row, named_params};
use std::time::Duration;

const COLUMNS: &str =
    "minutes, at, kind, queue, completed, failed, cancelled, retried, waits, runs";

/// A day of UTC.
const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

/// The rows of a length that begin in a range.
fn rows(
    conn: &Connection,
    of: &FiguresOf,
    length: Duration,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<JobFiguresRow>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM job_stats
         WHERE minutes = :minutes AND at >= :from AND at < :until
           AND (:kind IS NULL OR kind = :kind) AND (:queue IS NULL OR queue = :queue)"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {
        ":minutes": in_minutes(length),
        ":from": from.millis(),
        ":until": until.millis(),
        ":kind": of.kind.as_ref().map(Kind::as_str),
        ":queue": of.queue.as_ref().map(Queue::as_str),
    };
    let rows = statement.query_map(params, from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<JobFiguresRow> {
    let count = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.max(0) as u64);
    let queue = row::parsed(row, 3, |name| Some(Queue::parse(name).ok()))?;
    let histogram =
        |column| Ok::<_, rusqlite::Error>(Histogram::from_json(&row::text(row, column)?));
    Ok(JobFiguresRow {
        at: Timestamp::from_millis(row.get(1)?),
        length: MINUTE * row.get(0)?,
        kind: row::kind(row, 2)?,
        queue: queue.flatten(),
        figures: JobFigures {
            completed: count(4)?,
            failed: count(5)?,
            cancelled: count(6)?,
            retried: count(7)?,
            waits: histogram(8)?,
            runs: histogram(9)?,
        },
    })
}

/// The figures of a range: to the minute as far back as minutes are kept, before that to the hour, and then to the day.
pub(in crate::store) fn range(
    conn: &Connection,
    of: &FiguresOf,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<JobFiguresRow>> {
    let (first, last) = (from.plus(HOUR).minus(Duration::from_millis(1)).hour(), until.hour());
    if first > last {
        return rows(conn, of, MINUTE, (from, until));
    }
    let mut all = rows(conn, of, DAY, (from, until))?;
    all.extend(rows(conn, of, MINUTE, (from, first))?);
    all.extend(rows(conn, of, HOUR, (first, last))?);
    all.extend(rows(conn, of, MINUTE, (last, until))?);
    Ok(all)
}

/// The rows of minutes that begin in a range.
pub(in crate::store) fn minutes(
    conn: &Connection,
    of: &FiguresOf,
    between: (Timestamp, Timestamp),
) -> Result<Vec<JobFiguresRow>> {
    rows(conn, of, MINUTE, between)
}

/// The rows of hours that begin in a range, and those of days that older hours have become.
pub(in crate::store) fn hours(
    conn: &Connection,
    of: &FiguresOf,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<JobFiguresRow>> {
    let mut all = rows(conn, of, DAY, (from, until))?;
    all.extend(rows(conn, of, HOUR, (from, until))?);
    Ok(all)
}

/// How many jobs completed and failed in each hour that begins between two instants, these included, if any did.
pub(in crate::store) fn ends(
    conn: &Connection,
    (first, last): (Timestamp, Timestamp),
) -> Result<Vec<(Timestamp, [u64; 2])>> {
    const SQL: &str = "
        SELECT at, sum(completed), sum(failed)
        FROM job_stats
        WHERE minutes = 60 AND at >= :first AND at <= :last
        GROUP BY at";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":first": first.millis(), ":last": last.millis()};
    let rows = statement.query_map(params, |row| {
        let counts = [row.get::<_, i64>(1)?, row.get(2)?];
        Ok((Timestamp::from_millis(row.get(0)?), counts.map(|count| count.max(0) as u64)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Makes days of hours that are older than hours are kept, and removes older minutes and days, at most so many rows; answers how
/// many it took.
pub(in crate::store) fn roll_up(conn: &Connection, now: Timestamp, limit: usize) -> Result<usize> {
    let [minutes, hours, days] = FIGURES_KEPT.map(|kept| now.minus(kept));
    let old = take(conn, HOUR, hours, limit)?;
    let mut sums = FigureRows::default();
    for JobFiguresRow { at, kind, queue, figures, .. } in &old {
        sums.add(DAY, *at, (kind.as_str(), queue.as_ref()), figures);
    }
    sums.write(conn)?;
    let mut taken = old.len();
    for (length, before) in [(MINUTE, minutes), (DAY, days)] {
        taken += remove(conn, length, before, limit - taken)?;
    }
    Ok(taken)
}

/// Whether there are rows that are so much older than they are kept.
pub(in crate::store) fn has_old(conn: &Connection, now: Timestamp, by: Duration) -> Result<bool> {
    const SQL: &str =
        "SELECT EXISTS (SELECT 1 FROM job_stats WHERE minutes = :minutes AND at < :before)";
    for (length, kept) in [MINUTE, HOUR, DAY].into_iter().zip(FIGURES_KEPT) {
        let before = now.minus(kept.saturating_add(by)).millis();
        let params = named_params! {":minutes": in_minutes(length), ":before": before};
        if conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes the oldest rows of a length that began before an instant, and answers them.
fn take(
    conn: &Connection,
    length: Duration,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<JobFiguresRow>> {
    let sql = format!(
        "DELETE FROM job_stats
         WHERE (minutes, at, kind, queue) IN (
             SELECT minutes, at, kind, queue
             FROM job_stats
             WHERE minutes = :minutes AND at < :before
             ORDER BY at
             LIMIT :limit)
         RETURNING {COLUMNS}"
    );
    let params = named_params! {
        ":minutes": in_minutes(length), ":before": before.millis(), ":limit": limit as i64,
    };
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params, from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The same for rows that nobody reads any more, whatever they hold.
fn remove(conn: &Connection, length: Duration, before: Timestamp, limit: usize) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM job_stats
        WHERE (minutes, at, kind, queue) IN (
            SELECT minutes, at, kind, queue
            FROM job_stats
            WHERE minutes = :minutes AND at < :before
            ORDER BY at
            LIMIT :limit)";
    let params = named_params! {
        ":minutes": in_minutes(length), ":before": before.millis(), ":limit": limit as i64,
    };
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}

fn in_minutes(length: Duration) -> i64 {
    i64::try_from(length.as_secs() / 60).unwrap_or(i64::MAX)
}
