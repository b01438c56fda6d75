//! The poller's question to the store, and its answer.

use super::{
    AttemptEnd, Job, JobId, KindRules, Lease, Queue, Settlement, Timestamp, WorkerId,
};
use std::sync::Arc;
use std::time::Duration;

/// What the poller wants: which jobs it can run, and how many.
#[derive(Clone, Debug)]
pub struct PollRequest {
    /// Who claims.
    pub worker: WorkerId,
    /// The kinds it has handlers for.
    pub kinds: Arc<[KindRules]>,
    /// The queues for which the program sets a limit, and those of which jobs run here. Every other queue has the default
    /// limit and no running job.
    pub lanes: Vec<Lane>,
    /// The jobs that really run in this process. Every other job that the database shows as running here is lost.
    pub running: Vec<JobId>,
    /// Whether nothing is claimed any more: the engine stops, and waits for what runs.
    pub draining: bool,
}

/// One queue as the poller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Which queue.
    pub queue: Queue,
    /// How many of its jobs run in this process.
    pub running: u32,
    /// How many of its jobs may run, unless an operator set another limit.
    pub limit: u32,
}

/// What a poll found.
#[derive(Clone, Debug, Default)]
pub struct Polled {
    /// The jobs that now run under this worker's lease, in claim order.
    pub claimed: Vec<Job>,
    /// What became of jobs whose worker was lost.
    pub rescued: Vec<(Job, Settlement)>,
    /// Jobs of this process that somebody asked to stop.
    pub cancelled: Vec<JobId>,
    /// How many schedules were due.
    pub schedules: usize,
    /// When something is due that no commit announces: a scheduled job, an occurrence, the end of a pause.
    pub wake_at: Option<Timestamp>,
    /// Whether a named limit cut the look short: then the next look should follow at once.
    pub more: bool,
}

/// The end of an attempt as its worker reports it.
#[derive(Clone, Debug)]
pub(crate) struct SettleRequest {
    /// Under which lease it ran.
    pub(crate) lease: Lease,
    pub(crate) end: AttemptEnd,
    /// How long a retry waits.
    pub(crate) retry_after: Duration,
    pub(crate) now: Timestamp,
}
