//! The jobs of a store as an embedding program works with them: it makes them, waits for them, follows and changes them.
//!
//! [`Jobs`] is a store and a clock in one. It adds names and types to what [`Store`] does, and no rule.

mod batch;
mod waited;

pub use batch::BatchDraft;
pub use waited::Waited;

use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::model::{
    Actor, BulkAct, Cancelled, Enqueued, Ensured, Filter, Job, JobEdit, JobId, JobState, NewJob,
    NewSchedule, Payload, Queue, RunNow, Timestamp, Why,
};
use crate::store::transactional::{self, Connection};
use crate::store::{JobEvents, Store};
use std::time::Duration;

/// Jobs that one list shows at most.
const MAX_LISTED: usize = 1000;
/// Jobs that an act looks at between two writes.
const PAGE: usize = 200;

/// An act's refusals of a job that is in another status than the act is for.
const CHANGED: [Code; 3] = [Code::JobUnknown, Code::JobNotFinal, Code::JobNotWaiting];

/// The jobs of a store. Clones are cheap and share it.
///
/// # Example
/// ```
/// use lamplighter::prelude::*;
///
/// #[derive(Serialize, Deserialize)]
/// struct SendInvoice {
///     number: u64,
/// }
/// impl Payload for SendInvoice {
///     const KIND: Kind = Kind::named("send_invoice");
///     type Output = String;
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lamplighter::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder");
/// # let store = lamplighter::testing::store_in(folder.path())?;
/// let engine = Engine::builder(store, Clock::system())
///     .on::<SendInvoice, _, _>(|_, invoice| async move { Ok(format!("receipt {}", invoice.number)) })
///     .start()?;
/// let jobs = engine.jobs();
/// let id = jobs.enqueue(&SendInvoice { number: 7 }).await?.id();
/// match jobs.wait::<SendInvoice>(id, Duration::from_secs(30)).await? {
///     Waited::Done(receipt) => assert_eq!(receipt, "receipt 7"),
///     Waited::Failed(error) => eprintln!("{}", error.message),
///     Waited::Cancelled => eprintln!("somebody cancelled it"),
///     Waited::Open(status) => eprintln!("it is {status} after 30 s"),
/// }
///
/// let later = NewJob::of(&SendInvoice { number: 8 })?.delay(Duration::from_hours(2)).unique("inv-8")?;
/// let id = jobs.add(later).await?.id();
/// jobs.by("ada").cancel(id).await?;
/// # engine.stop(Duration::ZERO).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Jobs {
    store: Store,
    clock: Clock,
    actor: Option<Actor>,
}

/// What an act on many jobs did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acted {
    /// Jobs that were changed.
    pub done: u64,
    /// Jobs that fit the filter and were left alone, because the act has nothing to do with a job in their status, or because
    /// a foreign key of the application's keeps one from being deleted.
    pub skipped: u64,
}

impl Jobs {
    /// The jobs of this store, at the times of this clock.
    pub fn new(store: &Store, clock: &Clock) -> Self {
        Self { store: store.clone(), clock: clock.clone(), actor: None }
    }

    /// The store of these jobs.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The clock that these jobs go by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The same on behalf of somebody, whom the audit log and the jobs' histories name. Without this it is `program`, and
    /// what is enqueued is not audited.
    #[must_use]
    pub fn by(&self, actor: impl Into<String>) -> Self {
        Self { actor: Some(Actor::named(actor)), ..self.clone() }
    }

    /// Stores a job with this payload that may start at once. It is durable when this returns (P1).
    ///
    /// # Errors
    /// As [`Jobs::add`].
    pub async fn enqueue<P: Payload + Sync>(&self, payload: &P) -> Result<Enqueued> {
        self.add(NewJob::of(payload)?).await
    }

    /// Stores a job, or answers the one that holds its unique key or was made by the same request before. It is durable
    /// when this returns (P1).
    ///
    /// # Errors
    /// As [`Store::enqueue`].
    pub async fn add(&self, job: NewJob) -> Result<Enqueued> {
        self.store.enqueue(self.signed(job), self.clock.now()).await
    }

    /// Stores up to 10,000 jobs in one transaction: all of them or none (P4). Answers in their order.
    ///
    /// # Errors
    /// As [`Store::enqueue_all`].
    pub async fn add_all(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>> {
        let jobs = jobs.into_iter().map(|job| self.signed(job)).collect();
        self.store.enqueue_all(jobs, self.clock.now()).await
    }

    /// Stores a job with this payload in the transaction that the caller has open on its own connection to the same file:
    /// the job is there exactly if the caller's rows are ([`transactional`]). Blocks.
    ///
    /// # Errors
    /// As [`transactional::enqueue`].
    pub fn enqueue_in<P: Payload>(&self, tx: &Connection, payload: &P) -> Result<Enqueued> {
        self.add_in(tx, NewJob::of(payload)?)
    }

    /// The same with options.
    ///
    /// # Errors
    /// As [`transactional::enqueue`].
    pub fn add_in(&self, tx: &Connection, job: NewJob) -> Result<Enqueued> {
        transactional::enqueue(tx, &self.signed(job), self.clock.now())
    }

    /// Waits until a job is final, at most `timeout` of the clock. It reads the job when it begins and once when the job has
    /// ended, whatever happens to other jobs meanwhile. Cancel safe; the job goes on either way.
    ///
    /// # Errors
    /// `JOB-ID-001` if there is no such job; `JOB-VALUE-001` if it is of another kind, or its result is not of the output's
    /// type.
    pub async fn wait<P: Payload>(
        &self,
        id: JobId,
        timeout: Duration,
    ) -> Result<Waited<P::Output>> {
        tokio::select! {
            biased;
            job = self.store.wait(id) => Waited::of::<P>(&job?),
            () = self.clock.sleep(timeout) => match self.store.job(id).await? {
                Some(job) => Waited::of::<P>(&job),
                None => Err(waited::unknown(id)),
            },
        }
    }

    /// Stores a job with this payload and waits for its end, at most `timeout` of the clock.
    ///
    /// # Errors
    /// As [`Jobs::add`] and [`Jobs::wait`].
    pub async fn run<P: Payload + Sync>(
        &self,
        payload: &P,
        timeout: Duration,
    ) -> Result<Waited<P::Output>> {
        let id = self.enqueue(payload).await?.id();
        self.wait::<P>(id, timeout).await
    }

    /// The steps that the jobs which fit the filter take from now on: by `id`, `kind`, `queue` and `status`, the one after
    /// the step. See [`JobEvents`] for what is lost. Of a job that another process runs it tells the end alone.
    ///
    /// # Errors
    /// `JOB-QUERY-001` if the filter asks for anything else.
    pub async fn events(&self, filter: &Filter) -> Result<JobEvents> {
        self.store.job_steps(filter, self.clock.now()).await
    }

    /// One job.
    ///
    /// # Errors
    /// Those of a database that cannot be read.
    pub async fn get(&self, id: JobId) -> Result<Option<Job>> {
        self.store.job(id).await
    }

    /// Why a job is not running; `None` if there is no such job.
    ///
    /// # Errors
    /// Those of a database that cannot be read.
    pub async fn why(&self, id: JobId) -> Result<Option<Why>> {
        self.store.why(id, self.clock.now()).await
    }

    /// The newest jobs that fit the filter, at most 1,000, newest first. Looks through the newest 100,000 jobs.
    /// [`Store::find_jobs`] goes on from there.
    ///
    /// # Errors
    /// Those of a database that cannot be read.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Job>> {
        let found = self.store.find_jobs(filter.clone(), None, MAX_LISTED, self.clock.now()).await;
        Ok(found?.rows)
    }

    /// Stores a new job like a final one, which stays as it is (P10).
    ///
    /// # Errors
    /// As [`Store::run_again`].
    pub async fn retry(&self, id: JobId) -> Result<Enqueued> {
        self.store.run_again(id, self.actor(), None, self.clock.now()).await
    }

    /// Makes a waiting job due. What else it waits for still holds it; [`Jobs::why`] says what.
    ///
    /// # Errors
    /// As [`Store::run_now`].
    pub async fn run_now(&self, id: JobId) -> Result<RunNow> {
        self.store.run_now(id, self.actor(), self.clock.now()).await
    }

    /// Changes a waiting job, and answers it as it is then.
    ///
    /// # Errors
    /// As [`Store::edit_job`].
    pub async fn edit(&self, id: JobId, edit: JobEdit) -> Result<Job> {
        self.store.edit_job(id, edit, self.actor(), self.clock.now()).await
    }

    /// Cancels a job that waits, or asks a running one to end (P20).
    ///
    /// # Errors
    /// As [`Store::cancel`].
    pub async fn cancel(&self, id: JobId) -> Result<Cancelled> {
        self.store.cancel(id, self.actor(), self.clock.now()).await
    }

    /// Deletes a final job with its history.
    ///
    /// # Errors
    /// As [`Store::delete_job`].
    pub async fn delete(&self, id: JobId) -> Result<()> {
        self.store.delete_job(id, self.actor(), self.clock.now()).await
    }

    /// Does one thing to each job that fits the filter, newest first, in a transaction for each: jobs that are made
    /// meanwhile are left alone. An act that is broken off has changed those before.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a priority out of range; those of the database.
    pub async fn act(&self, filter: &Filter, act: BulkAct) -> Result<Acted> {
        let (mut acted, mut before, now) = (Acted::default(), None, self.clock.now());
        loop {
            let found = self.store.find_jobs(filter.clone(), before, PAGE, now).await?;
            for job in found.rows {
                let skips = act.skip(JobState::from(&job), now).is_some();
                let is_done = !skips && self.do_to(job.id, act).await?;
                *if is_done { &mut acted.done } else { &mut acted.skipped } += 1;
            }
            before = found.next;
            if before.is_none() {
                return Ok(acted);
            }
        }
    }

    /// Does it to one job; answers whether there was anything to do with it still.
    async fn do_to(&self, id: JobId, act: BulkAct) -> Result<bool> {
        let done = match act {
            BulkAct::Cancel => self.cancel(id).await.map(drop),
            BulkAct::Retry => self.retry(id).await.map(drop),
            BulkAct::RunNow => self.run_now(id).await.map(drop),
            BulkAct::Delete => self.delete(id).await,
            BulkAct::SetPriority(to) => {
                self.edit(id, JobEdit { priority: Some(to), ..JobEdit::default() }).await.map(drop)
            }
        };
        match done {
            Ok(()) => Ok(true),
            // It has changed since it was found.
            Err(error) if CHANGED.contains(&error.code()) => Ok(false),
            // A row of the application's names it by a foreign key.
            Err(error) if act == BulkAct::Delete && error.code() == Code::StoreConstraint => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Pauses a queue until `resume_at`, or until somebody resumes it: none of its jobs starts. Running jobs go on.
    ///
    /// # Errors
    /// As [`Store::pause_queue`].
    pub async fn pause(
        &self,
        queue: Queue,
        reason: impl Into<String>,
        resume_at: Option<Timestamp>,
    ) -> Result<()> {
        let now = self.clock.now();
        self.store.pause_queue(queue, reason.into(), resume_at, self.actor(), now).await
    }

    /// Lets a queue go on; answers whether it was paused.
    ///
    /// # Errors
    /// As [`Store::resume_queue`].
    pub async fn resume(&self, queue: Queue) -> Result<bool> {
        self.store.resume_queue(queue, self.actor(), self.clock.now()).await
    }

    /// Makes a schedule be as it is declared.
    ///
    /// # Errors
    /// As [`Store::ensure_schedule`].
    pub async fn ensure_schedule(&self, schedule: NewSchedule) -> Result<Ensured> {
        self.store.ensure_schedule(schedule, self.actor(), self.clock.now()).await
    }

    fn actor(&self) -> Actor {
        self.actor.clone().unwrap_or_else(Actor::program)
    }

    fn signed(&self, job: NewJob) -> NewJob {
        let actor = job.actor.or_else(|| self.actor.clone());
        NewJob { actor, ..job }
    }
}
