//! Jobs: one job, its steps and its attempts, and what became of a request for one.

use crate::model;
use serde::Serialize;
use serde_json::value::RawValue;

/// A job.
#[derive(Clone, Debug, Serialize)]
pub struct Job {
    /// Its id.
    pub id: i64,
    /// Which handler runs it.
    pub kind: String,
    /// Where it is on its way.
    pub status: &'static str,
    /// What a queued job waits for besides room.
    pub blocked_by: Option<&'static str>,
    /// Where it waits; `null` before the engine has looked at it.
    pub queue: Option<String>,
    /// Lower runs first; `null` before the engine has looked at it.
    pub priority: Option<i32>,
    /// What made it.
    pub trigger: &'static str,
    /// Attempts that have begun and counted.
    pub attempt: u32,
    /// Attempts that it has.
    pub max_attempts: Option<u32>,
    /// Runs that a crash ended.
    pub interrupted: u32,
    /// The handler's input, as it was given.
    pub payload: Option<Box<RawValue>>,
    /// When it is due.
    pub run_at: String,
    /// When it was stored.
    pub created_at: String,
    /// When its last attempt began.
    pub started_at: Option<String>,
    /// When it was over.
    pub finished_at: Option<String>,
    /// When a person asked it to end.
    pub cancel_requested_at: Option<String>,
    /// How long an attempt may run.
    pub timeout_ms: Option<u64>,
    /// At most one job that is not over holds this key.
    pub unique_key: Option<String>,
    /// Running jobs that hold this key are limited.
    pub concurrency_key: Option<String>,
    /// The schedule that made it.
    pub schedule_id: Option<i64>,
    /// The instant of the schedule that it stands for.
    pub occurrence_at: Option<String>,
    /// How far it is, in its handler's words.
    pub progress: Option<String>,
    /// The job that it came from.
    pub parent_id: Option<i64>,
    /// What its handler answered.
    pub result: Option<Box<RawValue>>,
    /// Why its last attempt failed.
    pub error: Option<String>,
    /// The code of that error.
    pub error_code: Option<String>,
}

/// A job in a list.
#[derive(Clone, Debug, Serialize)]
pub struct JobListed {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// What it waits for, in words; `null` unless it waits.
    pub waits: Option<String>,
}

/// A job with its steps and attempts.
#[derive(Clone, Debug, Serialize)]
pub struct JobStory {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// Its steps outside the plain path, oldest first.
    pub events: Vec<JobEvent>,
    /// Its attempts outside the plain path, oldest first.
    pub attempts: Vec<JobAttempt>,
}

/// A step of a job outside the plain path.
#[derive(Clone, Debug, Serialize)]
pub struct JobEvent {
    /// When.
    pub at: String,
    /// The status before.
    pub from: Option<&'static str>,
    /// The status after.
    pub to: &'static str,
    /// What led to it.
    pub cause: String,
    /// Who or what did it.
    pub actor: String,
    /// More, for people.
    pub detail: Option<String>,
}

/// A run of a job that did not complete it.
#[derive(Clone, Debug, Serialize)]
pub struct JobAttempt {
    /// The number of the claim.
    pub epoch: i64,
    /// The number of the attempt.
    pub attempt: u32,
    /// The process that ran it.
    pub worker_id: Option<String>,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub ended_at: String,
    /// How it ended.
    pub ended_as: String,
    /// Why.
    pub error: Option<String>,
    /// The code of that error.
    pub error_code: Option<String>,
}

/// What became of a request for a job.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Enqueued {
    /// The job's id.
    pub id: i64,
    /// Whether the job was there before: it holds the unique key, or the same request made it.
    pub existing: bool,
}

/// What became of a wish that a job end.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct JobCancelled {
    /// The job's id.
    pub id: i64,
    /// `cancelled`, or `cancel_requested` if it runs and was asked to end.
    pub status: &'static str,
}

/// What became of a wish that a waiting job start now.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct JobDue {
    /// The job's id.
    pub id: i64,
    /// Whether its time had not come before.
    pub changed: bool,
}

/// A waiting job after an edit.
#[derive(Clone, Debug, Serialize)]
pub struct JobChanged {
    /// The job as it is now.
    #[serde(flatten)]
    pub job: Job,
    /// Whether it is another than before.
    pub changed: bool,
}

/// A job that is gone.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct JobDeleted {
    /// The id that it had.
    pub id: i64,
}

/// Why a job is not running.
#[derive(Clone, Debug, Serialize)]
pub struct JobWhy {
    /// The job's id.
    pub id: i64,
    /// Where it is on its way.
    pub status: &'static str,
    /// What keeps it from starting, in the order in which an operator would open them; empty unless it waits.
    pub gates: Vec<WaitGate>,
    /// Jobs of its queue that start before it, counted up to 1,000.
    pub ahead: u64,
}

/// One thing that keeps a job from starting.
#[derive(Clone, Debug, Serialize)]
pub struct WaitGate {
    /// What it is, in a word.
    pub gate: &'static str,
    /// The same as a sentence.
    pub says: String,
    /// When it opens by itself, if that is known.
    pub until: Option<String>,
    /// The jobs that hold it, at most ten.
    pub holders: Vec<i64>,
    /// What opens it.
    pub opening: String,
}

/// A text of the database that should be JSON, as it stands there; `None` if it is none.
pub(super) fn embedded(text: &str) -> Option<Box<RawValue>> {
    serde_json::from_str(text).ok()
}

impl From<&model::Job> for Job {
    fn from(job: &model::Job) -> Self {
        let at = |instant: Option<model::Timestamp>| instant.map(|at| at.to_string());
        Self {
            id: job.id.0,
            kind: job.kind.to_string(),
            status: job.status.as_str(),
            blocked_by: job.blocked_by.map(model::BlockedBy::as_str),
            queue: job.queue.as_ref().map(ToString::to_string),
            priority: job.priority,
            trigger: job.trigger.as_str(),
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            interrupted: job.interrupted,
            payload: embedded(&job.payload),
            run_at: job.run_at.to_string(),
            created_at: job.created_at.to_string(),
            started_at: at(job.started_at),
            finished_at: at(job.finished_at),
            cancel_requested_at: at(job.cancel_requested_at),
            timeout_ms: job.timeout.map(|timeout| timeout.as_millis() as u64),
            unique_key: job.unique_key.as_ref().map(ToString::to_string),
            concurrency_key: job.concurrency_key.as_ref().map(ToString::to_string),
            schedule_id: job.schedule_id,
            occurrence_at: job.occurrence.map(|occurrence| occurrence.at.to_string()),
            progress: job.progress.clone(),
            parent_id: job.parent_id.map(|id| id.0),
            result: job.result.as_deref().and_then(embedded),
            error: job.error.clone(),
            error_code: job.error_code.clone(),
        }
    }
}

impl From<&model::Why> for JobWhy {
    fn from(why: &model::Why) -> Self {
        let gate = |gate: &model::Gate| WaitGate {
            gate: gate.word(),
            says: gate.sentence(),
            until: gate.until().map(|at| at.to_string()),
            holders: gate.holders().iter().map(|id| id.0).collect(),
            opening: gate.opening(why.id).to_string(),
        };
        Self {
            id: why.id.0,
            status: why.status.as_str(),
            gates: why.gates.iter().map(gate).collect(),
            ahead: why.ahead,
        }
    }
}

impl From<&model::Event> for JobEvent {
    fn from(event: &model::Event) -> Self {
        Self {
            at: event.at.to_string(),
            from: event.from.map(model::Status::as_str),
            to: event.to.as_str(),
            cause: event.cause_word().to_owned(),
            actor: event.actor.clone(),
            detail: event.detail.clone(),
        }
    }
}

impl From<&model::Attempt> for JobAttempt {
    fn from(attempt: &model::Attempt) -> Self {
        Self {
            epoch: attempt.epoch,
            attempt: attempt.attempt,
            worker_id: attempt.worker_id.clone(),
            started_at: attempt.started_at.map(|at| at.to_string()),
            ended_at: attempt.ended_at.to_string(),
            ended_as: attempt.ended_as.clone(),
            error: attempt.error.clone(),
            error_code: attempt.error_code.clone(),
        }
    }
}

impl From<model::Enqueued> for Enqueued {
    fn from(enqueued: model::Enqueued) -> Self {
        Self { id: enqueued.id().0, existing: matches!(enqueued, model::Enqueued::Existing(_)) }
    }
}
