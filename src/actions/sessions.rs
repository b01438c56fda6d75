//! Actions on agent sessions: asking for one, continuing one, and stopping one.

use super::kinds::{self, ASK_FOR_SESSION};
use super::{Answer, Call, Right, confirm, waiting};
use crate::error::{Code, Error, Result};
use crate::model::{JobId, Kind, Readiness, Role, Session, SessionRequest, Timestamp, Trigger};
use crate::sessions::{self, Asked};
use crate::store::Store;
use crate::wire;
use std::str::FromStr;

/// The right to stop one.
pub const STOP: Right = Right::new(Role::Operator, "stop a session");

/// Whether a person of this role may ask for a session.
pub fn may_trigger(role: Role) -> bool {
    ASK_FOR_SESSION.is_of(role)
}

/// Whether a person of this role may stop a session.
pub fn may_stop(role: Role) -> bool {
    STOP.is_of(role)
}

/// A request for a session.
#[derive(Clone, Debug, Default)]
pub struct SessionTrigger {
    /// What the session is to do, and how.
    pub request: SessionRequest,
    /// Whether the person confirmed a run without a sandbox.
    pub confirmed: bool,
    /// A further request with the same key is answered with the first session (P3).
    pub idempotency_key: Option<String>,
}

/// Reads a tier as people type it.
///
/// # Errors
/// `JOB-VALUE-001` for anything but 1, 2 or 3.
pub fn parse_tier(text: &str) -> Result<u8> {
    let tier = text.trim().parse().ok().filter(|tier| (1..=3).contains(tier));
    tier.ok_or_else(|| refused(&format!("its tier is 1, 2 or 3, not {text:?}")))
}

/// Reads an amount of dollars as people type it, with or without the sign.
///
/// # Errors
/// `JOB-VALUE-001` for anything but an amount above 0.
pub fn parse_budget(text: &str) -> Result<f64> {
    let usd = f64::from_str(text.trim().trim_start_matches('$')).ok();
    let usd = usd.filter(|usd| usd.is_finite() && *usd > 0.0);
    usd.ok_or_else(|| refused(&format!("its budget is an amount of dollars above 0, not {text:?}")))
}

/// Reads the id of a session as people type it.
///
/// # Errors
/// `JOB-VALUE-001` for anything but a number above 0.
pub fn parse_id(text: &str) -> Result<i64> {
    let id = text.trim().parse().ok().filter(|id| *id > 0);
    id.ok_or_else(|| refused(&format!("the id of a session is a number above 0, not {text:?}")))
}

fn refused(why: &str) -> Error {
    Error::new(Code::ModelInvalid, format!("ask for a session: {why}"))
}

/// Queues a session, however many run or wait already. A session that continues another one takes over its tier, model,
/// profile and folder, unless the request names its own.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `JOB-VALUE-001`, `AGENT-PROMPT-001`, `AGENT-VALUE-001` for a request that could
/// not run, and for a run without a sandbox that was not confirmed; `JOB-SIZE-001` for a prompt above 200 KiB;
/// `JOB-ID-001`, `AGENT-RESUME-001` for a session that cannot be continued; `AGENT-START-003` while the running server
/// says that it cannot use the agent program; `JOB-LIMIT-001` while 1,000 sessions wait; `JOB-KEY-001` for a key of
/// another request.
pub async fn trigger(
    store: &Store,
    call: &Call,
    asked: SessionTrigger,
) -> Result<Answer<wire::SessionQueued>> {
    call.needs(ASK_FOR_SESSION)?;
    let doing = ASK_FOR_SESSION.doing;
    let SessionTrigger { request, confirmed, idempotency_key } = asked;
    if request.prompt_file.is_none() && request.prompt.as_deref().unwrap_or("").trim().is_empty() {
        // The first programs that used this form compare these words.
        return Err(Error::saying(Code::ModelInvalid, "A prompt is required."));
    }
    let request = match request.continues {
        Some(id) => continued(store, JobId(id), request).await?,
        None => request,
    };
    confirm::session(store, &request, confirmed, doing).await?;
    let payload = serde_json::to_value(&request).map_err(|error| refused(&error.to_string()))?;
    kinds::check(store, &Kind::AGENT_SESSION, &payload).await?;
    if let Some(why) = unready(store, call.now).await? {
        return Err(Error::saying(Code::AgentMissing, why));
    }
    let asked = Asked {
        trigger: Trigger::Manual,
        actor: call.actor(),
        correlation_id: call.correlation_id.clone(),
        idempotency_key,
    };
    let id = sessions::request(store, request, asked, call.now).await?;
    let said = waiting::of(store, call, "Session", &Kind::AGENT_SESSION, id).await;
    // The session is queued. If its place in the line cannot be read, the answer leaves the place out.
    let ahead = store.sessions_ahead(id).await.ok();
    let value =
        wire::SessionQueued { status: "queued", session_id: id.to_string(), id: id.0, ahead };
    let sentence = match ahead {
        Some(ahead @ 1..) => {
            said.sentence.replacen(" is queued.", &format!(" is queued, {ahead} ahead."), 1)
        }
        Some(0) | None => said.sentence,
    };
    Ok(Answer::new(value, sentence).with_notes(said.notes))
}

/// Why the processes at work can run no session, in a sentence; `None` if one can, or if none is at work, which nobody judges.
pub async fn unready(store: &Store, now: Timestamp) -> Result<Option<String>> {
    let processes = store.processes(now).await?;
    let Some(server) = processes.server() else { return Ok(None) };
    if processes.kind(Kind::AGENT_SESSION.as_str()).is_none() {
        return Ok(Some("No running process runs agents.".to_owned()));
    }
    Ok(match &server.says.agent {
        Some(Readiness::NotReady { why, .. }) => {
            Some(format!("The agent program cannot be used: {}.", why.trim_end_matches('.')))
        }
        Some(Readiness::Ready { .. }) | None => None,
    })
}

/// The request, filled in from the session that it continues.
async fn continued(store: &Store, id: JobId, request: SessionRequest) -> Result<SessionRequest> {
    let session = existing(store, id).await?;
    if !may_continue(&session) {
        let why = "it is not over, or its agent left nothing to go on with";
        return Err(Error::new(Code::SessionNotOver, format!("go on with session {id}: {why}")));
    }
    let before = session.request.unwrap_or_default();
    Ok(SessionRequest {
        tier: request.tier.or(before.tier),
        model: request.model.or(before.model),
        profile: request.profile.or(before.profile),
        working_dir: request.working_dir.or(before.working_dir),
        ..request
    })
}

/// Whether a further prompt can continue a session that has ended.
pub fn may_continue(session: &Session) -> bool {
    let known = session.run.as_ref().is_some_and(|run| run.cli_session_id.is_some());
    session.status.is_final() && known
}

/// Stops a session that runs, with every process that it has started, or cancels one that waits.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `JOB-ID-001` if no session has this id; the errors of
/// [`jobs::cancel`](super::jobs::cancel) for a session that is over.
pub async fn stop(store: &Store, call: &Call, id: i64) -> Result<Answer<wire::JobCancelled>> {
    call.needs(STOP)?;
    existing(store, JobId(id)).await?;
    super::jobs::cancel(store, call, id).await
}

/// The session of this id.
///
/// # Errors
/// `JOB-ID-001` if no job has this id, or if the job is not a session; the error says which.
pub async fn existing(store: &Store, id: JobId) -> Result<Session> {
    if let Some(session) = store.session(id).await? {
        return Ok(session);
    }
    let why = match store.job(id).await? {
        Some(job) => {
            format!("find session {id}: job {id} is of kind {}, which is no session", job.kind)
        }
        None => format!("find session {id}"),
    };
    Err(Error::new(Code::JobUnknown, why))
}
