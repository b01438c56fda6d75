//! Who made a job, as the audit log and the schedule of the job say.

use super::jobs;
use crate::error::Result;
use crate::model::{JobId, JobMaker, Timestamp};
use crate::store::sqlite::row::text;
use rusqlite::{Connection, OptionalExtension, named_params};

/// The most rows of the audit log of one instant that are looked through: a program may make so many jobs at once.
const MOST: i64 = 10_000;

/// Who made this job, as far as it is known.
pub(in crate::store) fn of(conn: &Connection, id: JobId) -> Result<JobMaker> {
    const SCHEDULE: &str = "
        SELECT name
        FROM job_schedules
        WHERE id = :id";
    const ACTOR: &str = "
        SELECT actor
        FROM (SELECT actor, at, subject FROM job_audit WHERE id >= :first ORDER BY id LIMIT :most) d
        WHERE at = :at AND (subject = :made OR subject = :run)
        LIMIT 1";
    let Some(job) = jobs::get(conn, id)? else { return Ok(JobMaker::default()) };
    let mut statement = conn.prepare_cached(SCHEDULE)?;
    let named = |id: i64| statement.query_row(named_params! {":id": id}, |row| text(row, 0));
    let schedule = job.schedule_id.map(named).transpose().optional()?.flatten();
    let run = schedule.as_ref().map(|name| format!("schedule {name}: job {id}"));
    let params = named_params! {
        ":first": first_at(conn, job.created_at)?,
        ":most": MOST,
        ":at": job.created_at.millis(),
        ":made": format!("job {id} ({})", job.kind),
        ":run": run,
    };
    let actor = conn.prepare_cached(ACTOR)?.query_row(params, |row| text(row, 0)).optional()?;
    Ok(JobMaker { actor, schedule })
}

/// The first row of the audit log of this instant or later. Its ids grow with its times, so a few of them are looked at.
fn first_at(conn: &Connection, at: Timestamp) -> Result<i64> {
    const END: &str = "
        SELECT coalesce(max(id), 0) + 1
        FROM job_audit";
    const AFTER: &str = "
        SELECT at
        FROM job_audit
        WHERE id >= :id
        ORDER BY id
        LIMIT 1";
    let (mut low, mut high): (i64, i64) =
        (1, conn.prepare_cached(END)?.query_row([], |row| row.get(0))?);
    let mut statement = conn.prepare_cached(AFTER)?;
    while low < high {
        let middle = low + (high - low) / 2;
        let found: i64 = statement.query_row(named_params! {":id": middle}, |row| row.get(0))?;
        if found < at.millis() { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}
