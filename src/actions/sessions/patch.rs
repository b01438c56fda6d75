//! The patch of what a session has changed.

use super::existing;
use crate::error::{Code, Error, Result};
use crate::model::JobId;
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
            Some(why) => Err(refused(why.as_str())),
            None => Ok(store.session_patch(id).await?.unwrap_or_default()),
        },
        None if session.status.is_final() => {
            Err(refused("nothing is recorded of what it changed; one that may only read has none"))
        }
        None => Err(refused("it is not over")),
    }
}
