//! What people did, as the audit log keeps it, and what one asks of that log.

use super::{Actor, Timestamp};

/// A row of the audit log: what somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Row id.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// What, as a verb.
    pub action: String,
    /// The thing that was changed.
    pub subject: String,
    /// The value before the change, if it is known.
    pub before: Option<String>,
    /// The value after the change.
    pub after: Option<String>,
}

/// Which rows of the audit log are asked for. A field that is `None` sets no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeedFilter {
    /// Only what this person did, by themselves or by a token of theirs.
    pub by: Option<String>,
    /// Only verbs with this text in them.
    pub action: Option<String>,
    /// Only things with this text in their names.
    pub subject: Option<String>,
    /// Only what was done then or later.
    pub since: Option<Timestamp>,
    /// Only what was done before.
    pub until: Option<Timestamp>,
    /// The cursor: only rows with an id below this one.
    pub before: Option<i64>,
    /// At most this many rows.
    pub limit: usize,
}
