//! People who sign in.

use crate::model;
use serde::Serialize;

/// An account.
#[derive(Clone, Debug, Serialize)]
pub struct Person {
    /// What the person signs in with.
    pub name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: &'static str,
    /// When the account was made.
    pub created_at: String,
    /// Browsers that are signed in.
    pub logins: u64,
    /// When one of them was last used, if one is signed in.
    pub seen_at: Option<String>,
}

/// An account whose role was asked to change.
#[derive(Clone, Debug, Serialize)]
pub struct PersonRole {
    /// What the person signs in with.
    pub name: String,
    /// The role that the account has now.
    pub role: &'static str,
    /// The role that it had.
    pub before: &'static str,
}

/// An account that was given a password.
#[derive(Clone, Debug, Serialize)]
pub struct PersonPassword {
    /// What the person signs in with.
    pub name: String,
    /// Browsers that were signed in and are not any more.
    pub logins_ended: usize,
}

/// An account that was removed.
#[derive(Clone, Debug, Serialize)]
pub struct PersonRemoved {
    /// What the person signed in with.
    pub name: String,
}

impl From<&model::AccountState> for Person {
    fn from(state: &model::AccountState) -> Self {
        Self {
            name: state.account.username.clone(),
            role: state.account.role.as_str(),
            created_at: state.created_at.to_string(),
            logins: state.logins,
            seen_at: state.seen_at.map(|at| at.to_string()),
        }
    }
}
