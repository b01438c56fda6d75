//! The session that a new session continues.

use crate::error::{Code, Error, Result};
use crate::model::{JobId, Session, SessionRequest};
use crate::sessions::folder_is_there;
use crate::store::Store;

/// Whether a further prompt can continue a session that has ended.
pub fn may_continue(session: &Session) -> bool {
    let known = session.run.as_ref().is_some_and(|run| run.cli_session_id.is_some());
    session.status.is_final() && known
}

/// The request, filled in from the session that it continues.
pub(super) async fn inherited(store: &Store, request: SessionRequest) -> Result<SessionRequest> {
    let Some(id) = request.continues.map(JobId) else { return Ok(request) };
    let session = existing(store, id).await?;
    if !may_continue(&session) {
        let why = if session.status.is_final() {
            "its agent left nothing to go on with"
        } else {
            "it is not over"
        };
        return Err(Error::new(Code::SessionNotOver, format!("go on with session {id}: {why}")));
    }
    if let Some(run) = session.run.as_ref().filter(|run| !folder_is_there(run)) {
        let folder = run.working_dir.display();
        let why = format!("go on with session {id}: its folder {folder} is gone, or a link now");
        return Err(Error::new(Code::SessionNotOver, why));
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
