//! The session that a new session continues.

use crate::error::{Code, Error, Result};
use crate::model::{JobId, Session, SessionRequest};
use crate::sessions;
use crate::store::Store;

/// Why no further prompt can continue a session; `None` if one can.
pub fn why_not_continued(store: &Store, session: &Session) -> Option<String> {
    if !session.status.is_final() {
        return Some("it is not over".to_owned());
    }
    match (&session.run, store.folder()) {
        (None, _) => Some("it never began".to_owned()),
        (Some(run), Some(folder)) => sessions::why_not_continued(folder, run),
        (Some(_), None) => None,
    }
}

/// The request, filled in from the session that it continues.
pub(super) async fn inherited(store: &Store, request: SessionRequest) -> Result<SessionRequest> {
    let Some(id) = request.continues.map(JobId) else { return Ok(request) };
    let session = existing(store, id).await?;
    if let Some(why) = why_not_continued(store, &session) {
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
