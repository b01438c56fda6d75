//! Jobs that run after others: what is said of it, and what the ends of those others come to.

use super::{JobId, Status};

/// An earlier job that a job runs after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The earlier job, which may be removed since.
    pub id: JobId,
    /// Whether the job runs whatever becomes of that one.
    pub anyway: bool,
    /// How that one has ended; `None`: it is not over, or the engine has not looked since.
    pub ended_as: Option<Status>,
}

/// What stands before a job, and what stands behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The jobs that it runs after, in the order of their ids.
    pub after: Vec<After>,
    /// Jobs that run after it, at most 100, by id; those that wait for its end come before those that were told.
    pub before: Vec<JobId>,
}

/// What the ends of the jobs that a job runs after come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precedence {
    /// This one did not complete: the job never runs.
    Broken(JobId, Status),
    /// One of them is not over.
    Open,
    /// Nothing of that kind holds it.
    Clear,
}
