//! Actions on agent sessions: asking for one, continuing one, waiting for one, and stopping one.

mod find;
mod new_file;
mod patch;
mod wait;

pub use super::earlier::{existing, why_not_continued};
use super::kinds::{self, ASK_FOR_SESSION};
pub use super::ready::unready;
use super::{Answer, Call, Right, ready, waiting};
use crate::error::{Code, Error, Result};
use crate::model::{JobId, Json, Kind, PromptValues, Role, SessionRequest, Trigger};
use crate::sessions::{self, Asked};
use crate::store::Store;
use crate::wire;
pub use find::{SessionsAsk, find};
pub use new_file::NewFile;
pub use patch::patch;
use std::str::FromStr;
pub use wait::{before_wait, outcome, parse_wait, wait};

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

/// Reads the values of a prompt file's parameters as people type them: `name=value`.
///
/// # Errors
/// `JOB-VALUE-001` for a text without `=`, and for two values of one name.
pub fn parse_values(texts: &[String]) -> Result<PromptValues> {
    let mut values = PromptValues::new();
    for text in texts {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            refused(&format!("a value of a prompt file is written name=value, not {text:?}"))
        })?;
        if values.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(refused(&format!("{name:?} has two values")));
        }
    }
    Ok(values)
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
    let payload = Json::of(&request).map_err(|error| refused(&error.to_string()))?;
    let kind = Kind::AGENT_SESSION;
    let payload = kinds::check_asked(store, call, (&kind, &payload), confirmed, doing).await?;
    ready::check(store, call, (&kind, &payload)).await?;
    let asked = Asked {
        trigger: Trigger::Manual,
        actor: call.actor(),
        correlation_id: call.correlation_id.clone(),
        idempotency_key,
    };
    let request = SessionRequest::read(&payload.value())?;
    let id = sessions::request(store, request, asked, call.now).await?;
    // The session is queued. If its place in the line cannot be read, the answer leaves the place out.
    let ahead = store.sessions_ahead(id).await.ok();
    let said = waiting::of_session(store, call, id, ahead).await;
    let value =
        wire::SessionQueued { status: "queued", session_id: id.to_string(), id: id.0, ahead };
    Ok(Answer::new(value, said.sentence).with_notes(said.notes))
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
