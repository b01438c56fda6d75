//! One call of an action: who asks, how the server knows, and when.

use super::Right;
use crate::error::{Code, Error, Result};
use crate::model::{Actor, Role, Timestamp};
use std::time::Duration;

/// For how long a sign-in counts as fresh.
const FRESH: Duration = Duration::from_mins(5);

/// Who asks, when, and in which request.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who asks.
    pub who: Who,
    /// When the call was made.
    pub now: Timestamp,
    /// Ties the log lines of the request to those of the jobs that it makes. `None` if there was no request.
    pub correlation_id: Option<String>,
}

/// Who asks, and how the server knows.
#[derive(Clone, Debug)]
pub struct Who {
    /// The name for the audit log and a job's history: an account's, or `cli`.
    pub name: String,
    /// What this person may do.
    pub role: Role,
    /// How the server knows who it is.
    pub proof: Proof,
    /// The address that the request came from, if it came by HTTP.
    pub remote: Option<String>,
}

/// How the server knows who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The person works at the machine as the owner of the data directory. Their proof always counts as fresh.
    Owner,
    /// The person signed in with a password at this time.
    Login(Timestamp),
    /// The program around the pages says who it is. It does not say when the person proved it.
    Host,
}

impl Who {
    /// Refuses a person whose role does not have this right.
    ///
    /// # Errors
    /// `AUTH-ROLE-001`.
    pub fn needs(&self, right: Right) -> Result<()> {
        if right.is_of(self.role) {
            return Ok(());
        }
        let (Right { least, doing }, role) = (right, self.role.as_str());
        let why = format!("your role is {role}, and this needs the role {}", least.as_str());
        Err(Error::new(Code::AuthRole, format!("{doing}: {why}")))
    }
}

impl Call {
    /// A call by the owner of the data directory at the machine's command line, who may do everything.
    pub fn by_owner(now: Timestamp) -> Self {
        let Actor { name, remote } = Actor::cli();
        Self {
            who: Who { name, role: Role::Admin, proof: Proof::Owner, remote },
            now,
            correlation_id: None,
        }
    }

    /// The person for the audit log and a job's history.
    pub fn actor(&self) -> Actor {
        Actor { name: self.who.name.clone(), remote: self.who.remote.clone() }
    }

    /// As [`Who::needs`].
    ///
    /// # Errors
    /// `AUTH-ROLE-001`.
    pub fn needs(&self, right: Right) -> Result<()> {
        self.who.needs(right)
    }

    /// Refuses a person who gave the password too long ago for an action that hands out power: a browser that was left
    /// open must not be enough for it. `doing` says what the person wants, as "add a user".
    ///
    /// # Errors
    /// `AUTH-LOGIN-005`.
    pub fn needs_fresh(&self, doing: &str) -> Result<()> {
        match self.who.proof {
            Proof::Owner => Ok(()),
            Proof::Login(at) if at <= self.now && self.now.since(at) <= FRESH => Ok(()),
            Proof::Login(_) => {
                let why = "you gave your password more than 5 minutes ago, and this needs it anew";
                Err(Error::new(Code::AuthStale, format!("{doing}: {why}")))
            }
            Proof::Host => {
                let why = "the program around these pages does not say when you gave your password, and this needs it";
                Err(Error::new(Code::AuthStale, format!("{doing}: {why}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_role_is_refused_with_both_roles_named() {
        let mut call = Call::by_owner(Timestamp::default());
        assert!(call.needs(Right::new(Role::Admin, "add a user")).is_ok());
        call.who.role = Role::Viewer;
        let refused = call.needs(Right::new(Role::Operator, "pause a queue")).unwrap_err();
        assert_eq!(
            refused.sentence(),
            "Could not pause a queue: your role is viewer, and this needs the role operator."
        );
    }

    #[test]
    fn a_sign_in_is_fresh_for_five_minutes_and_the_owner_always_is() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let mut call = Call::by_owner(now);
        assert!(call.needs_fresh("add a user").is_ok());
        let ago = |seconds: i64| Timestamp::from_millis(now.millis() - seconds * 1_000);
        for (began_at, fresh) in
            [(ago(0), true), (ago(300), true), (ago(301), false), (ago(-1), false)]
        {
            call.who.proof = Proof::Login(began_at);
            assert_eq!(call.needs_fresh("add a user").is_ok(), fresh, "{began_at}");
        }
        let refused = call.needs_fresh("add a user").unwrap_err();
        assert_eq!((refused.code(), refused.class()), (Code::AuthStale, crate::Class::Unproven));
        assert_eq!(
            refused.sentence(),
            "Could not add a user: you gave your password more than 5 minutes ago, and this needs it anew."
        );
    }
}
