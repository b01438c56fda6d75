//! What the running server says of itself: whether it could run a session, and whether it could file what a scan finds.

use super::{Call, confirm};
use crate::error::{Code, Error, Result};
use crate::model::{Json, Kind, Readiness, SessionRequest, Timestamp};
use crate::monitor;
use crate::store::Store;

/// Refuses a job that starts now while the running server says that the job would be of no use. If no server runs, the job
/// passes: the next server decides.
///
/// # Errors
/// `AGENT-START-003` for a session while the agent program cannot be used, `AGENT-BOX-001` for one that has to be in the
/// sandbox while that cannot be used; `TRACK-AUTH-001` and `TRACK-REPO-001` for a scan
/// that can file nothing, unless it is a dry run.
pub(super) async fn check(
    store: &Store,
    call: &Call,
    (kind, payload): (&Kind, &Json),
) -> Result<()> {
    if *kind == Kind::AGENT_SESSION
        && let Some(why) = unready(store, call.now).await?
    {
        return Err(Error::saying(Code::AgentMissing, why));
    }
    if *kind == Kind::AGENT_SESSION
        && let Some(why) = unboxed(store, call.now).await?
        // A payload that cannot be read fails in its run, which says why.
        && let Ok(request) = SessionRequest::read(&payload.value())
        && !confirm::is_full(store, &request).await?
    {
        return Err(Error::new(Code::AgentBox, format!("start an agent in the sandbox: {why}")));
    }
    let is_dry = payload.value()["dry_run"] == true;
    if *kind == Kind::SELF_MONITORING && !is_dry {
        can_file(store, call).await?;
    }
    Ok(())
}

/// Why the sandbox cannot be used that the processes at work demand; `None` if it can, if the operator wants none, or if no
/// process says so.
async fn unboxed(store: &Store, now: Timestamp) -> Result<Option<String>> {
    let processes = store.processes(now).await?;
    let sandbox = processes.server().and_then(|server| server.says.sandbox.clone());
    Ok(match sandbox {
        Some(Readiness::NotReady { code, why }) => {
            Some(why).filter(|_| code.as_deref() == Some(Code::AgentBox.as_str()))
        }
        Some(Readiness::Ready { .. }) | None => None,
    })
}

/// Why the processes at work can run no session, in a sentence. `None` if one can, or if none is at work to say so.
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

/// Refuses if the server says that a scan could not take its findings to the issue tracker.
///
/// # Errors
/// `TRACK-AUTH-001` without a token, `TRACK-REPO-001` without a repository.
pub async fn can_file(store: &Store, call: &Call) -> Result<()> {
    let server = store.server_facts(call.now).await?;
    // A server that has just started and does not lead yet has told only its own process.
    let says = server.map_or_else(|| store.says(), |server| server.says);
    monitor::can_file(says.tracker.as_ref()).map_err(|error| {
        let cause = error.code().cause().trim_end_matches('.');
        Error::new(error.code(), format!("queue a scan: {cause}"))
    })
}
