//! People who sign in, and what they did.

use crate::model;
use serde::Serialize;

/// An account.
#[derive(Clone, Debug, Serialize)]
pub struct Person {
    /// What the person signs in with.
    pub name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: &'static str,
    /// Whether nobody can sign in to the account.
    pub disabled: bool,
    /// When the account was made.
    pub created_at: String,
    /// Browsers that are signed in.
    pub logins: u64,
    /// When one of them was last used, if one is signed in.
    pub seen_at: Option<String>,
    /// When somebody last signed in to the account.
    pub signed_in_at: Option<String>,
}

/// A browser that is signed in.
#[derive(Clone, Debug, Serialize)]
pub struct Login {
    /// Its number, by which it is ended.
    pub id: i64,
    /// When the password was given.
    pub began_at: String,
    /// When it was last used, to the minute.
    pub seen_at: String,
    /// The address from which the password was given.
    pub address: String,
    /// The browser, as it calls itself, in a few words.
    pub browser: String,
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

/// An account that was disabled or enabled.
#[derive(Clone, Debug, Serialize)]
pub struct PersonState {
    /// What the person signs in with.
    pub name: String,
    /// Whether nobody can sign in to it now.
    pub disabled: bool,
    /// Browsers that were signed in and are not any more.
    pub logins_ended: usize,
}

/// An account whose logins were ended.
#[derive(Clone, Debug, Serialize)]
pub struct PersonLogins {
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

/// A row of the audit log: what somebody did.
#[derive(Clone, Debug, Serialize)]
pub struct Deed {
    /// Its number. A later row has a higher one.
    pub id: i64,
    /// When.
    pub at: String,
    /// Who.
    pub by: String,
    /// The address that the request came from, if it came by HTTP.
    pub address: Option<String>,
    /// What, as a verb.
    pub action: String,
    /// The thing that was changed.
    pub subject: String,
    /// The value before the change, if it is known.
    pub before: Option<String>,
    /// The value after the change, if it is known.
    pub after: Option<String>,
}

impl From<&model::Deed> for Deed {
    fn from(deed: &model::Deed) -> Self {
        Self {
            id: deed.id,
            at: deed.at.to_string(),
            by: deed.by.name.clone(),
            address: deed.by.remote.clone(),
            action: deed.action.clone(),
            subject: deed.subject.clone(),
            before: deed.before.clone(),
            after: deed.after.clone(),
        }
    }
}

impl From<&model::AccountState> for Person {
    fn from(state: &model::AccountState) -> Self {
        Self {
            name: state.account.username.clone(),
            role: state.account.role.as_str(),
            disabled: state.account.disabled_at.is_some(),
            created_at: state.created_at.to_string(),
            logins: state.logins,
            seen_at: state.seen_at.map(|at| at.to_string()),
            signed_in_at: state.signed_in_at.map(|at| at.to_string()),
        }
    }
}

impl From<&model::LoginState> for Login {
    fn from(state: &model::LoginState) -> Self {
        Self {
            id: state.id,
            began_at: state.began_at.to_string(),
            seen_at: state.used_at.to_string(),
            address: state.remote.clone(),
            browser: state.browser.clone(),
        }
    }
}
