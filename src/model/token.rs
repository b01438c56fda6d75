//! API tokens: what a program shows instead of a password, what it may do with it, and what is kept of it.

mod scope;
mod text;

pub use scope::{Power, Scope};
pub use text::TokenText;

use super::{Account, Role, Timestamp};

/// A token as it is kept: all but its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The eight characters of its text by which people name it. They open nothing.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The account for which it acts, as the account is now.
    pub owner: Account,
    /// What it may do, as far as the owner may do it too.
    pub power: Power,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its present text was made.
    pub renewed_at: Timestamp,
    /// When it ends; `None`: when somebody revokes it.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
    /// Until when the text before the present one counts too, if it was rotated.
    pub old_until: Option<Timestamp>,
}

impl Token {
    /// Whether its time is over.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Until when the text of before the last rotation counts, if it still does.
    pub fn old_counts_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.old_until.filter(|until| *until > now)
    }

    /// The scopes that count: those that it has, and its owner's role has too.
    pub fn scopes_now(&self) -> Vec<Scope> {
        let role = self.owner.role;
        self.power.scopes.iter().copied().filter(|scope| scope.least() <= role).collect()
    }

    /// The role of its owner, which it never goes beyond.
    pub fn role(&self) -> Role {
        self.owner.role
    }

    /// Its name as the actor of a change: `token shop of ada`. No account has such a name.
    pub fn actor_name(&self) -> String {
        format!("token {} of {}", self.name, self.owner.username)
    }
}

/// A token that is to be stored.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The eight characters by which people name it.
    pub id: String,
    /// SHA-256 of its text.
    pub hash: String,
    /// What its owner calls it.
    pub name: String,
    /// The name of its owner's account.
    pub owner: String,
    /// What it may do.
    pub power: Power,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}
