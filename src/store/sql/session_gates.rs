//! What only its handler finds to keep a session from beginning: money set aside for others, a folder that another one has.

use super::session_search::{self, Open};
use super::{folder_key, spend};
use crate::error::Result;
use crate::model::{Job, JobId, Kind, Profile, SessionRequest, Spent, Status, Timestamp};
use crate::store::sqlite::ledger;
use crate::store::sqlite::row::text;
use rusqlite::{Connection, OptionalExtension, named_params};
use std::collections::HashMap;

/// What keeps a session from beginning.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    /// Dollars that are set aside for others, if they leave nothing for it.
    pub(super) set_aside: Option<f64>,
    /// The session that has its folder, and how.
    pub(super) folder: Option<(JobId, String)>,
}

/// What keeps each of these jobs from beginning, all of which wait or run. One that has begun is kept by nothing.
pub(super) fn of(conn: &Connection, jobs: &[&Job], now: Timestamp) -> Result<HashMap<JobId, Held>> {
    let mut held = HashMap::new();
    if jobs.is_empty() {
        return Ok(held);
    }
    let budgets = spend::budgets(conn)?;
    let open = if ledger::has_program(conn)? { session_search::open(conn)? } else { Vec::new() };
    let mut sums: HashMap<Option<i64>, (Spent, Spent)> = HashMap::new();
    for job in jobs {
        let runs = job.status == Status::Running;
        if runs && has_begun(conn, job)? {
            continue;
        }
        let read = || -> Result<(Spent, Spent)> {
            let reserved = spend::reserved(conn, job.id, job.schedule_id)?;
            Ok((spend::spent(conn, job.schedule_id, now)?, reserved))
        };
        let spent = match sums.get(&job.schedule_id).filter(|_| !runs) {
            Some(known) => *known,
            None => read()?,
        };
        if !runs {
            sums.insert(job.schedule_id, spent);
        }
        let (wanted, schedule) = (SessionRequest::wanted_by(job), SessionRequest::budget_of(job));
        let set_aside = budgets.held(wanted, spent, schedule, now);
        held.insert(job.id, Held { set_aside, folder: folder(conn, job, &open)? });
    }
    Ok(held)
}

/// Whether the run of this attempt has begun: all that could put it off lies behind it.
fn has_begun(conn: &Connection, job: &Job) -> Result<bool> {
    const SQL: &str =
        "SELECT EXISTS (SELECT 1 FROM sessions WHERE job_id = :id AND began_at >= :started)";
    if !ledger::has_program(conn)? {
        return Ok(true);
    }
    let started = job.started_at.map_or(i64::MAX, Timestamp::millis);
    let params = named_params! {":id": job.id.0, ":started": started};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

/// The session that has the folder in which this one would work.
fn folder(conn: &Connection, job: &Job, open: &[Open]) -> Result<Option<(JobId, String)>> {
    if job.kind != Kind::AGENT_SESSION || open.is_empty() {
        return Ok(None);
    }
    let request = serde_json::from_str::<SessionRequest>(&job.payload).ok();
    let Some(request) = request else { return Ok(None) };
    let place = request.continues.map(|id| place(conn, JobId(id))).transpose()?.flatten();
    let writes = match folder_key::profile(conn, &request)? {
        Profile::Workspace | Profile::Full => true,
        Profile::Scan | Profile::ReadOnly => false,
    };
    let folder = request.working_dir.as_deref().filter(|_| writes);
    Ok(session_search::holder(open, job.id, place.as_deref(), folder))
}

/// The folder of a session's runs, by name.
fn place(conn: &Connection, id: JobId) -> Result<Option<String>> {
    const SQL: &str = "SELECT place FROM sessions WHERE job_id = :id";
    let mut statement = conn.prepare_cached(SQL)?;
    Ok(statement.query_row(named_params! {":id": id.0}, |row| text(row, 0)).optional()?)
}
