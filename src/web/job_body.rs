//! The body of a request for a job: what a program sends, and what the page of a job shows of it.

use crate::actions::jobs::{self, JobAdd};
use crate::error::Result;
use crate::model::{Job, JobId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::Duration;

/// A request for a job.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobBody {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency_key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

impl JobBody {
    /// The job that is asked for.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if a value does not fit.
    pub(super) fn asks(self) -> Result<JobAdd> {
        let payload = self.payload.map(|payload| jobs::parse_payload(payload.get())).transpose()?;
        Ok(JobAdd {
            kind: self.kind,
            payload: payload.unwrap_or_default(),
            queue: self.queue,
            priority: self.priority,
            start: jobs::parse_start(self.run_at.as_deref(), self.delay_s)?,
            max_attempts: self.max_attempts,
            timeout: self.timeout_s.map(jobs::time_limit).transpose()?,
            unique_key: self.unique_key,
            concurrency_key: self.concurrency_key,
            after: self.after.into_iter().map(JobId).collect(),
            tags: self.tags,
            ..JobAdd::default()
        })
    }

    /// The request for a job like this one, that may start at once. The numbers of the payload keep their digits.
    pub(super) fn of(job: &Job) -> Self {
        Self {
            kind: job.kind.to_string(),
            payload: serde_json::from_str(&job.payload).ok(),
            queue: job.queue.as_ref().map(ToString::to_string),
            priority: job.priority,
            max_attempts: job.max_attempts,
            timeout_s: job.timeout.map(whole_seconds),
            concurrency_key: job.concurrency_key.as_ref().map(ToString::to_string),
            tags: job.tags.iter().map(ToString::to_string).collect(),
            ..Self::default()
        }
    }
}

/// A length in seconds, rounded up.
fn whole_seconds(length: Duration) -> u64 {
    length.as_secs() + u64::from(length.subsec_nanos() > 0)
}
