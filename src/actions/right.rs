//! A right: what a person wants to do, and the least role that may do it.
//!
//! An action asks for its right, and the route of a page names the same one: so both refuse a lower role in the same words.

use crate::model::Role;

/// What a person wants to do, and the least role that may do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// The least role that has it.
    pub least: Role,
    /// What the person wants, as an error says it: "pause a queue".
    pub doing: &'static str,
}

impl Right {
    /// The right of this role, and of those above it, to do this.
    pub const fn new(least: Role, doing: &'static str) -> Self {
        Self { least, doing }
    }

    /// Whether this role has it.
    pub fn is_of(self, role: Role) -> bool {
        role >= self.least
    }
}
