//! What is said of a job that was just made: whether it starts now, and if it does not, what holds it.

use super::Call;
use crate::error::{Code, Result};
use crate::model::{JobId, Kind};
use crate::store::Store;
use crate::warn_coded;

/// What is said of a job that was just made.
pub(super) struct Said {
    /// A sentence, or a few.
    pub(super) sentence: String,
    /// Jobs of its queue that start before it; `None` if that could not be read.
    pub(super) ahead: Option<u64>,
    /// What a person should know besides.
    pub(super) notes: Vec<String>,
}

/// What is said of the job `id` of this kind; `subject` is what a person calls it, as "Session".
///
/// The job is stored: what cannot be read about it now is no reason to say that it is not.
pub(super) async fn of(store: &Store, call: &Call, subject: &str, kind: &Kind, id: JobId) -> Said {
    match read(store, call, subject, kind, id).await {
        Ok(said) => said,
        Err(error) => {
            warn_coded!(
                Code::WebInternal,
                "{subject} {id} is queued, but its line cannot be read: {error}"
            );
            Said { sentence: format!("{subject} {id} is queued."), ahead: None, notes: Vec::new() }
        }
    }
}

async fn read(store: &Store, call: &Call, subject: &str, kind: &Kind, id: JobId) -> Result<Said> {
    let notes = store.notes_for(kind, call.now).await?;
    let Some(why) = store.why(id, call.now).await? else {
        // It was there before, by its key, and retention has removed it since.
        return Ok(Said { sentence: format!("{subject} {id} is over."), ahead: Some(0), notes });
    };
    let sentence = if why.starts_now() {
        format!("{subject} {id} starts now.")
    } else {
        format!("{subject} {id} is queued. {why}")
    };
    Ok(Said { sentence, ahead: Some(why.ahead), notes })
}
