//! Why a text is no crontab expression, and where.

use std::fmt;

/// Why a text is no crontab expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CronError {
    /// Where it goes wrong: bytes into the text, from 0.
    pub position: usize,
    /// What is wrong there, for people.
    pub reason: String,
}

/// `column 5: minutes are 0 to 59, this is 60`; columns count from 1.
impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.position + 1, self.reason)
    }
}

impl std::error::Error for CronError {}

pub(super) fn refuse<T>(position: usize, reason: String) -> Result<T, CronError> {
    Err(CronError { position, reason })
}
