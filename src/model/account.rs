//! Accounts of people who sign in, their logins, and who they are to the record of what was done.

use super::Timestamp;
use std::fmt;
use std::str::FromStr;

/// What an account may do; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees every page.
    Viewer,
    /// Also runs, cancels and repeats jobs.
    Operator,
    /// Also changes settings, accounts and what agents may do.
    Admin,
}

impl Role {
    /// Every role, each with more rights than the one before it.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// What an account of this role may do, in a few words.
    pub const fn may(self) -> &'static str {
        match self {
            Self::Viewer => "looks",
            Self::Operator => "also runs and stops",
            Self::Admin => "everything",
        }
    }
}

impl FromStr for Role {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|r| r.as_str() == text).ok_or(())
    }
}

/// Somebody who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Row id.
    pub id: i64,
    /// The name typed at sign-in.
    pub username: String,
    /// What the account may do.
    pub role: Role,
    /// When it was disabled: nobody signs in to it until somebody enables it.
    pub disabled_at: Option<Timestamp>,
    /// How many passwords it has had, which tells whether one that was checked still holds.
    pub passwords: i64,
}

/// An account as the list of accounts shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// The account.
    pub account: Account,
    /// When it was made.
    pub created_at: Timestamp,
    /// Logins of it that have not ended.
    pub logins: u64,
    /// When one of them was last used.
    pub seen_at: Option<Timestamp>,
    /// When somebody last signed in to it.
    pub signed_in_at: Option<Timestamp>,
}

/// A browser that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Its number, by which people name it. It opens nothing.
    pub id: i64,
    /// Whose it is.
    pub account: Account,
    /// When the password was given.
    pub began_at: Timestamp,
}

/// A login as the list of an account's logins shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginState {
    /// Its number, by which people name it. It opens nothing.
    pub id: i64,
    /// When the password was given.
    pub began_at: Timestamp,
    /// When it was last used, to the minute.
    pub used_at: Timestamp,
    /// The address from which the password was given.
    pub remote: String,
    /// The browser, as it calls itself, in a few words.
    pub browser: String,
}

/// Which logins of an account are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichLogins {
    /// The login of this number.
    One(i64),
    /// All but the login of this number.
    Others(i64),
    /// All of them.
    All,
}

/// Who caused a change, for the audit log and the job's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// An account's name, `cli` for somebody on the machine itself, or `program` for a program that embeds the engine.
    pub name: String,
    /// The address the request came from, if it came by HTTP.
    pub remote: Option<String>,
}

impl Actor {
    /// Somebody at the machine's own command line.
    pub fn cli() -> Self {
        Self { name: "cli".into(), remote: None }
    }

    /// The program that embeds the engine, where it acts for nobody that it names.
    pub fn program() -> Self {
        Self::named("program")
    }

    /// Somebody whom an embedding program names.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), remote: None }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
