//! Rates of kinds: what is used of each, and whom a change of that calls up.
//!
//! A place in the claim order and a start are a row each. The schema makes the one of the other, and calls up the next job that
//! waits where a row goes.

use super::line::{self, CalledUp};
use crate::error::Result;
use crate::model::{Kind, Timestamp};
use crate::store::sqlite::row::text;
use rusqlite::{Connection, named_params};

/// Groups of a kind's waiting jobs that are called up at a time.
const MAX_GROUPS: i64 = 10_000;

/// Forgets starts that count no more, the oldest first, at most `limit`; answers how many.
pub(in crate::store) fn forget(conn: &Connection, now: Timestamp, limit: usize) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM job_rates
        WHERE (job_id, epoch) IN (
            SELECT job_id, epoch
            FROM job_rates
            WHERE free_at IS NOT NULL AND free_at <= :now
            ORDER BY free_at
            LIMIT :limit)";
    let params = named_params! {":now": now.millis(), ":limit": limit as i64};
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}

/// Has the next job of each group of a kind wait for admission: the kind's rate may be another one now. If it is, admission
/// calls up the others.
pub(super) fn call_up_kind(conn: &Connection, kind: &Kind) -> Result<()> {
    const SQL: &str = "
        WITH RECURSIVE groups (key) AS (
            SELECT min(rate_key) FROM jobs WHERE kind = :kind AND waits_for = 'rate'
            UNION ALL
            SELECT (
                SELECT min(rate_key)
                FROM jobs
                WHERE kind = :kind AND waits_for = 'rate' AND rate_key > groups.key)
            FROM groups
            WHERE groups.key IS NOT NULL)
        SELECT key FROM groups WHERE key IS NOT NULL LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":kind": kind.as_str(), ":limit": MAX_GROUPS};
    let groups = statement.query_map(params, |row| Ok((kind, text(row, 0)?)))?;
    let groups = groups.collect::<rusqlite::Result<Vec<_>>>()?;
    line::call_up(conn, &CalledUp { groups, most_of_groups: 1, ..CalledUp::default() })
}

/// When the first start of a group counts no more.
pub(in crate::store) fn next_free(
    conn: &Connection,
    kind: &str,
    group: &str,
) -> Result<Option<Timestamp>> {
    const SQL: &str = "
        SELECT min(free_at) FROM job_rates WHERE kind = :kind AND key = :group AND free_at IS NOT NULL";
    let params = named_params! {":kind": kind, ":group": group};
    let at: Option<i64> = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?;
    Ok(at.map(Timestamp::from_millis))
}
