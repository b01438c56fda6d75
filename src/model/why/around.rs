//! What is stored around a job that waits: the facts from which its gates are told.

use crate::model::{JobId, KindFacts, OverBudget, Pause, QueueState, Timestamp};

/// What is stored around a job that decides when it starts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Circumstances {
    /// The last heartbeat of a process with an engine; `None`: there is none.
    pub seen_at: Option<Timestamp>,
    /// No process with an engine is at work: what runs by its row was left so.
    pub deserted: bool,
    /// The kinds that the processes at work have handlers for.
    pub kinds: Vec<KindFacts>,
    /// The stop of all queues.
    pub stopped: Option<Pause>,
    /// Its queue, with counts; `None` while nobody can know it.
    pub queue: Option<QueueState>,
    /// Who runs in its queue, at most ten.
    pub queue_holders: Vec<JobId>,
    /// Who else holds its concurrency key, at most ten.
    pub key_holders: Vec<JobId>,
    /// How many others hold it.
    pub key_held: u64,
    /// The first jobs that it runs after and that are not over, at most ten.
    pub after: Vec<JobId>,
    /// How many there are.
    pub after_open: u64,
    /// Jobs of its queue that start before it, counted up to 1,000; on a page with jobs of several queues, in each up to its part.
    pub ahead: u64,
    /// Whether there are that many or more.
    pub ahead_is_least: bool,
    /// Its last step, if that step put it off.
    pub put_off: Option<PutOff>,
    /// The budget that keeps jobs like it from starting now.
    pub over_budget: Option<OverBudget>,
    /// Dollars that are set aside for runs that are under way, if they leave nothing for it.
    pub set_aside: Option<f64>,
    /// The session that has the folder in which it would work, and why that keeps it.
    pub folder_held: Option<(JobId, String)>,
    /// The limit that its queue waits for.
    pub usage_limit: Option<UsageLimit>,
    /// Why the agent program that its kind needs cannot be used.
    pub agent_missing: Option<String>,
    /// When its kind's rate next has room, if the job waits for that and its jobs have begun.
    pub rate_free_at: Option<Timestamp>,
    /// How many findings wait for a person, if the job has nothing else to take to the tracker.
    pub approvals: u64,
}

/// The last step of a job, if that put it off or kept it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutOff {
    /// An attempt failed.
    Retry,
    /// Its handler asked for it.
    Snooze,
    /// Its handler met this limit.
    Limited(String),
    /// A budget was used up, for this reason.
    Budget(String),
    /// The database refused it, for this reason.
    Refused(String),
}

/// A limit outside that a queue waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageLimit {
    /// Which limit, as a handler said.
    pub reason: String,
    /// When it is tried again.
    pub until: Option<Timestamp>,
}
