//! What a process with an engine says of itself, since no other process can know it.
//!
//! Each process writes its own facts into its worker row, with its heartbeat and when they change. Commands and pages
//! read them there: none of them works out from its own environment what the server can do.

use super::{Kind, KindRules, Rate, RegisteredKind, Timestamp, Worker, WorkerId, rules_in_force};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A process that was not heard of for longer is not at work (P15 does not hold then).
pub const SILENT: Duration = Duration::from_secs(30);
/// Longest text of a fact, in bytes: the row is written every ten seconds.
const MAX_TEXT: usize = 500;

/// A process at work, and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFacts {
    /// Which process it is, its version, and when it was last heard of.
    pub worker: Worker,
    /// What it says.
    pub says: ProcessFacts,
}

/// The processes that are at work on a database, and the kinds that they have handlers for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    /// Each process that was heard of lately and was not judged lost, the one that leads first.
    pub at_work: Vec<ServerFacts>,
    /// Their kinds, the newest registration first.
    pub kinds: Vec<RegisteredKind>,
    /// When any process was last heard of, also one that is not at work any more; `None`: all have ended on purpose.
    pub seen_at: Option<Timestamp>,
}

impl Processes {
    /// The process that can say what the server can do: a `lamplighter serve`, else the process that leads.
    pub fn server(&self) -> Option<&ServerFacts> {
        let server = self.at_work.iter().find(|process| process.worker.is_server);
        server.or(self.at_work.first())
    }

    /// The facts of each kind that some process has a handler for.
    pub fn kind_facts(&self) -> Vec<KindFacts> {
        rules_in_force(&self.kinds).iter().map(KindFacts::of).collect()
    }

    /// The facts of a kind, if some process has a handler for it.
    pub fn kind(&self, kind: &str) -> Option<KindFacts> {
        let found = self.kinds.iter().find(|known| known.rules.kind.as_str() == kind);
        found.map(|known| KindFacts::of(&known.rules))
    }

    /// The kinds that a process has handlers for.
    pub fn kinds_of(&self, worker: &WorkerId) -> impl Iterator<Item = &Kind> {
        let of_worker = move |kind: &&RegisteredKind| kind.worker == *worker;
        self.kinds.iter().filter(of_worker).map(|kind| &kind.rules.kind)
    }

    /// What stands in the way of a job of this kind, as far as processes say it.
    pub fn notes_for(&self, kind: &Kind) -> Vec<Note> {
        if self.at_work.is_empty() {
            return vec![Note::NoProcess(kind.clone())];
        }
        let Some(facts) = self.kind(kind.as_str()) else {
            return vec![Note::NoHandler(kind.clone())];
        };
        let agent = self.server().and_then(|server| server.says.agent.as_ref());
        match agent {
            Some(Readiness::NotReady { why, .. }) if facts.metered => {
                vec![Note::AgentMissing(why.clone())]
            }
            Some(Readiness::NotReady { .. } | Readiness::Ready { .. }) | None => Vec::new(),
        }
    }
}

/// What a person should know who asks for a job. `Display` says it in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// No process works on the database.
    NoProcess(Kind),
    /// No process has a handler for its kind.
    NoHandler(Kind),
    /// Its kind needs the agent program, which cannot be used for this reason.
    AgentMissing(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProcess(kind) if is_of_the_server(kind) => f.write_str(
                "No server runs on this data directory: the job starts with the next `lamplighter serve`.",
            ),
            Self::NoProcess(kind) => write!(
                f,
                "No process works on this database: the job starts with the next one that has a handler for the kind {kind}."
            ),
            Self::NoHandler(kind) => {
                write!(f, "No worker handles {kind}.")
            }
            Self::AgentMissing(why) => {
                write!(f, "The agent program cannot be used: {}.", why.trim_end_matches('.'))
            }
        }
    }
}

/// Whether `lamplighter serve` has a handler for the kind.
pub(crate) fn is_of_the_server(kind: &Kind) -> bool {
    let own = [
        Kind::SELF_MONITORING,
        Kind::GOLDEN_REPO,
        Kind::FILE_FINDINGS,
        Kind::AGENT_SESSION,
        Kind::BULK_ACTION,
    ];
    own.contains(kind)
}

/// What a process with an engine knows and no other one can.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessFacts {
    /// The configuration file in force; `None`: there is none.
    pub config: Option<String>,
    /// Where the pages are.
    pub listen: Option<String>,
    /// The kinds besides the metered ones whose jobs put themselves off while a budget is used up.
    pub spends: Vec<String>,
    /// The log that scans read, where it is another program's.
    pub scanned_log: Option<String>,
    /// Whether findings can be taken to the issue tracker; `None`: this process takes none.
    pub tracker: Option<Readiness>,
    /// Where issues are filed: the word of an [`IssueHome`](super::IssueHome); `None`: nowhere, or this process files none.
    pub issue_home: Option<String>,
    /// When the issue tracker was asked last whether it answers, and what it said; `None` without one elsewhere.
    pub tracker_answer: Option<ServiceRun>,
    /// Whether the agent program can be used; `None`: this process runs no agents, or has not looked yet.
    pub agent: Option<Readiness>,
    /// Whether the sandbox can be used.
    pub sandbox: Option<Readiness>,
    /// How its background services ended last, by their name.
    pub services: BTreeMap<String, ServiceRun>,
}

/// A kind that a process runs, as far as it decides when a job starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindFacts {
    /// Its name.
    pub kind: String,
    /// Where its jobs wait unless they say otherwise.
    pub queue: String,
    /// Whether its jobs spend money.
    pub metered: bool,
    /// Whether they start while a usage limit has paused their queue.
    pub runs_while_limited: bool,
    /// The key that all of its jobs hold.
    pub key: Option<String>,
    /// How many running jobs may hold one key.
    pub key_limit: u32,
    /// How many of its jobs start within a length of time.
    pub rate: Option<Rate>,
}

impl KindFacts {
    /// The facts of a kind with these rules.
    pub fn of(rules: &KindRules) -> Self {
        Self {
            kind: rules.kind.to_string(),
            queue: rules.queue.to_string(),
            metered: rules.metered,
            runs_while_limited: rules.runs_while_limited,
            key: rules.concurrency_key.as_ref().map(ToString::to_string),
            key_limit: rules.key_limit,
            rate: rules.rate,
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
    /// Looks at the pages of the database.
    Inspector,
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
            Self::Inspector => f.write_str("inspector"),
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
    use crate::model::Process;

    fn process(name: &str, is_server: bool, agent: Option<Readiness>) -> ServerFacts {
        let worker = Worker {
            id: WorkerId::parse(name).unwrap(),
            process: Process { pid: 1, start: None },
            version: "0".into(),
            is_server,
            leads: false,
            slots: 10,
            started_at: Timestamp::default(),
            heartbeat_at: Timestamp::default(),
            beat: 0,
            lost_at: None,
        };
        ServerFacts { worker, says: ProcessFacts { agent, ..Default::default() } }
    }

    fn registered(worker: &str, name: &str) -> RegisteredKind {
        let metered = name == "agent_session";
        let rules = KindRules { metered, ..KindRules::new(Kind::parse(name).unwrap()) };
        RegisteredKind { worker: WorkerId::parse(worker).unwrap(), rules }
    }

    fn notes(processes: &Processes, kind: &str) -> Vec<String> {
        let notes = processes.notes_for(&Kind::parse(kind).unwrap());
        notes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn who_asks_for_a_job_that_nobody_runs_is_told_so_and_nobody_else_is() {
        let missing = Readiness::not_ready(Some("AGENT-START-003"), "it is not there");
        let processes = Processes {
            at_work: vec![process("app", false, None), process("serve", true, Some(missing))],
            kinds: vec![registered("serve", "agent_session"), registered("app", "send_email")],
            seen_at: None,
        };
        let no_handler = "No worker handles tpyo.";
        assert_eq!(notes(&processes, "tpyo"), [no_handler]);
        assert!(
            notes(&processes, "send_email").is_empty(),
            "another process than the server runs it"
        );
        let no_agent = "The agent program cannot be used: it is not there.";
        assert_eq!(notes(&processes, "agent_session"), [no_agent]);
    }

    #[test]
    fn where_no_process_runs_an_embedder_is_not_sent_to_the_server() {
        let nobody = Processes::default();
        let serve = "No server runs on this data directory: the job starts with the next `lamplighter serve`.";
        assert_eq!(notes(&nobody, "agent_session"), [serve]);
        let own = "No process works on this database: the job starts with the next one that has a handler for the kind send_email.";
        assert_eq!(notes(&nobody, "send_email"), [own]);
    }

    #[test]
    fn facts_of_another_version_are_read_as_far_as_they_go() {
        let text = r#"{"listen":"127.0.0.1:1","weather":"fine"}"#;
        let read: ProcessFacts = serde_json::from_str(text).unwrap();
        assert_eq!((read.listen.as_deref(), read.tracker), (Some("127.0.0.1:1"), None));
        let long = ServiceRun::new::<&str>(Timestamp::from_millis(7), Ok("ö".repeat(400)));
        assert_eq!((long.at().millis(), long.ended().unwrap().len()), (7, MAX_TEXT));
    }
}
