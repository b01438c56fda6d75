//! Queues: limits, pauses, and the switch that stops them all; exact counts.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
#[cfg(feature = "cli")]
use crate::error::{Code, Error};
#[cfg(feature = "monitor")]
use crate::model::Lease;
use crate::model::{
    Actor, Job, JobCount, KindRules, Pause, Queue, QueueState, Timestamp, Unplaced,
};
use std::sync::Arc;

impl Store {
    /// Every queue that the engine, an operator or a job has spoken of, by name.
    pub async fn queues(&self) -> Result<Vec<QueueState>> {
        self.db.read("list queues", sql::queues::all).await
    }

    /// The waiting jobs that are in no queue: the engine has not looked at them, or nobody has a handler for their kind.
    pub async fn unplaced(&self) -> Result<Unplaced> {
        self.db.read("count jobs without a queue", sql::queues::unplaced).await
    }

    /// The job that is first in a queue's line, and at most `limit` of those that run.
    pub async fn queue_line(&self, queue: Queue, limit: usize) -> Result<(Option<Job>, Vec<Job>)> {
        self.db.read("read a queue's line", move |c| sql::queues::line(c, &queue, limit)).await
    }

    /// Pauses a queue until `resume_at`, or until somebody resumes it: none of its jobs starts. Running jobs go on.
    ///
    /// # Errors
    /// `QUEUE-NAME-001` if nobody has spoken of the queue.
    pub async fn pause_queue(
        &self,
        queue: Queue,
        reason: String,
        resume_at: Option<Timestamp>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let pause = move |tx: &Tx<'_>, now| {
            core::queues::pause(tx, &queue, &reason, resume_at, &actor, now)
        };
        self.db.rule("pause a queue", now, pause).await
    }

    /// Pauses the queue of a running job until then, because its handler met a limit and goes on without what that forbids.
    /// A person's pause stays as it is, and so does a longer one.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the lease is not held any more.
    #[cfg(feature = "monitor")]
    pub async fn meet_limit(
        &self,
        lease: Lease,
        reason: String,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let meet =
            move |tx: &Tx<'_>, now| core::queues::meet_limit(tx, &lease, &reason, until, now);
        self.db.rule("pause a queue for a limit", now, meet).await
    }

    /// Lets a queue go on; answers whether it was paused.
    ///
    /// # Errors
    /// `QUEUE-NAME-001` if nobody has spoken of the queue.
    pub async fn resume_queue(&self, queue: Queue, actor: Actor, now: Timestamp) -> Result<bool> {
        let resume = move |tx: &Tx<'_>, now| core::queues::resume(tx, &queue, &actor, now);
        self.db.rule("resume a queue", now, resume).await
    }

    /// Sets how many jobs of a queue may run at once, 0 to 10,000; `None`: what the program says. What runs goes on.
    ///
    /// # Errors
    /// `QUEUE-NAME-001` if nobody has spoken of the queue; `STORE-RULE-001` for a limit out of range.
    pub async fn set_queue_limit(
        &self,
        queue: Queue,
        limit: Option<u32>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let set = move |tx: &Tx<'_>, now| core::queues::set_limit(tx, &queue, limit, &actor, now);
        self.db.rule("set a queue's limit", now, set).await
    }

    /// Stops everything: no queue starts a job until [`Store::resume_all`], and running jobs are asked to end, as by
    /// [`Store::cancel`]. Answers how many jobs were asked.
    pub async fn stop_all(&self, reason: String, actor: Actor, now: Timestamp) -> Result<usize> {
        let stop = move |tx: &Tx<'_>, now| core::queues::stop_all(tx, &reason, &actor, now);
        self.db.rule("stop all queues", now, stop).await
    }

    /// Ends [`Store::stop_all`]; answers whether all was stopped.
    pub async fn resume_all(&self, actor: Actor, now: Timestamp) -> Result<bool> {
        self.db
            .rule("resume all queues", now, move |c, now| core::queues::resume_all(c, &actor, now))
            .await
    }

    /// Who stopped all queues, when and why; `None` while they are not.
    pub async fn stopped(&self) -> Result<Option<Pause>> {
        self.db.read("read the stop of all queues", sql::queues::stopped).await
    }

    /// How many jobs of each kind are in each status and queue: exact, and cheap however many there are.
    pub async fn job_counts(&self) -> Result<Vec<JobCount>> {
        self.db.read("read the counts", sql::counts::all).await
    }

    /// Counts the rows themselves, corrects the counts that another program has made wrong, and answers by how much they
    /// were short. Reads all of `jobs` on one snapshot.
    pub async fn recount(&self) -> Result<Vec<JobCount>> {
        let recount = self.db.read("recount the jobs", sql::counts::recount).await?;
        let missing = recount.missing.clone();
        if !missing.is_empty() {
            let correct = move |tx: &Tx<'_>| sql::counts::correct(tx, &recount);
            self.db.row("correct the counts", correct).await?;
        }
        Ok(missing)
    }

    /// Whether the counts are those of the rows themselves. Reads all of `jobs`, and corrects nothing.
    ///
    /// # Errors
    /// `STORE-COUNT-001` with what differs.
    #[cfg(feature = "cli")]
    pub(crate) async fn check_counts(&self) -> Result<()> {
        let recount = self.db.read("recount the jobs", sql::counts::recount).await?;
        let Some(short) = recount.missing.first() else { return Ok(()) };
        let (differ, kind, status) = (recount.missing.len(), &short.kind, short.status.as_str());
        let doing = format!(
            "recount the jobs: {differ} counts are wrong, that of {kind}, {status}, by {}",
            short.count
        );
        Err(Error::new(Code::StoreCounts, doing))
    }

    /// Brings back to `now` what a clock that was ahead has left in the future: schedules count from now on, jobs that were
    /// due are due, and lengths that were begun under the later clock begin anew (P19).
    pub(crate) async fn set_right(&self, now: Timestamp) -> Result<()> {
        let beyond = core::set_right::beyond(now);
        let look = move |c: &_| sql::ahead::find(c, beyond);
        loop {
            // The look goes by a reading connection, because it may walk all that waits.
            let found = self.db.read("look for what is ahead of the clock", look).await?;
            if found.is_empty() {
                return Ok(());
            }
            let found = Arc::new(found);
            let set_right = move |tx: &Tx<'_>, now| core::set_right::set_right(tx, &found, now);
            self.db.rule("go by a clock that was set back", now, set_right).await?;
        }
    }

    /// Whether [`Store::prune`] would remove more than a day of rows at once.
    pub(crate) async fn is_flood(&self, kinds: Arc<[KindRules]>, now: Timestamp) -> Result<bool> {
        let look = move |conn: &_| core::prune::is_flood(conn, &kinds, now);
        self.db.read("look for old rows", look).await
    }

    /// Removes final jobs whose time of keeping is over, at most 500 rows a call and never a job that waits
    /// or runs (P6), with what else has outlived its use. Answers whether there may be more.
    pub async fn prune(&self, kinds: Arc<[KindRules]>, now: Timestamp) -> Result<bool> {
        self.db.rule("prune", now, move |tx, now| core::prune::prune(tx, &kinds, now)).await
    }
}
