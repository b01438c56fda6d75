//! Deletes final jobs before their retention does.

use super::audit;
use super::control::existing;
use crate::error::{Code, Error, Result};
use crate::model::{Actor, Job, JobId, Timestamp};
use crate::store::sqlite::Tx;
use rusqlite::{Connection, named_params};

/// Pieces of transcripts that one transaction removes: some ten megabytes.
pub(super) const PIECES: usize = 200;

/// Deletes a final job with its history, attempts and transcript; answers whether it is gone. A long transcript goes in
/// pieces, and the job with the last of them.
///
/// # Errors
/// `JOB-ID-001` if there is no such job, `JOB-ID-002` if it is not final or processes of it may be left.
pub(in crate::store) fn delete(
    tx: &Tx<'_>,
    id: JobId,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let job = existing(tx, id)?;
    if !job.status.is_final() {
        return Err(Error::new(Code::JobNotFinal, format!("job {id} is {}", job.status)));
    }
    if has_processes(tx, id)? {
        let why = format!("processes of the agent of job {id} may be left");
        return Err(Error::new(Code::JobNotFinal, why));
    }
    let mut budget = PIECES;
    let gone = remove(tx, &job, &mut budget)?;
    if gone {
        let subject = format!("job {id} ({}, {})", job.kind, job.status);
        audit::record(tx, actor, "delete", &subject, now)?;
    }
    Ok(gone)
}

/// Whether processes of a session may be left: its row leads to them.
pub(super) fn has_processes(conn: &Connection, id: JobId) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (SELECT 1 FROM sessions WHERE job_id = :id AND marker IS NOT NULL)";
    Ok(conn.prepare_cached(SQL)?.query_row(named_params! {":id": id.0}, |row| row.get(0))?)
}

/// Removes a final job if this removes the last of at most `budget` pieces of its transcript; answers whether it is gone.
pub(super) fn remove(tx: &Tx<'_>, job: &Job, budget: &mut usize) -> Result<bool> {
    const SQL: &str = "
        DELETE FROM jobs
        WHERE id = :id";
    *budget -= pieces(tx, job.id, *budget)?;
    if *budget == 0 {
        return Ok(false);
    }
    tx.prepare_cached(SQL)?.execute(named_params! {":id": job.id.0})?;
    if job.counted {
        tx.left(job.status, &job.kind, job.queue.as_ref());
    }
    Ok(true)
}

fn pieces(conn: &Connection, id: JobId, limit: usize) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM transcript_pieces
        WHERE rowid IN (
            SELECT rowid
            FROM transcript_pieces
            WHERE job_id = :id
            LIMIT :limit)";
    let params = named_params! {":id": id.0, ":limit": limit as i64};
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}
