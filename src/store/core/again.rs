//! Running a final job again, as a new one.

use super::enqueue::enqueue;
use crate::error::{Code, Error, Result};
use crate::model::{Actor, Enqueued, Job, JobId, Json, NewJob, Timestamp, Trigger};
use crate::store::sql::{errors, jobs};
use crate::store::sqlite::Tx;

/// Stores a new job like a final one, which stays as it is (P10); with a key, once for that key.
///
/// # Errors
/// `JOB-ID-001` if there is no such job, `JOB-ID-002` if it is not final; `JOB-KEY-001` for the key of another job.
pub(in crate::store) fn run_again(
    tx: &Tx<'_>,
    id: JobId,
    actor: &Actor,
    (key, correlation_id): (Option<String>, Option<String>),
    now: Timestamp,
) -> Result<Enqueued> {
    let job = jobs::existing(tx, id)?;
    if !job.status.is_final() {
        return Err(Error::new(Code::JobNotFinal, format!("job {id} is {}", job.status)));
    }
    let actor = Some(actor.clone());
    let again = NewJob { actor, correlation_id, idempotency_key: key, ..copy(&job) };
    errors::retried(tx, id)?;
    enqueue(tx, &again, now)
}

/// A new job like this one, with it as its parent. Its payload is carried as it stands there.
pub(super) fn copy(job: &Job) -> NewJob {
    NewJob {
        payload: Json::stored(&job.payload),
        trigger: Trigger::Retry,
        queue: job.queue.clone(),
        max_attempts: job.max_attempts,
        timeout: job.timeout,
        concurrency_key: job.concurrency_key.clone(),
        tags: job.tags.clone(),
        parent_id: Some(job.id),
        schedule_id: job.schedule_id,
        ..NewJob::new(job.kind.clone())
    }
}
