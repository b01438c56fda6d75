//! Queues as operators see them: limits and pauses.

use super::{Queue, Timestamp};

/// One queue and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// Which queue.
    pub name: Queue,
    /// The limit of jobs that run at once, as set by the program that runs the engine; `None`: the program sets none.
    pub engine_limit: Option<u32>,
    /// The limit that an operator set; it goes before the program's.
    pub operator_limit: Option<u32>,
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
    /// Jobs of a queue that run at once when nobody has set a limit.
    pub const DEFAULT_LIMIT: u32 = 10;

    /// How many of its jobs may run at once.
    pub fn limit(&self) -> u32 {
        let said = self.operator_limit.or(self.engine_limit);
        said.unwrap_or_else(|| Self::limit_unless_said(&self.name))
    }

    /// How many jobs of a queue run at once while no program has set a limit. Our own queues have their limits from the
    /// first start on.
    pub fn limit_unless_said(queue: &Queue) -> u32 {
        let one_at_a_time = [Queue::AGENT, Queue::TRACKER, Queue::BULK];
        if one_at_a_time.contains(queue) { 1 } else { Self::DEFAULT_LIMIT }
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
    pub const WHY: &str = "not admitted, or no handler";

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

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
