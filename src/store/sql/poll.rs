//! The poller's transaction: what a leader does for all, then the claims of one worker for its own free slots.

use super::{admit, claim, control, queues, rescue, schedules};
use crate::error::Result;
use crate::model::{JobId, Kind, PollRequest, Polled, Queue, Status, Timestamp};
use crate::store::sqlite::Tx;
use crate::store::sqlite::row;
use rusqlite::{Connection, OptionalExtension, named_params};

/// Jobs that one poll admits, finds due or takes out of the claim order. Bounds the time that other writers wait for the
/// poller's transaction.
pub(super) const MAX_ADMITTED: usize = 1000;
/// Lines with waiting jobs that one poll looks at, in the order of their queues' and kinds' names.
const MAX_LINES: i64 = 1000;

/// Looks for work. A worker that leads does first what is done for all.
pub(in crate::store) fn poll(tx: &Tx<'_>, request: &PollRequest, now: Timestamp) -> Result<Polled> {
    let mut polled = Polled::default();
    rescue::rescue(tx, request, &mut polled, now)?;
    if request.leads.is_some() {
        queues::resume_due(tx, now)?;
        polled.schedules = schedules::fire(tx, now)?;
        polled.more |= make_due(tx, now)? == MAX_ADMITTED;
        polled.more |= admit::admit(tx, now)? == MAX_ADMITTED;
    }
    let lines = lines(tx)?;
    if request.leads.is_some() {
        abandon(tx, &lines, request, &mut polled, now)?;
    }
    if !request.draining {
        claim::claim(tx, &lines, request, &mut polled, now)?;
    }
    if request.leads.is_some() {
        let wake_at = [next_run_at(tx)?, queues::next_resume(tx)?, schedules::next_due(tx)?];
        polled.wake_at = wake_at.into_iter().flatten().min();
    }
    polled.cancelled = control::cancel_requests(tx, &request.worker)?;
    Ok(polled)
}

/// The jobs of one kind in the claim order of a queue.
pub(super) struct Line {
    pub(super) queue: Queue,
    pub(super) kind: Kind,
    /// Whether a worker that is not lost has a handler for the kind.
    is_handled: bool,
}

/// The lines that have jobs, by name: one step in the index for each, however many jobs it has.
fn lines(conn: &Connection) -> Result<Vec<Line>> {
    const SQL: &str = "
        WITH RECURSIVE found (queue, kind) AS (
            SELECT queue, kind
            FROM jobs
            WHERE id = (
                SELECT id FROM jobs WHERE claim_order IS NOT NULL ORDER BY queue, kind LIMIT 1)
            UNION ALL
            SELECT j.queue, j.kind
            FROM found
            JOIN jobs j ON j.id = (
                SELECT id
                FROM jobs
                WHERE claim_order IS NOT NULL AND (queue, kind) > (found.queue, found.kind)
                ORDER BY queue, kind
                LIMIT 1))
        SELECT queue, kind, EXISTS (
            SELECT 1
            FROM job_kinds k
            JOIN job_workers w ON w.id = k.worker_id
            WHERE k.kind = found.kind AND w.lost_at IS NULL)
        FROM found
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows = statement.query(named_params! {":limit": MAX_LINES})?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(Line {
            queue: Queue::parse(row::text(row, 0)?)?,
            kind: row::kind(row, 1)?,
            is_handled: row.get(2)?,
        });
    }
    Ok(lines)
}

/// Takes jobs out of the claim order that no process has been able to run for some time: they give their keys' slots back.
fn abandon(
    tx: &Tx<'_>,
    lines: &[Line],
    request: &PollRequest,
    polled: &mut Polled,
    now: Timestamp,
) -> Result<()> {
    for line in lines.iter().filter(|line| !line.is_handled) {
        if !polled.unhandled.contains(&line.kind) {
            polled.unhandled.push(line.kind.clone());
        }
        if request.abandoned.contains(&line.kind) {
            let jobs = first_of(tx, &line.queue, &[&line.kind], MAX_ADMITTED)?;
            polled.more |= jobs.len() == MAX_ADMITTED;
            for id in jobs {
                admit::without_handler(tx, id, now)?;
            }
        }
    }
    Ok(())
}

/// The first `room` jobs of these kinds in the claim order of a queue.
pub(super) fn first_of(
    conn: &Connection,
    queue: &Queue,
    kinds: &[&Kind],
    room: usize,
) -> Result<Vec<JobId>> {
    // Each kind has a line of its own in the index: the jobs of other processes' kinds are never walked over.
    const SQL: &str = "
        SELECT j.id
        FROM json_each(:kinds) k
        JOIN jobs j ON j.id IN (
            SELECT id
            FROM jobs
            WHERE queue = :queue AND kind = k.value AND claim_order IS NOT NULL
            ORDER BY claim_order, id
            LIMIT :room)
        ORDER BY j.claim_order, j.id
        LIMIT :room";
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {
        ":queue": queue.as_str(),
        ":kinds": serde_json::json!(kinds).to_string(),
        ":room": room as i64,
    };
    let ids = statement.query_map(params, |row| row.get(0).map(JobId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
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
