//! The claim order: what is to be admitted into it, and who is first in each of its lines.

use super::{after, jobs};
use crate::error::Result;
use crate::model::{
    ConcurrencyKey, Job, Kind, PRIORITY_STEP_MS, Precedence, Queue, Slots, Timestamp, Used,
};
use crate::store::sqlite::row::{optional_text, text};
use rusqlite::{Connection, Row, named_params};
use serde_json::Value;
use std::collections::HashMap;

/// Lines with waiting jobs that one poll looks at, in the order of their queues' and kinds' names.
const MAX_LINES: i64 = 1000;

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

/// The jobs that wait for admission and those whose time has come, at most `limit` of each, without their long texts; for
/// each what the ends of those come to that it runs after.
pub(in crate::store) fn to_admit(
    conn: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(Job, Precedence)>> {
    let sql = format!(
        "SELECT {}, {}
         FROM jobs
         WHERE id IN (
             SELECT id
             FROM (SELECT id FROM jobs WHERE waits_for = 'admission' ORDER BY id LIMIT :limit)
             UNION ALL
             SELECT id
             FROM (
                 SELECT id
                 FROM jobs
                 WHERE status = 'scheduled' AND waits_for IS NULL AND run_at <= :now
                 ORDER BY run_at, id
                 LIMIT :limit))",
        jobs::lean(),
        after::PRECEDENCE
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let last = statement.column_count() - 1;
    let params = named_params! {":now": now.millis(), ":limit": limit as i64};
    let read = |row: &Row<'_>| Ok((jobs::from_row(row)?, after::precedence(row, last)?));
    Ok(statement.query_map(params, read)?.collect::<rusqlite::Result<_>>()?)
}

/// The slots of these keys that are held, and what is used of the rates of these kinds and groups.
pub(in crate::store) fn taken(
    conn: &Connection,
    keys: &[&ConcurrencyKey],
    groups: &[(&Kind, String)],
) -> Result<(Slots, Used)> {
    const SQL: &str = "
        SELECT concurrency_key, key_slot, NULL
        FROM jobs
        WHERE key_slot IS NOT NULL AND concurrency_key IN (SELECT value FROM json_each(:keys))
        UNION ALL
        SELECT g.value ->> 0, (
            SELECT count(*) FROM job_rates WHERE kind = g.value ->> 0 AND key = g.value ->> 1), g.value ->> 1
        FROM json_each(:groups) g";
    let (mut slots, mut used) = (Vec::new(), Vec::new());
    if !(keys.is_empty() && groups.is_empty()) {
        let keys = names(keys.iter().map(|key| key.as_str()));
        let mut statement = conn.prepare_cached(SQL)?;
        let mut rows = statement.query(named_params! {":keys": keys, ":groups": listed(groups)})?;
        while let Some(row) = rows.next()? {
            match optional_text(row, 2)? {
                Some(group) => used.push((text(row, 0)?, group, row.get(1)?)),
                None => slots.push((text(row, 0)?, row.get(1)?)),
            }
        }
    }
    Ok((Slots::held(slots), Used::of(used)))
}

/// Keys, and groups of kinds with a rate, of which the next jobs are to wait for admission, at most so many of each.
#[derive(Default)]
pub(in crate::store) struct CalledUp<'a> {
    pub(in crate::store) keys: Vec<&'a str>,
    pub(in crate::store) most_of_keys: usize,
    pub(in crate::store) groups: Vec<(&'a Kind, String)>,
    pub(in crate::store) most_of_groups: usize,
}

/// Has them wait for admission.
pub(in crate::store) fn call_up(conn: &Connection, next: &CalledUp<'_>) -> Result<()> {
    // The step is part of the text: a bound one would not be the expression that the index has.
    let sql = format!(
        "UPDATE jobs
         SET waits_for = 'admission'
         WHERE id IN (
             SELECT j.id
             FROM json_each(:keys) k
             JOIN jobs j ON j.id IN (
                 SELECT id
                 FROM jobs
                 WHERE concurrency_key = k.value AND waits_for = 'key'
                 ORDER BY run_at + priority * {PRIORITY_STEP_MS}, id
                 LIMIT :most_of_keys)
             UNION ALL
             SELECT j.id
             FROM json_each(:groups) g
             JOIN jobs j ON j.id IN (
                 SELECT id
                 FROM jobs
                 WHERE kind = g.value ->> 0 AND rate_key = g.value ->> 1 AND waits_for = 'rate'
                 ORDER BY run_at + priority * {PRIORITY_STEP_MS}, id
                 LIMIT :most_of_groups))"
    );
    if next.keys.is_empty() && next.groups.is_empty() {
        return Ok(());
    }
    let params = named_params! {
        ":keys": names(next.keys.iter().copied()),
        ":most_of_keys": next.most_of_keys as i64,
        ":groups": listed(&next.groups),
        ":most_of_groups": next.most_of_groups as i64,
    };
    conn.prepare_cached(&sql)?.execute(params)?;
    Ok(())
}

/// How far the lines of a poll are read.
pub(in crate::store) struct Reach<'a> {
    /// By kind, the lines that are read as far as their queue has room, and those that are read up to `many`. Of any other
    /// line the first job is read.
    pub(in crate::store) own: &'a [&'a Kind],
    pub(in crate::store) many: (&'a [Kind], usize),
    /// The room of queues, and that of every other queue.
    pub(in crate::store) rooms: &'a [(Queue, usize)],
    pub(in crate::store) else_room: usize,
}

impl Reach<'_> {
    /// How many jobs of a kind are read in a queue with this room.
    fn of(&self, kind: &str, room: Option<usize>) -> usize {
        let (many, most) = self.many;
        if self.own.iter().any(|own| own.as_str() == kind) {
            room.unwrap_or(self.else_room)
        } else if many.iter().any(|other| other.as_str() == kind) {
            most
        } else {
            1
        }
    }
}

/// The first jobs of each line, a kind's jobs in a queue, in the claim order; without their long texts.
pub(in crate::store) fn first(conn: &Connection, reach: &Reach<'_>) -> Result<Vec<Job>> {
    let sql = format!(
        "SELECT {}, claim_order
         FROM jobs
         WHERE queue = :queue AND kind = :kind AND claim_order IS NOT NULL
         ORDER BY claim_order, id
         LIMIT :limit",
        jobs::lean()
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let place = statement.column_count() - 1;
    let rooms = reach.rooms.iter().map(|(queue, room)| (queue.as_str(), *room));
    let rooms: HashMap<&str, usize> = rooms.collect();
    let mut first: Vec<(i64, Job)> = Vec::new();
    for (queue, kind) in &lines(conn)? {
        let limit = reach.of(kind, rooms.get(queue.as_str()).copied()) as i64;
        if limit == 0 {
            continue;
        }
        let params = named_params! {":queue": queue, ":kind": kind, ":limit": limit};
        let jobs =
            statement.query_map(params, |row| Ok((row.get(place)?, jobs::from_row(row)?)))?;
        for job in jobs {
            first.push(job?);
        }
    }
    first.sort_by_key(|(place, job)| (*place, job.id));
    Ok(first.into_iter().map(|(_, job)| job).collect())
}

/// The lines in which a job waits, each by its queue and its kind.
fn lines(conn: &Connection) -> Result<Vec<(String, String)>> {
    // Each step is one or two seeks in the index: the jobs behind the first of a line are never read. A comparison of pairs
    // would be shorter, but SQLite seeks by its first column alone and reads every row that is equal there.
    const SQL: &str = "
        WITH RECURSIVE found (queue, kind) AS (
            SELECT queue, kind
            FROM jobs
            WHERE id = (
                SELECT id FROM jobs WHERE claim_order IS NOT NULL ORDER BY queue, kind LIMIT 1)
            UNION ALL
            SELECT j.queue, j.kind
            FROM found
            JOIN jobs j ON j.id = coalesce((
                SELECT id FROM jobs
                WHERE claim_order IS NOT NULL AND queue = found.queue AND kind > found.kind
                ORDER BY kind LIMIT 1), (
                SELECT id FROM jobs
                WHERE claim_order IS NOT NULL AND queue > found.queue
                ORDER BY queue, kind
                LIMIT 1)))
        SELECT queue, kind FROM found LIMIT :lines";
    let mut statement = conn.prepare_cached(SQL)?;
    let lines = statement
        .query_map(named_params! {":lines": MAX_LINES}, |row| Ok((text(row, 0)?, text(row, 1)?)))?;
    Ok(lines.collect::<rusqlite::Result<_>>()?)
}

fn names<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    Value::from(keys.collect::<Vec<_>>()).to_string()
}

fn listed(groups: &[(&Kind, String)]) -> String {
    let groups = groups.iter().map(|(kind, group)| Value::from(vec![kind.as_str(), group]));
    Value::from(groups.collect::<Vec<_>>()).to_string()
}
