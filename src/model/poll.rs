//! The poller's question to the store, and its answer.

use super::{
    AttemptEnd, Epoch, ErrorPrint, Job, JobId, Kind, KindRules, Lease, Queue, Settlement,
    Timestamp, WorkerId,
};
use std::sync::Arc;
use std::time::Duration;

/// What a worker wants: which jobs it can run, and how many. A worker that leads does in the same transaction what is done
/// for all: it rescues, resumes, fires, makes due and admits.
#[derive(Clone, Debug)]
pub struct PollRequest {
    /// Who claims.
    pub worker: WorkerId,
    /// The kinds it has handlers for: it claims no others.
    pub kinds: Arc<[KindRules]>,
    /// The queues of which it says how many jobs it runs at once, and those of which jobs run here.
    pub lanes: Vec<Lane>,
    /// The jobs that really run in this process. Every other job that the database shows as running here is lost.
    pub running: Vec<JobId>,
    /// Whether nothing is claimed any more: the engine stops, and waits for what runs.
    pub draining: bool,
    /// The time of leading of a worker that leads; `None`: it only works.
    pub leads: Option<Epoch>,
    /// The lost workers whose leftovers outside of the database this process has cleared since the last look.
    pub swept: Vec<WorkerId>,
    /// The kinds that no process has had a handler for during a minute or so, as the leader has seen. Their jobs give up
    /// their place in the claim order, and with it their slot of a key.
    pub abandoned: Vec<Kind>,
}

/// One queue as a worker sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Which queue.
    pub queue: Queue,
    /// How many of its jobs run in this process.
    pub running: u32,
    /// How many of its jobs this process runs at once; `None`: as many as the queue's limit allows, and
    /// [`DEFAULT_LIMIT`](super::QueueState::DEFAULT_LIMIT) of a queue that has no limit. A queue's limit holds over all
    /// processes whatever this says.
    pub slots: Option<u32>,
}

/// What a poll found.
#[derive(Clone, Debug, Default)]
pub struct Polled {
    /// The jobs that now run under this worker's lease, in claim order.
    pub claimed: Vec<Job>,
    /// What became of jobs whose worker was lost.
    pub rescued: Vec<(Job, Settlement)>,
    /// The lost workers of which this process must clear what they left outside of the database; the jobs of those kinds
    /// are rescued when it has.
    pub unswept: Vec<WorkerId>,
    /// The kinds of jobs in the claim order that no process has a handler for.
    pub unhandled: Vec<Kind>,
    /// Jobs of this process that somebody asked to stop.
    pub cancelled: Vec<JobId>,
    /// How many schedules were due.
    pub schedules: usize,
    /// When something is due that no commit announces: a scheduled job, an occurrence, the end of a pause. Only a leader is
    /// told.
    pub wake_at: Option<Timestamp>,
    /// Whether a named limit cut the look short: then the next look should follow at once.
    pub more: bool,
}

/// The end of an attempt as its worker reports it.
#[derive(Clone, Debug)]
pub(crate) struct SettleRequest {
    /// Under which lease it ran.
    pub(crate) lease: Lease,
    /// The job as that lease claimed it, if its worker still has it: its row need not be read before its end.
    pub(crate) claimed: Option<Arc<Job>>,
    pub(crate) end: AttemptEnd,
    /// What its error is recognised by, if its answer has one and that was read before.
    pub(crate) print: Option<ErrorPrint>,
    /// How long a retry waits.
    pub(crate) retry_after: Duration,
    pub(crate) now: Timestamp,
}
