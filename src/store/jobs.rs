//! Jobs and the workers that run them.

use super::Store;
use super::sqlite;
use crate::error::Result;
use crate::model::{
    AttemptEnd, Event, Job, JobId, KindRules, Lease, NewJob, PollRequest, Polled, Queue, Status,
    Timestamp, WorkerId,
};
use std::sync::Arc;

/// Steps of a job's history that are read at most; a job with more has a story that no page can tell.
const MAX_EVENTS: usize = 1000;

impl Store {
    /// Stores a job. It is durable when this returns (P1).
    pub async fn enqueue(&self, job: NewJob, now: Timestamp) -> Result<JobId> {
        self.db.write("enqueue a job", move |c| sqlite::jobs::insert(c, &job, now)).await
    }

    /// One job.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>> {
        self.db.read("read a job", move |c| sqlite::jobs::get(c, id)).await
    }

    /// A job's steps outside the plain path, oldest first, at most 1,000.
    pub async fn job_events(&self, id: JobId) -> Result<Vec<Event>> {
        self.db.read("read a job's events", move |c| sqlite::jobs::events(c, id, MAX_EVENTS)).await
    }

    /// Registers this process as the worker of a database it has just come to lead, and gives the jobs of its kinds
    /// another chance that waited for a handler. Answers the queues that jobs which may start now are in.
    pub async fn take_over(
        &self,
        worker: WorkerId,
        pid: u32,
        kinds: Arc<[KindRules]>,
        now: Timestamp,
    ) -> Result<Vec<Queue>> {
        let take_over = move |c: &_| {
            sqlite::workers::register(c, &worker, pid, now)?;
            sqlite::claim::unblock_all(c, &kinds)?;
            sqlite::claim::queues_in_order(c)
        };
        self.db.write("take over the engine", take_over).await
    }

    /// Settles what lost workers left running, admits new jobs, and claims as many as there is room for, in one
    /// transaction. The caller leads the engine.
    pub async fn poll(&self, request: PollRequest, now: Timestamp) -> Result<Polled> {
        self.db.write("poll", move |c| sqlite::claim::poll(c, &request, now)).await
    }

    /// Ends an attempt as [`settlement`](crate::model::settlement) decides and answers the job's next status.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the lease is not held any more; nothing is changed then (P9).
    pub async fn settle(
        &self,
        lease: Lease,
        end: AttemptEnd,
        chance: f64,
        now: Timestamp,
    ) -> Result<Status> {
        let settle = move |c: &_| sqlite::settle::settle(c, &lease, end, chance, now);
        self.db.write("settle a job", settle).await
    }

    /// Says that a worker is alive.
    pub async fn heartbeat(&self, worker: WorkerId, now: Timestamp) -> Result<()> {
        self.db.write("heartbeat", move |c| sqlite::workers::heartbeat(c, &worker, now)).await
    }

    /// Removes a worker that has stopped on purpose.
    pub async fn retire(&self, worker: WorkerId) -> Result<()> {
        self.db.write("retire a worker", move |c| sqlite::workers::retire(c, &worker)).await
    }
}
