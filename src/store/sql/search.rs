//! Lists with filters.
//!
//! Each looks through a bounded window of ids, so that a filter that nothing fits costs no scan
//! of millions of rows; the caller goes on from where the window ended.

#[cfg(feature = "web")]
use super::audit;
use super::filter::{self, Conditions};
use super::{batches, bulk_jobs, counts, jobs, stats};
use crate::error::Result;
#[cfg(feature = "web")]
use crate::model::{Deed, DeedFilter, Retry};
use crate::model::{Filter, Found, Hour, Job, JobId, Overview, Status, Timestamp};
use crate::store::sqlite::dialect;
use crate::store::sqlite::row;
#[cfg(feature = "web")]
use rusqlite::OptionalExtension;
use rusqlite::types::Value;
use rusqlite::{Connection, named_params, params_from_iter};
use std::collections::BTreeMap;
use std::time::Duration;

/// Rows that one search looks through.
pub(super) const WINDOW: i64 = 100_000;
/// The most jobs that are counted among those at which the engine has not looked yet. There are more only while it stands.
const MAX_NEW: i64 = 10_000;
/// Hours of the dashboard's chart.
const HOURS: u64 = 24;
/// Children of a job that are listed.
const MAX_CHILDREN: i64 = 100;

/// The newest jobs below the cursor that fit.
pub(in crate::store) fn jobs(
    conn: &Connection,
    filter: &Filter,
    before: Option<i64>,
    limit: usize,
    now: Timestamp,
) -> Result<Found<Job>> {
    let fits = filter::conditions(filter, now, 3).in_window(3);
    // The window bounds the work; an index on the kind would visit all its rows.
    let sql = format!(
        "SELECT {}
         FROM {}
         WHERE id < ?1 AND id >= ?2 {}
         ORDER BY id DESC
         LIMIT ?3",
        jobs::COLUMNS,
        fits.table(),
        fits.sql
    );
    let window = Window::of_jobs(conn, before, &fits)?;
    let mut params = window.params(limit).to_vec();
    params.extend(fits.values);
    let mut statement = conn.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(params), jobs::from_row)?;
    Ok(window.found(rows.collect::<rusqlite::Result<_>>()?, limit, |job| job.id.0))
}

/// The newest rows of the audit log below the cursor that fit.
#[cfg(feature = "web")]
pub(in crate::store) fn deeds(conn: &Connection, filter: &DeedFilter) -> Result<Found<Deed>> {
    let sql = format!(
        "SELECT {}
         FROM {}
         WHERE id < :before AND id >= :floor
           AND (:by IS NULL OR actor = :by OR (actor LIKE 'token %' AND substr(actor, -length(:of)) = :of))
           AND (:action IS NULL OR {})
           AND (:subject IS NULL OR {})
           AND (:since IS NULL OR at >= :since)
           AND (:until IS NULL OR at < :until)
         ORDER BY id DESC
         LIMIT :limit",
        audit::COLUMNS,
        dialect::by_id("job_audit"),
        dialect::contains("lower(action)", "lower(:action)"),
        dialect::contains("lower(subject)", "lower(:subject)"),
    );
    let [since, until] = [filter.since, filter.until].map(|at| at.map(Timestamp::millis));
    // What a token did has its own actor: `token shop of ada`.
    let of = filter.by.as_ref().map(|by| format!(" of {by}"));
    let window = Window::below(conn, "job_audit", filter.before)?;
    let [before, floor, more] = window.params(filter.limit);
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {
        ":by": filter.by,
        ":of": of,
        ":action": filter.action,
        ":subject": filter.subject,
        ":since": since,
        ":until": until,
        ":before": before,
        ":floor": floor,
        ":limit": more,
    };
    let rows = statement.query_map(params, audit::from_row)?;
    Ok(window.found(rows.collect::<rusqlite::Result<_>>()?, filter.limit, |deed| deed.id))
}

/// The ids that one search looks through.
pub(super) struct Window {
    /// Ids from here on are not looked at.
    pub(super) before: i64,
    pub(super) floor: i64,
    /// No id below this one can fit.
    pub(super) lowest: i64,
}

impl Window {
    /// The newest `WINDOW` ids of a table below the cursor.
    pub(super) fn below(conn: &Connection, table: &str, before: Option<i64>) -> Result<Self> {
        let sql = format!("SELECT coalesce(max(id), 0) + 1 FROM {table}");
        let end: i64 = conn.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        let before = before.map_or(end, |before| before.min(end));
        Ok(Self { before, floor: before.saturating_sub(WINDOW).max(1), lowest: 1 })
    }

    /// The same of the jobs: all of these ids if the filter names them, only ids of its batches or of its acts on many jobs, and as many jobs of its tags if
    /// those are kept, or as many that failed if no others fit.
    pub(super) fn of_jobs(
        conn: &Connection,
        before: Option<i64>,
        fits: &Conditions,
    ) -> Result<Self> {
        let Some((lowest, highest)) = fits.ids else {
            let among = match (&fits.bulks, &fits.batches) {
                (Some(acts), _) => Some(bulk_jobs::ids_of(conn, acts)?.unwrap_or((1, 0))),
                (None, Some(batches)) => batches::ids_of(conn, batches)?,
                (None, None) => None,
            };
            if let Some((lowest, highest)) = among {
                let end = highest.saturating_add(1);
                let before = before.map_or(end, |before| before.min(end));
                let window = Self::below(conn, "jobs", Some(before))?;
                return Ok(Self { floor: window.floor.max(lowest), lowest, ..window });
            }
            let window = Self::below(conn, "jobs", before)?;
            if fits.is_for_failed {
                return Ok(Self { floor: floor_of_failed(conn, window.before)?, ..window });
            }
            let Some(tags) = &fits.open_tags else { return Ok(window) };
            return Ok(Self { floor: floor_of_tags(conn, tags, window.before)?, ..window });
        };
        let end = highest.saturating_add(1);
        let before = before.map_or(end, |before| before.min(end));
        Ok(Self { floor: lowest, lowest, ..Self::below(conn, "jobs", Some(before))? })
    }

    /// The cursor, the floor, and one row more than asked for, which tells whether there are more.
    pub(super) fn params(&self, limit: usize) -> [Value; 3] {
        [self.before.into(), self.floor.into(), (limit as i64 + 1).into()]
    }

    /// How many ids it has from `lowest` on.
    pub(super) fn length(&self, lowest: i64) -> u64 {
        self.before.saturating_sub(lowest).max(0) as u64
    }

    /// Where the next window begins, if anything below this one can fit.
    pub(super) fn next(&self) -> Option<i64> {
        (self.floor > self.lowest).then_some(self.floor)
    }

    pub(super) fn found<T>(
        &self,
        mut rows: Vec<T>,
        limit: usize,
        id: impl Fn(&T) -> i64,
    ) -> Found<T> {
        let full = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(id).filter(|_| full);
        let next = if full { last } else { self.next() };
        let looked_through = self.length(last.unwrap_or(self.floor));
        Found { rows, next, cut_short: !full && next.is_some(), looked_through }
    }
}

/// The highest id from which on one of these tags has as many jobs, below the cursor, as one search looks through.
fn floor_of_tags(conn: &Connection, tags: &[String], before: i64) -> Result<i64> {
    let sql = format!(
        "SELECT max(coalesce((
             SELECT job_id
             FROM job_tags
             WHERE tag = w.value AND job_id < :before
             ORDER BY job_id DESC
             LIMIT 1 OFFSET :others), 1))
         FROM ({}) w",
        dialect::members(":tags")
    );
    let params = named_params! {
        ":tags": serde_json::json!(tags).to_string(), ":before": before, ":others": WINDOW - 1,
    };
    Ok(conn.prepare_cached(&sql)?.query_row(params, |row| row.get(0))?)
}

/// The highest id from which on as many jobs have failed, below the cursor, as one search looks through.
fn floor_of_failed(conn: &Connection, before: i64) -> Result<i64> {
    let sql = format!(
        "SELECT coalesce((
             SELECT id
             FROM {}
             WHERE status = 'failed' AND id < :before
             ORDER BY id DESC
             LIMIT 1 OFFSET :others), 1)",
        dialect::by_index("jobs", "jobs_failed")
    );
    let params = named_params! {":before": before, ":others": WINDOW - 1};
    Ok(conn.prepare_cached(&sql)?.query_row(params, |row| row.get(0))?)
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

/// The newest job that runs each of these again, found by an index.
#[cfg(feature = "web")]
pub(in crate::store) fn retries(
    conn: &Connection,
    ids: &[JobId],
) -> Result<BTreeMap<JobId, Retry>> {
    const SQL: &str = "
        SELECT id, status
        FROM jobs
        WHERE parent_id = :parent AND trigger = 'retry'
        ORDER BY id DESC
        LIMIT 1";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut found = BTreeMap::new();
    for id in ids {
        let retry = statement.query_row(named_params! {":parent": id.0}, |row| {
            Ok(Retry { id: JobId(row.get(0)?), status: row::word(row, 1)? })
        });
        if let Some(retry) = retry.optional()? {
            found.insert(*id, retry);
        }
    }
    Ok(found)
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
pub(super) fn not_admitted(conn: &Connection) -> Result<Vec<(Status, i64)>> {
    const SQL: &str = "
        SELECT status, count(*)
        FROM (SELECT status FROM jobs WHERE waits_for = 'admission' AND counted = 0 LIMIT :limit)
        GROUP BY status";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":limit": MAX_NEW}, |row| {
        Ok((row::word(row, 0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The last hours, by the figures.
fn hours(conn: &Connection, now: Timestamp) -> Result<Vec<Hour>> {
    let last = now.hour();
    let first = last.minus(Duration::from_hours(HOURS - 1));
    let mut hours: BTreeMap<Timestamp, Hour> = (0..HOURS)
        .map(|hour| first.plus(Duration::from_hours(hour)))
        .map(|begins_at| (begins_at, Hour { begins_at, ..Hour::default() }))
        .collect();
    for (at, [completed, failed]) in stats::ends(conn, (first, last))? {
        let Some(hour) = hours.get_mut(&at) else { continue };
        (hour.completed, hour.failed) = (completed, failed);
    }
    Ok(hours.into_values().collect())
}
