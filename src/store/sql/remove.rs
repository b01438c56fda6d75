//! Removing one job and what is left of its runs.

use crate::error::Result;
use crate::model::{Job, JobId};
use crate::store::sqlite::{Tx, ledger};
use rusqlite::{Connection, named_params};

/// Whether processes of a session may be left: its row leads to them.
pub(in crate::store) fn has_processes(conn: &Connection, id: JobId) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (SELECT 1 FROM sessions WHERE job_id = :id AND marker IS NOT NULL)";
    if !ledger::has_program(conn)? {
        return Ok(false);
    }
    Ok(conn.prepare_cached(SQL)?.query_row(named_params! {":id": id.0}, |row| row.get(0))?)
}

/// Removes a final job with its history and its attempts.
pub(in crate::store) fn job(tx: &Tx<'_>, job: &Job) -> Result<()> {
    const SQL: &str = "
        DELETE FROM jobs
        WHERE id = :id";
    tx.prepare_cached(SQL)?.execute(named_params! {":id": job.id.0})?;
    if job.counted {
        tx.left(job.status, &job.kind, job.queue.as_ref());
    }
    Ok(())
}

/// Removes pieces of a job's transcript; answers how many.
pub(in crate::store) fn transcript(conn: &Connection, id: JobId, limit: usize) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM transcript_pieces
        WHERE (job_id, start) IN (
            SELECT job_id, start
            FROM transcript_pieces
            WHERE job_id = :id
            LIMIT :limit)";
    if !ledger::has_program(conn)? {
        return Ok(0);
    }
    let params = named_params! {":id": id.0, ":limit": limit as i64};
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}
