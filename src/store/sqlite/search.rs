//! Lists with filters.
//!
//! Each looks through a bounded window of ids, so that a filter that nothing fits costs no scan
//! of millions of rows; the caller goes on from where the window ended.

use super::row;
use super::{counts, jobs, logs};
use crate::error::Result;
use crate::model::{
    Found, Hour, Job, JobFilter, JobId, Kind, Level, LogFilter, LogRow, Overview, Queue, Status,
    Timestamp, Trigger,
};
use rusqlite::{Connection, Row, ToSql, named_params};
use std::collections::BTreeMap;

/// Rows that one search looks through.
const WINDOW: i64 = 100_000;
/// Up to where jobs are counted that the engine has not looked at yet; there are more only while it stands.
const MAX_NEW: i64 = 10_000;
/// Final jobs that the dashboard's chart counts.
const MAX_FINAL: i64 = 100_000;
/// Hours of the dashboard's chart.
const HOURS: i64 = 24;
const HOUR_MS: i64 = 60 * 60 * 1000;
/// Children of a job that are listed.
const MAX_CHILDREN: i64 = 100;

pub(in crate::store) fn jobs(conn: &Connection, filter: &JobFilter) -> Result<Found<Job>> {
    let sql = format!(
        "SELECT {}
         FROM jobs
         WHERE id < :before AND id >= :floor
           AND (:status IS NULL OR status = :status)
           AND (:kind IS NULL OR kind = :kind)
           AND (:queue IS NULL OR queue = :queue)
           AND (:trigger IS NULL OR trigger = :trigger)
         ORDER BY id DESC
         LIMIT :limit",
        jobs::COLUMNS
    );
    let conditions: [(&str, &dyn ToSql); 4] = [
        (":status", &filter.status.map(Status::as_str)),
        (":kind", &filter.kind.as_ref().map(Kind::as_str)),
        (":queue", &filter.queue.as_ref().map(Queue::as_str)),
        (":trigger", &filter.trigger.map(Trigger::as_str)),
    ];
    let window = Window::below(conn, "jobs", filter.before)?;
    window.search(conn, &sql, &conditions, filter.limit, jobs::from_row, |job| job.id.0)
}

pub(in crate::store) fn logs(conn: &Connection, filter: &LogFilter) -> Result<Found<LogRow>> {
    // The window bounds the work; an index on the level would visit all its rows.
    let sql = format!(
        "SELECT {}
         FROM logs NOT INDEXED
         WHERE id < :before AND id >= :floor
           AND (:levels IS NULL OR instr(:levels, ' ' || level || ' ') > 0)
           AND (:source IS NULL OR source = :source)
           AND (:code IS NULL OR instr(message, :code) > 0)
           AND (:text IS NULL OR instr(lower(message), lower(:text)) > 0)
           AND (:correlation_id IS NULL OR correlation_id = :correlation_id)
         ORDER BY id DESC
         LIMIT :limit",
        logs::COLUMNS
    );
    let levels = filter.level.map(|least| {
        let worse = Level::ALL.iter().filter(|level| **level >= least);
        worse.fold(" ".to_owned(), |list, level| list + level.as_str() + " ")
    });
    let code = filter.code.as_ref().map(|code| format!("[{code}]"));
    let conditions: [(&str, &dyn ToSql); 5] = [
        (":levels", &levels),
        (":source", &filter.source),
        (":code", &code),
        (":text", &filter.text),
        (":correlation_id", &filter.correlation_id),
    ];
    let window = Window::below(conn, "logs", filter.before)?;
    window.search(conn, &sql, &conditions, filter.limit, logs::from_row, |row| row.id)
}

/// The ids that one search looks through.
struct Window {
    before: i64,
    floor: i64,
}

impl Window {
    /// The newest `WINDOW` ids of a table below the cursor.
    fn below(conn: &Connection, table: &str, before: Option<i64>) -> Result<Self> {
        let sql = format!("SELECT coalesce(max(id), 0) + 1 FROM {table}");
        let end: i64 = conn.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        let before = before.map_or(end, |before| before.min(end));
        Ok(Self { before, floor: before.saturating_sub(WINDOW).max(1) })
    }

    fn search<T>(
        &self,
        conn: &Connection,
        sql: &str,
        conditions: &[(&str, &dyn ToSql)],
        limit: usize,
        from_row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
        id: impl Fn(&T) -> i64,
    ) -> Result<Found<T>> {
        let more = limit as i64 + 1;
        let mut params = conditions.to_vec();
        params.extend([
            (":before", &self.before as &dyn ToSql),
            (":floor", &self.floor),
            (":limit", &more),
        ]);
        let mut statement = conn.prepare_cached(sql)?;
        let rows = statement.query_map(params.as_slice(), from_row)?;
        let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let full = rows.len() > limit;
        rows.truncate(limit);
        let cut_short = !full && self.floor > 1;
        let next = if full { rows.last().map(id) } else { cut_short.then_some(self.floor) };
        Ok(Found { rows, next, cut_short })
    }
}

/// The jobs this job made. They are younger than it, so the window begins there.
pub(in crate::store) fn children(conn: &Connection, parent: JobId) -> Result<Vec<JobId>> {
    const SQL: &str = "
        SELECT id
        FROM jobs
        WHERE id > :parent AND id <= :parent + :window AND parent_id = :parent
        ORDER BY id
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":parent": parent.0, ":window": WINDOW, ":limit": MAX_CHILDREN};
    let ids = statement.query_map(params, |row| row.get(0).map(JobId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

pub(in crate::store) fn overview(conn: &Connection, now: Timestamp) -> Result<Overview> {
    let mut overview = Overview { hours: hours(conn, now)?, ..Overview::default() };
    let counts = counts::all(conn)?.into_iter().map(|count| (count.status, count.count));
    for (status, count) in counts.chain(not_admitted(conn)?) {
        let count = count.max(0) as u64;
        match status {
            Status::Scheduled => overview.scheduled += count,
            Status::Queued => overview.queued += count,
            Status::Running => overview.running += count,
            Status::Completed | Status::Failed | Status::Cancelled => {}
        }
    }
    Ok(overview)
}

/// Jobs that the counts do not know yet, by status.
fn not_admitted(conn: &Connection) -> Result<Vec<(Status, i64)>> {
    const SQL: &str = "
        SELECT status, count(*)
        FROM (SELECT status FROM jobs WHERE blocked_by = 'new' AND counted = 0 LIMIT :limit)
        GROUP BY status";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":limit": MAX_NEW}, |row| {
        Ok((row::word(row, 0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn hours(conn: &Connection, now: Timestamp) -> Result<Vec<Hour>> {
    const SQL: &str = "
        SELECT finished_at / 3600000, status, count(*)
        FROM (
            SELECT finished_at, status
            FROM jobs
            WHERE finished_at IS NOT NULL AND finished_at >= :since
            ORDER BY finished_at DESC
            LIMIT :limit)
        GROUP BY 1, 2";
    let last = now.millis() / HOUR_MS;
    let first = last - HOURS + 1;
    let mut hours: BTreeMap<i64, Hour> = (first..=last)
        .map(|hour| {
            (hour, Hour { begins_at: Timestamp::from_millis(hour * HOUR_MS), ..Hour::default() })
        })
        .collect();
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows =
        statement.query(named_params! {":since": first * HOUR_MS, ":limit": MAX_FINAL})?;
    while let Some(row) = rows.next()? {
        let (status, count): (Status, i64) = (row::word(row, 1)?, row.get(2)?);
        let Some(hour) = hours.get_mut(&row.get(0)?) else { continue };
        match status {
            Status::Completed => hour.completed += count as u64,
            Status::Failed => hour.failed += count as u64,
            Status::Cancelled | Status::Scheduled | Status::Queued | Status::Running => {}
        }
    }
    Ok(hours.into_values().collect())
}
