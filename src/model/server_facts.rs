//! What a process with an engine says of itself, since no other process can know it.
//!
//! Each process writes its own facts into its worker row, with its heartbeat and when they change. Commands and pages
//! read them there: none of them works out from its own environment what the server can do.

use super::{KindRules, Timestamp, Worker};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A process that was not heard of for longer is not at work (P15 does not hold then).
pub const SILENT: Duration = Duration::from_secs(30);
/// Longest text of a fact, in bytes: the row is written every ten seconds.
const MAX_TEXT: usize = 500;

/// The process that leads the engine, and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFacts {
    /// Which process it is, its version, and when it was last heard of.
    pub worker: Worker,
    /// What it says.
    pub says: ProcessFacts,
}

impl ServerFacts {
    /// What stands in the way of a job of this kind and only this process can know: sentences for the person who asks for one.
    pub fn notes_for(&self, kind: &str) -> Vec<String> {
        let handled = self.says.kinds.is_empty() || self.says.kind(kind).is_some();
        let mut notes = Vec::new();
        if !handled {
            notes.push(format!("No running process has a handler for the kind {kind}."));
        }
        if let (Some(kind), Some(Readiness::NotReady { why, .. })) =
            (self.says.kind(kind), &self.says.agent)
            && kind.metered
        {
            notes.push(format!("The agent program cannot be used: {}.", why.trim_end_matches('.')));
        }
        notes
    }
}

/// What is said where no server runs.
pub const NO_SERVER: &str =
    "No server runs on this data directory: the job starts with the next `lamplighter serve`.";

/// What a process with an engine knows and no other one can.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessFacts {
    /// The configuration file in force; `None`: there is none.
    pub config: Option<String>,
    /// Where the pages are.
    pub listen: Option<String>,
    /// The kinds it has handlers for; empty: it has not said so.
    pub kinds: Vec<KindFacts>,
    /// The kinds besides the metered ones whose jobs put themselves off while a budget is used up.
    pub spends: Vec<String>,
    /// Whether findings can be taken to the issue tracker; `None`: this process takes none.
    pub tracker: Option<Readiness>,
    /// Whether the agent program can be used; `None`: this process runs no agents, or has not looked yet.
    pub agent: Option<Readiness>,
    /// Whether the sandbox can be used.
    pub sandbox: Option<Readiness>,
    /// How its background services ended last, by their name.
    pub services: BTreeMap<String, ServiceRun>,
}

impl ProcessFacts {
    /// The facts of a kind, if this process has a handler for it.
    pub fn kind(&self, kind: &str) -> Option<&KindFacts> {
        self.kinds.iter().find(|known| known.kind == kind)
    }
}

/// A kind that a process runs, as far as it decides when a job starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindFacts {
    /// Its name.
    pub kind: String,
    /// Where its jobs wait unless they say otherwise.
    pub queue: String,
    /// Whether its jobs spend money.
    #[serde(default)]
    pub metered: bool,
    /// The key that all of its jobs hold.
    #[serde(default)]
    pub key: Option<String>,
    /// How many running jobs may hold one key.
    pub key_limit: u32,
}

impl KindFacts {
    /// The facts of a kind with these rules.
    pub fn of(rules: &KindRules) -> Self {
        Self {
            kind: rules.kind.to_string(),
            queue: rules.queue.to_string(),
            metered: rules.metered,
            key: rules.concurrency_key.as_ref().map(ToString::to_string),
            key_limit: rules.key_limit,
        }
    }
}

/// Whether something that a server uses can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// It can.
    Ready {
        /// What it is: a path with a version, a repository.
        what: String,
    },
    /// It cannot.
    NotReady {
        /// The registered error code that says so, if there is one.
        code: Option<String>,
        /// Why, for people.
        why: String,
    },
}

impl Readiness {
    /// Something that can be used.
    pub fn ready(what: impl fmt::Display) -> Self {
        Self::Ready { what: cut(what.to_string()) }
    }

    /// Something that cannot, with the code and the reason.
    pub fn not_ready(code: Option<&str>, why: impl fmt::Display) -> Self {
        Self::NotReady { code: code.map(str::to_owned), why: cut(why.to_string()) }
    }
}

/// A loop that works in the background of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// Claims jobs.
    Poller,
    /// Makes the jobs of schedules; a part of each look of the poller.
    Scheduler,
    /// Removes jobs that are over and old, and recounts.
    Pruner,
    /// Waits for the leadership.
    Standby,
    /// Writes a database's log back into its file.
    Checkpointer,
    /// Removes old log rows.
    Retention,
    /// Has findings taken to the issue tracker.
    Filings,
    /// Follows this log of another program.
    Log(String),
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poller => f.write_str("poller"),
            Self::Scheduler => f.write_str("scheduler"),
            Self::Pruner => f.write_str("pruner"),
            Self::Standby => f.write_str("standby"),
            Self::Checkpointer => f.write_str("checkpointer"),
            Self::Retention => f.write_str("log retention"),
            Self::Filings => f.write_str("filings"),
            Self::Log(name) => write!(f, "log {name}"),
        }
    }
}

/// The last run of a background service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRun {
    /// When it ended, in milliseconds since 1970.
    at_ms: i64,
    /// What it did, or the coded text of the error that ended it.
    said: String,
    /// Whether it ended well.
    ok: bool,
}

impl ServiceRun {
    /// A run that ended at `at`: `Ok` with what it did in a few words, `Err` with its error.
    pub fn new<E: fmt::Display>(at: Timestamp, ended: Result<String, E>) -> Self {
        let (ok, said) = match ended {
            Ok(did) => (true, did),
            Err(error) => (false, error.to_string()),
        };
        Self { at_ms: at.millis(), said: cut(said), ok }
    }

    /// When it ended.
    pub fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.at_ms)
    }

    /// What it did in a few words, or the coded text of the error that ended it.
    pub fn ended(&self) -> Result<&str, &str> {
        if self.ok { Ok(&self.said) } else { Err(&self.said) }
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, Process, WorkerId};

    fn facts(kinds: &[&str], agent: Option<Readiness>) -> ServerFacts {
        let metered = |kind: &str| kind == "agent_session";
        let kind = |name: &&str| {
            let kind = Kind::parse(*name).unwrap();
            KindFacts::of(&KindRules { metered: metered(name), ..KindRules::new(kind) })
        };
        let says =
            ProcessFacts { kinds: kinds.iter().map(kind).collect(), agent, ..Default::default() };
        let worker = Worker {
            id: WorkerId::parse("w").unwrap(),
            process: Process { pid: 1, start: None },
            version: "0".into(),
            leads: true,
            started_at: Timestamp::default(),
            heartbeat_at: Timestamp::default(),
        };
        ServerFacts { worker, says }
    }

    #[test]
    fn who_asks_for_a_job_that_nobody_runs_is_told_so_and_nobody_else_is() {
        let missing = || Some(Readiness::not_ready(Some("AGENT-START-003"), "it is not there"));
        let server = facts(&["agent_session", "send_email"], missing());
        let no_handler = "No running process has a handler for the kind tpyo.";
        assert_eq!(server.notes_for("tpyo"), [no_handler]);
        assert!(server.notes_for("send_email").is_empty());
        let no_agent = "The agent program cannot be used: it is not there.";
        assert_eq!(server.notes_for("agent_session"), [no_agent]);
        assert!(facts(&[], None).notes_for("tpyo").is_empty(), "it has not said what it runs");
    }

    #[test]
    fn facts_of_another_version_are_read_as_far_as_they_go() {
        let text = r#"{"listen":"127.0.0.1:1","weather":"fine","kinds":[{"kind":"x","queue":"y","key_limit":1}]}"#;
        let read: ProcessFacts = serde_json::from_str(text).unwrap();
        assert_eq!(read.kind("x").map(|kind| kind.metered), Some(false));
        assert_eq!(read.tracker, None);
        let long = ServiceRun::new::<&str>(Timestamp::from_millis(7), Ok("ö".repeat(400)));
        assert_eq!((long.at().millis(), long.ended().unwrap().len()), (7, MAX_TEXT));
    }
}
