//! Rows of `queues`: limits and pauses; and the switch that stops all of them.

use super::lines::FIRST_OF_QUEUE;
use super::{audit, control, counts, jobs, search, settings};
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, Cause, Job, KindRules, Lane, Pause, Queue, QueueState, Status, Timestamp, Unplaced,
};
use crate::store::sqlite::Tx;
use crate::store::sqlite::row::{instant, parsed, text};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The name that pauses a queue when a handler meets a limit.
pub(super) const ENGINE: &str = "engine";
/// The setting that stops every queue.
const STOPPED: &str = "engine.stopped";

/// The columns that [`from_row`] reads, in its order.
const COLUMNS: &str =
    "name, engine_limit, operator_limit, paused_at, paused_by, pause_reason, resume_at";
/// The slots of all workers that have their lease.
const SLOTS: &str = "
    SELECT coalesce(sum(slots), 0)
    FROM job_workers
    WHERE lost_at IS NULL";

fn from_row(row: &Row<'_>) -> rusqlite::Result<QueueState> {
    let pause = match instant(row, 3)? {
        Some(at) => Some(Pause {
            at,
            by: parsed(row, 4, Some)?.unwrap_or_default(),
            reason: parsed(row, 5, Some)?.unwrap_or_default(),
            resume_at: instant(row, 6)?,
        }),
        None => None,
    };
    Ok(QueueState {
        name: Queue::parse(text(row, 0)?)
            .map_err(|_| crate::store::sqlite::error::unreadable(0, "queue"))?,
        engine_limit: row.get(1)?,
        operator_limit: row.get(2)?,
        slots: 0,
        pause,
        scheduled: 0,
        queued: 0,
        running: 0,
    })
}

/// Every queue that the engine, an operator or a job has spoken of, by name.
pub(in crate::store) fn all(conn: &Connection) -> Result<Vec<QueueState>> {
    let mut queues = BTreeMap::new();
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM job_queues"))?;
    for queue in statement.query_map([], from_row)? {
        let queue = queue?;
        queues.insert(queue.name.clone(), queue);
    }
    for count in counts::all(conn)? {
        let Some(name) = count.queue else { continue };
        let queue = queues.entry(name.clone()).or_insert_with(|| unknown(name));
        match count.status {
            Status::Scheduled => queue.scheduled += count.count,
            Status::Queued => queue.queued += count.count,
            Status::Running => queue.running += count.count,
            Status::Completed | Status::Failed | Status::Cancelled => {}
        }
    }
    let slots = slots(conn)?;
    Ok(queues.into_values().map(|queue| QueueState { slots, ..queue }).collect())
}

/// The waiting jobs that are in no queue, as [`Unplaced`]. Of those that the engine has not looked at, 10,000 are counted.
pub(in crate::store) fn unplaced(conn: &Connection) -> Result<Unplaced> {
    let known = counts::all(conn)?.into_iter().filter(|count| count.queue.is_none());
    let known = known.map(|count| (count.status, count.count));
    let mut unplaced = Unplaced::default();
    for (status, count) in known.chain(search::not_admitted(conn)?) {
        match status {
            Status::Scheduled => unplaced.scheduled += count,
            Status::Queued => unplaced.queued += count,
            Status::Running | Status::Completed | Status::Failed | Status::Cancelled => {}
        }
    }
    Ok(unplaced)
}

/// The job that is first in a queue's line, and the first of those that run.
pub(in crate::store) fn line(
    conn: &Connection,
    queue: &Queue,
    limit: usize,
) -> Result<(Option<Job>, Vec<Job>)> {
    let next = format!(
        "SELECT {}
         FROM jobs
         WHERE id = ({FIRST_OF_QUEUE})",
        jobs::COLUMNS
    );
    let running = format!(
        "SELECT {}
         FROM jobs INDEXED BY jobs_running
         WHERE status = 'running' AND queue = :queue
         ORDER BY worker_id, id
         LIMIT :limit",
        jobs::COLUMNS
    );
    let params = named_params! {":queue": queue.as_str(), ":limit": 1};
    let next = conn.prepare_cached(&next)?.query_row(params, jobs::from_row).optional()?;
    let mut statement = conn.prepare_cached(&running)?;
    let params = named_params! {":queue": queue.as_str(), ":limit": limit as i64};
    let running = statement.query_map(params, jobs::from_row)?;
    Ok((next, running.collect::<rusqlite::Result<_>>()?))
}

/// One queue without its counts; one that nobody has spoken of has the defaults.
pub(super) fn get(conn: &Connection, name: &Queue) -> Result<QueueState> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM job_queues WHERE name = :name"))?;
    let found = statement.query_row(named_params! {":name": name.as_str()}, from_row).optional()?;
    let found = found.unwrap_or_else(|| unknown(name.clone()));
    Ok(QueueState { slots: slots(conn)?, ..found })
}

fn slots(conn: &Connection) -> Result<u32> {
    Ok(conn.prepare_cached(SLOTS)?.query_row([], |row| row.get(0))?)
}

fn unknown(name: Queue) -> QueueState {
    QueueState {
        name,
        engine_limit: None,
        operator_limit: None,
        slots: 0,
        pause: None,
        scheduled: 0,
        queued: 0,
        running: 0,
    }
}

/// Makes the queues of a worker's kinds known, with the limits that its program sets. `alone`: no other worker is at work,
/// so that the limits of earlier programs end.
pub(super) fn register(
    conn: &Connection,
    kinds: &[KindRules],
    limits: &[(Queue, u32)],
    alone: bool,
) -> Result<()> {
    const ANEW: &str = "
        UPDATE job_queues
        SET engine_limit = NULL
        WHERE engine_limit IS NOT NULL";
    const SQL: &str = "
        INSERT INTO job_queues (name, engine_limit)
        VALUES (:name, :limit)
        ON CONFLICT (name) DO UPDATE SET engine_limit = coalesce(excluded.engine_limit, engine_limit)";
    if alone {
        conn.prepare_cached(ANEW)?.execute([])?;
    }
    let unlimited = kinds.iter().map(|rules| (&rules.queue, None));
    let limited = limits.iter().map(|(queue, limit)| (queue, Some(*limit)));
    for (queue, limit) in unlimited.chain(limited) {
        let params = named_params! {":name": queue.as_str(), ":limit": limit};
        conn.prepare_cached(SQL)?.execute(params)?;
    }
    Ok(())
}

/// What is stored of a queue that bounds its claims.
struct Bounds {
    limit: Option<u32>,
    is_paused: bool,
}

/// How many jobs a worker may claim from each of these queues in which it may claim at all: its own free slots, and what the
/// queue's limit leaves over all processes, by the rows.
pub(super) fn rooms(
    conn: &Connection,
    lanes: &[Lane],
    queues: Vec<Queue>,
) -> Result<Vec<(Queue, usize)>> {
    if queues.is_empty() || stopped(conn)?.is_some() {
        return Ok(Vec::new());
    }
    let (bounds, running) = (bounds(conn)?, running(conn)?);
    let rooms = queues.into_iter().filter_map(|queue| {
        let said = bounds.get(queue.as_str());
        let limit = said.and_then(|said| said.limit).or_else(|| QueueState::own_limit(&queue));
        let lane = lanes.iter().find(|lane| lane.queue == queue);
        let (slots, here) = lane.map_or((None, 0), |lane| (lane.slots, lane.running));
        let slots = slots.or(limit).unwrap_or(QueueState::DEFAULT_LIMIT);
        let left = |limit: u32| limit.saturating_sub(running.get(&queue).copied().unwrap_or(0));
        let room = slots.saturating_sub(here).min(limit.map_or(u32::MAX, left)) as usize;
        let is_paused = said.is_some_and(|said| said.is_paused);
        (!is_paused && room > 0).then_some((queue, room))
    });
    Ok(rooms.collect())
}

fn bounds(conn: &Connection) -> Result<BTreeMap<String, Bounds>> {
    const SQL: &str = "
        SELECT name, coalesce(operator_limit, engine_limit), paused_at IS NOT NULL
        FROM job_queues
        WHERE operator_limit IS NOT NULL OR engine_limit IS NOT NULL OR paused_at IS NOT NULL";
    let mut statement = conn.prepare_cached(SQL)?;
    let said = statement.query_map([], |row| {
        Ok((text(row, 0)?, Bounds { limit: row.get(1)?, is_paused: row.get(2)? }))
    })?;
    Ok(said.collect::<rusqlite::Result<_>>()?)
}

/// How many jobs of each queue run, in whichever process.
fn running(conn: &Connection) -> Result<BTreeMap<Queue, u32>> {
    const SQL: &str = "
        SELECT queue, count(*)
        FROM jobs
        WHERE status = 'running'
        GROUP BY queue";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows = statement.query([])?;
    let mut running = BTreeMap::new();
    while let Some(row) = rows.next()? {
        // A job that another program started may be in no queue.
        let queue = parsed(row, 0, |name| Queue::parse(name).ok())?;
        running.extend(queue.map(|queue| (queue, row.get(1).unwrap_or(u32::MAX))));
    }
    Ok(running)
}

/// Ends the pauses whose time has come.
pub(super) fn resume_due(conn: &Connection, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE job_queues
        SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, resume_at = NULL
        WHERE resume_at <= :now";
    conn.prepare_cached(SQL)?.execute(named_params! {":now": now.millis()})?;
    Ok(())
}

/// When the next pause ends by itself.
pub(super) fn next_resume(conn: &Connection) -> Result<Option<Timestamp>> {
    const SQL: &str = "
        SELECT min(resume_at)
        FROM job_queues";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| instant(row, 0))?)
}

/// Pauses a queue because a handler met a limit. A longer pause stays as it is.
pub(super) fn pause_until(
    conn: &Connection,
    queue: &Queue,
    reason: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let longer = |pause: Pause| pause.resume_at.is_none_or(|at| at >= until);
    if get(conn, queue)?.pause.is_some_and(longer) {
        return Ok(());
    }
    let pause = Pause { at: now, by: ENGINE.into(), reason: reason.into(), resume_at: Some(until) };
    set_pause(conn, queue, Some(&pause))
}

/// Pauses a queue until then, or until somebody resumes it.
pub(in crate::store) fn pause(
    conn: &Connection,
    queue: &Queue,
    reason: &str,
    resume_at: Option<Timestamp>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    known(conn, queue)?;
    let pause = Pause { at: now, by: actor.name.clone(), reason: reason.into(), resume_at };
    set_pause(conn, queue, Some(&pause))?;
    audit::record_change(conn, actor, "pause", &format!("queue {queue}"), (None, Some(reason)), now)
}

/// Lets a queue go on; answers whether it was paused.
pub(in crate::store) fn resume(
    conn: &Connection,
    queue: &Queue,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    known(conn, queue)?;
    let Some(pause) = get(conn, queue)?.pause else { return Ok(false) };
    set_pause(conn, queue, None)?;
    if pause.by == ENGINE {
        // A person who resumes the queue says that the limit is lifted.
        control::lift(conn, Cause::Limited, Some(queue), actor, now)?;
    }
    let change = (Some(pause.reason.as_str()), None);
    audit::record_change(conn, actor, "resume", &format!("queue {queue}"), change, now)?;
    Ok(true)
}

/// Sets how many jobs of a queue may run at once; `None`: what the program says.
pub(in crate::store) fn set_limit(
    conn: &Connection,
    queue: &Queue,
    limit: Option<u32>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_queues (name, operator_limit)
        VALUES (:name, :limit)
        ON CONFLICT (name) DO UPDATE SET operator_limit = excluded.operator_limit";
    known(conn, queue)?;
    let words = |limit: Option<u32>| limit.map(|limit| limit.to_string());
    let (before, after) = (words(get(conn, queue)?.operator_limit), words(limit));
    conn.prepare_cached(SQL)?.execute(named_params! {":name": queue.as_str(), ":limit": limit})?;
    let change = (before.as_deref(), after.as_deref());
    audit::record_change(conn, actor, "limit", &format!("queue {queue}"), change, now)
}

fn set_pause(conn: &Connection, queue: &Queue, pause: Option<&Pause>) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_queues (name, paused_at, paused_by, pause_reason, resume_at)
        VALUES (:name, :at, :by, :reason, :resume_at)
        ON CONFLICT (name) DO UPDATE SET
            paused_at = excluded.paused_at,
            paused_by = excluded.paused_by,
            pause_reason = excluded.pause_reason,
            resume_at = excluded.resume_at";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":name": queue.as_str(),
        ":at": pause.map(|pause| pause.at.millis()),
        ":by": pause.map(|pause| &pause.by),
        ":reason": pause.map(|pause| &pause.reason),
        ":resume_at": pause.and_then(|pause| pause.resume_at).map(Timestamp::millis),
    })?;
    Ok(())
}

/// Refuses a queue that neither the engine, an operator nor a job has spoken of: it would be a typing error. Before the
/// engine has led for the first time nobody knows better.
fn known(conn: &Connection, queue: &Queue) -> Result<()> {
    const SQL: &str = "
        SELECT EXISTS (SELECT 1 FROM job_queues WHERE name = :name)
            OR EXISTS (SELECT 1 FROM job_counts WHERE queue = :name)
            OR NOT (
                EXISTS (SELECT 1 FROM job_queues WHERE engine_limit IS NOT NULL)
                OR EXISTS (SELECT 1 FROM job_leader WHERE epoch > 0))";
    let params = named_params! {":name": queue.as_str()};
    if conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))? {
        return Ok(());
    }
    Err(Error::new(Code::QueueUnknown, format!("there is no queue {queue}")))
}

/// The stop of all queues, if somebody ordered it.
pub(in crate::store) fn stopped(conn: &Connection) -> Result<Option<Pause>> {
    let Some(setting) = settings::get(conn, STOPPED)? else { return Ok(None) };
    let reason = setting.value.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Some(Pause { at: setting.updated_at, by: setting.updated_by, reason, resume_at: None }))
}

/// Stops everything: no queue starts a job, and what runs is asked to end. Answers how many jobs run.
pub(in crate::store) fn stop_all(
    tx: &Tx<'_>,
    reason: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<usize> {
    settings::set(tx, STOPPED, &json!({"reason": reason}), actor, now)?;
    control::cancel_running(tx, actor, now)
}

/// Ends the stop of all queues; answers whether there was one.
pub(in crate::store) fn resume_all(
    conn: &Connection,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    settings::unset(conn, STOPPED, actor, now)
}
