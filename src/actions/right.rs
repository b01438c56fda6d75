//! A right: what a person wants to do, and the least role that may do it.
//!
//! An action asks for its right, and the route of a page names the same one: so both refuse a lower role in the same words.

use crate::model::{Role, Scope};

/// What a person wants to do, and the least role that may do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// The least role that has it.
    pub least: Role,
    /// What the person wants, as an error says it: "pause a queue".
    pub doing: &'static str,
    /// The scope that a token needs for it. `None`: the scope `admin`, and no lists of kinds and queues.
    pub scope: Option<Scope>,
}

impl Right {
    /// The right of this role, and of those above it, to do this.
    pub const fn new(least: Role, doing: &'static str) -> Self {
        Self { least, doing, scope: None }
    }

    /// The same right, which a token has by this scope. The action itself must keep a token to its kinds and queues.
    #[must_use]
    pub const fn by_token(self, scope: Scope) -> Self {
        Self { scope: Some(scope), ..self }
    }

    /// Whether this role has it.
    pub fn is_of(self, role: Role) -> bool {
        role >= self.least
    }
}
