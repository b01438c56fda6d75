//! Scopes: what a token may do, and for which kinds and queues.

use crate::model::{Kind, Queue, Role};
use std::fmt;
use std::str::FromStr;

macro_rules! scopes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $least:ident;)*) => {
        /// One thing that a token may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Scope { $($(#[$doc])* $variant,)* }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word that is typed, stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The least role of an owner with which the scope counts.
            pub const fn least(self) -> Role {
                match self { $(Self::$variant => Role::$least,)* }
            }
        }
    };
}

scopes! {
    /// Looks at jobs.
    JobsRead = "jobs:read", Viewer;
    /// Queues jobs. A session, a scan, a filing and a description of a repository need a scope of theirs too.
    JobsWrite = "jobs:write", Operator;
    /// Looks at sessions.
    SessionsRead = "sessions:read", Viewer;
    /// Asks for sessions, but for none without a sandbox.
    SessionsWrite = "sessions:write", Admin;
    /// Looks at schedules.
    SchedulesRead = "schedules:read", Viewer;
    /// Runs, pauses and changes schedules.
    SchedulesWrite = "schedules:write", Operator;
    /// Looks at what scans found.
    FindingsRead = "findings:read", Viewer;
    /// Runs scans and changes issues.
    FindingsWrite = "findings:write", Operator;
    /// Looks at log rows.
    LogsRead = "logs:read", Viewer;
    /// Sends log rows.
    LogsWrite = "logs:write", Operator;
    /// Looks at settings.
    SettingsRead = "settings:read", Viewer;
    /// Changes settings.
    SettingsWrite = "settings:write", Admin;
    /// Reads the numbers of the server.
    MetricsRead = "metrics:read", Viewer;
    /// Sends events to hooks.
    HooksSend = "hooks:send", Operator;
    /// Everything that no other scope has, but nothing that needs a password.
    Admin = "admin", Admin;
}

impl Scope {
    /// The scopes of a role: what a token may have whose owner has this role.
    pub fn of_role(role: Role) -> Vec<Self> {
        Self::ALL.iter().copied().filter(|scope| scope.least() <= role).collect()
    }
}

impl FromStr for Scope {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Power {
    /// Its scopes, each once.
    pub scopes: Vec<Scope>,
    /// The only kinds of jobs that it may make and see; `None`: all.
    pub kinds: Option<Vec<Kind>>,
    /// The only queues whose jobs it may make and see; `None`: all.
    pub queues: Option<Vec<Queue>>,
}

impl Power {
    /// Whether it is for some kinds or queues only.
    pub fn is_limited(&self) -> bool {
        self.kinds.is_some() || self.queues.is_some()
    }
}
