//! A slice of a bulk action: the act, on each job that still fits.

use super::enqueue::enqueue;
use super::{again, cancel, delete, edit};
use crate::error::{Code, Result};
use crate::model::{
    Actor, Bulk, BulkAct, BulkSlice, Enqueued, Job, JobEdit, JobId, JobState, NewJob, Skip,
    Timestamp,
};
use crate::store::sql::{self, audit, errors, jobs, references, remove};
use crate::store::sqlite::Tx;

/// Acts on the candidates that still fit. Jobs that are changed already are left alone.
pub(in crate::store) fn act_on(
    tx: &Tx<'_>,
    bulk: &Bulk,
    of: JobId,
    (ids, next): (&[i64], Option<i64>),
    actor: &Actor,
    now: Timestamp,
) -> Result<BulkSlice> {
    let correlation_id = jobs::get(tx, of)?.and_then(|job| job.correlation_id);
    let of = Of { job: of, correlation_id };
    let mut slice = BulkSlice { next, ..BulkSlice::default() };
    let mut changed = Vec::new();
    let mut pieces = delete::PIECES;
    for job in sql::bulk::still_fit(tx, bulk, ids)? {
        let job = match job {
            Ok(job) => job,
            Err(error) if error.code() == Code::StoreCorrupt => {
                *slice.skipped.entry(Skip::Unreadable).or_default() += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        let job = &job;
        let skip = match bulk.act.skip(JobState::from(job), now) {
            Some(skip) => Some(skip),
            None if bulk.act == BulkAct::Delete && remove::has_processes(tx, job.id)? => {
                Some(Skip::ProcessesLeft)
            }
            None if bulk.act == BulkAct::Delete && references::one_leads_to(tx, job.id)? => {
                Some(Skip::Referenced)
            }
            None if bulk.act == BulkAct::Delete => {
                if !delete::remove(tx, job, &mut pieces)? {
                    // The rest of its transcript is the next slice's.
                    slice.next = Some(job.id.0 - 1);
                    break;
                }
                None
            }
            None => act(tx, bulk.act, &of, job, actor, now)?,
        };
        match skip {
            Some(skip) => *slice.skipped.entry(skip).or_default() += 1,
            None => changed.push(job.id.0),
        }
    }
    slice.done = changed.len() as u64;
    if !changed.is_empty() {
        let subject = format!("{} jobs, for job {}", changed.len(), of.job);
        let ids = serde_json::json!(changed).to_string();
        let action = format!("bulk {}", bulk.act);
        audit::record_change(tx, actor, &action, &subject, (None, Some(&ids)), now)?;
    }
    Ok(slice)
}

/// The job that does the whole act.
struct Of {
    job: JobId,
    correlation_id: Option<String>,
}

/// Acts on one job; answers why it was left alone after all. One job that another program wrote with values that no job may
/// have does not stop the others.
fn act(
    tx: &Tx<'_>,
    act: BulkAct,
    of: &Of,
    job: &Job,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<Skip>> {
    let acted = match act {
        BulkAct::Cancel => cancel::cancel_job(tx, job, actor, now).map(|_| None),
        BulkAct::Retry => retry(tx, of, job, now),
        BulkAct::RunNow => edit::make_due(tx, job, actor, now).map(|_| None),
        BulkAct::SetPriority(to) => {
            let priority = JobEdit { priority: Some(to), ..JobEdit::default() };
            edit::change(tx, job, priority, actor, now).map(|_| None)
        }
        BulkAct::Delete => Ok(None),
    };
    // All of these are found before anything of the job is written.
    acted.or_else(|error| {
        let is_of_the_job = error.class().is_refusal() || error.code() == Code::StoreCorrupt;
        if is_of_the_job { Ok(Some(Skip::Unreadable)) } else { Err(error) }
    })
}

/// Runs a job again, once for each bulk action: the pair is the new job's idempotency key.
fn retry(tx: &Tx<'_>, of: &Of, job: &Job, now: Timestamp) -> Result<Option<Skip>> {
    let key = format!("bulk action {}, job {}", of.job, job.id);
    let again = NewJob {
        idempotency_key: Some(key),
        correlation_id: of.correlation_id.clone(),
        ..again::copy(job)
    };
    match enqueue(tx, &again, now) {
        Ok(Enqueued::Inserted(_)) => errors::retried(tx, job.id).map(|()| None),
        Ok(Enqueued::Existing(_)) => Ok(Some(Skip::Repeated)),
        Err(error) if error.code() == Code::IdempotencyConflict => Ok(Some(Skip::Repeated)),
        Err(error) if error.code() == Code::QueueFull => Ok(Some(Skip::NoRoom)),
        Err(error) => Err(error),
    }
}
