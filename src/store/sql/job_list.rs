//! Lists of jobs in the order of their status: what is over by its end, what runs by its start, what waits for its time by that.
//!
//! Each is read along an index, from the place where the list before ended, through a bounded number of jobs. Jobs of the same
//! millisecond are in the order of their ids, so none is shown twice and none is left out.

use super::search::WINDOW;
use super::{filter, jobs, search};
use crate::error::{Code, Error, Result};
use crate::model::{Filter, Found, Job, JobId, JobOrder, JobPlace, Status, Timestamp};
use crate::store::sqlite::dialect;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

/// The most jobs at which the engine has not looked yet that are put in their places. There are more only while it stands.
const MAX_NEW: i64 = 10_000;

/// Jobs that a list looks through first. It looks through all of a window only if it is not full by then: even the steps to the
/// end of a window take longer than a page may.
const NEAR: i64 = 1_000;

/// A list that goes by a time.
struct Course {
    /// The column of that time.
    at: &'static str,
    index: &'static str,
    /// What the index has of the jobs.
    among: &'static str,
    is_latest_first: bool,
}

/// The jobs that fit, behind this place.
pub(in crate::store) fn jobs(
    conn: &Connection,
    filter: &Filter,
    behind: Option<JobPlace>,
    limit: usize,
    now: Timestamp,
) -> Result<Found<Job, JobPlace>> {
    let Some(course) = Course::of(filter.order()) else {
        let found = search::jobs(conn, filter, behind.map(|place| place.id), limit, now)?;
        let next = found.next.map(|id| JobPlace { at: None, id });
        let Found { rows, cut_short, looked_through, .. } = found;
        return Ok(Found { rows, next, cut_short, looked_through });
    };
    let from = match behind {
        None => course.begin(),
        Some(JobPlace { at: Some(at), id }) => (at.millis(), id),
        Some(JobPlace { at: None, id }) => course.place_of(conn, JobId(id))?,
    };
    let (mut rows, mut end) = (Vec::new(), None);
    for window in [NEAR, WINDOW] {
        end = course.end(conn, from, window)?;
        rows = course.read(conn, (filter, now), (from, end), limit)?;
        if filter.order() == JobOrder::NextStart {
            rows.extend(new(conn, (filter, now), (from, end), limit)?);
            rows.sort_by_key(|job| (job.run_at, job.id));
        }
        if rows.len() > limit || end.is_none() {
            break;
        }
    }
    let is_full = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().map(|job| course.place(job)).filter(|_| is_full);
    let next = last.or(end).map(|(at, id)| JobPlace { at: Some(Timestamp::from_millis(at)), id });
    let cut_short = !is_full && next.is_some();
    let looked_through = if cut_short { WINDOW as u64 } else { rows.len() as u64 };
    Ok(Found { rows, next, cut_short, looked_through })
}

/// A time and an id.
type Place = (i64, i64);

impl Course {
    /// `None`: the list goes by ids.
    fn of(order: JobOrder) -> Option<Self> {
        let latest = |at, index, among| Some(Self { at, index, among, is_latest_first: true });
        match order {
            JobOrder::LastEnd(Status::Failed) => {
                latest("finished_at", "jobs_failed_at", "status = 'failed'")
            }
            JobOrder::LastEnd(Status::Cancelled) => {
                latest("finished_at", "jobs_cancelled_at", "status = 'cancelled'")
            }
            JobOrder::LastEnd(_) => latest("finished_at", "jobs_final", "finished_at IS NOT NULL"),
            JobOrder::LastStart => latest("started_at", "jobs_running", "status = 'running'"),
            JobOrder::NextStart => Some(Self {
                at: "run_at",
                index: "jobs_scheduled",
                among: "status = 'scheduled' AND waits_for IS NULL",
                is_latest_first: false,
            }),
            JobOrder::Newest => None,
        }
    }

    fn begin(&self) -> Place {
        if self.is_latest_first { (i64::MAX, i64::MAX) } else { (i64::MIN, 0) }
    }

    /// How one goes on in the list, and how that is sorted.
    fn ways(&self) -> (&'static str, &'static str, &'static str) {
        if self.is_latest_first { ("<", ">=", "DESC") } else { (">", "<=", "ASC") }
    }

    fn place(&self, job: &Job) -> Place {
        let at = match self.at {
            "finished_at" => job.finished_at,
            "started_at" => job.started_at,
            _ => Some(job.run_at),
        };
        (at.map_or(0, Timestamp::millis), job.id.0)
    }

    fn place_of(&self, conn: &Connection, id: JobId) -> Result<Place> {
        let job = jobs::get(conn, id)?.ok_or_else(|| {
            let why = format!("list jobs before {id}: there is no such job");
            Error::new(Code::ModelInvalid, why)
        })?;
        Ok(self.place(&job))
    }

    /// The last of so many places at which a search looks; `None`: it looks through all that there is.
    fn end(&self, conn: &Connection, from: Place, window: i64) -> Result<Option<Place>> {
        // What runs has few rows, and its index another order.
        if self.at == "started_at" {
            return Ok(None);
        }
        let Self { at, among, .. } = self;
        let (on, _, sorted) = self.ways();
        let sql = format!(
            "SELECT {at}, id
             FROM {}
             WHERE {among} AND ({at}, id) {on} (?1, ?2)
             ORDER BY {at} {sorted}, id {sorted}
             LIMIT 1 OFFSET ?3",
            dialect::by_index("jobs", self.index)
        );
        let place = params![from.0, from.1, window - 1];
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(conn.prepare_cached(&sql)?.query_row(place, read).optional()?)
    }

    /// One row more than asked for, which tells whether there are more.
    fn read(
        &self,
        conn: &Connection,
        (filter, now): (&Filter, Timestamp),
        (from, end): (Place, Option<Place>),
        limit: usize,
    ) -> Result<Vec<Job>> {
        let Self { at, among, .. } = self;
        let fits = filter::conditions(filter, now, 5);
        let (on, within, sorted) = self.ways();
        let sql = format!(
            "SELECT {}
             FROM {}
             WHERE {among} AND ({at}, id) {on} (?1, ?2) AND ({at}, id) {within} (?3, ?4) {}
             ORDER BY {at} {sorted}, id {sorted}
             LIMIT ?5",
            jobs::COLUMNS,
            dialect::by_index("jobs", self.index),
            fits.sql
        );
        let end =
            end.unwrap_or(if self.is_latest_first { (i64::MIN, 0) } else { (i64::MAX, i64::MAX) });
        let bounds = [from.0, from.1, end.0, end.1, limit as i64 + 1].map(Value::from);
        let mut statement = conn.prepare(&sql)?;
        let values = params_from_iter(bounds.into_iter().chain(fits.values));
        let rows = statement.query_map(values, jobs::from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// What waits for its time and was not looked at by the engine yet: the list's index does not have it before.
fn new(
    conn: &Connection,
    (filter, now): (&Filter, Timestamp),
    (from, end): (Place, Option<Place>),
    limit: usize,
) -> Result<Vec<Job>> {
    let fits = filter::conditions(filter, now, 6);
    let sql = format!(
        "SELECT {}
         FROM jobs
         WHERE id IN (SELECT id FROM jobs WHERE waits_for = 'admission' ORDER BY id LIMIT ?6)
           AND (run_at, id) > (?1, ?2) AND (run_at, id) <= (?3, ?4) {}
         ORDER BY run_at, id
         LIMIT ?5",
        jobs::COLUMNS,
        fits.sql
    );
    let end = end.unwrap_or((i64::MAX, i64::MAX));
    let bounds = [from.0, from.1, end.0, end.1, limit as i64 + 1, MAX_NEW].map(Value::from);
    let mut statement = conn.prepare(&sql)?;
    let values = params_from_iter(bounds.into_iter().chain(fits.values));
    let rows = statement.query_map(values, jobs::from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
