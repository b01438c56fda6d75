//! One line of the set-up check.

use crate::model::{ServiceRun, Timestamp};

/// One thing that was looked at.
pub(super) struct Check {
    pub(super) name: String,
    /// Whether it is as it should be; `None`: nothing was seen of it yet.
    pub(super) is_good: Option<bool>,
    pub(super) found: String,
    /// When the server last looked. `None` if it looks whenever this page is shown.
    pub(super) at: Option<Timestamp>,
}

impl Check {
    /// Something that ended in one way or another at some time.
    pub(super) fn ran(name: &str, run: &ServiceRun) -> Self {
        let (is_good, found) = match run.ended() {
            Ok(did) => (true, did),
            Err(error) => (false, error),
        };
        Self {
            name: name.to_owned(),
            is_good: Some(is_good),
            found: found.to_owned(),
            at: Some(run.at()),
        }
    }
}
