//! Batches: their rows, which the schema counts, and the end of a batch.

use super::jobs::NewRow;
use super::{audit, folder_key, jobs};
use crate::error::{Code, Error, Result};
use crate::model::{Batch, BatchId, Job, JobId, MAX_BATCH, NewJob, Timestamp, then_job, then_text};
use crate::store::sqlite::dialect;
use crate::store::sqlite::row::{instant, optional_text, text};
use crate::warn_coded;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::json;

const COLUMNS: &str = "id, name, total, open, completed, failed, cancelled, held, then_job IS NOT NULL, then_id, created_at, finished_at";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Batch> {
    let count = |at| row.get::<_, i64>(at).map(|count| count.max(0) as u64);
    Ok(Batch {
        id: BatchId(row.get(0)?),
        name: text(row, 1)?,
        total: count(2)?,
        open: count(3)?,
        completed: count(4)?,
        failed: count(5)?,
        cancelled: count(6)?,
        held: row.get(7)?,
        has_then: row.get(8)?,
        then_id: row.get::<_, Option<i64>>(9)?.map(JobId),
        created_at: Timestamp::from_millis(row.get(10)?),
        finished_at: instant(row, 11)?,
    })
}

/// Whether a batch takes a further job; `None` if it does not exist.
pub(in crate::store) fn takes_more(conn: &Connection, id: BatchId) -> Result<Option<bool>> {
    const SQL: &str = "
        SELECT finished_at IS NULL AND cancelled_at IS NULL AND total < :most
        FROM job_batches
        WHERE id = :id";
    let params = named_params! {":id": id.0, ":most": MAX_BATCH as i64};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0)).optional()?)
}

/// Makes a batch, which waits for jobs until it is closed.
///
/// # Errors
/// `JOB-VALUE-001` for a name that does not have 1 to 200 bytes and for a job that cannot follow a batch.
pub(in crate::store) fn open(
    conn: &Connection,
    name: &str,
    then: Option<&NewJob>,
    now: Timestamp,
) -> Result<BatchId> {
    const SQL: &str = "
        INSERT INTO job_batches (name, then_job, created_at)
        VALUES (:name, :then_job, :now)
        RETURNING id";
    if name.is_empty() || name.len() > crate::model::MAX_KEY_BYTES {
        return Err(Error::new(Code::ModelInvalid, "the name of a batch has 1 to 200 bytes"));
    }
    let then = then.map(then_text).transpose()?;
    let params = named_params! {":name": name, ":then_job": then, ":now": now.millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0).map(BatchId))?)
}

/// Says that no further jobs come from outside. A batch without open jobs is finished by it.
///
/// # Errors
/// `JOB-BATCH-001` if there is no such batch.
pub(in crate::store) fn close(conn: &Connection, id: BatchId, now: Timestamp) -> Result<Batch> {
    const SQL: &str = "UPDATE job_batches SET held = 0 WHERE id = :id AND finished_at IS NULL";
    existing(conn, id)?;
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id.0})?;
    finish(conn, &[id.0], now)?;
    existing(conn, id)
}

/// Closes a batch for its jobs too, which may add others to one that was only closed.
///
/// # Errors
/// `JOB-BATCH-001` if there is no such batch.
pub(in crate::store) fn cancel(conn: &Connection, id: BatchId, now: Timestamp) -> Result<Batch> {
    const SQL: &str = "
        UPDATE job_batches
        SET cancelled_at = :now
        WHERE id = :id AND finished_at IS NULL AND cancelled_at IS NULL";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id.0, ":now": now.millis()})?;
    close(conn, id, now)
}

/// Finishes the batches of these jobs, which have just ended, if those were their last ones.
pub(super) fn ended<'a>(
    conn: &Connection,
    over: impl Iterator<Item = &'a Job>,
    now: Timestamp,
) -> Result<()> {
    let mut batches: Vec<i64> = over.filter_map(|job| Some(job.batch_id?.0)).collect();
    batches.sort_unstable();
    batches.dedup();
    if batches.is_empty() { Ok(()) } else { finish(conn, &batches, now) }
}

/// Finishes batches whose last job was ended, or that were closed, by another program, at most `limit`; answers how many.
pub(in crate::store) fn finish_due(
    conn: &Connection,
    limit: usize,
    now: Timestamp,
) -> Result<usize> {
    const SQL: &str = "
        SELECT id
        FROM job_batches
        WHERE open = 0 AND held = 0 AND finished_at IS NULL
        ORDER BY id
        LIMIT :limit";
    let due = {
        let mut statement = conn.prepare_cached(SQL)?;
        let due = statement.query_map(named_params! {":limit": limit as i64}, |row| row.get(0))?;
        due.collect::<rusqlite::Result<Vec<i64>>>()?
    };
    finish(conn, &due, now)?;
    Ok(due.len())
}

/// Finishes those of these batches that wait for nothing more, and makes the job that follows each.
fn finish(conn: &Connection, batches: &[i64], now: Timestamp) -> Result<()> {
    const END: &str = "
        UPDATE job_batches
        SET finished_at = :now, then_id = :then_id
        WHERE id = :id";
    let sql = format!(
        "SELECT id, then_job, (SELECT schedule_id FROM jobs WHERE jobs.id = job_batches.first_job)
         FROM job_batches
         WHERE open = 0 AND held = 0 AND finished_at IS NULL AND id IN ({})",
        dialect::members(":ids")
    );
    let due = {
        let mut statement = conn.prepare_cached(&sql)?;
        let params = named_params! {":ids": json!(batches).to_string()};
        let due = statement
            .query_map(params, |row| Ok((row.get(0)?, optional_text(row, 1)?, row.get(2)?)))?;
        due.collect::<rusqlite::Result<Vec<(i64, Option<String>, Option<i64>)>>>()?
    };
    for (id, then, payer) in due {
        let made = match then.as_deref().map(then_job) {
            Some(Some(job)) => Some(make(conn, job, payer, now)?),
            Some(None) => {
                warn_coded!(Code::StoreCorrupt, "the job that follows batch {id} cannot be read");
                None
            }
            None => None,
        };
        conn.prepare_cached(END)?.execute(named_params! {
            ":id": id, ":now": now.millis(), ":then_id": made.map(|id| id.0),
        })?;
    }
    Ok(())
}

pub(in crate::store) fn get(conn: &Connection, id: BatchId) -> Result<Option<Batch>> {
    let sql = format!("SELECT {COLUMNS} FROM job_batches WHERE id = :id");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(named_params! {":id": id.0}, from_row).optional()?)
}

/// Makes the job that follows a batch, in the name of the one who asked for the batch. The schedule that pays for the batch's first
/// job pays for it, unless it names another one.
fn make(conn: &Connection, job: NewJob, payer: Option<i64>, now: Timestamp) -> Result<JobId> {
    let job = NewJob { schedule_id: job.payer().or(payer), ..job };
    let job = folder_key::with(conn, &job)?;
    let row = NewRow { job: &job, unique_key: None, place: None, now };
    let id = jobs::insert(conn, &[row])?[0];
    if let Some(actor) = &job.actor {
        audit::record(conn, actor, "enqueue", &format!("job {id} ({})", job.kind), now)?;
    }
    Ok(id)
}

/// The lowest and the highest id that jobs of these batches have; `None` if none of the batches has any.
pub(super) fn ids_of(conn: &Connection, batches: &[i64]) -> Result<Option<(i64, i64)>> {
    let sql = format!(
        "SELECT min(first_job), max(last_job) FROM job_batches WHERE id IN ({})",
        dialect::members(":ids")
    );
    let params = named_params! {":ids": json!(batches).to_string()};
    let ends = |row: &Row<'_>| Ok(row.get::<_, Option<i64>>(0)?.zip(row.get(1)?));
    Ok(conn.prepare_cached(&sql)?.query_row(params, ends)?)
}

/// The batch of this id.
///
/// # Errors
/// `JOB-BATCH-001` if there is none.
fn existing(conn: &Connection, id: BatchId) -> Result<Batch> {
    get(conn, id)?.ok_or_else(|| Error::new(Code::BatchUnknown, format!("there is no batch {id}")))
}

/// The batch that this job was made to follow.
pub(in crate::store) fn before(conn: &Connection, then: JobId) -> Result<Option<Batch>> {
    let sql = format!("SELECT {COLUMNS} FROM job_batches WHERE then_id = :then");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(named_params! {":then": then.0}, from_row).optional()?)
}

/// The newest batches below the cursor, at most `limit`.
pub(in crate::store) fn list(
    conn: &Connection,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Batch>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM job_batches WHERE id < :before ORDER BY id DESC LIMIT :limit"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":before": before.unwrap_or(i64::MAX), ":limit": limit as i64};
    Ok(statement.query_map(params, from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// The open jobs of a batch above the cursor, at most `limit`.
pub(in crate::store) fn open_jobs(
    conn: &Connection,
    id: BatchId,
    after: JobId,
    limit: usize,
) -> Result<Vec<Job>> {
    let sql = format!(
        "SELECT {}
         FROM jobs
         WHERE batch_id IS NOT NULL AND finished_at IS NULL AND batch_id = :id AND id > :after
         ORDER BY id
         LIMIT :limit",
        jobs::lean()
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":id": id.0, ":after": after.0, ":limit": limit as i64};
    Ok(statement.query_map(params, jobs::from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// Whether there is a batch that was finished before then.
pub(in crate::store) fn has_finished(conn: &Connection, before: Timestamp) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM job_batches
            WHERE finished_at IS NOT NULL AND finished_at < :before)";
    let params = named_params! {":before": before.millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

/// Removes batches that were finished before, at most `limit`; answers how many.
pub(in crate::store) fn prune(
    conn: &Connection,
    finished_before: Timestamp,
    limit: usize,
) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM job_batches
        WHERE id IN (
            SELECT id
            FROM job_batches
            WHERE finished_at IS NOT NULL AND finished_at < :before
            ORDER BY finished_at
            LIMIT :limit)";
    let params = named_params! {":before": finished_before.millis(), ":limit": limit as i64};
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptEnd, Kind, Lease, Outcome, SettleRequest, WorkerId};
    use crate::store::core::{enqueue, settle};
    use crate::store::sql::simulation::database;
    use crate::store::sqlite::Tx;
    use std::time::Duration;

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// A batch that was closed, of which one job is over and the other one runs; answers the lease of that.
    fn almost_over(conn: &Connection) -> (BatchId, Lease) {
        let tx = Tx::new(conn);
        let kind = |name: &str| NewJob::new(Kind::parse(name).unwrap());
        let id = open(&tx, "import", Some(&kind("report")), START).unwrap();
        for _ in 0..2 {
            let job = NewJob { batch: Some(id), ..kind("import") };
            enqueue::enqueue(&tx, &job, START).unwrap();
        }
        close(&tx, id, START).unwrap();
        let sql = "
            UPDATE jobs
            SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 1, started_at = 1;
            UPDATE jobs SET status = 'completed', worker_id = NULL, finished_at = 2 WHERE id = 1;";
        conn.execute_batch(sql).unwrap();
        (id, Lease { id: JobId(2), epoch: 1, worker: WorkerId::parse("w").unwrap() })
    }

    /// Settles the job in a transaction that ends after so many steps of SQLite's machine, as a kill would end it.
    fn settle_until(conn: &Connection, lease: &Lease, mut steps: u32) -> Result<()> {
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        let stop = move || {
            steps = steps.saturating_sub(1);
            steps == 0
        };
        conn.progress_handler(1, Some(stop)).unwrap();
        let request = SettleRequest {
            lease: lease.clone(),
            claimed: None,
            end: AttemptEnd::Answered(Outcome::Done(1.into())),
            print: None,
            retry_after: Duration::from_secs(10),
            now: START,
        };
        let tx = Tx::new(conn);
        let settled = settle::settle(&tx, &[request]).and_then(|mut settled| settled.remove(0));
        let done = settled.and_then(|_| tx.into_differences().write(conn));
        conn.progress_handler(0, None::<fn() -> bool>).unwrap();
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        if !conn.is_autocommit() {
            conn.execute_batch(end).unwrap();
        }
        done
    }

    #[test]
    fn a_kill_at_any_step_of_the_last_end_leaves_a_batch_that_is_followed_once() {
        let conn = database();
        let (id, lease) = almost_over(&conn);
        let jobs = || {
            let sql = "SELECT count(*) FROM jobs";
            conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        let mut kills = 0;
        while let Err(error) = settle_until(&conn, &lease, kills + 1) {
            let batch = get(&conn, id).unwrap().unwrap();
            assert_eq!((batch.open, batch.finished_at, batch.then_id), (1, None, None), "{error}");
            assert_eq!(jobs(), 2, "{error}");
            kills += 1;
        }
        println!("{kills} kills");
        assert!(kills > 500, "every step of every statement was the last of a transaction");
        let batch = get(&conn, id).unwrap().unwrap();
        assert_eq!(
            (batch.open, batch.finished_at, batch.then_id),
            (0, Some(START), Some(JobId(3)))
        );
        assert_eq!(jobs(), 3);
        assert!(settle_until(&conn, &lease, u32::MAX).is_err(), "the lease is over");
        assert_eq!(jobs(), 3);
    }
}
