//! Requests that may be sent twice: the key a client gave, and the job it got (P3).

use crate::error::{Code, Error, Result};
use crate::model::{JobId, NewJob, Timestamp, sha256_hex};
use rusqlite::{Connection, OptionalExtension, named_params};
use std::time::Duration;

/// How long a key is known at least; longer while its job is not final.
const LIFE: Duration = Duration::from_hours(24);

/// A request under an idempotency key.
pub(super) struct Request<'a> {
    key: &'a str,
    body_hash: String,
}

impl<'a> Request<'a> {
    /// The request that makes this job, if it has a key.
    pub(super) fn of(job: &'a NewJob) -> Option<Self> {
        let key = job.idempotency_key.as_deref()?;
        Some(Self { key, body_hash: sha256_hex(&job.body()) })
    }

    /// The job that the same request made before.
    ///
    /// # Errors
    /// `JOB-KEY-001` if the key belongs to a request with another body.
    pub(super) fn first_job(&self, conn: &Connection, now: Timestamp) -> Result<Option<JobId>> {
        const SQL: &str = "
            SELECT k.job_id, k.body_hash
            FROM job_keys k LEFT JOIN jobs j ON j.id = k.job_id
            WHERE k.key = :key
              AND (k.created_at > :expired OR (j.id IS NOT NULL AND j.finished_at IS NULL))";
        let params = named_params! {":key": self.key, ":expired": expired(now)};
        let known = conn
            .prepare_cached(SQL)?
            .query_row(params, |row| Ok((JobId(row.get(0)?), row.get::<_, String>(1)?)));
        match known.optional()? {
            Some((id, body_hash)) if body_hash == self.body_hash => Ok(Some(id)),
            Some((id, _)) => Err(Error::new(
                Code::IdempotencyConflict,
                format!("another request with the same key made job {id}"),
            )),
            None => Ok(None),
        }
    }

    /// Keeps the key for the next time.
    pub(super) fn remember(&self, conn: &Connection, id: JobId, now: Timestamp) -> Result<()> {
        const SQL: &str = "
            INSERT INTO job_keys (key, job_id, body_hash, created_at)
            VALUES (:key, :job_id, :body_hash, :now)
            ON CONFLICT (key) DO UPDATE SET
                job_id = excluded.job_id,
                body_hash = excluded.body_hash,
                created_at = excluded.created_at";
        conn.prepare_cached(SQL)?.execute(named_params! {
            ":key": self.key,
            ":job_id": id.0,
            ":body_hash": self.body_hash,
            ":now": now.millis(),
        })?;
        Ok(())
    }
}

/// Looks at the oldest keys whose time is over, at most `limit`: forgets those whose job is over, and gives the others
/// their time anew. Answers how many it looked at.
pub(super) fn prune(conn: &Connection, limit: usize, now: Timestamp) -> Result<usize> {
    const RENEW: &str = "
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
    const FORGET: &str = "
        DELETE FROM job_keys
        WHERE key IN (
            SELECT key
            FROM job_keys
            WHERE created_at <= :expired
            ORDER BY created_at
            LIMIT :limit)";
    let (expired, limit) = (expired(now), limit as i64);
    let renewed = conn
        .prepare_cached(RENEW)?
        .execute(named_params! {":now": now.millis(), ":expired": expired, ":limit": limit})?;
    let limit = limit - renewed as i64;
    let params = named_params! {":expired": expired, ":limit": limit};
    Ok(renewed + conn.prepare_cached(FORGET)?.execute(params)?)
}

fn expired(now: Timestamp) -> i64 {
    now.millis().saturating_sub(LIFE.as_millis() as i64)
}
