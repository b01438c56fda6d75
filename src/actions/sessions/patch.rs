//! The patch of what a session has changed.

use super::existing;
use crate::error::{Code, Error, Result};
use crate::model::{JobId, Profile, Session};
use crate::store::Store;

/// The patch of a session.
///
/// # Errors
/// `JOB-ID-001` if no session has this id; `AGENT-PATCH-001` if it has none.
pub async fn patch(store: &Store, id: JobId) -> Result<String> {
    let session = existing(store, id).await?;
    let refused =
        |why: &str| Error::new(Code::AgentPatch, format!("write the patch of session {id}: {why}"));
    match store.session_changes(id).await? {
        Some(changes) => match changes.unknown {
            Some(why) => Err(refused(&format!("what it changed is not known: {why}"))),
            None => Ok(store.session_patch(id).await?.unwrap_or_default()),
        },
        None => Err(refused(why_none(&session))),
    }
}

/// Why nothing is recorded of what a session has changed.
fn why_none(session: &Session) -> &'static str {
    if !session.status.is_final() {
        return "it is not over";
    }
    match session.run.as_ref().map(|run| run.profile) {
        None => "it never began",
        Some(Some(Profile::Scan | Profile::ReadOnly)) => "it could only read, and changed nothing",
        Some(Some(Profile::Workspace | Profile::Full) | None) => {
            "its folder was not compared, so what it changed is not known"
        }
    }
}
