//! Admission: new and freed jobs get their place in the claim order, or a reason why they have none.
//!
//! Admission is the only place that puts a job into the claim order or says why the job is not in it. An event that may
//! change that answer (a freed key, a new handler of a kind) only makes the job wait for admission again. It goes by the
//! rules that the workers have registered, so it serves the kinds of all of them, whichever leads.

use super::jobs::{self, COLUMNS};
use super::lines::MAX_ADMITTED;
use super::unblock::unblock_key;
use super::{history, workers};
use crate::error::Result;
use crate::model::{
    Cause, ConcurrencyKey, Event, Job, JobEvent, JobId, KindRules, PRIORITY_STEP_MS, Status,
    Timestamp, WaitsFor, rules_in_force,
};
use crate::store::sqlite::Tx;
use crate::store::sqlite::row;
use rusqlite::{Connection, named_params};

/// The reason of `waits_for = 'handler'`.
const NO_HANDLER: &str = "no running process has a handler for this kind";

/// Admits what is new; answers how many.
pub(super) fn admit(tx: &Tx<'_>, now: Timestamp) -> Result<usize> {
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs WHERE waits_for = 'admission' ORDER BY id LIMIT :limit"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let params = named_params! {":limit": MAX_ADMITTED as i64};
    let new = statement.query_map(params, jobs::from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    if new.is_empty() {
        return Ok(0);
    }
    let kinds = rules_in_force(&workers::kinds(tx)?);
    let mut known = Vec::with_capacity(new.len());
    for job in &new {
        if let Some(rules) = kinds.iter().find(|rules| rules.kind == job.kind) {
            known.push((order(job, rules), job, rules));
            continue;
        }
        if job.run_at > now {
            // Its handler matters only when its time has come.
            wait(tx, job, now)?;
            continue;
        }
        without_handler(tx, job.id, now)?;
        count(tx, job, now)?;
    }
    // Slots of a key are given in claim order too (P13).
    known.sort_by_key(|(order, job, _)| (*order, job.id));
    for (_, job, rules) in known {
        place(tx, job, rules, now)?;
    }
    Ok(new.len())
}

/// Takes a job out of the claim order, or leaves it out, because nobody can run it.
pub(super) fn without_handler(conn: &Connection, id: JobId, now: Timestamp) -> Result<()> {
    block(conn, id, WaitsFor::Handler, NO_HANDLER, now)
}

/// Puts a job that nobody can run yet where it waits for its time.
fn wait(tx: &Tx<'_>, job: &Job, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET status = 'scheduled', claim_order = NULL, key_slot = NULL, waits_for = NULL, counted = 1
        WHERE id = :id";
    tx.prepare_cached(SQL)?.execute(named_params! {":id": job.id.0})?;
    tx.moved(job, Status::Scheduled, job.queue.as_ref());
    tx.took(JobEvent::of(job, Status::Scheduled, None, now));
    Ok(())
}

/// Makes a job known to the counts where it is.
fn count(tx: &Tx<'_>, job: &Job, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET counted = 1
        WHERE id = :id";
    if !job.counted {
        tx.prepare_cached(SQL)?.execute(named_params! {":id": job.id.0})?;
        tx.came(job.status, &job.kind, job.queue.as_ref());
        tx.took(JobEvent::of(job, job.status, None, now));
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
    if !job.counted || job.status != status {
        tx.took(JobEvent { queue: Some(queue.clone()), ..JobEvent::of(job, status, None, now) });
    }
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
pub(super) fn block(
    conn: &Connection,
    id: JobId,
    by: WaitsFor,
    why: &str,
    now: Timestamp,
) -> Result<()> {
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
