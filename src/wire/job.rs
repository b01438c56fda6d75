//! Jobs: one job, its steps and its attempts, and what became of a request for one.

use crate::model;
use serde::Serialize;
use serde_json::value::RawValue;

/// A type told to programs with what it is made of: each member has its document, its type and its value in one place.
macro_rules! told {
    ($(#[$of_it:meta])* pub struct $name:ident of $from:ident: $model:ty {
        $($(#[$of_member:meta])* $member:ident: $type:ty = $value:expr;)*
    }) => {
        $(#[$of_it])*
        pub struct $name {
            $($(#[$of_member])* pub $member: $type,)*
        }

        impl From<&$model> for $name {
            fn from($from: &$model) -> Self {
                Self { $($member: $value,)* }
            }
        }
    };
}

told! {
    /// A job.
    #[derive(Clone, Debug, Serialize)]
    pub struct Job of job: model::Job {
        /// Its id.
        id: i64 = job.id.0;
        /// Which handler runs it.
        kind: String = job.kind.to_string();
        /// Where it is on its way.
        status: &'static str = job.status.as_str();
        /// What a queued job waits for besides room.
        waits_for: Option<&'static str> = job.waits_for.map(model::WaitsFor::as_str);
        /// Where it waits; `null` before the engine has looked at it.
        queue: Option<String> = job.queue.as_ref().map(ToString::to_string);
        /// Lower runs first; `null` before the engine has looked at it.
        priority: Option<i32> = job.priority;
        /// What made it.
        trigger: &'static str = job.trigger.as_str();
        /// Attempts that have begun and counted.
        attempt: u32 = job.attempt;
        /// Attempts that it has.
        max_attempts: Option<u32> = job.max_attempts;
        /// Runs that a crash ended.
        interrupted: u32 = job.interrupted;
        /// The handler's input, as it was given.
        payload: Option<Box<RawValue>> = embedded(&job.payload);
        /// When it is due.
        run_at: String = job.run_at.to_string();
        /// When it was stored.
        created_at: String = job.created_at.to_string();
        /// When its last attempt began.
        started_at: Option<String> = instant(job.started_at);
        /// When it was over.
        finished_at: Option<String> = instant(job.finished_at);
        /// When a person asked it to end.
        cancel_requested_at: Option<String> = instant(job.cancel_requested_at);
        /// How long an attempt may run.
        timeout_ms: Option<u64> = job.timeout.map(|timeout| timeout.as_millis() as u64);
        /// At most one job that is not over holds this key.
        unique_key: Option<String> = job.unique_key.as_ref().map(ToString::to_string);
        /// Running jobs that hold this key are limited.
        concurrency_key: Option<String> = job.concurrency_key.as_ref().map(ToString::to_string);
        /// The schedule that made it.
        schedule_id: Option<i64> = job.schedule_id;
        /// The instant of the schedule that it stands for.
        occurrence_at: Option<String> = job.occurrence.map(|occurrence| occurrence.at.to_string());
        /// How far it is, in its handler's words.
        progress: Option<String> = job.progress.clone();
        /// The batch that it is counted in.
        batch_id: Option<i64> = job.batch_id.map(|id| id.0);
        /// The job that it came from.
        parent_id: Option<i64> = job.parent_id.map(|id| id.0);
        /// The words by which it is found.
        tags: Vec<String> = job.tags.iter().map(ToString::to_string).collect();
        /// What its handler answered.
        result: Option<Box<RawValue>> = job.result.as_deref().and_then(embedded);
        /// Why its last attempt failed.
        error: Option<String> = job.error.clone();
        /// The code of that error.
        error_code: Option<String> = job.error_code.clone();
    }
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

/// What failed jobs have in common.
#[derive(Clone, Debug, Serialize)]
pub struct JobProblem {
    /// The kind of the jobs.
    pub kind: String,
    /// Their error code, if they have one.
    pub error_code: Option<String>,
    /// What their errors say, with `<*>` for what differs.
    pub template: String,
    /// How many they are.
    pub count: u64,
    /// The first of them that failed.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// When the last one ended.
    pub last_at: Option<String>,
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
    /// The jobs that it runs after, in the order of their ids.
    pub after: Vec<JobAfter>,
    /// The first jobs that run after it, at most 100.
    pub before: Vec<i64>,
}

told! {
    /// A job that another one runs after.
    #[derive(Clone, Debug, Serialize)]
    pub struct JobAfter of after: model::After {
        /// Its id.
        id: i64 = after.id.0;
        /// Whether the other one runs whatever becomes of it.
        anyway: bool = after.anyway;
        /// How it has ended; `null` while it is not over.
        ended_as: Option<&'static str> = after.ended_as.map(model::Status::as_str);
    }
}

told! {
    /// A step of a job outside the plain path.
    #[derive(Clone, Debug, Serialize)]
    pub struct JobEvent of event: model::Event {
        /// Its number in the job's history, from 1: where some are missing, they are not kept.
        number: i64 = event.number;
        /// When.
        at: String = event.at.to_string();
        /// The status before.
        from: Option<&'static str> = event.from.map(model::Status::as_str);
        /// The status after.
        to: &'static str = event.to.as_str();
        /// What led to it.
        cause: String = event.cause_word().to_owned();
        /// Who or what did it.
        actor: String = event.actor.clone();
        /// More, for people.
        detail: Option<String> = event.detail.clone();
    }
}

told! {
    /// A run of a job that did not complete it.
    #[derive(Clone, Debug, Serialize)]
    pub struct JobAttempt of attempt: model::Attempt {
        /// The number of the claim.
        epoch: i64 = attempt.epoch;
        /// The number of the attempt.
        attempt: u32 = attempt.attempt;
        /// The process that ran it.
        worker_id: Option<String> = attempt.worker_id.clone();
        /// When it began.
        started_at: Option<String> = attempt.started_at.map(|at| at.to_string());
        /// When it ended.
        ended_at: String = attempt.ended_at.to_string();
        /// How it ended.
        ended_as: String = attempt.ended_word().to_owned();
        /// Why.
        error: Option<String> = attempt.error.clone();
        /// The code of that error.
        error_code: Option<String> = attempt.error_code.clone();
        /// What the error is recognised by.
        fingerprint: Option<String> = attempt.fingerprint.clone();
    }
}

/// What became of a request for a job.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Enqueued {
    /// The job's id.
    pub id: i64,
    /// Whether the job was there before: it holds the unique key, or the same request made it.
    pub existing: bool,
    /// Whether the request repeats another one under its idempotency key.
    #[serde(skip)]
    pub repeated: bool,
    /// Whether the job was there before the first of the requests under its idempotency key.
    #[serde(skip)]
    pub existing_at_first: bool,
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

/// An instant as it is told.
pub(super) fn instant(at: Option<model::Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

impl From<&model::Why> for JobWhy {
    fn from(why: &model::Why) -> Self {
        let gate = |gate: &model::Gate| WaitGate {
            gate: gate.word(),
            says: gate.sentence(why.zone),
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

impl From<model::Enqueued> for Enqueued {
    fn from(enqueued: model::Enqueued) -> Self {
        let existing = matches!(enqueued, model::Enqueued::Existing(_));
        Self { id: enqueued.id().0, existing, repeated: false, existing_at_first: existing }
    }
}

impl From<model::Receipt> for Enqueued {
    fn from(receipt: model::Receipt) -> Self {
        let first = receipt.repeats.unwrap_or(receipt.enqueued);
        Self {
            repeated: receipt.repeats.is_some(),
            existing_at_first: matches!(first, model::Enqueued::Existing(_)),
            ..Self::from(receipt.enqueued)
        }
    }
}
