//! Rows of `job_keys`: the idempotency keys of requests, and the jobs that they made (P3).

use crate::error::Result;
use crate::model::{JobId, Timestamp};
use rusqlite::{Connection, OptionalExtension, named_params};
use std::time::Duration;

/// How long a key is known at least; longer while its job is not final.
const LIFE: Duration = Duration::from_hours(24);

/// The job that a request with this key made or found, and the hash of that request's body, which may bear a mark.
pub(in crate::store) fn known(
    conn: &Connection,
    key: &str,
    now: Timestamp,
) -> Result<Option<(JobId, String)>> {
    const SQL: &str = "
        SELECT k.job_id, k.body_hash
        FROM job_keys k LEFT JOIN jobs j ON j.id = k.job_id
        WHERE k.key = :key
          AND (k.created_at > :expired OR (j.id IS NOT NULL AND j.finished_at IS NULL))";
    let params = named_params! {":key": key, ":expired": expired(now)};
    let mut statement = conn.prepare_cached(SQL)?;
    let known = statement.query_row(params, |row| Ok((JobId(row.get(0)?), row.get(1)?)));
    Ok(known.optional()?)
}

/// Keeps a key for the next time.
pub(in crate::store) fn remember(
    conn: &Connection,
    key: &str,
    body_hash: &str,
    id: JobId,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_keys (key, job_id, body_hash, created_at)
        VALUES (:key, :job_id, :body_hash, :now)
        ON CONFLICT (key) DO UPDATE SET
            job_id = excluded.job_id,
            body_hash = excluded.body_hash,
            created_at = excluded.created_at";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":key": key,
        ":job_id": id.0,
        ":body_hash": body_hash,
        ":now": now.millis(),
    })?;
    Ok(())
}

/// Gives those of the oldest `limit` keys whose time is over, and whose job is not, their time anew; answers how many.
pub(in crate::store) fn renew(conn: &Connection, limit: usize, now: Timestamp) -> Result<usize> {
    const SQL: &str = "
        UPDATE job_keys
        SET created_at = :now
        WHERE key IN (
            SELECT k.key
            FROM (
                SELECT key, job_id
                FROM job_keys
                WHERE created_at <= :expired
                ORDER BY created_at
                LIMIT :limit) k
            JOIN jobs j ON j.id = k.job_id
            WHERE j.finished_at IS NULL)";
    let params =
        named_params! {":now": now.millis(), ":expired": expired(now), ":limit": limit as i64};
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}

/// Whether there is a key whose time was over before then, and whose job is over too.
pub(in crate::store) fn has_over(conn: &Connection, before: Timestamp) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM job_keys k LEFT JOIN jobs j ON j.id = k.job_id
            WHERE k.created_at <= :expired AND (j.id IS NULL OR j.finished_at IS NOT NULL))";
    let params = named_params! {":expired": expired(before)};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

/// Forgets the oldest keys whose time is over, at most `limit`; answers how many.
pub(in crate::store) fn forget(conn: &Connection, limit: usize, now: Timestamp) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM job_keys
        WHERE key IN (
            SELECT key
            FROM job_keys
            WHERE created_at <= :expired
            ORDER BY created_at
            LIMIT :limit)";
    let params = named_params! {":expired": expired(now), ":limit": limit as i64};
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}

/// Gives keys that were made beyond an instant their time anew, from now on: the clock was set back since.
pub(in crate::store) fn count_from_now(
    conn: &Connection,
    beyond: Timestamp,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE job_keys
        SET created_at = :now
        WHERE created_at > :beyond";
    let params = named_params! {":now": now.millis(), ":beyond": beyond.millis()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

fn expired(now: Timestamp) -> i64 {
    now.millis().saturating_sub(LIFE.as_millis() as i64)
}
