//! Batches: jobs that are counted together, and a job that is made when the last of them is over.

use super::{BatchId, JobId, Json, NewJob, Timestamp};
use crate::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Most jobs of one batch.
pub const MAX_BATCH: u64 = 1_000_000;

/// A batch and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// What its maker calls it; two batches may have the same name.
    pub name: String,
    /// Jobs that it has.
    pub total: u64,
    /// Those that are not over.
    pub open: u64,
    /// Those that completed.
    pub completed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were cancelled.
    pub cancelled: u64,
    /// Whether it waits for more jobs: it is finished only after it was closed.
    pub held: bool,
    /// Whether a job is made when it is finished.
    pub has_then: bool,
    /// The job that was made when it was finished.
    pub then_id: Option<JobId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its last job was over, and it was closed.
    pub finished_at: Option<Timestamp>,
}

/// The job that is made when a batch is finished, as it is stored.
#[derive(Debug, Deserialize, Serialize)]
struct Then {
    kind: String,
    payload: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule_id: Option<i64>,
    /// Who asked for the batch, by name and address.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<(String, Option<String>)>,
}

/// The text of the job that is made when a batch is finished.
///
/// # Errors
/// `JOB-VALUE-001` for values out of range, and for what a later job cannot have: a time, a unique or an idempotency key, a
/// batch, and jobs that it runs after. `JOB-SIZE-001` for a payload that is too large.
pub(crate) fn then_text(job: &NewJob) -> Result<String> {
    job.checked()?;
    let has_more = job.run_at.is_some()
        || job.delay.is_some()
        || job.unique_key.is_some()
        || job.idempotency_key.is_some()
        || job.batch.is_some()
        || job.runs_after() > 0;
    if has_more {
        let why = "the job that follows a batch has no time, no unique or idempotency key, no batch of its own and no jobs before it";
        return Err(Error::new(Code::ModelInvalid, why));
    }
    let then = Then {
        kind: job.kind.to_string(),
        payload: job.payload.clone(),
        queue: job.queue.as_ref().map(ToString::to_string),
        priority: job.priority,
        max_attempts: job.max_attempts,
        timeout_ms: job.timeout.map(|timeout| timeout.as_millis() as u64),
        concurrency_key: job.concurrency_key.as_ref().map(ToString::to_string),
        correlation_id: job.correlation_id.clone(),
        tags: job.tags.iter().map(ToString::to_string).collect(),
        schedule_id: job.payer(),
        actor: job.actor.clone().map(|actor| (actor.name, actor.remote)),
    };
    serde_json::to_string(&then).map_err(|why| {
        Error::new(Code::ModelInvalid, "write the job that follows a batch").because(why)
    })
}

/// The job of such a text; `None` if another program has written something else there.
pub(crate) fn then_job(text: &str) -> Option<NewJob> {
    let then: Then = serde_json::from_str(text).ok()?;
    let job = NewJob {
        payload: then.payload,
        queue: then.queue.map(super::Queue::parse).transpose().ok()?,
        priority: then.priority,
        max_attempts: then.max_attempts,
        timeout: then.timeout_ms.map(Duration::from_millis),
        concurrency_key: then.concurrency_key.map(super::ConcurrencyKey::parse).transpose().ok()?,
        correlation_id: then.correlation_id,
        tags: then.tags.into_iter().map(super::Tag::parse).collect::<Result<_>>().ok()?,
        schedule_id: then.schedule_id,
        actor: then.actor.map(|(name, remote)| super::Actor { name, remote }),
        trigger: super::Trigger::Parent,
        ..NewJob::new(super::Kind::parse(then.kind).ok()?)
    };
    job.checked().is_ok().then_some(job)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, ConcurrencyKey, Kind, Queue, Trigger};

    #[test]
    fn the_job_after_a_batch_comes_back_from_its_text_as_it_was() {
        let job = NewJob {
            payload: serde_json::json!({"sum": 7}).into(),
            queue: Some(Queue::parse("mail").unwrap()),
            priority: Some(-3),
            max_attempts: Some(2),
            timeout: Some(Duration::from_secs(5)),
            concurrency_key: Some(ConcurrencyKey::parse("k").unwrap()),
            schedule_id: Some(4),
            actor: Some(Actor { name: "ann".into(), remote: Some("10.0.0.7".into()) }),
            trigger: Trigger::Parent,
            ..NewJob::new(Kind::parse("report").unwrap())
        };
        let back = then_job(&then_text(&job).unwrap()).unwrap();
        assert_eq!(format!("{back:?}"), format!("{job:?}"));
        for wrong in [
            job.clone().delay(Duration::from_secs(1)),
            job.clone().unique("u").unwrap(),
            job.clone().after([JobId(1)]),
            NewJob { priority: Some(101), ..job.clone() },
        ] {
            assert_eq!(then_text(&wrong).unwrap_err().code(), Code::ModelInvalid);
        }
        for text in ["{}", "[", r#"{"kind":"Not snake","payload":1}"#] {
            assert!(then_job(text).is_none(), "{text}");
        }
    }
}
