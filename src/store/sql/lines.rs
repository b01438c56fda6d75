//! Lines: the claim order of each kind of a queue, so that a worker walks over no jobs of kinds that it cannot run.

use crate::error::Result;
use crate::model::{JobId, Kind, Queue};
use crate::store::sqlite::row;
use rusqlite::{Connection, named_params};

/// Jobs that one poll admits, finds due or takes out of the claim order. Bounds the time that other writers wait for the
/// poller's transaction.
pub(super) const MAX_ADMITTED: usize = 1000;
/// Lines with waiting jobs that one poll looks at, in the order of their queues' and kinds' names.
const MAX_LINES: i64 = 1000;

/// The jobs of one kind in the claim order of a queue.
pub(super) struct Line {
    pub(super) queue: Queue,
    pub(super) kind: Kind,
    /// Whether a worker that is not lost has a handler for the kind.
    pub(super) is_handled: bool,
}

/// The lines that have jobs, by name: one step in the index for each, however many jobs it has.
pub(super) fn lines(conn: &Connection) -> Result<Vec<Line>> {
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

/// The ids of the first `:limit` jobs of `:queue`, of whatever kind, in the order in which they start.
pub(super) const FIRST_OF_QUEUE: &str = "
    WITH RECURSIVE kinds (kind) AS (
        SELECT min(kind) FROM jobs WHERE queue = :queue AND claim_order IS NOT NULL
        UNION ALL
        SELECT (
            SELECT min(kind)
            FROM jobs
            WHERE queue = :queue AND claim_order IS NOT NULL AND kind > kinds.kind)
        FROM kinds
        WHERE kinds.kind IS NOT NULL)
    SELECT j.id
    FROM kinds k
    JOIN jobs j ON j.id IN (
        SELECT id
        FROM jobs
        WHERE queue = :queue AND kind = k.kind AND claim_order IS NOT NULL
        ORDER BY claim_order, id
        LIMIT :limit)
    ORDER BY j.claim_order, j.id
    LIMIT :limit";

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
