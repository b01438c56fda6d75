//! Reads in one snapshot what decides when a job starts.

use super::row::instant;
use super::{counts, jobs, queues, spend};
use crate::error::Result;
use crate::model::{Circumstances, Job, JobId, Queue, QueueState, Status, Timestamp, Why, why};
use rusqlite::{Connection, named_params};

/// Holders of a key that are named.
const MAX_HOLDERS: i64 = 10;
/// Up to where jobs ahead are counted.
const MAX_AHEAD: i64 = 1000;

/// Why a job is not running; `None` if there is no such job.
pub(in crate::store) fn of(conn: &Connection, id: JobId, now: Timestamp) -> Result<Option<Why>> {
    let Some(job) = jobs::get(conn, id)? else { return Ok(None) };
    let queue = match &job.queue {
        Some(queue) => Some(with_running(conn, queue)?),
        None => None,
    };
    let around = Circumstances {
        leader_seen_at: leader_seen_at(conn)?,
        stopped: queues::stopped(conn)?,
        queue,
        key_holders: key_holders(conn, &job)?,
        ahead: ahead(conn, id)?,
        budget: spend::why_put_off(conn, id)?,
    };
    Ok(Some(why(&job, around, now)))
}

fn with_running(conn: &Connection, queue: &Queue) -> Result<QueueState> {
    let state = queues::get(conn, queue)?;
    let here = counts::all(conn)?;
    let here = here.iter().filter(|count| count.queue.as_ref() == Some(queue));
    let running = here.filter(|count| count.status == Status::Running).map(|count| count.count);
    Ok(QueueState { running: running.sum(), ..state })
}

fn leader_seen_at(conn: &Connection) -> Result<Option<Timestamp>> {
    const SQL: &str = "
        SELECT max(heartbeat_at)
        FROM workers
        WHERE leads = 1";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| instant(row, 0))?)
}

fn key_holders(conn: &Connection, job: &Job) -> Result<Vec<JobId>> {
    const SQL: &str = "
        SELECT id
        FROM jobs
        WHERE concurrency_key = :key AND key_slot IS NOT NULL
        ORDER BY key_slot
        LIMIT :limit";
    let Some(key) = &job.concurrency_key else { return Ok(Vec::new()) };
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":key": key.as_str(), ":limit": MAX_HOLDERS};
    let ids = statement.query_map(params, |row| row.get(0).map(JobId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

fn ahead(conn: &Connection, id: JobId) -> Result<u64> {
    const SQL: &str = "
        SELECT count(*)
        FROM (
            SELECT 1
            FROM jobs me JOIN jobs other
              ON other.queue = me.queue
             AND other.claim_order IS NOT NULL
             AND (other.claim_order, other.id) < (me.claim_order, me.id)
            WHERE me.id = :id AND me.claim_order IS NOT NULL
            LIMIT :limit)";
    let params = named_params! {":id": id.0, ":limit": MAX_AHEAD};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get::<_, i64>(0))? as u64)
}
