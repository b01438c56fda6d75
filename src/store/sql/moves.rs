//! Moves: the one place that writes the status of a job.
//!
//! Each verb takes a set and runs the same number of statements for one job as for a thousand. With the status it writes
//! what belongs to it: places in the claim order, slots of keys, the exact counts, the history. Which move a job makes is
//! decided elsewhere, by functions of the model. The schema's guards repeat what may follow what.

use super::batches;
use super::history::{self, Line};
use super::jobs::{self, COLUMNS};
use crate::error::{Code, Error, Result};
use crate::model::{
    Cause, ConcurrencyKey, Job, JobEvent, JobId, JobStep, Move, ParkedBy, Settlement, Status,
    Timestamp, WaitsFor, WorkerId,
};
use crate::planted::{self, Bug};
use crate::store::sqlite::Tx;
use rusqlite::{ErrorCode, named_params};
use serde_json::{Value, json};

/// Moves jobs that wait, with their counts and their history. Each job is as it was read in this transaction, and is in the
/// set once.
pub(in crate::store) fn write(tx: &Tx<'_>, moves: &[(&Job, Move)], now: Timestamp) -> Result<()> {
    place(tx, moves, now)?;
    history::record_all(tx, &steps(moves, now))
}

/// The same without the history, for a caller that writes several sets and their steps together.
pub(in crate::store) fn place(tx: &Tx<'_>, moves: &[(&Job, Move)], now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET status = m.status,
            run_at = coalesce(m.run_at, jobs.run_at),
            waits_for = m.waits_for,
            parked_by = m.parked_by,
            claim_order = m.claim_order,
            key_slot = m.key_slot,
            rate_key = m.rate_key,
            rate_ms = m.rate_ms,
            queue = coalesce(m.queue, jobs.queue),
            priority = coalesce(m.priority, jobs.priority),
            max_attempts = coalesce(jobs.max_attempts, m.max_attempts),
            on_interrupt = coalesce(m.on_interrupt, jobs.on_interrupt),
            concurrency_key = coalesce(m.concurrency_key, jobs.concurrency_key),
            finished_at = m.cancelled_at,
            cancel_requested_at = coalesce(m.cancelled_at, jobs.cancel_requested_at),
            counted = 1
        FROM (
            SELECT value ->> 0 AS id, value ->> 1 AS was, value ->> 2 AS epoch, value ->> 3 AS status,
                value ->> 4 AS run_at, value ->> 5 AS waits_for, value ->> 6 AS parked_by,
                value ->> 7 AS claim_order, value ->> 8 AS key_slot, value ->> 9 AS queue,
                value ->> 10 AS priority, value ->> 11 AS max_attempts, value ->> 12 AS on_interrupt,
                value ->> 13 AS concurrency_key, value ->> 14 AS cancelled_at, value ->> 15 AS rate_key,
                value ->> 16 AS rate_ms
            FROM json_each(:moves)) m
        WHERE jobs.id = m.id AND jobs.status = m.was AND jobs.epoch = m.epoch";
    if moves.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = moves.iter().map(|(job, to)| row(job, to, now)).collect();
    let params = named_params! {":moves": Value::from(rows).to_string()};
    let changed = tx.prepare_cached(SQL)?.execute(params)?;
    if changed != moves.len() && !planted::is(Bug::CancelsWhatItSaw) {
        let doing = format!("move {} jobs: only {changed} are as they were read", moves.len());
        return Err(Error::new(Code::StoreCorrupt, doing));
    }
    let cancelled = moves.iter().filter(|(_, to)| to.status == Status::Cancelled);
    batches::ended(tx, cancelled.map(|(job, _)| *job), now)?;
    for (job, to) in moves {
        let queue = to.admitted.as_ref().map(|admitted| &admitted.queue).or(job.queue.as_ref());
        tx.moved(job, to.status, queue);
        let cause =
            to.step.as_ref().map(|step| step.cause).filter(|cause| *cause != Cause::Blocked);
        // To be looked at again, and to be kept back where it is, is no step that anybody follows.
        if !job.counted || job.status != to.status || cause.is_some() {
            let step = JobEvent::of(job, to.status, cause, now);
            tx.took(JobEvent { queue: queue.cloned(), ..step });
        }
    }
    Ok(())
}

/// A move in the order of the columns above.
fn row(job: &Job, to: &Move, now: Timestamp) -> Value {
    let admitted = to.admitted.as_ref();
    json!([
        job.id.0,
        job.status.as_str(),
        job.epoch,
        to.status.as_str(),
        to.run_at.map(Timestamp::millis),
        to.waits_for.map(WaitsFor::as_str),
        to.parked_by.map(ParkedBy::as_str),
        to.claim_order,
        to.key_slot,
        admitted.map(|admitted| admitted.queue.as_str()),
        admitted.map(|admitted| admitted.priority),
        admitted.map(|admitted| admitted.max_attempts),
        admitted.map(|admitted| admitted.on_interrupt.as_str()),
        admitted.and_then(|admitted| admitted.key.as_ref()).map(ConcurrencyKey::as_str),
        (to.status == Status::Cancelled).then_some(now.millis()),
        to.rate.as_ref().map(|rate| &rate.group),
        to.rate.as_ref().map(|rate| i64::try_from(rate.length.as_millis()).unwrap_or(i64::MAX)),
    ])
}

/// What the history says of these moves.
pub(in crate::store) fn steps(moves: &[(&Job, Move)], now: Timestamp) -> Vec<Line> {
    let steps = moves.iter().filter_map(|(job, to)| {
        let step = to.step.clone()?;
        Some(Line { job: job.id, at: now, from: Some(job.status), to: to.status, step })
    });
    steps.collect()
}

/// Starts these queued jobs under the worker's name; they come back in the order of `chosen`. If a constraint refuses one of
/// them, none is started, and the answer is `Err` of its words.
pub(in crate::store) fn start(
    tx: &Tx<'_>,
    chosen: &[JobId],
    worker: &WorkerId,
    now: Timestamp,
) -> Result<std::result::Result<Vec<Job>, String>> {
    let epoch = if planted::is(Bug::ClaimsWithoutEpoch) { "1" } else { "epoch + 1" };
    let sql = format!(
        "UPDATE jobs
         SET status = 'running',
             worker_id = :worker,
             epoch = {epoch},
             attempt = attempt + 1,
             started_at = :now,
             claim_order = NULL
         WHERE id IN (SELECT value FROM json_each(:ids)) AND status = 'queued' AND claim_order IS NOT NULL
         RETURNING {COLUMNS}"
    );
    if chosen.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let mut statement = tx.prepare_cached(&sql)?;
    let params = named_params! {
        ":worker": worker.as_str(), ":now": now.millis(), ":ids": jobs::list(chosen),
    };
    let started =
        statement.query_map(params, jobs::from_row)?.collect::<rusqlite::Result<Vec<_>>>();
    let mut started = match started {
        Ok(started) => started,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            return Ok(Err(error.to_string()));
        }
        Err(error) => return Err(error.into()),
    };
    for job in &started {
        if job.counted && !planted::is(Bug::ForgetsCounts) {
            tx.left(Status::Queued, &job.kind, job.queue.as_ref());
            tx.came(Status::Running, &job.kind, job.queue.as_ref());
        }
        let from = Some(Status::Queued);
        tx.took(JobEvent { from, ..JobEvent::of(job, Status::Running, None, now) });
    }
    started.sort_by_key(|job| chosen.iter().position(|id| *id == job.id));
    Ok(Ok(started))
}

/// The end of an attempt.
#[derive(Clone, Copy)]
pub(in crate::store) struct Ended<'a> {
    /// The job as it ran.
    pub(in crate::store) job: &'a Job,
    pub(in crate::store) after: &'a Settlement,
    pub(in crate::store) at: Timestamp,
}

/// Ends attempts, with their counts, their history and the rows of the attempts. Each job is as it was read in this
/// transaction, runs under the lease that it shows, and is in the set once.
///
/// # Errors
/// `STORE-LEASE-001` if one of them does not run under its lease any more.
pub(in crate::store) fn end(tx: &Tx<'_>, ended: &[Ended<'_>]) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET status = m.status,
            worker_id = NULL,
            key_slot = NULL,
            waits_for = m.waits_for,
            parked_by = m.parked_by,
            run_at = coalesce(m.run_at, jobs.run_at),
            started_at = CASE WHEN m.finished_at IS NULL THEN NULL ELSE jobs.started_at END,
            finished_at = m.finished_at,
            attempt = m.attempt,
            interrupted = m.interrupted,
            result = m.result,
            error = m.error,
            error_code = m.error_code,
            counted = 1
        FROM (
            SELECT value ->> 0 AS id, value ->> 1 AS epoch, value ->> 2 AS worker_id, value ->> 3 AS status,
                value ->> 4 AS waits_for, value ->> 5 AS parked_by, value ->> 6 AS run_at,
                value ->> 7 AS finished_at, value ->> 8 AS attempt, value ->> 9 AS interrupted,
                value ->> 10 AS result, value ->> 11 AS error, value ->> 12 AS error_code
            FROM json_each(:ended)) m
        WHERE jobs.id = m.id AND jobs.epoch = m.epoch AND jobs.worker_id = coalesce(m.worker_id, jobs.worker_id)
          AND jobs.status = 'running'";
    if ended.is_empty() {
        return Ok(());
    }
    let most = if planted::is(Bug::DropsLastOfSet) { ended.len().max(2) - 1 } else { ended.len() };
    let ended = &ended[..most];
    let rows: Vec<Value> = ended.iter().map(ended_row).collect();
    let params = named_params! {":ended": Value::from(rows).to_string()};
    let changed = tx.prepare_cached(SQL)?.execute(params)?;
    if changed != ended.len() {
        let doing = format!("end {} attempts: only {changed} run as they were read", ended.len());
        return Err(Error::new(Code::StoreLeaseLost, doing));
    }
    let over = ended.iter().filter(|ended| ended.after.status.is_final());
    let at = ended.iter().map(|ended| ended.at).max().unwrap_or(ended[0].at);
    batches::ended(tx, over.map(|ended| ended.job), at)?;
    for Ended { job, after, at } in ended {
        tx.moved(job, after.status, job.queue.as_ref());
        let step = JobEvent::of(job, after.status, after.cause, *at);
        tx.took(JobEvent { attempt: after.attempt, ..step });
    }
    record_attempts(tx, ended)?;
    let steps: Vec<Line> = ended.iter().filter_map(step).collect();
    history::record_all(tx, &steps)
}

/// The end of an attempt in the order of the columns above.
fn ended_row(ended: &Ended<'_>) -> Value {
    let Ended { job, after, at } = ended;
    json!([
        job.id.0,
        job.epoch,
        // A name that is no text is nobody's: the epoch alone names the claim.
        job.worker_id.as_ref().map(WorkerId::as_str).filter(|name| jobs::is_readable(name)),
        after.status.as_str(),
        (after.status == Status::Queued).then_some(WaitsFor::Admission.as_str()),
        after.parked_by().map(ParkedBy::as_str),
        after.run_at.map(Timestamp::millis),
        after.status.is_final().then_some(at.millis()),
        after.attempt,
        after.interrupted,
        after.result.as_ref().map(ToString::to_string),
        after.error.as_ref().map(|error| &error.message),
        after.error.as_ref().map(|error| &error.code),
    ])
}

fn step(ended: &Ended<'_>) -> Option<Line> {
    let Ended { job, after, at } = *ended;
    let cause: Cause = after.cause?;
    let detail = after.error.as_ref().map(|error| error.message.clone());
    let actor = job.worker_id.as_ref().map_or("nobody", WorkerId::as_str);
    let step = JobStep::new(cause, actor, detail.or_else(|| after.detail.clone()));
    Some(Line { job: job.id, at, from: Some(Status::Running), to: after.status, step })
}

/// Writes the rows of attempts that ended, each unless it was its job's only one and completed.
fn record_attempts(tx: &Tx<'_>, ended: &[Ended<'_>]) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_attempts (job_id, epoch, attempt, worker_id, started_at, ended_at, ended_as, error, error_code)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
            value ->> 8
        FROM json_each(:rows)
        WHERE true
        ON CONFLICT (job_id, epoch) DO UPDATE SET
            attempt = excluded.attempt,
            worker_id = excluded.worker_id,
            started_at = excluded.started_at,
            ended_at = excluded.ended_at,
            ended_as = excluded.ended_as,
            error = excluded.error,
            error_code = excluded.error_code";
    let beyond = ended.iter().filter(|ended| ended.after.cause.is_some() || ended.job.epoch != 1);
    let rows = beyond.map(|Ended { job, after, at }| {
        json!([
            job.id.0,
            job.epoch,
            job.attempt,
            job.worker_id.as_ref().map(ToString::to_string),
            job.started_at.map(Timestamp::millis),
            at.millis(),
            after.cause.map_or(after.status.as_str(), Cause::as_str),
            after.error.as_ref().map(|error| &error.message),
            after.error.as_ref().map(|error| &error.code),
        ])
    });
    let rows: Vec<Value> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    let params = named_params! {":rows": Value::from(rows).to_string()};
    tx.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}
