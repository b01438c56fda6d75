//! Agent sessions: runs of an agent program as jobs, with their prompts, transcripts, costs and limits.
//!
//! A session is a job of kind `agent_session`, whose payload is a [`SessionRequest`]; a plain INSERT of one is a correct
//! trigger. It runs at most once: no prompt is repeated without a person who asks for that. [`run`] is one run of the
//! program from its folder to its record; scans run their agent by it too.
//!
//! *Invariants:* a prompt goes in by standard input, byte for byte. What a run prints has passed the redactor before it is
//! kept or shown. A job settles when no process of its run is left; what a killed server left behind is ended before
//! anything else is started ([`clear_leftovers`]).

mod changes;
mod clean;
mod ended;
mod finish;
mod given;
mod leftovers;
mod limit_met;
mod lingering;
mod loans;
mod own_files;
mod place;
mod program;
mod prompt_list;
mod prompts;
mod record;
mod run;
mod session;
mod settings;
mod transcript;

pub use given::{Given, missing_gifts};
pub use leftovers::clear_leftovers;
pub use program::{AgentProgram, AgentState};
pub use prompt_list::{PromptFile, prompt_files};
pub use prompts::check_prompt;
pub use run::{Plan, run};
pub use session::{register, rules, why_not_continued};
pub use settings::{Dollars, Tier, Wishes, reserve, wishes};
pub use transcript::{TranscriptFile, TranscriptForm};

use crate::agents::wall::Wall;
use crate::agents::{Launcher, Sandboxing};
use crate::error::Result;
use crate::model::{
    Actor, AgentFolder, JobId, Kind, NewJob, Queue, Resources, SessionRequest, Timestamp, Trigger,
};
use crate::store::Store;
use std::path::PathBuf;
use std::sync::Arc;

/// The start-up configuration of sessions.
#[derive(Clone, Debug)]
pub struct Agents {
    /// The job database.
    pub store: Store,
    /// Starts programs.
    pub launcher: Arc<Launcher>,
    /// The agent program.
    pub program: AgentProgram,
    /// The program that is the query door of scans when it is called `sqlite3`: `lamplighter` itself.
    pub door: PathBuf,
    /// The folder of the databases; the runs' own folders are in its `jobs`, the operator's prompts in its `prompts`.
    pub data_dir: PathBuf,
    /// `agent.pass_env`: variables of the server that an agent gets. Those of the wall it never gets.
    pub pass_env: Vec<String>,
    /// `agent.limits`: what a run may take of the machine.
    pub resources: Resources,
    /// `agent.sandbox`: whether runs are put into the sandbox.
    pub sandbox: Sandboxed,
    /// The way of runs to the model's service and to the hosts of `agent.allow_hosts`.
    pub wall: Wall,
    /// Files that no agent in the sandbox may see, such as the tracker's token.
    pub secrets: Vec<PathBuf>,
    /// The configuration file, if there is one.
    pub config: Option<PathBuf>,
    /// `agent.working_dir`: the folder of sessions that name none. Default: a new folder for each session.
    pub working_dir: Option<PathBuf>,
    /// `[[agent.folder]]`: the folders that give their sessions `CLAUDE.md` and MCP servers.
    pub folders: Vec<AgentFolder>,
}

impl Agents {
    /// Why no run but one of profile `full` can be started: the sandbox that is wanted cannot be used.
    pub async fn unboxed(&self) -> Option<String> {
        match (self.sandbox, self.launcher.sandboxing().await) {
            (Sandboxed::Always, Sandboxing::Unusable { reason }) => Some(reason),
            (Sandboxed::Always, Sandboxing::Usable { .. }) | (Sandboxed::Never, _) => None,
        }
    }
}

/// Whether runs are put into the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandboxed {
    /// Always: without it no run but one of profile `full`.
    #[default]
    Always,
    /// Never: the operator wrote it down.
    Never,
}

/// Who asks for a session, and by what.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `manual` for people, `api` for programs.
    pub trigger: Trigger,
    /// Who.
    pub actor: Actor,
    /// Ties its log lines to those of the request.
    pub correlation_id: Option<String>,
    /// Repeating a request with the same key answers the first session (P3).
    pub idempotency_key: Option<String>,
}

impl Asked {
    /// A person who asks for it.
    pub fn by(actor: Actor) -> Self {
        Self { trigger: Trigger::Manual, actor, correlation_id: None, idempotency_key: None }
    }
}

/// Queues a session whose request has been checked. A running session is no reason to refuse another one.
///
/// # Errors
/// `JOB-VALUE-001` for a request that is larger than a payload, `JOB-LIMIT-001` if 1,000 sessions wait, `JOB-KEY-001` for a
/// key of another request.
pub async fn request(
    store: &Store,
    request: SessionRequest,
    asked: Asked,
    now: Timestamp,
) -> Result<JobId> {
    let job = NewJob {
        trigger: asked.trigger,
        actor: Some(asked.actor),
        correlation_id: asked.correlation_id,
        idempotency_key: asked.idempotency_key,
        queue: Some(Queue::AGENT),
        parent_id: request.continues.map(JobId),
        ..NewJob::untyped(Kind::AGENT_SESSION, &request)?
    };
    Ok(store.enqueue(job, now).await?.id())
}
