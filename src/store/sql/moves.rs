//! Moves: the one place that writes the status of a job.
//!
//! Each verb takes a set. What most jobs do (a first place, a completion) has a statement that sets only the columns that
//! change then; SQLite checks again, and writes into indexes, whatever a statement sets. With the status a verb writes what
//! belongs to it: places in the claim order, slots of keys, the exact counts, the history. Which move a job makes is decided
//! elsewhere, by functions of the model. The schema's guards repeat what may follow what.

use super::batches;
use super::history::{self, Line};
use super::jobs;
use super::row_set::RowSet;
use crate::error::{Code, Error, Result};
use crate::model::{
    Cause, ConcurrencyKey, ErrorPrint, Job, JobEvent, JobId, JobStep, Move, ParkedBy, Queue,
    RateShare, Settlement, Status, Timestamp, WaitsFor, WorkerId,
};
use crate::planted::{self, Bug};
use crate::store::sqlite::row::{optional_text, text};
use crate::store::sqlite::{Tx, dialect};
use rusqlite::{ErrorCode, named_params};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Moves jobs that wait, with their counts and their history. Each job is as it was read in this transaction, and is in the
/// set once.
pub(in crate::store) fn write(tx: &Tx<'_>, moves: &[(&Job, Move)], now: Timestamp) -> Result<()> {
    place(tx, moves, now)?;
    history::record_all(tx, &steps(moves, now))
}

/// The same without the history, for a caller that writes several sets and their steps together.
pub(in crate::store) fn place(tx: &Tx<'_>, moves: &[(&Job, Move)], now: Timestamp) -> Result<()> {
    let (plain, other): (Vec<_>, Vec<_>) =
        moves.iter().partition(|(job, to)| is_plain_admission(job, to));
    let changed = admit_plain(tx, &plain)? + place_any(tx, &other, now)?;
    if changed != moves.len() && !planted::is(Bug::CancelsWhatItSaw) {
        let doing = format!("move {} jobs: only {changed} are as they were read", moves.len());
        return Err(Error::new(Code::StoreCorrupt, doing));
    }
    let cancelled = moves.iter().filter(|(_, to)| to.status == Status::Cancelled);
    batches::ended(tx, cancelled.map(|(job, _)| *job), now)?;
    for (job, to) in moves {
        let queue = to.admitted.as_ref().map(|admitted| &admitted.queue).or(job.queue.as_ref());
        tx.moved(job, to.status, queue);
        if to.status.is_final() {
            tx.did(now, &job.kind, queue, |figures| figures.count_final(to.status));
        }
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

/// Whether the move gives a queued job its place and touches neither its time nor a key, a rate or what had parked it.
fn is_plain_admission(job: &Job, to: &Move) -> bool {
    let stays = job.status == Status::Queued && to.status == Status::Queued && to.run_at.is_none();
    let key = to.admitted.as_ref().and_then(|admitted| admitted.key.as_ref());
    let has_key = job.concurrency_key.is_some() || key.is_some() || to.key_slot.is_some();
    let has_rate = job.rate_key.is_some() || to.rate.is_some();
    let waits = to.waits_for.is_some() || job.parked_by.is_some() || to.parked_by.is_some();
    let is_placed = to.admitted.is_some() && to.claim_order.is_some();
    stays && !has_key && !has_rate && !waits && is_placed
}

/// Such moves. What a statement does not set, SQLite neither checks again nor writes into an index.
fn admit_plain(tx: &Tx<'_>, moves: &[&(&Job, Move)]) -> Result<usize> {
    static SQL: LazyLock<RowSet> = LazyLock::new(|| {
        RowSet::new(
            7,
            "UPDATE jobs
             SET waits_for = NULL,
                 claim_order = m.column3,
                 queue = m.column4,
                 priority = m.column5,
                 max_attempts = m.column6,
                 on_interrupt = m.column7,
                 counted = 1
             FROM (VALUES {rows}) m
             WHERE jobs.id = m.column1 AND jobs.status = 'queued' AND jobs.epoch = m.column2",
        )
    });
    SQL.run(tx, moves, |row, (job, to)| {
        let admitted = to.admitted.as_ref();
        row.bind(job.id.0)?;
        row.bind(job.epoch)?;
        row.bind(to.claim_order)?;
        row.bind(admitted.map(|admitted| admitted.queue.as_str()))?;
        row.bind(admitted.map(|admitted| admitted.priority))?;
        row.bind(job.max_attempts.or(admitted.map(|admitted| admitted.max_attempts)))?;
        row.bind(admitted.map(|admitted| admitted.on_interrupt.as_str()))
    })
}

/// Any moves.
fn place_any(tx: &Tx<'_>, moves: &[&(&Job, Move)], now: Timestamp) -> Result<usize> {
    static SQL: LazyLock<RowSet> = LazyLock::new(|| {
        RowSet::new(
            17,
            "UPDATE jobs
             SET status = m.column4,
                 run_at = coalesce(m.column5, jobs.run_at),
                 waits_for = m.column6,
                 parked_by = m.column7,
                 claim_order = m.column8,
                 key_slot = m.column9,
                 rate_key = m.column10,
                 rate_ms = m.column11,
                 queue = coalesce(m.column12, jobs.queue),
                 priority = coalesce(m.column13, jobs.priority),
                 max_attempts = coalesce(jobs.max_attempts, m.column14),
                 on_interrupt = coalesce(m.column15, jobs.on_interrupt),
                 concurrency_key = coalesce(m.column16, jobs.concurrency_key),
                 finished_at = m.column17,
                 cancel_requested_at = coalesce(m.column17, jobs.cancel_requested_at),
                 counted = 1
             FROM (VALUES {rows}) m
             WHERE jobs.id = m.column1 AND jobs.status = m.column2 AND jobs.epoch = m.column3",
        )
    });
    SQL.run(tx, moves, |row, (job, to)| {
        let admitted = to.admitted.as_ref();
        let key = admitted.and_then(|admitted| admitted.key.as_ref());
        let length = |rate: &RateShare| i64::try_from(rate.length.as_millis()).unwrap_or(i64::MAX);
        row.bind(job.id.0)?;
        row.bind(job.status.as_str())?;
        row.bind(job.epoch)?;
        row.bind(to.status.as_str())?;
        row.bind(to.run_at.map(Timestamp::millis))?;
        row.bind(to.waits_for.map(WaitsFor::as_str))?;
        row.bind(to.parked_by.map(ParkedBy::as_str))?;
        row.bind(to.claim_order)?;
        row.bind(to.key_slot)?;
        row.bind(to.rate.as_ref().map(|rate| &rate.group))?;
        row.bind(to.rate.as_ref().map(length))?;
        row.bind(admitted.map(|admitted| admitted.queue.as_str()))?;
        row.bind(admitted.map(|admitted| admitted.priority))?;
        row.bind(admitted.map(|admitted| admitted.max_attempts))?;
        row.bind(admitted.map(|admitted| admitted.on_interrupt.as_str()))?;
        row.bind(key.map(ConcurrencyKey::as_str))?;
        row.bind((to.status == Status::Cancelled).then_some(now.millis()))
    })
}

/// What the history says of these moves.
pub(in crate::store) fn steps(moves: &[(&Job, Move)], now: Timestamp) -> Vec<Line> {
    let steps = moves.iter().filter_map(|(job, to)| {
        let step = to.step.clone()?;
        Some(Line { job: job.id, at: now, from: Some(job.status), to: to.status, step })
    });
    steps.collect()
}

/// Starts these queued jobs under the worker's name; they come back in their order. Each is as it was read in this transaction,
/// but for its long texts. If a constraint refuses one of them, none is started, and the answer is `Err` of its words.
pub(in crate::store) fn start(
    tx: &Tx<'_>,
    chosen: &[&Job],
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
         WHERE id IN ({}) AND status = 'queued' AND claim_order IS NOT NULL
         RETURNING id, epoch, payload, progress, result, error, error_code",
        dialect::members(":ids")
    );
    if chosen.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let mut statement = tx.prepare_cached(&sql)?;
    let ids: Vec<JobId> = chosen.iter().map(|job| job.id).collect();
    let params = named_params! {
        ":worker": worker.as_str(), ":now": now.millis(), ":ids": jobs::list(&ids),
    };
    let texts = statement.query_map(params, |row| {
        let id = JobId(row.get(0)?);
        Ok((id, (row.get(1)?, text(row, 2)?, [3, 4, 5, 6].map(|at| optional_text(row, at)))))
    })?;
    let mut texts = match texts.collect::<rusqlite::Result<HashMap<_, _>>>() {
        Ok(texts) => texts,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            return Ok(Err(error.to_string()));
        }
        Err(error) => return Err(error.into()),
    };
    let mut started = Vec::with_capacity(chosen.len());
    for job in chosen {
        let Some((epoch, payload, [progress, result, error, error_code])) = texts.remove(&job.id)
        else {
            continue;
        };
        if job.counted && !planted::is(Bug::ForgetsCounts) {
            tx.left(Status::Queued, &job.kind, job.queue.as_ref());
            tx.came(Status::Running, &job.kind, job.queue.as_ref());
        }
        let job = Job {
            status: Status::Running,
            worker_id: Some(worker.clone()),
            epoch,
            attempt: job.attempt + 1,
            started_at: Some(now),
            payload,
            progress: progress?,
            result: result?,
            error: error?,
            error_code: error_code?,
            ..(*job).clone()
        };
        tx.did(now, &job.kind, job.queue.as_ref(), |figures| figures.count_start(&job, now));
        let from = Some(Status::Queued);
        tx.took(JobEvent { from, ..JobEvent::of(&job, Status::Running, None, now) });
        started.push(job);
    }
    Ok(Ok(started))
}

/// The end of an attempt.
#[derive(Clone, Copy)]
pub(in crate::store) struct Ended<'a> {
    /// The job as it ran.
    pub(in crate::store) job: &'a Job,
    pub(in crate::store) after: &'a Settlement,
    /// What the error of `after` is recognised by, if that was read before.
    pub(in crate::store) print: Option<&'a ErrorPrint>,
    pub(in crate::store) at: Timestamp,
}

impl Ended<'_> {
    /// Counts its error, if it has one, and answers the fingerprint of that.
    fn count_error(&self, tx: &Tx<'_>) -> Option<String> {
        let error = self.after.error.as_ref()?;
        let read = self.print.is_none().then(|| ErrorPrint::of(error));
        let print = self.print.or(read.as_ref())?;
        let fingerprint = print.fingerprint(&self.job.kind, &error.code);
        tx.failed(&fingerprint, (&self.job.kind, &error.code, &print.title), self.at);
        Some(fingerprint)
    }
}

/// Ends attempts, with their counts, their history and the rows of the attempts. Each job is as it was read in this
/// transaction, runs under the lease that it shows, and is in the set once.
///
/// # Errors
/// `STORE-LEASE-001` if one of them does not run under its lease any more.
pub(in crate::store) fn end(tx: &Tx<'_>, ended: &[Ended<'_>]) -> Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let most = if planted::is(Bug::DropsLastOfSet) { ended.len().max(2) - 1 } else { ended.len() };
    let ended = &ended[..most];
    let (plain, other): (Vec<_>, Vec<_>) =
        ended.iter().partition(|ended| completes_as_claimed(ended.job, ended.after));
    let changed = complete_plain(tx, &plain)? + end_any(tx, &other)?;
    if changed != ended.len() {
        let doing = format!("end {} attempts: only {changed} run as they were read", ended.len());
        return Err(Error::new(Code::StoreLeaseLost, doing));
    }
    let over = ended.iter().filter(|ended| ended.after.status.is_final());
    let at = ended.iter().map(|ended| ended.at).max().unwrap_or(ended[0].at);
    batches::ended(tx, over.map(|ended| ended.job), at)?;
    for Ended { job, after, at, .. } in ended {
        tx.moved(job, after.status, job.queue.as_ref());
        tx.did(*at, &job.kind, job.queue.as_ref(), |figures| figures.count_end(job, after, *at));
        let step = JobEvent::of(job, after.status, after.cause, *at);
        tx.took(JobEvent { attempt: after.attempt, ..step });
    }
    record_attempts(tx, ended)?;
    let steps: Vec<Line> = ended.iter().filter_map(step).collect();
    history::record_all(tx, &steps)
}

/// Whether a job has completed whose end needs nothing of its row but that it is as it was claimed: it has no key, and nothing
/// but its end is to be written.
pub(in crate::store) fn completes_as_claimed(job: &Job, after: &Settlement) -> bool {
    let is_done = after.status == Status::Completed && after.error.is_none();
    let is_same = after.attempt == job.attempt && after.interrupted == job.interrupted;
    let is_bare = job.concurrency_key.is_none() && job.parked_by.is_none() && job.counted;
    let is_readable = job.worker_id.as_ref().is_some_and(|name| jobs::is_readable(name.as_str()));
    is_done && is_same && is_bare && is_readable && after.run_at.is_none()
}

/// Such ends. What a statement does not set, SQLite neither checks again nor writes into an index.
fn complete_plain(tx: &Tx<'_>, ended: &[&Ended<'_>]) -> Result<usize> {
    static SQL: LazyLock<RowSet> = LazyLock::new(plain_end);
    let planted = [Bug::SettlesForAnybody, Bug::ChecksNoLease].into_iter().any(planted::is);
    let planted = planted.then(plain_end);
    planted.as_ref().unwrap_or(&SQL).run(tx, ended, |row, Ended { job, after, at, .. }| {
        row.bind(job.id.0)?;
        row.bind(job.epoch)?;
        row.bind(job.worker_id.as_ref().map(WorkerId::as_str))?;
        row.bind(at.millis())?;
        row.bind(after.result.as_ref().map(ToString::to_string))?;
        row.bind(job.queue.as_ref().map(Queue::as_str))
    })
}

/// The statement of such ends. Its conditions are all that is looked at: the row of a job is not read before.
fn plain_end() -> RowSet {
    let is_held = if planted::is(Bug::ChecksNoLease) {
        ""
    } else if planted::is(Bug::SettlesForAnybody) {
        "AND jobs.epoch = m.column2"
    } else {
        "AND jobs.epoch = m.column2 AND jobs.worker_id = m.column3"
    };
    let sql = format!(
        "UPDATE jobs
         SET status = 'completed',
             worker_id = NULL,
             finished_at = m.column4,
             result = m.column5,
             error = NULL,
             error_code = NULL
         FROM (VALUES {{rows}}) m
         WHERE jobs.id = m.column1 AND jobs.status = 'running' {is_held} AND jobs.queue IS m.column6
           AND jobs.counted = 1 AND jobs.concurrency_key IS NULL AND jobs.parked_by IS NULL"
    );
    RowSet::new(6, &sql)
}

/// Any ends.
fn end_any(tx: &Tx<'_>, ended: &[&Ended<'_>]) -> Result<usize> {
    static SQL: LazyLock<RowSet> = LazyLock::new(|| {
        RowSet::new(
            13,
            "UPDATE jobs
             SET status = m.column4,
                 worker_id = NULL,
                 key_slot = NULL,
                 waits_for = m.column5,
                 parked_by = m.column6,
                 run_at = coalesce(m.column7, jobs.run_at),
                 started_at = CASE WHEN m.column8 IS NULL THEN NULL ELSE jobs.started_at END,
                 finished_at = m.column8,
                 attempt = m.column9,
                 interrupted = m.column10,
                 result = m.column11,
                 error = m.column12,
                 error_code = m.column13,
                 counted = 1
             FROM (VALUES {rows}) m
             WHERE jobs.id = m.column1 AND jobs.epoch = m.column2
               AND jobs.worker_id = coalesce(m.column3, jobs.worker_id) AND jobs.status = 'running'",
        )
    });
    SQL.run(tx, ended, |row, Ended { job, after, at, .. }| {
        row.bind(job.id.0)?;
        row.bind(job.epoch)?;
        // A name that is no text is nobody's: the epoch alone names the claim.
        let worker = job.worker_id.as_ref().map(WorkerId::as_str);
        row.bind(worker.filter(|name| jobs::is_readable(name)))?;
        row.bind(after.status.as_str())?;
        row.bind((after.status == Status::Queued).then_some(WaitsFor::Admission.as_str()))?;
        row.bind(after.parked_by().map(ParkedBy::as_str))?;
        row.bind(after.run_at.map(Timestamp::millis))?;
        row.bind(after.status.is_final().then_some(at.millis()))?;
        row.bind(after.attempt)?;
        row.bind(after.interrupted)?;
        row.bind(after.result.as_ref().map(ToString::to_string))?;
        row.bind(after.error.as_ref().map(|error| &error.message))?;
        row.bind(after.error.as_ref().map(|error| &error.code))
    })
}

fn step(ended: &Ended<'_>) -> Option<Line> {
    let Ended { job, after, at, .. } = *ended;
    let cause: Cause = after.cause?;
    let detail = after.error.as_ref().map(|error| error.message.clone());
    let actor = job.worker_id.as_ref().map_or("nobody", WorkerId::as_str);
    let step = JobStep::new(cause, actor, detail.or_else(|| after.detail.clone()));
    Some(Line { job: job.id, at, from: Some(Status::Running), to: after.status, step })
}

/// Writes the rows of attempts that ended, each unless it was its job's only one and completed.
fn record_attempts(tx: &Tx<'_>, ended: &[Ended<'_>]) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_attempts (job_id, epoch, attempt, worker_id, started_at, ended_at, ended_as, error, error_code,
            fingerprint, still_failed)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
            value ->> 8, value ->> 9, value ->> 10
        FROM json_each(:rows)
        WHERE true
        ON CONFLICT (job_id, epoch) DO UPDATE SET
            attempt = excluded.attempt,
            worker_id = excluded.worker_id,
            started_at = excluded.started_at,
            ended_at = excluded.ended_at,
            ended_as = excluded.ended_as,
            error = excluded.error,
            error_code = excluded.error_code,
            fingerprint = excluded.fingerprint,
            still_failed = excluded.still_failed";
    let beyond = ended.iter().filter(|ended| ended.after.cause.is_some() || ended.job.epoch != 1);
    let rows = beyond.map(|ended| {
        let Ended { job, after, at, .. } = ended;
        let fingerprint = ended.count_error(tx);
        let still_failed = fingerprint.as_ref().map(|_| after.status == Status::Failed);
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
            fingerprint,
            still_failed.map(i32::from),
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
