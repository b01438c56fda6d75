//! Deletes final jobs before their retention does.

use crate::error::{Code, Error, Result};
use crate::model::{Actor, Job, JobId, Timestamp};
use crate::store::sql::{audit, jobs, remove};
use crate::store::sqlite::Tx;

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
    let job = jobs::existing(tx, id)?;
    if !job.status.is_final() {
        return Err(Error::new(Code::JobNotFinal, format!("job {id} is {}", job.status)));
    }
    if remove::has_processes(tx, id)? {
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

/// Removes a final job if this removes the last of at most `budget` pieces of its transcript; answers whether it is gone.
pub(super) fn remove(tx: &Tx<'_>, job: &Job, budget: &mut usize) -> Result<bool> {
    *budget -= remove::transcript(tx, job.id, *budget)?;
    if *budget == 0 {
        return Ok(false);
    }
    remove::job(tx, job)?;
    Ok(true)
}
