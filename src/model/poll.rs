//! What the poller asks the store, and what it hears.

use super::{Job, JobId, KindRules, Queue, Status, Timestamp, WorkerId};
use std::sync::Arc;

/// What the poller wants: which jobs it can run, and how many.
#[derive(Clone, Debug)]
pub struct PollRequest {
    /// Who claims.
    pub worker: WorkerId,
    /// The kinds it has handlers for.
    pub kinds: Arc<[KindRules]>,
    /// How much room each queue has.
    pub lanes: Vec<Lane>,
    /// The jobs that really run in this process; what else runs in its name is lost.
    pub running: Vec<JobId>,
}

/// One queue as the poller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Which queue.
    pub queue: Queue,
    /// How many of its jobs run in this process.
    pub running: u32,
    /// How many may, unless an operator set another limit.
    pub limit: u32,
}

/// What a poll found.
#[derive(Clone, Debug, Default)]
pub struct Polled {
    /// The jobs that now run under this worker's lease, in claim order.
    pub claimed: Vec<Job>,
    /// What became of jobs whose worker was lost.
    pub rescued: Vec<(Job, Status)>,
    /// Jobs of this process that somebody asked to stop.
    pub cancelled: Vec<JobId>,
    /// When something is due that no commit announces: a scheduled job, an occurrence, the end of a pause.
    pub wake_at: Option<Timestamp>,
    /// Queues that jobs named which the request did not.
    pub new_queues: Vec<Queue>,
    /// Whether a named limit cut the look short, so that the next should follow at once.
    pub more: bool,
}
