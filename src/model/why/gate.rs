//! What keeps a job from starting, who holds it, until when, and what opens it.

use crate::error::Code;
use crate::model::budget::set_aside;
use crate::model::server_facts::is_of_the_server;
use crate::model::session::FOLDER_KEY;
use crate::model::{JobId, Kind, OverBudget, Pause, Queue, Rate, Timestamp, Zone};
use std::fmt;

/// Kinds that a sentence names; the others are counted.
const MAX_NAMED: usize = 5;

/// One thing that keeps a job from starting. The order is the one in which an operator would open them: what holds every
/// job first, then what holds its kind, then what holds this job, then its queue and its key.
#[derive(Clone, Debug, PartialEq)]
pub enum Gate {
    /// No process runs the engine.
    NoEngine {
        /// The kind of the job.
        kind: Kind,
        /// When the last process was heard of, unless it ended on purpose.
        seen_at: Option<Timestamp>,
    },
    /// Somebody stopped all queues.
    Stopped(Pause),
    /// No process has a handler for its kind.
    NoHandler {
        /// Its kind.
        kind: Kind,
        /// The kinds that running processes have handlers for.
        known: Vec<String>,
    },
    /// The engine has not looked at it yet and will do so at once.
    NotAdmitted,
    /// Its kind needs the agent program, which cannot be used.
    AgentMissing {
        /// Why.
        reason: String,
    },
    /// The findings that it should file wait for a person.
    Approval {
        /// How many findings.
        findings: u64,
    },
    /// The database refused to start it.
    Refused {
        /// What the database said.
        reason: Option<String>,
    },
    /// It runs after jobs that are not over.
    After {
        /// The first of them, at most ten.
        open: Vec<JobId>,
        /// How many there are.
        count: u64,
    },
    /// Its time has not come.
    Time {
        /// When it comes.
        until: Timestamp,
        /// What it waits for.
        wait: Wait,
    },
    /// A budget is used up.
    OverBudget(OverBudget),
    /// What is left of a budget is set aside for runs that are under way.
    SetAside {
        /// Dollars that are set aside for them.
        reserved: f64,
    },
    /// Another session has the folder in which it would work.
    FolderHeld {
        /// Which session.
        by: JobId,
        /// How it holds the folder.
        says: String,
    },
    /// A limit of the service behind its queue was met.
    UsageLimit {
        /// The queue that waits.
        queue: Queue,
        /// Which limit, as the handler said.
        reason: String,
        /// When it is tried again.
        until: Option<Timestamp>,
    },
    /// Somebody paused its queue.
    QueuePaused(Queue, Pause),
    /// Its queue runs as many jobs as its limit allows.
    QueueFull {
        /// Its queue.
        queue: Queue,
        /// How many may run.
        limit: u32,
        /// Which run, at most ten.
        holders: Vec<JobId>,
    },
    /// As many jobs of its kind have started as its rate allows.
    RateReached {
        /// Its kind.
        kind: Kind,
        /// The rate; `None`: no running process says.
        rate: Option<Rate>,
        /// When the next may start; `None`: others are to start first.
        until: Option<Timestamp>,
    },
    /// Its concurrency key is held by as many jobs as may hold it.
    KeyHeld {
        /// The key.
        key: String,
        /// Who holds it, at most ten.
        holders: Vec<JobId>,
    },
}

/// The reason why the time of a job has not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The request that made the job named a time.
    Delay,
    /// The next attempt after one that failed.
    Retry {
        /// The attempt that failed.
        attempt: u32,
    },
    /// Its handler asked to be called again then.
    Snooze {
        /// What the handler said last.
        says: Option<String>,
    },
}

/// What opens a gate. `Display` says it in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Start a process that has a handler for the kind.
    StartProcess(Kind),
    /// End the process that hangs.
    EndProcess,
    /// Resume everything.
    ResumeAll,
    /// Run a process that has a handler for the kind.
    RegisterHandler(Kind),
    /// Wait a moment.
    Wait,
    /// Make the agent program usable.
    InstallAgent,
    /// Approve or reject findings.
    Approve,
    /// Wait for the end of the jobs because of which the database refused this one.
    EndOthers,
    /// Wait for the end of the jobs that it runs after.
    AwaitEarlier,
    /// Start this job now instead.
    RunNow(JobId),
    /// Raise the budget of this setting; `None`: that of its schedule.
    RaiseBudget(Option<&'static str>),
    /// Wait for a run that is under way, or raise the budget.
    AwaitRuns,
    /// Resume the queue.
    ResumeQueue(Queue),
    /// Raise the limit of the queue.
    RaiseLimit(Queue),
    /// Wait, or raise the rate of the kind in its program.
    RaiseRate(Kind),
    /// Wait for the jobs that hold it, or cancel one.
    CancelHolder(Vec<JobId>),
}

impl Gate {
    /// A word for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NoEngine { .. } => "no_engine",
            Self::Stopped(_) => "stopped",
            Self::NoHandler { .. } => "no_handler",
            Self::NotAdmitted => "not_admitted",
            Self::AgentMissing { .. } => "agent_missing",
            Self::Approval { .. } => "approval",
            Self::Refused { .. } => "refused",
            Self::After { .. } => "after",
            Self::Time { .. } => "time",
            Self::OverBudget(_) => "budget",
            Self::SetAside { .. } => "set_aside",
            Self::FolderHeld { .. } => "folder_held",
            Self::UsageLimit { .. } => "usage_limit",
            Self::QueuePaused(..) => "queue_paused",
            Self::QueueFull { .. } => "queue_full",
            Self::RateReached { .. } => "rate",
            Self::KeyHeld { .. } => "key_held",
        }
    }

    /// The jobs that hold it, at most ten.
    pub fn holders(&self) -> &[JobId] {
        match self {
            Self::QueueFull { holders, .. }
            | Self::KeyHeld { holders, .. }
            | Self::After { open: holders, .. } => holders,
            Self::FolderHeld { by, .. } => std::slice::from_ref(by),
            Self::NoEngine { .. }
            | Self::Stopped(_)
            | Self::NoHandler { .. }
            | Self::NotAdmitted
            | Self::AgentMissing { .. }
            | Self::Approval { .. }
            | Self::Refused { .. }
            | Self::Time { .. }
            | Self::OverBudget(_)
            | Self::SetAside { .. }
            | Self::UsageLimit { .. }
            | Self::RateReached { .. }
            | Self::QueuePaused(..) => &[],
        }
    }

    /// When it opens by itself, if that is known.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Time { until, .. } => Some(*until),
            Self::OverBudget(over) => Some(over.until),
            Self::UsageLimit { until, .. } | Self::RateReached { until, .. } => *until,
            Self::Stopped(pause) | Self::QueuePaused(_, pause) => pause.resume_at,
            Self::NoEngine { .. }
            | Self::NoHandler { .. }
            | Self::NotAdmitted
            | Self::AgentMissing { .. }
            | Self::Approval { .. }
            | Self::Refused { .. }
            | Self::After { .. }
            | Self::SetAside { .. }
            | Self::FolderHeld { .. }
            | Self::QueueFull { .. }
            | Self::KeyHeld { .. } => None,
        }
    }

    /// What opens it; `id` is the job that waits.
    pub fn opening(&self, id: JobId) -> Opening {
        match self {
            Self::NoEngine { kind, seen_at: None } => Opening::StartProcess(kind.clone()),
            Self::NoEngine { seen_at: Some(_), .. } => Opening::EndProcess,
            Self::Stopped(_) => Opening::ResumeAll,
            Self::NoHandler { kind, .. } => Opening::RegisterHandler(kind.clone()),
            Self::NotAdmitted => Opening::Wait,
            Self::AgentMissing { .. } => Opening::InstallAgent,
            Self::Approval { .. } => Opening::Approve,
            Self::Refused { .. } => Opening::EndOthers,
            Self::After { .. } => Opening::AwaitEarlier,
            Self::Time { .. } => Opening::RunNow(id),
            Self::OverBudget(over) => Opening::RaiseBudget(over.setting),
            Self::UsageLimit { queue, .. } | Self::QueuePaused(queue, _) => {
                Opening::ResumeQueue(queue.clone())
            }
            Self::QueueFull { queue, .. } => Opening::RaiseLimit(queue.clone()),
            Self::RateReached { kind, .. } => Opening::RaiseRate(kind.clone()),
            Self::SetAside { .. } => Opening::AwaitRuns,
            Self::FolderHeld { by, .. } => Opening::CancelHolder(vec![*by]),
            Self::KeyHeld { holders, .. } => Opening::CancelHolder(holders.clone()),
        }
    }

    /// It in a sentence, with times by the clocks of a zone.
    pub fn sentence(&self, zone: Zone) -> String {
        let clause = self.clause(zone);
        let mut letters = clause.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        let ended = clause.ends_with(['.', '!', '?']);
        format!("{first}{}{}", letters.as_str(), if ended { "" } else { "." })
    }

    /// What follows the word *waits* in a list.
    pub(super) fn headline(&self, zone: Zone) -> String {
        let at = |until: &Timestamp| zone.in_short(*until);
        match self {
            Self::Time { until, wait: Wait::Delay } => format!(" until {}", at(until)),
            Self::Time { until, wait: Wait::Retry { attempt } } => {
                format!(" until {}: attempt {attempt} failed", at(until))
            }
            Self::Time { until, wait: Wait::Snooze { says } } => {
                let says = says.as_ref().map(|says| format!(": {}", plain(says)));
                format!(" until {}{}", at(until), says.unwrap_or_default())
            }
            Self::OverBudget(over) => format!(" until {}: {}", at(&over.until), over.reason),
            Self::NoEngine { .. }
            | Self::Stopped(_)
            | Self::NoHandler { .. }
            | Self::NotAdmitted
            | Self::AgentMissing { .. }
            | Self::Approval { .. }
            | Self::Refused { .. }
            | Self::After { .. }
            | Self::SetAside { .. }
            | Self::FolderHeld { .. }
            | Self::UsageLimit { .. }
            | Self::QueuePaused(..)
            | Self::QueueFull { .. }
            | Self::RateReached { .. }
            | Self::KeyHeld { .. } => format!(": {}", self.clause(zone)),
        }
    }

    /// It in a clause without an end, so that several can stand in one sentence.
    pub(super) fn clause(&self, zone: Zone) -> String {
        let at = |until: &Timestamp| zone.in_short(*until);
        match self {
            Self::NoEngine { kind, seen_at: None } if is_of_the_server(kind) => {
                "no server runs".to_owned()
            }
            Self::NoEngine { seen_at: None, .. } => "no process runs jobs".to_owned(),
            Self::NoEngine { seen_at: Some(seen), .. } => format!(
                "the process that runs jobs was last heard of at {} and hangs or is gone",
                at(seen)
            ),
            Self::Stopped(pause) => {
                format!("all queues were stopped by {}{}", pause.by, because(plain(&pause.reason)))
            }
            Self::NoHandler { kind, known } => {
                format!("no worker handles {kind}{}", have(known))
            }
            Self::NotAdmitted => "it was just added, and is placed within a second".to_owned(),
            Self::AgentMissing { reason } => {
                format!("the agent program cannot be used: {}", plain(reason))
            }
            Self::Approval { findings: 1 } => "a finding waits for a person's approval".to_owned(),
            Self::Approval { findings } => {
                format!("{findings} findings wait for a person's approval")
            }
            Self::Refused { reason } => {
                let reason = reason.as_deref().unwrap_or_default();
                format!("the database refused to start it{}", because(plain(reason)))
            }
            Self::After { open, count } => {
                let more = count.saturating_sub(open.len() as u64);
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                format!("it runs after {}{more}", jobs(open))
            }
            Self::Time { until, wait } => starts(&at(until), wait),
            Self::OverBudget(over) => {
                format!("it waits until {}: {}", at(&over.until), over.reason)
            }
            Self::SetAside { reserved } => set_aside(*reserved),
            Self::FolderHeld { says, .. } => format!("[{}] {says}", Code::AgentFolder),
            Self::UsageLimit { queue, reason, until } => {
                let until = until
                    .as_ref()
                    .map_or_else(String::new, |until| format!(" until {}", at(until)));
                let reason = because(plain(reason));
                format!("the queue {queue} waits{until} for a limit to be lifted{reason}")
            }
            Self::QueuePaused(queue, pause) => {
                let until = pause.resume_at.as_ref().map(|until| format!(" until {}", at(until)));
                let until = until.unwrap_or_default();
                let (by, reason) = (&pause.by, because(plain(&pause.reason)));
                format!("the queue {queue} is paused by {by}{until}{reason}")
            }
            Self::QueueFull { queue, limit: 0, .. } => {
                format!("the queue {queue} may run no job: its limit is 0")
            }
            Self::QueueFull { queue, limit, holders } => {
                let running = because(&jobs(holders));
                format!("the queue {queue} is full, {limit} at a time{running}")
            }
            Self::RateReached { kind, rate, until } => reached(kind, *rate, until.as_ref().map(at)),
            Self::KeyHeld { key, holders } => held(key, holders),
        }
    }
}

/// It in a clause by the clocks of UTC.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.clause(Zone::default()))
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartProcess(kind) if is_of_the_server(kind) => {
                f.write_str("Start `lamplighter serve`.")
            }
            Self::StartProcess(kind) => {
                write!(f, "Start a program that has a handler for {kind}.")
            }
            Self::EndProcess => f.write_str(
                "End the process that hangs: another one runs its jobs, else start one.",
            ),
            Self::ResumeAll => f.write_str("Resume all queues."),
            Self::RegisterHandler(kind) => write!(
                f,
                "Start a program that has a handler for {kind}, or cancel the job if the kind is a typing error."
            ),
            Self::Wait => f.write_str("Wait a moment."),
            Self::InstallAgent => f.write_str(
                "Install the agent program, or name it by agent.command in lamplighter.toml.",
            ),
            Self::Approve => f.write_str("Approve or reject what waits on the page Approvals."),
            Self::EndOthers => {
                f.write_str("It is tried again by itself when a job of its kind ends.")
            }
            Self::AwaitEarlier => {
                f.write_str("It goes on when the jobs that it runs after are over.")
            }
            Self::RunNow(id) => write!(f, "Run job {id} now to start it before its time."),
            Self::RaiseBudget(Some(setting)) => {
                write!(f, "Raise the setting {setting} to start it before.")
            }
            Self::RaiseBudget(None) => {
                f.write_str("Raise the budget in its schedule's payload; new runs go by it.")
            }
            Self::AwaitRuns => f.write_str(
                "It is tried again by itself; raise the budget to start it before the runs that are under way are over.",
            ),
            Self::ResumeQueue(queue) => write!(f, "Resume the queue {queue}."),
            Self::RaiseLimit(queue) => {
                write!(
                    f,
                    "Wait for a job that runs, cancel one, or raise the limit of the queue {queue}."
                )
            }
            Self::RaiseRate(kind) => {
                write!(f, "Wait until then, or raise the rate of {kind} in its program.")
            }
            Self::CancelHolder(holders) if holders.is_empty() => f.write_str("Wait a moment."),
            Self::CancelHolder(holders) => {
                write!(f, "Wait for {}, or cancel one that holds the key.", jobs(holders))
            }
        }
    }
}

/// The kinds that running processes have handlers for, as the end of a clause.
fn have(known: &[String]) -> String {
    let named: Vec<_> = known.iter().take(MAX_NAMED).map(String::as_str).collect();
    match known.len().saturating_sub(named.len()) {
        _ if named.is_empty() => String::new(),
        0 => format!(" (workers handle {})", named.join(", ")),
        more => format!(" (workers handle {} and {more} more)", named.join(", ")),
    }
}

fn jobs(ids: &[JobId]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| format!("job {id}")).collect();
    ids.join(", ")
}

/// A start at a later time, as a clause.
fn starts(at: &str, wait: &Wait) -> String {
    match wait {
        Wait::Delay => format!("it starts at {at}"),
        Wait::Retry { attempt } => {
            format!("attempt {attempt} failed and it is tried again at {at}")
        }
        Wait::Snooze { says } => {
            let says = says.as_deref().unwrap_or_default();
            format!("it asked to be tried again at {at}{}", because(plain(says)))
        }
    }
}

/// A key that others hold, as a clause.
fn held(key: &str, holders: &[JobId]) -> String {
    match key.strip_prefix(FOLDER_KEY) {
        _ if holders.is_empty() => {
            format!("its concurrency key {key} goes to others that come first")
        }
        Some(folder) => {
            // The key of a long path holds its digest.
            let name = if folder.starts_with('/') { format!(" {folder}") } else { String::new() };
            let code = Code::AgentFolder;
            format!("[{code}] {} may write in the same folder{name}", jobs(holders))
        }
        None => format!("its concurrency key {key} is held by {}", jobs(holders)),
    }
}

/// A rate that is used up, as a clause.
fn reached(kind: &Kind, rate: Option<Rate>, until: Option<String>) -> String {
    let next = until.map(|at| format!(", and the next may start at {at}"));
    let next = next.unwrap_or_default();
    match rate {
        Some(rate) => format!("its kind {kind} starts {rate}{next}"),
        None => format!("its kind {kind} has started as many jobs as its rate allows{next}"),
    }
}

/// A text as the end of a clause.
fn plain(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}
