//! Claims: the first jobs of a worker's kinds start under its name, as far as it has slots and the queues have room.

use super::jobs::{self, COLUMNS};
use super::lines::{Line, first_of};
use super::{admit, queues, spend};
use crate::error::Result;
use crate::model::{
    Job, JobEvent, JobId, Kind, PollRequest, Polled, Queue, Status, Timestamp, WaitsFor,
};
use crate::store::sqlite::Tx;
use rusqlite::{ErrorCode, named_params};

/// Claims from each line of the worker's kinds.
pub(super) fn claim(
    tx: &Tx<'_>,
    lines: &[Line],
    request: &PollRequest,
    polled: &mut Polled,
    now: Timestamp,
) -> Result<()> {
    let is_own = |kind: &Kind| request.kinds.iter().any(|rules| rules.kind == *kind);
    let own: Vec<_> = lines.iter().filter(|line| is_own(&line.kind)).collect();
    let mut queues: Vec<Queue> = own.iter().map(|line| line.queue.clone()).collect();
    queues.dedup();
    for (queue, room) in queues::rooms(tx, &request.lanes, queues)? {
        let of_queue = own.iter().filter(|line| line.queue == queue);
        let kinds: Vec<_> = of_queue.map(|line| &line.kind).collect();
        let first = first_of(tx, &queue, &kinds, room)?;
        let chosen = first.len();
        let allowed = spend::put_off(tx, first, &request.kinds, now)?;
        // A job that is put off makes room for the next one.
        polled.more |= allowed.len() < chosen;
        polled.claimed.extend(start_all(tx, &allowed, request, now)?);
    }
    Ok(())
}

/// Claims the chosen jobs at once; if a constraint refuses one of them, one by one.
fn start_all(
    tx: &Tx<'_>,
    chosen: &[JobId],
    request: &PollRequest,
    now: Timestamp,
) -> Result<Vec<Job>> {
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    match start(tx, chosen, request, now) {
        Ok(mut jobs) => {
            jobs.sort_by_key(|job| chosen.iter().position(|id| *id == job.id));
            Ok(jobs)
        }
        Err(error) if is_constraint(&error) => one_by_one(tx, chosen, request, now),
        Err(error) => Err(error.into()),
    }
}

fn start(
    tx: &Tx<'_>,
    chosen: &[JobId],
    request: &PollRequest,
    now: Timestamp,
) -> rusqlite::Result<Vec<Job>> {
    let sql = format!(
        "UPDATE jobs
         SET status = 'running',
             worker_id = :worker,
             epoch = epoch + 1,
             attempt = attempt + 1,
             started_at = :now,
             claim_order = NULL
         WHERE id IN (SELECT value FROM json_each(:ids))
         RETURNING {COLUMNS}"
    );
    let ids: Vec<i64> = chosen.iter().map(|id| id.0).collect();
    let mut statement = tx.prepare_cached(&sql)?;
    let params = named_params! {
        ":worker": request.worker.as_str(),
        ":now": now.millis(),
        ":ids": serde_json::json!(ids).to_string(),
    };
    let jobs: Vec<Job> = statement.query_map(params, jobs::from_row)?.collect::<Result<_, _>>()?;
    for job in jobs.iter().filter(|job| job.counted) {
        let from = Some(Status::Queued);
        tx.took(JobEvent { from, ..JobEvent::of(job, Status::Running, None, now) });
        tx.left(Status::Queued, &job.kind, job.queue.as_ref());
        tx.came(Status::Running, &job.kind, job.queue.as_ref());
    }
    Ok(jobs)
}

fn one_by_one(
    tx: &Tx<'_>,
    chosen: &[JobId],
    request: &PollRequest,
    now: Timestamp,
) -> Result<Vec<Job>> {
    let mut claimed = Vec::new();
    for id in chosen {
        match start(tx, &[*id], request, now) {
            Ok(jobs) => claimed.extend(jobs),
            Err(error) if is_constraint(&error) => {
                admit::block(tx, *id, WaitsFor::Constraint, &error.to_string(), now)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(claimed)
}

fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}
