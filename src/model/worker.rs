//! Workers: processes that have an engine, each with the lease under which it runs jobs.

use super::{Timestamp, WorkerId};
use std::fmt;
use std::time::Duration;

/// How long a worker's beat may stand still before the worker is lost. The process that judges measures this by its own
/// monotonic clock, and counts only time in which it could write itself.
pub const LEASE: Duration = Duration::from_secs(30);

/// A process with an engine. Its row is its lease: while the row lives, what runs under its name is its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its name, a new one at every start and after every loss.
    pub id: WorkerId,
    /// Which process of the machine it is.
    pub process: Process,
    /// The version of its program.
    pub version: String,
    /// Whether it is `lamplighter serve`.
    pub is_server: bool,
    /// Whether it leads: it rescues, resumes, fires, admits and prunes for all. At most one worker does.
    pub leads: bool,
    /// How many jobs of a queue it runs at once, unless the queue has a limit.
    pub slots: u32,
    /// When it registered.
    pub started_at: Timestamp,
    /// When it last said that it is alive, by its own clock.
    pub heartbeat_at: Timestamp,
    /// How often it has said so. A lease is judged by this number alone: no date is compared.
    pub beat: i64,
    /// When it was judged lost: it writes nothing any more, and what ran under its name is run again.
    pub lost_at: Option<Timestamp>,
}

/// A process of this machine, told apart from every other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number, which the system gives to a new process some time after this one has ended.
    pub pid: u32,
    /// When and where it was started, in words that no other process has; `None` where the system does not say.
    pub start: Option<String>,
}

/// The number of a time of leading. It grows with each leader, so that a write of an earlier one is known and refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub i64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// The newest time of leading.
    pub epoch: Epoch,
    /// The worker that leads; `None`: the last one gave the lead up, or nobody has led yet.
    pub worker: Option<WorkerId>,
}
