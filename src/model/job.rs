//! The job: one stored unit of work.

use super::begun::begun;
use super::{ConcurrencyKey, Kind, Queue, Tag, Timestamp, UniqueKey, WorkerId};
use crate::error::without_code;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A job's public id; ids grow and never come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A batch's public id; ids grow and never come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct BatchId(pub i64);

impl fmt::Display for BatchId {
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

        impl ::std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($word => Ok(Self::$variant),)* _ => Err(()) }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use word_enum;

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
    /// What a waiting job needs, apart from its time, before it may be claimed.
    WaitsFor {
        /// A look of the poller, which has not seen it yet.
        Admission = "admission",
        /// A running process with a handler for its kind.
        Handler = "handler",
        /// A free slot of its concurrency key: as many jobs as the key allows run already.
        Key = "key",
        /// A start that its kind's rate still has room for.
        Rate = "rate",
        /// The ends of the jobs that it runs after.
        After = "after",
        /// A claim that the schema does not refuse.
        Constraint = "constraint",
    }
);

word_enum!(
    /// What put a scheduled job off. One that is scheduled because somebody chose that instant is parked by nothing.
    ParkedBy {
        /// Its maker wanted it so much later, counted from when it was stored.
        Delay = "delay",
        /// A limit outside, such as a rate limit of an agent program.
        Limit = "limit",
        /// A budget that is used up.
        Budget = "budget",
        /// An attempt failed, and the next one waits.
        Retry = "retry",
        /// Its handler asked to be called again later.
        Snooze = "snooze",
    }
);

word_enum!(
    /// What happens to a job whose worker went away while it ran.
    OnInterrupt {
        /// It is queued again. The handler must be able to run twice (P7, at least once).
        Retry = "retry",
        /// It fails with the reason `interrupted`; it never runs twice (P7, at most once).
        Fail = "fail",
    }
);

begun! {
    /// One stored job.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Job;

    /// A queued job of a kind that says nothing.
    #[cfg(test)]
    pub(crate) fn for_tests();

    /// Public id.
    pub id: JobId = JobId(1);
    /// Which handler runs it.
    pub kind: Kind = Kind::parse("x").expect("it is a kind");
    /// Its lane; `None` until admitted.
    pub queue: Option<Queue> = Some(Queue::DEFAULT);
    /// Lower runs first; `None` until admitted.
    pub priority: Option<i32> = Some(0);
    /// Where it is in its life.
    pub status: Status = Status::Queued;
    /// The handler's input, JSON text.
    pub payload: String = "{}".into();
    /// What made it.
    pub trigger: Trigger = Trigger::Api;
    /// Attempts begun.
    pub attempt: u32 = 0;
    /// Attempts allowed; `None` until admitted.
    pub max_attempts: Option<u32> = Some(3);
    /// Crashes while it ran; they spend no attempt (P11).
    pub interrupted: u32 = 0;
    /// What happens to it when its worker goes away; `None` until admitted.
    pub on_interrupt: Option<OnInterrupt> = None;
    /// Number of its latest claim, 0 before the first.
    pub epoch: i64 = 0;
    /// Who runs it, while it runs.
    pub worker_id: Option<WorkerId> = None;
    /// At most one non-final job of the kind holds it.
    pub unique_key: Option<UniqueKey> = None;
    /// A limited number of running jobs hold it.
    pub concurrency_key: Option<ConcurrencyKey> = None;
    /// Why it is not in the claim order, while it waits.
    pub waits_for: Option<WaitsFor> = None;
    /// What put it off, while it is scheduled.
    pub parked_by: Option<ParkedBy> = None;
    /// Earliest start.
    pub run_at: Timestamp = Timestamp::from_millis(1_000_000);
    /// When it was stored.
    pub created_at: Timestamp = Timestamp::from_millis(1_000_000);
    /// When its latest attempt began.
    pub started_at: Option<Timestamp> = None;
    /// When it became final.
    pub finished_at: Option<Timestamp> = None;
    /// How long an attempt may run; `None`: what the kind says.
    pub timeout: Option<Duration> = None;
    /// When somebody asked a running job to stop.
    pub cancel_requested_at: Option<Timestamp> = None;
    /// The schedule whose occurrence made it, and which one.
    pub occurrence: Option<Occurrence> = None;
    /// The schedule that pays for it: that of its occurrence, or the one from which a person started it.
    pub schedule_id: Option<i64> = None;
    /// What its handler last said about how far it is.
    pub progress: Option<String> = None;
    /// The job that made it.
    pub parent_id: Option<JobId> = None;
    /// The batch that it is counted in.
    pub batch_id: Option<BatchId> = None;
    /// Ties its log lines to those of the request that made it.
    pub correlation_id: Option<String> = None;
    /// The words by which it is found.
    pub tags: Vec<Tag> = Vec::new();
    /// What its handler answered, JSON text.
    pub result: Option<String> = None;
    /// Why it failed, or why its last attempt did.
    pub error: Option<String> = None;
    /// The code of that error.
    pub error_code: Option<String> = None;
    /// The jobs among which it counts for its kind's rate, while it has a place or waits for one.
    pub(crate) rate_key: Option<String> = None;
    /// Whether the exact counts include it; only the store uses this.
    pub(crate) counted: bool = true;
}

impl Job {
    /// Why it failed, without the code, for faces that show the code beside it.
    pub fn reason(&self) -> Option<&str> {
        Some(without_code(self.error.as_deref()?, self.error_code.as_deref()))
    }

    /// Whether the time of a waiting job has come. A clock that is set back takes back no time that has come: neither that of
    /// a job that was queued because it was due, nor that of one that was to start at once when it was stored.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let meant_at_once = !self.counted && self.run_at <= self.created_at;
        let was_due = self.counted && self.status == Status::Queued;
        self.run_at <= now || meant_at_once || was_due
    }

    /// The lease of a running job.
    pub fn lease(&self) -> Option<Lease> {
        let worker = self.worker_id.clone()?;
        Some(Lease { id: self.id, epoch: self.epoch, worker })
    }
}

/// One instant that a schedule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Occurrence {
    /// The schedule's id.
    pub schedule_id: i64,
    /// The instant.
    pub at: Timestamp,
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

impl Cause {
    /// Why no further attempt follows a job that failed by this; `None` where the error says it itself, and for what ends no job.
    pub const fn no_further(self) -> Option<&'static str> {
        match self {
            Self::Fatal => Some(
                "No further attempt follows, because the handler said that trying again does not help. \
                 The job does not start again by itself.",
            ),
            Self::Failed => Some("No attempt is left. The job does not start again by itself."),
            Self::Retry
            | Self::Poison
            | Self::Interrupted
            | Self::Snooze
            | Self::Limited
            | Self::Budget
            | Self::Resumed
            | Self::Blocked
            | Self::CancelRequested
            | Self::Cancelled
            | Self::After
            | Self::RunNow
            | Self::Rescheduled
            | Self::Edited => None,
        }
    }
}

word_enum!(
    /// What caused a step of a job outside the plain path.
    Cause {
        /// An attempt failed; the job is tried again later.
        Retry = "retry",
        /// The last attempt failed.
        Failed = "failed",
        /// An attempt failed in a way that another attempt cannot mend.
        Fatal = "fatal",
        /// The server died once too often while the job ran.
        Poison = "poison",
        /// The process that ran the job stopped or died.
        Interrupted = "interrupted",
        /// The handler asked to be called again later.
        Snooze = "snooze",
        /// A limit outside keeps the job and its whole queue from running until a time.
        Limited = "limited",
        /// A budget puts the job off.
        Budget = "budget",
        /// The reason that had put the job off is gone: the job is due.
        Resumed = "resumed",
        /// Something keeps the job from starting.
        Blocked = "blocked",
        /// A person asked the running job to end.
        CancelRequested = "cancel_requested",
        /// The job was cancelled.
        Cancelled = "cancelled",
        /// A job that it was to run after did not complete.
        After = "after",
        /// A person made the waiting job due at once.
        RunNow = "run_now",
        /// A person gave the waiting job another time.
        Rescheduled = "rescheduled",
        /// A person changed something else of the waiting job.
        Edited = "edited",
    }
);

/// One step of a job outside the plain path, from `job_events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number in the job's history, from 1.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// The status before.
    pub from: Option<Status>,
    /// The status after.
    pub to: Status,
    /// What caused it; `Err`: a word that another program has written and that we do not know.
    pub cause: Result<Cause, String>,
    /// Who: a worker, an account, `poller`.
    pub actor: String,
    /// More about it, for people.
    pub detail: Option<String>,
}

impl Event {
    /// Who cancelled a job or had it stopped, by its history; a worker that ended it because a person asked is not meant.
    pub fn cancelled_by(events: &[Self]) -> Option<&str> {
        let newest = |cause| events.iter().rev().find(|event| event.cause == Ok(cause));
        let event = newest(Cause::CancelRequested).or_else(|| newest(Cause::Cancelled));
        event.map(|event| event.actor.as_str())
    }

    /// How many steps between another one and this one are not kept any more.
    pub fn left_out_after(&self, before: &Self) -> i64 {
        (self.number - before.number - 1).max(0)
    }

    /// The word of what caused it.
    pub fn cause_word(&self) -> &str {
        match &self.cause {
            Ok(cause) => cause.as_str(),
            Err(word) => word,
        }
    }
}

/// One attempt that is more than the plain path, from `attempts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Number of its claim.
    pub epoch: i64,
    /// The number of the attempt, from 1. An interrupted attempt and the one after it have the same number.
    pub attempt: u32,
    /// Who ran it.
    pub worker_id: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How it ended; `Err`: a word that another program has written and that we do not know.
    pub ended_as: Result<AttemptEnding, String>,
    /// Why it failed.
    pub error: Option<String>,
    /// The code of that error.
    pub error_code: Option<String>,
    /// What the error is recognised by, see [`JobErrorGroup`](super::JobErrorGroup).
    pub fingerprint: Option<String>,
}

impl Attempt {
    /// The word of how it ended.
    pub fn ended_word(&self) -> &str {
        match &self.ended_as {
            Ok(ending) => ending.as_str(),
            Err(word) => word,
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptEnding {
    /// Its handler was done.
    Completed,
    /// By the cause of its step in `job_events`.
    By(Cause),
}

impl AttemptEnding {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => Status::Completed.as_str(),
            Self::By(cause) => cause.as_str(),
        }
    }
}

impl std::str::FromStr for AttemptEnding {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == Self::Completed.as_str() {
            Ok(Self::Completed)
        } else {
            text.parse().map(Self::By)
        }
    }
}

/// What became of a wish to cancel a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited and is cancelled.
    Done,
    /// It runs and was asked to end; it is cancelled soon, unless it completes first.
    Requested,
    /// It was over before; nothing was changed.
    AlreadyFinal(Status),
}
