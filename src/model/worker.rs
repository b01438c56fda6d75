//! Workers: processes that have an engine.

use super::{Timestamp, WorkerId};

/// A process that leads the engine of a database or stands by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its name, a new one at every start.
    pub id: WorkerId,
    /// Which process of the machine it is.
    pub process: Process,
    /// The version of its program.
    pub version: String,
    /// Whether it runs the jobs; one worker does.
    pub leads: bool,
    /// When it registered.
    pub started_at: Timestamp,
    /// When it last said that it is alive, by its own clock.
    pub heartbeat_at: Timestamp,
}

/// A process of this machine, told apart from every other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number, which the system gives to a new process some time after this one has ended.
    pub pid: u32,
    /// When and where it was started, in words that no other process has; `None` where the system does not say.
    pub start: Option<String>,
}
