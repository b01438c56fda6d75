//! Jobs, from their enqueue to their end.

use super::Store;
use super::core;
use super::core::enqueue::Plain;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::error::{Code, Error};
use crate::heavy::heavy;
use crate::model::{
    Actor, Attempt, AttemptEnd, Cancelled, Enqueued, ErrorPrint, Event, Job, JobEdit, JobId, Lease,
    NewJob, PollRequest, Polled, Receipt, RunNow, SettleRequest, Status, Timestamp, Why,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Steps of a job's history that are read at most: more than are kept.
const MAX_EVENTS: usize = 1000;
/// Jobs that one call stores: one transaction of some hundred milliseconds, which everybody else waits for.
const MAX_BULK: usize = 10_000;
/// What a payload has of bytes, as far as can be said before it is written out.
const TYPICAL: usize = 1024;

impl Store {
    /// Stores a job, or answers the one that holds its unique key or was made by the same request before. It is durable
    /// when this returns (P1).
    ///
    /// # Errors
    /// `JOB-KEY-001` if its idempotency key belongs to another request (P3); `JOB-VALUE-001` for a value out of range.
    pub async fn enqueue(&self, job: NewJob, now: Timestamp) -> Result<Enqueued> {
        Ok(self.enqueue_with_receipt(job, now).await?.enqueued)
    }

    /// The same; says also what the first request answered, if this one repeats it under its idempotency key.
    ///
    /// # Errors
    /// As [`Store::enqueue`].
    pub(crate) async fn enqueue_with_receipt(
        &self,
        job: NewJob,
        now: Timestamp,
    ) -> Result<Receipt> {
        if core::enqueue::decides(&job) {
            let add = move |tx: &Tx<'_>, now| core::enqueue::with_receipt(tx, &job, now);
            return self.db.rule("enqueue a job", now, add).await;
        }
        let (doing, job) = ("enqueue a job", Plain::of(job, now));
        let job = job.map_err(|error| error.while_doing(doing))?;
        let id = if job.is_short() {
            self.db.rule_together(doing, job, core::enqueue::plain_together).await?
        } else {
            self.db.row(doing, move |tx| core::enqueue::plain_one(tx, &job)).await?
        };
        Ok(Receipt { enqueued: Enqueued::Inserted(id), repeats: None })
    }

    /// Stores a job that a running job makes, under its lease.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the lease is not held any more; nothing is stored then (P9). As [`Store::enqueue`].
    pub async fn enqueue_under(
        &self,
        lease: Lease,
        job: NewJob,
        now: Timestamp,
    ) -> Result<Enqueued> {
        let add = move |tx: &Tx<'_>, now| core::enqueue::under_lease(tx, &lease, &job, now);
        self.db.rule("enqueue a job", now, add).await
    }

    /// Stores up to 10,000 jobs in one transaction: all of them or none (P4). Answers in their order.
    ///
    /// # Errors
    /// As [`Store::enqueue`]; `JOB-VALUE-001` for more jobs.
    pub async fn enqueue_all(&self, jobs: Vec<NewJob>, now: Timestamp) -> Result<Vec<Enqueued>> {
        if jobs.len() > MAX_BULK {
            let doing = format!("enqueue {} jobs at once; the limit is {MAX_BULK}", jobs.len());
            return Err(Error::new(Code::ModelInvalid, doing));
        }
        let (doing, how_many) = ("enqueue jobs", jobs.len());
        if jobs.iter().any(core::enqueue::decides) {
            let add = move |tx: &Tx<'_>, now| {
                jobs.iter().map(|job| core::enqueue::enqueue(tx, job, now)).collect()
            };
            return self.db.rule(doing, now, add).await;
        }
        let make = move || jobs.into_iter().map(|job| Plain::of(job, now)).collect();
        let plain: Result<Vec<_>> = heavy(how_many * TYPICAL, make).await;
        let plain = plain.map_err(|error| error.while_doing(doing))?;
        let ids = self.db.row(doing, move |tx| core::enqueue::plain(tx, &plain)).await?;
        Ok(ids.into_iter().map(Enqueued::Inserted).collect())
    }

    /// Cancels a job that waits, which then never starts, or asks a running one to end (P20).
    ///
    /// # Errors
    /// `JOB-ID-001` if there is no such job.
    pub async fn cancel(&self, id: JobId, actor: Actor, now: Timestamp) -> Result<Cancelled> {
        let cancel = move |tx: &Tx<'_>, now| core::cancel::cancel(tx, id, &actor, now);
        self.db.rule("cancel a job", now, cancel).await
    }

    /// Stores a new job like a final one and with it as its parent; that one stays as it is (P10). The correlation id is that
    /// of the request for the new one.
    ///
    /// # Errors
    /// `JOB-ID-001` if there is no such job, `JOB-ID-002` if it is not final.
    pub async fn run_again(
        &self,
        id: JobId,
        actor: Actor,
        correlation_id: Option<String>,
        now: Timestamp,
    ) -> Result<Enqueued> {
        let again = move |tx: &Tx<'_>, now| {
            core::again::run_again(tx, id, &actor, (None, correlation_id.clone()), now)
        };
        self.db.rule("run a job again", now, again).await
    }

    /// The same, once for an idempotency key: a second call answers the job of the first.
    ///
    /// # Errors
    /// As [`Store::run_again`]; `JOB-KEY-001` if the key is another job's.
    #[cfg(feature = "web")]
    pub async fn run_again_once(
        &self,
        id: JobId,
        key: String,
        actor: Actor,
        correlation_id: Option<String>,
        now: Timestamp,
    ) -> Result<Enqueued> {
        let again = move |tx: &Tx<'_>, now| {
            let once = (Some(key.clone()), correlation_id.clone());
            core::again::run_again(tx, id, &actor, once, now)
        };
        self.db.rule("run a job again", now, again).await
    }

    /// Makes a waiting job due, whether it waits for its own time, for a further attempt, or until a limit or a budget is
    /// over. What else it waits for still holds it, a budget that is used up too; [`Store::why`] says what.
    ///
    /// # Errors
    /// `JOB-ID-001` if there is no such job, `JOB-ID-003` if it runs or is over.
    pub async fn run_now(&self, id: JobId, actor: Actor, now: Timestamp) -> Result<RunNow> {
        let run = move |tx: &Tx<'_>, now| core::edit::run_now(tx, id, &actor, now);
        self.db.rule("make a job due", now, run).await
    }

    /// Changes a waiting job, and answers it as it is then. Its place in the claim order follows its new time and priority.
    ///
    /// # Errors
    /// `JOB-ID-001` if there is no such job, `JOB-ID-003` if it runs or is over; `JOB-VALUE-001` for a value out of range.
    pub async fn edit_job(
        &self,
        id: JobId,
        edit: JobEdit,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Job> {
        let edit = move |tx: &Tx<'_>, now| core::edit::edit(tx, id, edit.clone(), &actor, now);
        self.db.rule("change a job", now, edit).await
    }

    /// Deletes a final job with its history, attempts and transcript. A unique key that it holds through a window is free
    /// then; an idempotency key is not.
    ///
    /// # Errors
    /// `JOB-ID-001` if there is no such job, `JOB-ID-002` if it is not final or processes of it may be left.
    pub async fn delete_job(&self, id: JobId, actor: Actor, now: Timestamp) -> Result<()> {
        loop {
            let actor = actor.clone();
            let delete = move |tx: &Tx<'_>, now| core::delete::delete(tx, id, &actor, now);
            if self.db.rule("delete a job", now, delete).await? {
                return Ok(());
            }
        }
    }

    /// One job.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>> {
        self.db.read("read a job", move |c| sql::jobs::get(c, id)).await
    }

    /// Why a job is not running; `None` if there is no such job.
    pub async fn why(&self, id: JobId, now: Timestamp) -> Result<Option<Why>> {
        self.whys(vec![id], now).await.map(|mut whys| whys.remove(&id))
    }

    /// The same for the jobs of a list, in one snapshot; those that are not there are left out.
    ///
    /// # Errors
    /// Those of reading, and of the lock file that says whether a server leads.
    pub async fn whys(&self, ids: Vec<JobId>, now: Timestamp) -> Result<BTreeMap<JobId, Why>> {
        // A server that was killed has left its row, but not its lock.
        let is_led = self.is_led()?;
        let of = move |c: &_| sql::why::of(c, &ids, is_led, now);
        self.db.read("ask why jobs are not running", of).await
    }

    /// Whether nothing runs and nothing could start at `now` if every queue had room.
    pub async fn is_idle(&self, now: Timestamp) -> Result<bool> {
        self.db.read("ask whether anything can start", move |c| sql::jobs::is_idle(c, now)).await
    }

    /// A job's steps outside the plain path, oldest first. Of a long history the first 100 and the newest 400 are kept;
    /// [`Event::left_out_after`] says how many are missing between two.
    pub async fn job_events(&self, id: JobId) -> Result<Vec<Event>> {
        let events = move |c: &_| sql::history::events(c, id, MAX_EVENTS);
        self.db.read("read a job's events", events).await
    }

    /// A job's attempts beyond the plain path, oldest first. Of many the first 100 and the newest 400 are kept.
    pub async fn job_attempts(&self, id: JobId) -> Result<Vec<Attempt>> {
        let attempts = move |c: &_| sql::history::attempts(c, id, MAX_EVENTS);
        self.db.read("read a job's attempts", attempts).await
    }

    /// Claims jobs of the worker's kinds for its free slots, as far as the limits of their queues leave room over all
    /// processes, in one transaction. A worker that leads settles in it what lost workers left running, ends pauses, fires
    /// schedules, and admits what is new or due.
    ///
    /// # Errors
    /// `ENGINE-LEASE-001` if the worker was judged lost, and `ENGINE-LEAD-001` if another one leads; nothing is changed then
    /// (P9).
    pub async fn poll(&self, request: PollRequest, now: Timestamp) -> Result<Polled> {
        self.db.news().saw(now);
        let poll = move |tx: &Tx<'_>, now| core::poll::poll(tx, &request, now);
        self.db.rule("poll", now, poll).await
    }

    /// Ends an attempt as [`settlement`](crate::model::settlement) decides and answers the job's next status. A retry waits
    /// for `retry_after`.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the lease is not held any more; nothing is changed then (P9).
    pub async fn settle(
        &self,
        lease: Lease,
        end: AttemptEnd,
        retry_after: Duration,
        now: Timestamp,
    ) -> Result<Status> {
        self.end_attempt(lease, None, (end, retry_after), now).await
    }

    /// The same of a job as its worker claimed it, whose row is read only if that is not enough.
    ///
    /// # Errors
    /// As [`settle`](Self::settle).
    pub(crate) async fn settle_claimed(
        &self,
        job: &Arc<Job>,
        lease: Lease,
        end: AttemptEnd,
        retry_after: Duration,
        now: Timestamp,
    ) -> Result<Status> {
        self.end_attempt(lease, Some(Arc::clone(job)), (end, retry_after), now).await
    }

    async fn end_attempt(
        &self,
        lease: Lease,
        claimed: Option<Arc<Job>>,
        (end, retry_after): (AttemptEnd, Duration),
        now: Timestamp,
    ) -> Result<Status> {
        // The writer's thread has no time to read texts.
        let print = end.error().map(ErrorPrint::of);
        let request = SettleRequest { lease, claimed, end, print, retry_after, now };
        self.db.rule_together("settle a job", request, core::settle::settle).await
    }

    /// Says how far a job is, in at most 1,000 bytes.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the lease is not held any more; nothing is changed then (P9).
    pub async fn set_progress(&self, lease: Lease, text: String) -> Result<()> {
        let set = move |tx: &Tx<'_>| sql::lease::set_progress(tx, &lease, &text);
        self.db.row("set a job's progress", set).await
    }
}
