//! Rows of `job_queues`: limits and pauses; and the switch that stops all of them.

use super::line::FIRST_OF_QUEUE;
use super::{counts, jobs, search, settings};
use crate::error::Result;
use crate::model::{
    Job, KindRules, Pause, Queue, QueueState, Status, Timestamp, Unplaced, WorkerId,
};
use crate::store::sqlite::dialect;
use crate::store::sqlite::row::{instant, optional_text, text};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::Value;
use std::collections::BTreeMap;

pub(in crate::store) use crate::model::ENGINE;
/// The setting that stops every queue.
pub(in crate::store) const STOPPED: &str = "engine.stopped";

/// The columns that [`from_row`] reads, in its order.
const COLUMNS: &str = "name, engine_limit, operator_limit, paused_at, paused_by, pause_reason, resume_at, limit_by, limit_at";
/// The slots of all workers that have their lease.
const SLOTS: &str = "
    SELECT coalesce(sum(slots), 0)
    FROM job_workers
    WHERE lost_at IS NULL";

fn from_row(row: &Row<'_>) -> rusqlite::Result<QueueState> {
    let pause = match instant(row, 3)? {
        Some(at) => Some(Pause {
            at,
            by: optional_text(row, 4)?.unwrap_or_default(),
            reason: optional_text(row, 5)?.unwrap_or_default(),
            resume_at: instant(row, 6)?,
        }),
        None => None,
    };
    Ok(QueueState {
        name: Queue::parse(text(row, 0)?)
            .map_err(|_| crate::store::sqlite::error::unreadable(0, "queue"))?,
        engine_limit: row.get(1)?,
        operator_limit: row.get(2)?,
        limit_set: optional_text(row, 7)?.zip(instant(row, 8)?),
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
        let queue = queues.entry(name.clone()).or_insert_with(|| QueueState::named(name));
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
         FROM {}
         WHERE status = 'running' AND queue = :queue
         ORDER BY worker_id, id
         LIMIT :limit",
        jobs::COLUMNS,
        dialect::by_index("jobs", "jobs_running")
    );
    let params = named_params! {":queue": queue.as_str(), ":limit": 1};
    let next = conn.prepare_cached(&next)?.query_row(params, jobs::from_row).optional()?;
    let mut statement = conn.prepare_cached(&running)?;
    let params = named_params! {":queue": queue.as_str(), ":limit": limit as i64};
    let running = statement.query_map(params, jobs::from_row)?;
    Ok((next, running.collect::<rusqlite::Result<_>>()?))
}

/// One queue without its counts; one that nobody has spoken of has the defaults.
pub(in crate::store) fn get(conn: &Connection, name: &Queue) -> Result<QueueState> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM job_queues WHERE name = :name"))?;
    let found = statement.query_row(named_params! {":name": name.as_str()}, from_row).optional()?;
    let found = found.unwrap_or_else(|| QueueState::named(name.clone()));
    Ok(QueueState { slots: slots(conn)?, ..found })
}

fn slots(conn: &Connection) -> Result<u32> {
    Ok(conn.prepare_cached(SLOTS)?.query_row([], |row| row.get(0))?)
}

/// The queues of a worker: those of its kinds, and those that its program limits.
fn own<'a>(kinds: &'a [KindRules], limits: &'a [(Queue, u32)]) -> impl Iterator<Item = &'a Queue> {
    kinds.iter().map(|rules| &rules.queue).chain(limits.iter().map(|(name, _)| name))
}

/// Stores the limits of a worker's program.
pub(in crate::store) fn register(
    conn: &Connection,
    worker: &WorkerId,
    limits: &[(Queue, u32)],
    now: Timestamp,
) -> Result<()> {
    // The newest by count, not by date: a clock that was set back makes no old registration the newest.
    const LIMIT: &str = "
        INSERT INTO job_limits (worker_id, queue, engine_limit, registered_at)
        SELECT :worker, :queue, :limit, CASE WHEN max(registered_at) >= :now THEN max(registered_at) + 1 ELSE :now END
        FROM job_limits
        WHERE queue = :queue";
    for (queue, limit) in limits {
        conn.prepare_cached(LIMIT)?.execute(named_params! {
            ":worker": worker.as_str(),
            ":queue": queue.as_str(),
            ":limit": limit,
            ":now": now.millis(),
        })?;
    }
    Ok(())
}

/// Makes the queues of a worker known.
pub(in crate::store) fn make_known(
    conn: &Connection,
    kinds: &[KindRules],
    limits: &[(Queue, u32)],
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_queues (name)
        VALUES (:name)
        ON CONFLICT (name) DO NOTHING";
    for queue in own(kinds, limits) {
        conn.prepare_cached(SQL)?.execute(named_params! {":name": queue.as_str()})?;
    }
    Ok(())
}

/// The limit that holds for each queue: of those that workers which are not lost have registered the newest. While no worker
/// is at work the limits stay as they were.
const HELD: &str = "
    WITH held AS (
        SELECT q.name, (
            SELECT l.engine_limit
            FROM job_limits l
            JOIN job_workers w ON w.id = l.worker_id
            WHERE l.queue = q.name AND w.lost_at IS NULL
            ORDER BY l.registered_at DESC, l.worker_id
            LIMIT 1) AS engine_limit
        FROM job_queues q
        WHERE EXISTS (SELECT 1 FROM job_workers WHERE lost_at IS NULL))";

/// Gives each queue the limit that holds.
pub(in crate::store) fn set_engine_limits(conn: &Connection) -> Result<()> {
    let sql = format!(
        "{HELD}
        UPDATE job_queues
        SET engine_limit = held.engine_limit
        FROM held
        WHERE held.name = job_queues.name AND held.engine_limit IS DISTINCT FROM job_queues.engine_limit"
    );
    conn.prepare_cached(&sql)?.execute([])?;
    Ok(())
}

/// Whether each queue has the limit that holds, and those of a worker are known.
pub(in crate::store) fn are_kept(
    conn: &Connection,
    kinds: &[KindRules],
    limits: &[(Queue, u32)],
) -> Result<bool> {
    const KNOWN: &str = "
        SELECT EXISTS (SELECT 1 FROM job_queues WHERE name = :name)";
    let differing = format!(
        "{HELD}
        SELECT EXISTS (
            SELECT 1
            FROM held
            JOIN job_queues q ON q.name = held.name
            WHERE held.engine_limit IS DISTINCT FROM q.engine_limit)"
    );
    if conn.prepare_cached(&differing)?.query_row([], |row| row.get(0))? {
        return Ok(false);
    }
    let mut known = conn.prepare_cached(KNOWN)?;
    for queue in own(kinds, limits) {
        if !known.query_row(named_params! {":name": queue.as_str()}, |row| row.get::<_, bool>(0))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The queues that another worker which is not lost limits in another way than this one, by name.
pub(in crate::store) fn differing(conn: &Connection, worker: &WorkerId) -> Result<Vec<Queue>> {
    const SQL: &str = "
        SELECT DISTINCT mine.queue
        FROM job_limits mine
        JOIN job_limits other ON other.queue = mine.queue AND other.engine_limit <> mine.engine_limit
        JOIN job_workers w ON w.id = other.worker_id
        WHERE mine.worker_id = :worker AND w.lost_at IS NULL
        ORDER BY mine.queue";
    let mut statement = conn.prepare_cached(SQL)?;
    let queues = statement.query_map(named_params! {":worker": worker.as_str()}, |row| {
        Ok(Queue::parse(text(row, 0)?).ok())
    })?;
    Ok(queues.filter_map(Result::transpose).collect::<rusqlite::Result<_>>()?)
}

/// Ends the pauses whose time has come.
pub(in crate::store) fn resume_due(conn: &Connection, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE job_queues
        SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, resume_at = NULL
        WHERE resume_at <= :now";
    conn.prepare_cached(SQL)?.execute(named_params! {":now": now.millis()})?;
    Ok(())
}

/// When the next pause ends by itself.
pub(in crate::store) fn next_resume(conn: &Connection) -> Result<Option<Timestamp>> {
    const SQL: &str = "
        SELECT min(resume_at)
        FROM job_queues";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| instant(row, 0))?)
}

/// Writes a pause, or its end.
pub(in crate::store) fn set_pause(
    conn: &Connection,
    queue: &Queue,
    pause: Option<&Pause>,
) -> Result<()> {
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

/// Whether the engine, an operator or a job has spoken of a queue. Before the engine has led for the first time nobody knows
/// better.
pub(in crate::store) fn is_known(conn: &Connection, queue: &Queue) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (SELECT 1 FROM job_queues WHERE name = :name)
            OR EXISTS (SELECT 1 FROM job_counts WHERE queue = :name)
            OR NOT (
                EXISTS (SELECT 1 FROM job_queues WHERE engine_limit IS NOT NULL)
                OR EXISTS (SELECT 1 FROM job_leader WHERE epoch > 0))";
    let params = named_params! {":name": queue.as_str()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

/// The stop of all queues, if somebody ordered it.
pub(in crate::store) fn stopped(conn: &Connection) -> Result<Option<Pause>> {
    let Some(setting) = settings::get(conn, STOPPED)? else { return Ok(None) };
    let reason = setting.value.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Some(Pause { at: setting.updated_at, by: setting.updated_by, reason, resume_at: None }))
}

/// Sets the limit of an operator, or takes it back, with who did so and when.
pub(in crate::store) fn set_operator_limit(
    conn: &Connection,
    queue: &Queue,
    limit: Option<u32>,
    set: Option<(&str, Timestamp)>,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_queues (name, operator_limit, limit_by, limit_at)
        VALUES (:name, :limit, :by, :at)
        ON CONFLICT (name) DO UPDATE SET operator_limit = excluded.operator_limit,
            limit_by = excluded.limit_by,
            limit_at = excluded.limit_at";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":name": queue.as_str(),
        ":limit": limit,
        ":by": set.map(|(by, _)| by),
        ":at": set.map(|(_, at)| at.millis()),
    })?;
    Ok(())
}
