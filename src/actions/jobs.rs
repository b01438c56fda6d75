//! Actions on jobs: make one, end it, run it again, start it now, change it, delete it, and find them.
//!
//! Only admins may ask for a session of an agent, and a session without a sandbox must be confirmed. That holds for every
//! way to ask: a new job, a job that is run again, another payload for a job that waits, and a schedule. A schedule that
//! an admin has made may be run at once by an operator too.

#[cfg(feature = "monitor")]
mod problems;
mod read;
mod texts;

#[cfg(feature = "monitor")]
pub use problems::{JobProblem, JobProblems, problems};
#[cfg(feature = "web")]
pub use read::short_waits;
pub use read::{JobsAsk, find, readable, story, waits, why};
pub use texts::{
    JobStart, parse_attempts, parse_ids, parse_instant, parse_key, parse_payload, parse_start,
    parse_start_by, time_limit,
};

use super::{Answer, Call, Right, kinds, ready, settings, waiting};
use crate::error::{Code, Error, Result};
use crate::model::{
    Cancelled, ConcurrencyKey, Enqueued, Job, JobEdit, JobId, Json, Kind, NewJob, Queue, Retry,
    Role, RunNow, Scope, Tag, UniqueKey,
};
use crate::store::Store;
use crate::wire;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The least role that may queue, cancel, run again, start and change jobs.
const ACTS: Role = Role::Operator;
/// The least role that may delete jobs and change their payload.
const OWNS: Role = Role::Admin;

/// The right to queue jobs.
pub const ENQUEUE: Right = Right::new(ACTS, "queue a job").by_token(Scope::JobsWrite);
/// The right to look at a job.
pub const SEE: Right = Right::new(Role::Viewer, "look at a job").by_token(Scope::JobsRead);
/// The right to cancel jobs.
pub const CANCEL: Right = Right::new(ACTS, "cancel a job");
/// The right to run jobs again that are over.
pub const RUN_AGAIN: Right = Right::new(ACTS, "run a job again");
/// The same for a bulk action.
const RUN_BULK_AGAIN: Right = Right::new(OWNS, "run a bulk action again");
/// The right to start jobs that wait before their time.
pub const RUN_NOW: Right = Right::new(ACTS, "start a job now");
/// The right to change jobs that wait.
pub const EDIT: Right = Right::new(ACTS, "change a job");
/// The right to change what they are given.
const EDIT_PAYLOAD: Right = Right::new(OWNS, "change the payload of a job");
/// The right to delete jobs that are over.
pub const DELETE: Right = Right::new(OWNS, "delete a job");

/// Queues a job.
#[derive(Clone, Debug, Default)]
pub struct JobAdd {
    /// Which handler runs it.
    pub kind: String,
    /// The handler's input.
    pub payload: Json,
    /// The queue that it waits in. Default: its kind's queue.
    pub queue: Option<String>,
    /// The priority; a lower one runs first. Default: its kind's.
    pub priority: Option<i32>,
    /// When it may start. Default: at once.
    pub start: Option<JobStart>,
    /// How many attempts it has. Default: its kind's.
    pub max_attempts: Option<u32>,
    /// How long an attempt may run. Default: its kind's.
    pub timeout: Option<Duration>,
    /// Only one job of the kind may have this key until it is over.
    pub unique_key: Option<String>,
    /// Only a limited number of jobs with this key run at once.
    pub concurrency_key: Option<String>,
    /// The jobs that must have completed before it starts.
    pub after: Vec<JobId>,
    /// The jobs that must be over before it starts, whatever becomes of them.
    pub after_any: Vec<JobId>,
    /// Words by which it is found, ten at most.
    pub tags: Vec<String>,
    /// For 24 hours a further request with this key is answered with the first job.
    pub idempotency_key: Option<String>,
    /// Whether a session without a sandbox was confirmed.
    pub confirmed: bool,
}

/// A request to run again a job that is over.
#[derive(Clone, Copy, Debug)]
pub struct RunAgain {
    /// The job's id.
    pub id: i64,
    /// Whether a session without a sandbox was confirmed.
    pub confirmed: bool,
    /// The newest job that runs it again already, as the person saw it; 0 if there was none. If there is a newer one by now,
    /// that one is the answer, and nothing is made. `None`: a further job is made in any case.
    pub seen: Option<i64>,
}

/// A request to change a job that waits. What is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct JobChange {
    /// The job's id.
    pub id: i64,
    /// The new priority; a lower one runs first.
    pub priority: Option<i32>,
    /// The new time at which it may start.
    pub start: Option<JobStart>,
    /// The handler's input.
    pub payload: Option<Json>,
    /// The new number of attempts.
    pub max_attempts: Option<u32>,
    /// Whether a session without a sandbox was confirmed.
    pub confirmed: bool,
}

/// Whether a person of this role may queue, cancel, run again, start and change jobs.
pub fn may_act(role: Role) -> bool {
    role >= ACTS
}

/// Whether a person of this role may run a job of this kind again.
pub fn may_run_again(role: Role, kind: &Kind) -> bool {
    let is_guarded = [Kind::AGENT_SESSION, Kind::BULK_ACTION].contains(kind);
    role >= if is_guarded { OWNS } else { ACTS }
}

/// Whether a person of this role may change what a waiting job is given.
pub fn may_edit_payload(role: Role) -> bool {
    EDIT_PAYLOAD.is_of(role)
}

/// Whether a person of this role may delete jobs.
pub fn may_delete(role: Role) -> bool {
    DELETE.is_of(role)
}

/// Queues a job.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator, for a session below admin; `AUTH-TOKEN-002` for a token without the scope
/// `jobs:write`, for a session also without `sessions:write`, and for one that is for other kinds or queues; `JOB-VALUE-001` for a value that does not fit and for a
/// session without a sandbox that was not confirmed; `JOB-LIMIT-001` if too many jobs of its kind wait; `JOB-KEY-001` for an
/// idempotency key of another request; `JOB-AFTER-001` if a job that it is to run after does not exist. Of a job that starts at once also `AGENT-START-003` for a session while the agent
/// program cannot be used, and `TRACK-AUTH-001` and `TRACK-REPO-001` for a scan that can file nothing.
pub async fn enqueue(
    store: &Store,
    call: &Call,
    request: JobAdd,
) -> Result<Answer<wire::Enqueued>> {
    call.needs(ENQUEUE)?;
    let doing = ENQUEUE.doing;
    let kind = Kind::parse(request.kind.trim())?;
    let queue = request.queue.map(|queue| Queue::parse(queue.trim())).transpose()?;
    call.needs_job(&kind, queue.as_ref(), doing)?;
    let asked = (&kind, &request.payload);
    let payload = kinds::check_asked(store, call, asked, request.confirmed, doing).await?;
    if request.start.is_none() {
        ready::check(store, call, (&kind, &payload)).await?;
    }
    let start = request.start.map(|start| start.chosen(call.now, doing)).transpose()?;
    let (run_at, delay) = start.unwrap_or_default();
    let continues = payload.value().get("continues").and_then(Value::as_i64).map(JobId);
    let job = NewJob {
        parent_id: continues.filter(|_| kind == Kind::AGENT_SESSION),
        payload,
        queue,
        priority: request.priority,
        run_at,
        delay,
        max_attempts: request.max_attempts,
        timeout: request.timeout,
        unique_key: request.unique_key.map(UniqueKey::parse).transpose()?,
        concurrency_key: request.concurrency_key.map(ConcurrencyKey::parse).transpose()?,
        tags: request.tags.into_iter().map(Tag::parse).collect::<Result<_>>()?,
        idempotency_key: request.idempotency_key,
        after: request.after,
        after_any: request.after_any,
        correlation_id: call.correlation_id.clone(),
        actor: Some(call.actor()),
        ..NewJob::new(kind.clone())
    };
    let receipt = store.enqueue_with_receipt(job, call.now).await?;
    let id = receipt.enqueued.id();
    let (sentence, notes) = match receipt.enqueued {
        Enqueued::Inserted(_) => {
            let held = waiting::held(store, call, &kind, id).await;
            (format!("Job {id} ({kind}) is queued. {}", held.text), held.notes)
        }
        Enqueued::Existing(_) => {
            let why = format!("job {id} holds the unique key, or the same request made it before");
            let notes = waiting::notes(store, &kind, call.now).await;
            (format!("Nothing was queued: {why}."), notes)
        }
    };
    let answer = Answer::new(wire::Enqueued::from(receipt), sentence.trim_end());
    Ok(answer.with_notes(notes))
}

/// Cancels a job that waits, or asks a running one to end.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `JOB-ID-001` if no job has this id, `JOB-ID-004` if the job is over.
pub async fn cancel(store: &Store, call: &Call, id: i64) -> Result<Answer<wire::JobCancelled>> {
    call.needs(CANCEL)?;
    let answer = |status, sentence| Answer::new(wire::JobCancelled { id, status }, sentence);
    match store.cancel(JobId(id), call.actor(), call.now).await? {
        Cancelled::Done => Ok(answer("cancelled", format!("Job {id} is cancelled."))),
        Cancelled::Requested => {
            Ok(answer("cancel_requested", format!("Job {id} runs, and was asked to end.")))
        }
        Cancelled::AlreadyFinal(status) => {
            let why = format!("cancel job {id}: it is over, and {status}");
            Err(Error::new(Code::JobFinal, why))
        }
    }
}

/// Stores a new job that is like a job that is over. The old job stays as it is.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator, for a session and for a bulk action below admin; `JOB-ID-001` if no job has
/// this id, `JOB-ID-002` if the job is not over; `JOB-VALUE-001` for a session without a sandbox that was not confirmed;
/// `JOB-LIMIT-001` if too many jobs of its kind wait; `AGENT-START-003`, `TRACK-AUTH-001` and
/// `TRACK-REPO-001` as [`enqueue`].
pub async fn run_again(
    store: &Store,
    call: &Call,
    request: RunAgain,
) -> Result<Answer<wire::Enqueued>> {
    call.needs(RUN_AGAIN)?;
    let doing = RUN_AGAIN.doing;
    let job = known(store, request.id).await?;
    if job.kind == Kind::BULK_ACTION {
        call.needs(RUN_BULK_AGAIN)?;
    }
    kinds::check_again(store, call, &job, request.confirmed, doing).await?;
    let before = retry(store, &job).await?.map(|retry| retry.id);
    if let (Some(seen), Some(before)) = (request.seen, before)
        && before.0 > seen
    {
        let sentence =
            format!("Nothing was queued: job {} was run again already, as job {before}.", job.id);
        return Ok(Answer::new(wire::Enqueued::from(Enqueued::Existing(before)), sentence));
    }
    let (actor, correlation_id) = (call.actor(), call.correlation_id.clone());
    let again = match request.seen {
        // Two requests of people who saw the same make one job, also where neither saw the other's.
        Some(seen) => {
            let key = format!("job {}, again after {seen}", job.id);
            store.run_again_once(job.id, key, actor, correlation_id, call.now).await?
        }
        None => store.run_again(job.id, actor, correlation_id, call.now).await?,
    };
    let id = again.id();
    let held = waiting::held(store, call, &job.kind, id).await;
    let sentence = format!("Job {id} runs job {} again. {}", job.id, held.text);
    let answer = Answer::new(wire::Enqueued::from(again), sentence.trim_end());
    Ok(answer.with_notes(held.notes))
}

/// The newest job that runs this one again, if it is over and was run again.
///
/// # Errors
/// Those of reading the database.
pub async fn retry(store: &Store, job: &Job) -> Result<Option<Retry>> {
    Ok(retries(store, std::slice::from_ref(job)).await?.remove(&job.id))
}

/// The newest job that runs each of these again, for those that are over and were run again.
///
/// # Errors
/// Those of reading the database.
pub async fn retries(store: &Store, jobs: &[Job]) -> Result<BTreeMap<JobId, Retry>> {
    let over = jobs.iter().filter(|job| job.status.is_final()).map(|job| job.id);
    store.retries(over.collect()).await
}

/// Whether the job is a session without a sandbox. Running it again must be confirmed.
pub async fn is_full(store: &Store, job: &Job) -> Result<bool> {
    kinds::is_full(store, (&job.kind, &Json::stored(&job.payload))).await
}

/// Makes a waiting job due. If something else still holds the job, the answer says what.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `JOB-ID-001` if no job has this id, `JOB-ID-003` if the job runs or is over.
pub async fn run_now(store: &Store, call: &Call, id: i64) -> Result<Answer<wire::JobDue>> {
    call.needs(RUN_NOW)?;
    let job = known(store, id).await?;
    let done = store.run_now(job.id, call.actor(), call.now).await?;
    let held = waiting::held(store, call, &job.kind, job.id).await;
    let (changed, sentence) = match done {
        RunNow::Due => (true, format!("Job {id} is due now. {}", held.text)),
        RunNow::AlreadyDue => (false, format!("Job {id} was due already. {}", held.text)),
    };
    let answer = Answer::new(wire::JobDue { id, changed }, sentence.trim_end());
    Ok(answer.with_notes(held.notes))
}

/// Changes a job that waits.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator, for its payload below admin; `JOB-ID-001` if no job has this id, `JOB-ID-003`
/// if the job runs or is over; `JOB-VALUE-001` for a value that does not fit, for a request that changes nothing, and for
/// a session without a sandbox that was not confirmed.
pub async fn edit(
    store: &Store,
    call: &Call,
    request: JobChange,
) -> Result<Answer<wire::JobChanged>> {
    call.needs(EDIT)?;
    let doing = EDIT.doing;
    let before = known(store, request.id).await?;
    let payload = match &request.payload {
        Some(payload) => {
            call.needs(EDIT_PAYLOAD)?;
            let asked = (&before.kind, payload);
            Some(kinds::check_asked(store, call, asked, request.confirmed, doing).await?)
        }
        None => None,
    };
    let edit = JobEdit {
        priority: request.priority,
        run_at: request.start.map(|start| start.at(call.now, doing)).transpose()?,
        payload,
        max_attempts: request.max_attempts,
    };
    if edit.is_empty() {
        let why = format!("change job {}: name what to change", before.id);
        return Err(Error::new(Code::ModelInvalid, why));
    }
    let after = store.edit_job(before.id, edit, call.actor(), call.now).await?;
    let shown = |job: &Job| (job.priority, job.run_at, job.payload.clone(), job.max_attempts);
    let changed = shown(&before) != shown(&after);
    let value = wire::JobChanged { job: wire::Job::from(&after), changed };
    if !changed {
        let sentence = format!("Job {} is as it was: nothing was changed.", after.id);
        return Ok(Answer::new(value, sentence));
    }
    let held = waiting::held(store, call, &after.kind, after.id).await;
    let sentence = format!("Job {} is changed. {}", after.id, held.text);
    Ok(Answer::new(value, sentence.trim_end()).with_notes(held.notes))
}

/// The priority that a change of many jobs gives them.
///
/// # Errors
/// `JOB-VALUE-001` if the change names none.
pub fn priority_of(change: &JobChange) -> Result<i32> {
    let none = || {
        let why = "change the jobs of a query: name the priority that they are to have";
        Error::new(Code::ModelInvalid, why)
    };
    change.priority.ok_or_else(none)
}

/// Deletes a job that is over, with its history, attempts and transcript.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `JOB-ID-001` if no job has this id, `JOB-ID-002` if the job is not over or
/// processes of it may be left.
pub async fn delete(store: &Store, call: &Call, id: i64) -> Result<Answer<wire::JobDeleted>> {
    call.needs(DELETE)?;
    store.delete_job(JobId(id), call.actor(), call.now).await?;
    let sentence = format!("Job {id} is deleted, with its history.");
    Ok(Answer::new(wire::JobDeleted { id }, sentence))
}

/// The job of this id, for somebody who looks at it.
///
/// # Errors
/// `AUTH-TOKEN-002` for a token without the scope `jobs:read`; `JOB-ID-001` if there is no such job, and for a token that is
/// for other kinds or queues, which is not told that there is one.
pub async fn seen(store: &Store, call: &Call, id: i64) -> Result<Job> {
    call.needs(SEE)?;
    let job = known(store, id).await?;
    match call.needs_job(&job.kind, job.queue.as_ref(), SEE.doing) {
        Ok(()) => Ok(job),
        Err(_) => Err(unknown(store, id).await),
    }
}

/// The job of this id.
///
/// # Errors
/// `JOB-ID-001` if there is none.
pub async fn known(store: &Store, id: i64) -> Result<Job> {
    match store.job(JobId(id)).await? {
        Some(job) => Ok(job),
        None => Err(unknown(store, id).await),
    }
}

/// That there is no such job, with how long jobs are kept.
async fn unknown(store: &Store, id: i64) -> Error {
    match settings::days_of_jobs(store).await {
        Ok(days) => {
            let kept = format!("jobs are kept for {days} days after their end");
            Error::new(Code::JobUnknown, format!("find job {id}: {kept}"))
        }
        Err(error) => error,
    }
}
