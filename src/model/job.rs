//! The job: one stored unit of work.

use super::{Actor, ConcurrencyKey, Kind, Queue, Timestamp, UniqueKey, WorkerId};
use crate::error::{Code, Error, Result};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Largest payload, in bytes of JSON: larger input belongs in a file that the payload names.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

/// Highest and, negated, lowest priority.
const MAX_PRIORITY: i32 = 100;
/// Most attempts of a job.
const MAX_ATTEMPTS: u32 = 1_000_000;
/// Most running jobs that one concurrency key lets at once.
const MAX_KEY_LIMIT: u32 = 10_000;

/// A job's public id; ids grow and never come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($word => Ok(Self::$variant),)* _ => Err(()) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

word_enum!(
    /// Where a job is in its life.
    Status {
        /// Waits for its `run_at`; a retry waits here too.
        Scheduled = "scheduled",
        /// May run as soon as there is room.
        Queued = "queued",
        /// A worker runs it under a lease.
        Running = "running",
        /// Final: its handler answered `done`.
        Completed = "completed",
        /// Final: no attempt is left, or none would help.
        Failed = "failed",
        /// Final: somebody cancelled it.
        Cancelled = "cancelled",
    }
);

impl Status {
    /// Whether nothing ever changes the job again (P10).
    pub const fn is_final(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Cancelled => true,
            Self::Scheduled | Self::Queued | Self::Running => false,
        }
    }
}

word_enum!(
    /// What made a job.
    Trigger {
        /// Somebody pressed Run Now.
        Manual = "manual",
        /// A schedule's occurrence.
        Scheduled = "scheduled",
        /// A program: the library, HTTP, or a plain SQL insert.
        Api = "api",
        /// Somebody ran a final job again.
        Retry = "retry",
        /// Another job.
        Parent = "parent",
    }
);

word_enum!(
    /// Why a waiting job is not in the claim order.
    BlockedBy {
        /// The poller has not looked at it yet.
        New = "new",
        /// No running process has a handler for its kind.
        Kind = "kind",
        /// As many jobs as its concurrency key allows run already.
        Key = "key",
        /// The schema refused its claim.
        Constraint = "constraint",
    }
);

word_enum!(
    /// What happens to a job whose worker went away while it ran.
    OnInterrupt {
        /// It is queued again; the handler must bear running twice (P7, at least once).
        Retry = "retry",
        /// It fails with the reason `interrupted`; it never runs twice (P7, at most once).
        Fail = "fail",
    }
);

/// A job to be stored.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Which handler runs it.
    pub kind: Kind,
    /// The handler's input. Default `{}`.
    pub payload: Value,
    /// What made it. Default [`Trigger::Api`].
    pub trigger: Trigger,
    /// Where it waits; `None`: its kind's queue.
    pub queue: Option<Queue>,
    /// Lower runs first, −100 to 100, each level worth ten minutes of waiting; `None`: its kind's.
    pub priority: Option<i32>,
    /// Earliest start; `None`: at once.
    pub run_at: Option<Timestamp>,
    /// The job that made it.
    pub parent_id: Option<JobId>,
    /// Ties the job's log lines to those of the request that made it, at most 200 bytes.
    pub correlation_id: Option<String>,
    /// Who asked for it: written to the audit log in the same transaction.
    pub actor: Option<Actor>,
}

impl NewJob {
    /// A job of `kind` with an empty payload that may start at once.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            payload: Value::Object(serde_json::Map::new()),
            trigger: Trigger::Api,
            queue: None,
            priority: None,
            run_at: None,
            parent_id: None,
            correlation_id: None,
            actor: None,
        }
    }

    /// The payload as it is stored.
    ///
    /// # Errors
    /// `JOB-VALUE-001` over [`MAX_PAYLOAD_BYTES`].
    pub fn payload_text(&self) -> Result<String> {
        let text = self.payload.to_string();
        if text.len() > MAX_PAYLOAD_BYTES {
            let doing =
                format!("take a payload of {} bytes; the limit is {MAX_PAYLOAD_BYTES}", text.len());
            return Err(Error::new(Code::ModelInvalid, doing));
        }
        Ok(text)
    }
}

/// One stored job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Public id.
    pub id: JobId,
    /// Which handler runs it.
    pub kind: Kind,
    /// Its lane; `None` until admitted.
    pub queue: Option<Queue>,
    /// Lower runs first; `None` until admitted.
    pub priority: Option<i32>,
    /// Where it is in its life.
    pub status: Status,
    /// The handler's input, JSON text.
    pub payload: String,
    /// What made it.
    pub trigger: Trigger,
    /// Attempts begun.
    pub attempt: u32,
    /// Attempts allowed; `None` until admitted.
    pub max_attempts: Option<u32>,
    /// Crashes while it ran; they spend no attempt (P11).
    pub interrupted: u32,
    /// What happens to it when its worker goes away; `None` until admitted.
    pub on_interrupt: Option<OnInterrupt>,
    /// Number of its latest claim, 0 before the first.
    pub epoch: i64,
    /// Who runs it, while it runs.
    pub worker_id: Option<WorkerId>,
    /// At most one non-final job of the kind holds it.
    pub unique_key: Option<UniqueKey>,
    /// A limited number of running jobs hold it.
    pub concurrency_key: Option<ConcurrencyKey>,
    /// Why it is not in the claim order, while it waits.
    pub blocked_by: Option<BlockedBy>,
    /// Earliest start.
    pub run_at: Timestamp,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When its latest attempt began.
    pub started_at: Option<Timestamp>,
    /// When it became final.
    pub finished_at: Option<Timestamp>,
    /// When somebody asked a running job to stop.
    pub cancel_requested_at: Option<Timestamp>,
    /// The job that made it.
    pub parent_id: Option<JobId>,
    /// Ties its log lines to those of the request that made it.
    pub correlation_id: Option<String>,
    /// What its handler answered, JSON text.
    pub result: Option<String>,
    /// Why it failed, or why its last attempt did.
    pub error: Option<String>,
    /// The code of that error.
    pub error_code: Option<String>,
}

impl Job {
    /// The lease of a running job.
    pub fn lease(&self) -> Option<Lease> {
        let worker = self.worker_id.clone()?;
        Some(Lease { id: self.id, epoch: self.epoch, worker })
    }
}

/// The right to run one claimed job; every write for it names all three (P9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Which job.
    pub id: JobId,
    /// Number of the claim.
    pub epoch: i64,
    /// Who holds it.
    pub worker: WorkerId,
}

/// What the engine fills in for the jobs of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindRules {
    /// Which kind.
    pub kind: Kind,
    /// Where its jobs wait unless they say otherwise.
    pub queue: Queue,
    /// Their priority unless they say otherwise; lower runs first.
    pub priority: i32,
    /// Attempts they have unless they say otherwise.
    pub max_attempts: u32,
    /// What happens to them when their worker goes away.
    pub on_interrupt: OnInterrupt,
    /// The key all of them hold while they run.
    pub concurrency_key: Option<ConcurrencyKey>,
    /// How many running jobs may hold the key.
    pub key_limit: u32,
}

impl KindRules {
    /// Better priority of a job that somebody triggered by hand: worth an hour of waiting.
    const MANUAL_BONUS: i32 = 6;

    /// The rules of a kind that says nothing: queue `default`, priority 0, three attempts, retry, no key.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            queue: Queue::DEFAULT,
            priority: 0,
            max_attempts: 3,
            on_interrupt: OnInterrupt::Retry,
            concurrency_key: None,
            key_limit: 1,
        }
    }

    /// The priority of a job of this kind that names none.
    pub fn priority_for(&self, trigger: Trigger) -> i32 {
        match trigger {
            Trigger::Manual | Trigger::Retry => {
                (self.priority - Self::MANUAL_BONUS).max(-MAX_PRIORITY)
            }
            Trigger::Scheduled | Trigger::Api | Trigger::Parent => self.priority,
        }
    }

    /// Refuses rules that the schema would refuse in each job.
    ///
    /// # Errors
    /// `JOB-VALUE-001` with the value and its range.
    pub fn check(&self) -> Result<()> {
        let wrong = if self.priority.abs() > MAX_PRIORITY {
            format!("priority {} is not from -100 to 100", self.priority)
        } else if !(1..=MAX_ATTEMPTS).contains(&self.max_attempts) {
            format!("max_attempts {} is not from 1 to 1,000,000", self.max_attempts)
        } else if !(1..=MAX_KEY_LIMIT).contains(&self.key_limit) {
            format!("key_limit {} is not from 1 to 10,000", self.key_limit)
        } else {
            return Ok(());
        };
        Err(Error::new(Code::ModelInvalid, format!("register the kind {}: {wrong}", self.kind)))
    }
}

/// What the poller wants: which jobs it can run, and how many.
#[derive(Clone, Debug)]
pub struct PollRequest {
    /// Who claims.
    pub worker: WorkerId,
    /// The kinds it has handlers for.
    pub kinds: Arc<[KindRules]>,
    /// Free slots of each queue.
    pub room: Vec<(Queue, usize)>,
    /// The jobs that really run in this process; what else runs in its name is lost.
    pub running: Vec<JobId>,
}

/// What a poll found.
#[derive(Clone, Debug, Default)]
pub struct Polled {
    /// The jobs that now run under this worker's lease, in claim order.
    pub claimed: Vec<Job>,
    /// What became of jobs whose worker was lost.
    pub rescued: Vec<(Job, Status)>,
    /// When the next scheduled job is due.
    pub next_run_at: Option<Timestamp>,
    /// Queues that jobs named which the request did not.
    pub new_queues: Vec<Queue>,
    /// Whether a named limit cut the look short, so that the next should follow at once.
    pub more: bool,
}

/// One step of a job outside the plain path, from `job_events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// The status before.
    pub from: Option<Status>,
    /// The status after.
    pub to: Status,
    /// What caused it, a word such as `retry`, `interrupted`, `blocked`.
    pub cause: String,
    /// Who: a worker, an account, `poller`.
    pub actor: String,
    /// More about it, for people.
    pub detail: Option<String>,
}
