//! One line of the set-up check.

use crate::model::Timestamp;

/// One thing that was looked at.
pub(super) struct Check {
    pub(super) name: String,
    pub(super) is_good: bool,
    pub(super) found: String,
    /// When the server last looked. `None` if it looks whenever this page is shown.
    pub(super) at: Option<Timestamp>,
}
