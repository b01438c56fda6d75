//! The poller's transaction: due jobs become queued, new jobs are admitted, and jobs for free slots are claimed.
//!
//! Admission is the only place that puts a job into the claim order or says why the job is not in it. An event that may
//! change that answer (a freed key, a new handler of a kind) only has the job wait for admission again.

use super::jobs::{self, COLUMNS};
use super::unblock::unblock_key;
use super::{control, history, queues, schedules, settle, spend};
use crate::error::Result;
use crate::model::{
    Cause, ConcurrencyKey, Event, Job, JobId, KindRules, PRIORITY_STEP_MS, PollRequest, Polled,
    Queue, Status, Timestamp, WaitsFor,
};
use crate::store::sqlite::Tx;
use crate::store::sqlite::row;
use rusqlite::{Connection, ErrorCode, OptionalExtension, named_params};

/// Jobs that one poll admits or finds due. Bounds the time that other writers wait for the poller's transaction.
const MAX_ADMITTED: usize = 1000;
/// Queues with waiting jobs that one poll claims from, in the order of their names.
const MAX_QUEUES: i64 = 1000;
/// The reason of `waits_for = 'handler'`.
const NO_HANDLER: &str = "no running process has a handler for this kind";

pub(in crate::store) fn poll(tx: &Tx<'_>, request: &PollRequest, now: Timestamp) -> Result<Polled> {
    let rescued = settle::rescue_lost(tx, request, now)?;
    queues::resume_due(tx, now)?;
    let schedules = schedules::fire(tx, now)?;
    let due = make_due(tx, now)?;
    let admitted = admit(tx, request, now)?;
    let mut claimed = Vec::new();
    let mut more = due == MAX_ADMITTED || admitted == MAX_ADMITTED;
    let queues = if request.draining { Vec::new() } else { queues_with_work(tx)? };
    for (queue, room) in queues::rooms(tx, &request.lanes, queues)? {
        let (known, unknown) = first_in_order(tx, &queue, room, &request.kinds)?;
        more |= !unknown.is_empty();
        for id in unknown {
            block(tx, id, WaitsFor::Handler, NO_HANDLER, now)?;
        }
        let chosen = known.len();
        let allowed = spend::put_off(tx, known, &request.kinds, now)?;
        // A job that is put off makes room for the next one.
        more |= allowed.len() < chosen;
        claimed.extend(claim(tx, &allowed, request, now)?);
    }
    let wake_at = [next_run_at(tx)?, queues::next_resume(tx)?, schedules::next_due(tx)?];
    let wake_at = wake_at.into_iter().flatten().min();
    let cancelled = control::cancel_requests(tx, &request.worker)?;
    Ok(Polled { claimed, rescued, cancelled, schedules, wake_at, more })
}

/// The queues that have jobs in the claim order, by name: one step in the index for each, however many jobs it has.
fn queues_with_work(conn: &Connection) -> Result<Vec<Queue>> {
    const SQL: &str = "
        WITH RECURSIVE found (queue) AS (
            SELECT min(queue) FROM jobs WHERE claim_order IS NOT NULL
            UNION ALL
            SELECT (SELECT min(queue) FROM jobs WHERE claim_order IS NOT NULL AND queue > found.queue)
            FROM found
            WHERE found.queue IS NOT NULL)
        SELECT queue
        FROM found
        WHERE queue IS NOT NULL
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":limit": MAX_QUEUES};
    let names = statement.query_map(params, |row| row.get::<_, String>(0))?;
    names.map(|name| Queue::parse(name?)).collect()
}

fn make_due(tx: &Tx<'_>, now: Timestamp) -> Result<usize> {
    const SQL: &str = "
        UPDATE jobs
        SET status = 'queued', waits_for = 'admission'
        WHERE id IN (
            SELECT id
            FROM jobs
            WHERE status = 'scheduled' AND waits_for IS NULL AND run_at <= :now
            ORDER BY run_at, id
            LIMIT :limit)
        RETURNING kind, queue, counted";
    let params = named_params! {":now": now.millis(), ":limit": MAX_ADMITTED as i64};
    let mut statement = tx.prepare_cached(SQL)?;
    let mut rows = statement.query(params)?;
    let mut due = 0;
    while let Some(row) = rows.next()? {
        due += 1;
        if row.get(2)? {
            let kind = row::kind(row, 0)?;
            let queue = row::parsed(row, 1, |name| Queue::parse(name).ok())?;
            tx.left(Status::Scheduled, &kind, queue.as_ref());
            tx.came(Status::Queued, &kind, queue.as_ref());
        }
    }
    Ok(due)
}

fn next_run_at(conn: &Connection) -> Result<Option<Timestamp>> {
    const SQL: &str = "
        SELECT run_at
        FROM jobs
        WHERE status = 'scheduled' AND waits_for IS NULL
        ORDER BY run_at
        LIMIT 1";
    let next: Option<i64> = conn.prepare_cached(SQL)?.query_row([], |row| row.get(0)).optional()?;
    Ok(next.map(Timestamp::from_millis))
}

/// Admits what is new; answers how many.
fn admit(tx: &Tx<'_>, request: &PollRequest, now: Timestamp) -> Result<usize> {
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs WHERE waits_for = 'admission' ORDER BY id LIMIT :limit"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let params = named_params! {":limit": MAX_ADMITTED as i64};
    let new = statement.query_map(params, jobs::from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut known = Vec::with_capacity(new.len());
    for job in &new {
        if let Some(rules) = request.kinds.iter().find(|rules| rules.kind == job.kind) {
            known.push((order(job, rules), job, rules));
            continue;
        }
        if job.run_at > now {
            // Its handler matters only when its time has come.
            wait(tx, job)?;
            continue;
        }
        block(tx, job.id, WaitsFor::Handler, NO_HANDLER, now)?;
        count(tx, job)?;
    }
    // Slots of a key are given in claim order too (P13).
    known.sort_by_key(|(order, job, _)| (*order, job.id));
    for (_, job, rules) in known {
        place(tx, job, rules, now)?;
    }
    Ok(new.len())
}

/// Puts a job that nobody can run yet where it waits for its time.
fn wait(tx: &Tx<'_>, job: &Job) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET status = 'scheduled', claim_order = NULL, key_slot = NULL, waits_for = NULL, counted = 1
        WHERE id = :id";
    tx.prepare_cached(SQL)?.execute(named_params! {":id": job.id.0})?;
    tx.moved(job, Status::Scheduled, job.queue.as_ref());
    Ok(())
}

/// Makes a job known to the counts where it is.
fn count(tx: &Tx<'_>, job: &Job) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET counted = 1
        WHERE id = :id";
    if !job.counted {
        tx.prepare_cached(SQL)?.execute(named_params! {":id": job.id.0})?;
        tx.came(job.status, &job.kind, job.queue.as_ref());
    }
    Ok(())
}

/// Where a job stands in the claim order.
fn order(job: &Job, rules: &KindRules) -> i64 {
    job.run_at.millis().saturating_add(i64::from(priority(job, rules)) * PRIORITY_STEP_MS)
}

fn priority(job: &Job, rules: &KindRules) -> i32 {
    job.priority.unwrap_or_else(|| rules.priority_for(job.trigger))
}

/// Fills in the columns that the kind decides, and puts the job into its queue.
fn place(tx: &Tx<'_>, job: &Job, rules: &KindRules, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET status = :status,
            queue = :queue,
            priority = :priority,
            max_attempts = coalesce(max_attempts, :max_attempts),
            on_interrupt = :on_interrupt,
            concurrency_key = :key,
            key_slot = :slot,
            claim_order = :claim_order,
            waits_for = :waits_for,
            counted = 1
        WHERE id = :id";
    // No job can override the key of its kind: scans stay exclusive even if another program inserts them.
    let key = rules.concurrency_key.as_ref().or(job.concurrency_key.as_ref());
    let limit = rules.key_limit;
    let waits = job.run_at > now;
    let status = if waits { Status::Scheduled } else { Status::Queued };
    let queue = job.queue.as_ref().unwrap_or(&rules.queue);
    let slot = match key {
        Some(key) if !waits => free_slot(tx, key, limit)?,
        _ => None,
    };
    let blocked = !waits && key.is_some() && slot.is_none();
    tx.prepare_cached(SQL)?.execute(named_params! {
        ":id": job.id.0,
        ":status": status.as_str(),
        ":queue": queue.as_str(),
        ":priority": priority(job, rules),
        ":max_attempts": rules.max_attempts,
        ":on_interrupt": rules.on_interrupt.as_str(),
        ":key": key.map(ConcurrencyKey::as_str),
        ":slot": slot,
        ":claim_order": (!waits && !blocked).then(|| order(job, rules)),
        ":waits_for": blocked.then_some(WaitsFor::Key.as_str()),
    })?;
    tx.moved(job, status, Some(queue));
    if let Some(old) = job.concurrency_key.as_ref().filter(|old| Some(*old) != key) {
        // It may have been called up for a key that its kind does not use any more: the next of that key may go.
        unblock_key(tx, old.as_str())?;
    }
    match key {
        // The limit may have been raised since the others began to wait.
        Some(key) if slot.is_some() && free_slot(tx, key, limit)?.is_some() => {
            unblock_key(tx, key.as_str())
        }
        Some(_) | None => Ok(()),
    }
}

/// The lowest slot of the key that nobody holds.
fn free_slot(conn: &Connection, key: &ConcurrencyKey, limit: u32) -> Result<Option<u32>> {
    const SQL: &str = "
        SELECT key_slot
        FROM jobs
        WHERE concurrency_key = :key AND key_slot IS NOT NULL
        ORDER BY key_slot";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut held = statement.query(named_params! {":key": key.as_str()})?;
    let mut free = 0;
    while let Some(row) = held.next()? {
        let slot: u32 = row.get(0)?;
        if slot > free {
            break;
        }
        free = slot + 1;
    }
    Ok((free < limit).then_some(free))
}

/// Takes a queued job out of the claim order, with the reason in its history.
fn block(conn: &Connection, id: JobId, by: WaitsFor, why: &str, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET waits_for = :by, claim_order = NULL, key_slot = NULL
        WHERE id = :id
        RETURNING status";
    let params = named_params! {":by": by.as_str(), ":id": id.0};
    let status: Status = conn.prepare_cached(SQL)?.query_row(params, |row| row::word(row, 0))?;
    let event = Event {
        at: now,
        from: Some(status),
        to: status,
        cause: Ok(Cause::Blocked),
        actor: "poller".into(),
        detail: Some(why.into()),
    };
    history::record_once(conn, id, &event)
}

/// The next `room` jobs of a queue: those of our kinds, and those that got into the order without being admitted.
fn first_in_order(
    conn: &Connection,
    queue: &Queue,
    room: usize,
    kinds: &[KindRules],
) -> Result<(Vec<JobId>, Vec<JobId>)> {
    const SQL: &str = "
        SELECT id, kind
        FROM jobs
        WHERE queue = :queue AND claim_order IS NOT NULL
        ORDER BY claim_order, id
        LIMIT :room";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows =
        statement.query(named_params! {":queue": queue.as_str(), ":room": room as i64})?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let kind: String = row.get(1)?;
        let ours = kinds.iter().any(|rules| rules.kind.as_str() == kind);
        if ours { &mut known } else { &mut unknown }.push(JobId(row.get(0)?));
    }
    Ok((known, unknown))
}

/// Claims the chosen jobs at once; if a constraint refuses one of them, one by one.
fn claim(tx: &Tx<'_>, chosen: &[JobId], request: &PollRequest, now: Timestamp) -> Result<Vec<Job>> {
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
                block(tx, *id, WaitsFor::Constraint, &error.to_string(), now)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(claimed)
}

fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}
