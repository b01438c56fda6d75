//! The job that runs another one again.

use super::{JobId, Status};

/// The newest job that was made to run another one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retry {
    /// Its id.
    pub id: JobId,
    /// Where it is in its life.
    pub status: Status,
}
