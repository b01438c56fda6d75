//! Agent sessions: one session with what its run cost, and what became of a request for one.

use super::job::embedded;
use crate::model;
use serde::Serialize;
use serde_json::value::RawValue;

/// A session.
#[derive(Clone, Debug, Serialize)]
pub struct Session {
    /// Its id, which is its job's.
    pub id: i64,
    /// Where its job is on its way.
    pub status: &'static str,
    /// What made it.
    pub trigger: &'static str,
    /// When it was asked for.
    pub created_at: String,
    /// When it began.
    pub started_at: Option<String>,
    /// When it was over.
    pub ended_at: Option<String>,
    /// When a person asked it to stop.
    pub cancel_requested_at: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// The code of that error.
    pub error_code: Option<String>,
    /// How far it is.
    pub progress: Option<String>,
    /// The job that it came from.
    pub parent_id: Option<i64>,
    /// The schedule that made it, by name.
    pub schedule: Option<String>,
    /// What a person typed.
    pub prompt: Option<String>,
    /// The prompt file that it was given instead.
    pub prompt_file: Option<String>,
    /// The values of the prompt file's parameters.
    pub set: model::PromptValues,
    /// What the session of the tier below handed on to it.
    pub handoff: Option<String>,
    /// What its run did; its members are left out before it has begun.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub run: Option<SessionRun>,
    /// What its run has changed in its folder, where one session is asked for; a run that may write nowhere has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<model::SessionChanges>,
}

/// What is recorded of a session's run of the agent program.
#[derive(Clone, Debug, Serialize)]
pub struct SessionRun {
    /// 1 observe, 2 investigate, 3 remediate.
    pub tier: u8,
    /// What the agent was allowed.
    pub profile: String,
    /// The model that answered.
    pub model: Option<String>,
    /// The session that it went on with.
    pub continues_id: Option<i64>,
    /// The session of its schedule whose answer it was given with its prompt.
    pub answer_of: Option<i64>,
    /// Where it started.
    pub working_dir: std::path::PathBuf,
    /// How its processes were fenced in.
    pub isolation: Option<String>,
    /// The version of the agent program.
    pub agent_version: Option<String>,
    /// The program's own id of the session.
    pub cli_session_id: Option<String>,
    /// The program's exit code.
    pub exit_code: Option<i32>,
    /// How it ended.
    pub ending: Option<&'static str>,
    /// What the agent answered.
    pub response: Option<String>,
    /// The same as its schema wants it.
    pub structured: Option<Box<RawValue>>,
    /// What a person should know of a run that ended well.
    pub note: Option<String>,
    /// What its folder gave it besides the prompt: `CLAUDE.md` and MCP servers; `null` for a folder that gives nothing.
    pub given: Option<model::FolderGiven>,
    /// What it cost, in dollars.
    pub cost_usd: Option<f64>,
    /// Whether it may have cost more: the agent program was ended before it could tell all of it.
    pub cost_at_least: bool,
    /// Turns that it took.
    pub num_turns: Option<i64>,
    /// Whether its turns and its tokens may have been more: the run was cut off.
    pub counts_at_least: bool,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// Tokens that it read.
    pub input_tokens: Option<i64>,
    /// Tokens that it wrote.
    pub output_tokens: Option<i64>,
    /// What its network wall has refused, each with how often; a run that its server did not see to its end has none.
    pub refused: Vec<model::Refusal>,
    /// The transcript's length.
    pub transcript_bytes: u64,
    /// The transcript's lines.
    pub transcript_lines: u64,
    /// Bytes that were printed and not kept.
    pub transcript_dropped: u64,
}

/// A session that was queued: the answer that scripts of the first version read.
#[derive(Clone, Debug, Serialize)]
pub struct SessionQueued {
    /// `queued`.
    pub status: &'static str,
    /// Its id, as a text.
    pub session_id: String,
    /// Its id.
    pub id: i64,
    /// Jobs of its queue that start before it; `null` if that could not be read.
    pub ahead: Option<u64>,
}

impl From<&model::Session> for Session {
    fn from(session: &model::Session) -> Self {
        let at = |instant: Option<model::Timestamp>| instant.map(|at| at.to_string());
        let request = session.request.as_ref();
        Self {
            id: session.id.0,
            status: session.status.as_str(),
            trigger: session.trigger.as_str(),
            created_at: session.created_at.to_string(),
            started_at: at(session.started_at),
            ended_at: at(session.finished_at),
            cancel_requested_at: at(session.cancel_requested_at),
            error: session.error.clone(),
            error_code: session.error_code.clone(),
            progress: session.progress.clone(),
            parent_id: session.parent_id.map(|id| id.0),
            schedule: session.schedule.clone(),
            prompt: request.and_then(|request| request.prompt.clone()),
            prompt_file: request.and_then(|request| request.prompt_file.clone()),
            set: request.map(|request| request.set.clone()).unwrap_or_default(),
            handoff: request.and_then(|request| request.handoff.clone()),
            run: session.run.as_ref().map(SessionRun::from),
            changes: None,
        }
    }
}

impl From<&model::SessionRun> for SessionRun {
    fn from(run: &model::SessionRun) -> Self {
        Self {
            tier: run.tier,
            profile: run.profile.map_or("unreadable", model::Profile::as_str).to_owned(),
            model: run.model.clone(),
            continues_id: run.continues.map(|id| id.0),
            answer_of: run.answer_of.map(|id| id.0),
            working_dir: run.working_dir.clone(),
            isolation: run.isolation.clone(),
            agent_version: run.agent_version.clone(),
            cli_session_id: run.cli_session_id.clone(),
            exit_code: run.exit_code,
            ending: run.ending.map(model::RunEnding::as_str),
            response: run.response.clone(),
            structured: run.structured.as_deref().and_then(embedded),
            note: run.note.clone(),
            given: run.given.clone(),
            cost_usd: run.cost_usd,
            cost_at_least: run.cost_at_least,
            num_turns: run.num_turns,
            counts_at_least: run.counts_at_least,
            duration_ms: run.duration_ms,
            input_tokens: run.input_tokens,
            output_tokens: run.output_tokens,
            refused: run.refused.clone(),
            transcript_bytes: run.transcript_bytes,
            transcript_lines: run.transcript_lines,
            transcript_dropped: run.transcript_dropped,
        }
    }
}
