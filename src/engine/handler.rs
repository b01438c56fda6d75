//! A handler: the code that runs a kind's jobs, and what it is given.

use super::typed;
use crate::clock::Clock;
use crate::error::Result;
use crate::jobs::Jobs;
use crate::model::{Enqueued, Job, Lease, NewJob, Outcome, OverBudget, Trigger};
use crate::store::Store;
use serde::de::DeserializeOwned;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// The code of a kind.
pub(super) type Handler = Arc<dyn Fn(Context) -> Answer + Send + Sync>;
/// How many holds of a job stand.
pub(super) type Holds = Arc<watch::Sender<usize>>;
/// A handler at work.
pub(super) type Answer = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What a handler knows of the job it runs. Clones share it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The job as it was claimed.
    pub job: Job,
    /// The right to write for it.
    pub lease: Lease,
    /// The engine's clock.
    pub clock: Clock,
    /// Cancelled when the server begins to stop: a long handler should come to an end by itself.
    pub stopping: CancellationToken,
    /// Cancelled when the job must end: somebody cancelled it, or its time is over. The handler has ten seconds to clean up
    /// and answer; then it is dropped, unless it holds its job ([`Context::hold`]).
    pub cancelled: CancellationToken,
    pub(super) store: Store,
    pub(super) life: Arc<Notify>,
    pub(super) holds: Holds,
    /// The budget that the handler found used up.
    pub(super) over_budget: Arc<OnceLock<OverBudget>>,
}

/// Something of a job that lives outside of its handler; see [`Context::hold`].
#[derive(Debug)]
pub struct Hold(Holds);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.send_modify(|holds| *holds -= 1);
    }
}

impl Context {
    /// The job's payload as `T`.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the payload is not of that shape; it names the field.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T> {
        typed::payload(&self.job)
    }

    /// Shows a sign of life: the kind's idle limit begins anew.
    pub fn alive(&self) {
        self.life.notify_one();
    }

    /// Says how far the job is, for the pages, in at most 1,000 bytes; a sign of life too. Each call is a write: a few a
    /// second are plenty.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the job is not this handler's any more.
    pub async fn progress(&self, text: impl Into<String>) -> Result<()> {
        self.alive();
        self.store.set_progress(self.lease.clone(), text.into()).await
    }

    /// Keeps the job from counting as over while something of it lives outside of the handler, such as a process: when the
    /// job must end, the ten seconds of the handler begin anew once the last hold is dropped, and until then the job keeps its
    /// concurrency key. [`Engine::stop`](crate::engine::Engine::stop) then waits longer than its grace, so the program must
    /// bound the stop by itself; the next start settles the job.
    pub fn hold(&self) -> Hold {
        self.holds.send_modify(|holds| *holds += 1);
        Hold(Arc::clone(&self.holds))
    }

    /// The answer of a handler that cannot go on because a budget is used up. The job spends no attempt, waits until the
    /// budget is renewed or raised, and names the budget that it waits for.
    pub fn over_budget(&self, over: OverBudget) -> Outcome {
        let wait = over.until.since(self.clock.now());
        // The first one counts.
        drop(self.over_budget.set(over));
        Outcome::Snooze(wait)
    }

    /// The jobs of the engine's store. A job that is made with it is no child of this one, and is made also by a handler whose
    /// lease was lost.
    pub fn jobs(&self) -> Jobs {
        Jobs::new(&self.store, &self.clock)
    }

    /// Stores a job that this one makes: trigger `parent`, with this job as its parent and its correlation id. A handler that
    /// stood still while its job was run elsewhere makes none.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the job is not this handler's any more; those of [`Store::enqueue`].
    pub async fn enqueue(&self, job: NewJob) -> Result<Enqueued> {
        let correlation_id = job.correlation_id.or_else(|| self.job.correlation_id.clone());
        let parent_id = Some(self.job.id);
        let child = NewJob { trigger: Trigger::Parent, parent_id, correlation_id, ..job };
        self.store.enqueue_under(self.lease.clone(), child, self.clock.now()).await
    }
}
