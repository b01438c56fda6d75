//! One call of an action: who asks, how the server knows, and when.

use super::Right;
use crate::error::{Code, Error, Result};
use crate::model::{Actor, Kind, Power, Queue, Role, Scope, Timestamp, Zone};
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
    /// By whose clocks the answer tells times; of UTC where the one who asks has said nothing.
    pub zone: Zone,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The person works at the machine as the owner of the data directory. Their proof always counts as fresh.
    Owner,
    /// The person signed in with a password at this time.
    Login(Timestamp),
    /// The program around the pages says who it is. It does not say when the person proved it.
    Host,
    /// A program shows a token, which has this power at most. It never counts as fresh.
    Token(Power),
}

impl Who {
    /// Refuses a person whose role does not have this right, and a token without its scope.
    ///
    /// # Errors
    /// `AUTH-ROLE-001`; `AUTH-TOKEN-002`.
    pub fn needs(&self, right: Right) -> Result<()> {
        let Right { least, doing, scope } = right;
        if !right.is_of(self.role) {
            let (role, least) = (self.role.as_str(), least.as_str());
            let why = format!("your role is {role}, and this needs the role {least}");
            return Err(Error::new(Code::AuthRole, format!("{doing}: {why}")));
        }
        let Some(power) = self.token() else { return Ok(()) };
        let needed = scope.unwrap_or(Scope::Admin);
        let why = if !power.scopes.contains(&needed) {
            format!("the token lacks the scope {needed}")
        } else if scope.is_none() && power.is_limited() {
            "the token is for some kinds or queues only".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::new(Code::AuthScope, format!("{doing}: {why}")))
    }

    /// What the token may do by which this is known, if it is by one.
    fn token(&self) -> Option<&Power> {
        match &self.proof {
            Proof::Token(power) => Some(power),
            Proof::Owner | Proof::Login(_) | Proof::Host => None,
        }
    }
}

impl Call {
    /// A call by the owner of the data directory at the machine's command line, who may do everything.
    pub fn by_owner(now: Timestamp) -> Self {
        let Actor { name, remote } = Actor::cli();
        Self {
            who: Who { name, role: Role::Admin, proof: Proof::Owner, remote },
            now,
            zone: Zone::default(),
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
    /// `AUTH-ROLE-001`; `AUTH-TOKEN-002`.
    pub fn needs(&self, right: Right) -> Result<()> {
        self.who.needs(right)
    }

    /// Refuses a job that a token may not make or see: one of another kind or queue than its lists name. Where it has a list
    /// of queues, a job that names none is refused: which queue it gets is decided later.
    ///
    /// # Errors
    /// `AUTH-TOKEN-002`.
    pub fn needs_job(&self, kind: &Kind, queue: Option<&Queue>, doing: &str) -> Result<()> {
        let Some(power) = self.who.token() else { return Ok(()) };
        let why = match (&power.kinds, &power.queues) {
            (Some(kinds), _) if !kinds.contains(kind) => {
                format!("the token is not for the kind {kind}")
            }
            (_, Some(queues)) if !queue.is_some_and(|queue| queues.contains(queue)) => queue
                .map_or_else(
                    || {
                        "the token is for some queues only, so that the job must name one"
                            .to_owned()
                    },
                    |queue| format!("the token is not for the queue {queue}"),
                ),
            _ => return Ok(()),
        };
        Err(Error::new(Code::AuthScope, format!("{doing}: {why}")))
    }

    /// Refuses a person who gave the password too long ago for an action that hands out power: a browser that was left
    /// open must not be enough for it. `doing` says what the person wants, as "add a user".
    ///
    /// # Errors
    /// `AUTH-LOGIN-005`; `AUTH-TOKEN-002` for a token.
    pub fn needs_fresh(&self, doing: &str) -> Result<()> {
        match &self.who.proof {
            Proof::Owner => Ok(()),
            Proof::Login(at) if *at <= self.now && self.now.since(*at) <= FRESH => Ok(()),
            Proof::Login(_) => {
                let why = "you gave your password more than 5 minutes ago, and this needs it anew";
                Err(Error::new(Code::AuthStale, format!("{doing}: {why}")))
            }
            Proof::Host => {
                let why = "the program around these pages does not say when you gave your password, and this needs it";
                Err(Error::new(Code::AuthStale, format!("{doing}: {why}")))
            }
            Proof::Token(_) => {
                let why = "a token never does that; a person who signs in with a password can";
                Err(Error::new(Code::AuthScope, format!("{doing}: {why}")))
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
