//! Queues as operators see them: limits and pauses.

use super::name::ENGINE;
use super::schedule::AHEAD;
use super::{Queue, Timestamp, Zone};

/// One queue and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// Which queue.
    pub name: Queue,
    /// The limit of jobs that run at once in all processes together, as set by a program; `None`: no program sets one.
    pub engine_limit: Option<u32>,
    /// The limit that an operator set; it goes before the program's.
    pub operator_limit: Option<u32>,
    /// Who set that limit, and when, if it is known.
    pub limit_set: Option<(String, Timestamp)>,
    /// How many jobs of a queue without a limit the processes run at once, all together.
    pub slots: u32,
    /// Why nothing of it is started.
    pub pause: Option<Pause>,
    /// Jobs that wait for their time.
    pub scheduled: i64,
    /// Jobs that may start as soon as there is room, or that something blocks.
    pub queued: i64,
    /// Jobs that run.
    pub running: i64,
}

impl QueueState {
    /// A queue of which nothing else is known: without a limit, a pause and jobs.
    pub fn named(name: Queue) -> Self {
        Self {
            name,
            engine_limit: None,
            operator_limit: None,
            limit_set: None,
            slots: 0,
            pause: None,
            scheduled: 0,
            queued: 0,
            running: 0,
        }
    }

    /// How many due jobs of these queues wait although nothing else keeps them, because their queue is paused.
    pub fn held(queues: &[Self]) -> u64 {
        let paused = queues.iter().filter(|queue| queue.pause.is_some());
        paused.map(|queue| queue.queued.max(0).unsigned_abs()).sum()
    }

    /// Jobs of a queue without a limit that one process runs at once.
    pub const DEFAULT_LIMIT: u32 = 10;

    /// How many of its jobs may run at once in all processes together. A queue without a limit has as many places as the
    /// processes have slots.
    pub fn limit(&self) -> u32 {
        let places = if self.slots == 0 { Self::DEFAULT_LIMIT } else { self.slots };
        self.said_limit().unwrap_or(places)
    }

    /// The limit that holds over all processes, if there is one: an operator's, else a program's, else that of our own
    /// queues.
    pub fn said_limit(&self) -> Option<u32> {
        self.operator_limit.or(self.engine_limit).or_else(|| Self::own_limit(&self.name))
    }

    /// The limit of our own queues, which they have before any program has said so.
    pub fn own_limit(queue: &Queue) -> Option<u32> {
        [Queue::AGENT, Queue::TRACKER, Queue::BULK].contains(queue).then_some(1)
    }
}

/// Waiting jobs that are in no queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unplaced {
    /// Jobs that wait for their time.
    pub scheduled: i64,
    /// Jobs that wait for the engine's look, or for a handler.
    pub queued: i64,
}

impl Unplaced {
    /// What keeps such jobs out of a queue.
    pub const WHY: &str = "not looked at yet, or no worker handles them";

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// What stands in the audit log between the reason of a pause and its end.
const UNTIL: &str = " (until ";

/// A stop that somebody ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub at: Timestamp,
    /// Who ordered it: an account, or `engine` for a limit that a handler met.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it ends by itself; `None`: when somebody ends it.
    pub resume_at: Option<Timestamp>,
}

impl Pause {
    /// What the audit log tells of it: its reason, and when it ends by itself.
    pub(crate) fn in_audit(&self) -> String {
        let until = |at| format!("{UNTIL}{} UTC)", Zone::default().show(at));
        format!("{}{}", self.reason, self.resume_at.map(until).unwrap_or_default())
    }

    /// Whether a text of the audit log about a pause gives no reason.
    #[cfg(feature = "web")]
    pub(crate) fn has_no_reason(in_audit: &str) -> bool {
        in_audit.is_empty() || in_audit.starts_with(UNTIL)
    }

    /// Whether a limit that a handler met has paused the queue, and no person.
    pub fn is_by_limit(&self) -> bool {
        Self::is_limits(&self.by)
    }

    /// Whether the pause is a limit's that this name has ordered.
    pub(crate) fn is_limits(by: &str) -> bool {
        by == ENGINE
    }

    /// The pause by a clock that was set back to `now` since it began: its length begins anew. `None` if it began before,
    /// or has no end.
    pub(crate) fn begun_anew(self, now: Timestamp) -> Option<Self> {
        let is_ahead = self.at > now.plus(AHEAD);
        let length = self.resume_at.filter(|_| is_ahead)?.since(self.at);
        Some(Self { at: now, resume_at: Some(now.plus(length)), ..self })
    }
}
