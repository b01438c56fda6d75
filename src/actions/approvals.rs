//! Actions on the texts that wait to go to the issue tracker: approving, rejecting and editing one.

use super::{Answer, Call, Right};
use crate::error::Result;
use crate::model::{FilingId, Role};
use crate::store::Store;
use crate::wire;

/// The right to let texts go to the tracker.
pub const APPROVE: Right = Right::new(Role::Admin, "approve what is filed");
/// The right to keep texts from it.
pub const REJECT: Right = Right::new(Role::Admin, "reject what was to be filed");
/// The right to change texts that wait.
pub const EDIT: Right = Right::new(Role::Admin, "edit what is to be filed");

/// A request to change the text of a filing that waits.
#[derive(Clone, Debug)]
pub struct FilingEdit {
    /// The filing's id.
    pub id: FilingId,
    /// The new title of an issue; a comment has no title.
    pub title: Option<String>,
    /// The new body, in Markdown.
    pub body: String,
}

/// Whether a person of this role may approve, reject and edit a filing.
pub fn may(role: Role) -> bool {
    APPROVE.is_of(role)
}

/// Approves a filing, which then goes to the tracker.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `TRACK-FILE-001` if the filing does not wait for approval, `-002` if no filing has
/// this id.
pub async fn approve(
    store: &Store,
    call: &Call,
    id: FilingId,
) -> Result<Answer<wire::FilingDecided>> {
    call.needs(APPROVE)?;
    store.approve_filing(id, call.actor(), call.now).await?;
    let sentence = format!("Filing {} is approved and goes to the tracker.", id.0);
    Ok(decided(id, "approved", sentence))
}

/// Rejects a filing, which then never goes to the tracker.
///
/// # Errors
/// As [`approve`].
pub async fn reject(
    store: &Store,
    call: &Call,
    id: FilingId,
) -> Result<Answer<wire::FilingDecided>> {
    call.needs(REJECT)?;
    store.reject_filing(id, call.actor(), call.now).await?;
    let sentence = format!("Filing {} is rejected and never goes to the tracker.", id.0);
    Ok(decided(id, "rejected", sentence))
}

/// Changes the text of a filing. The filing goes on waiting for approval.
///
/// # Errors
/// As [`approve`]; `JOB-VALUE-001` for an empty title or body, or a title that is too long; `JOB-SIZE-001` for a body
/// that is.
pub async fn edit(
    store: &Store,
    call: &Call,
    request: FilingEdit,
) -> Result<Answer<wire::FilingDecided>> {
    call.needs(EDIT)?;
    let FilingEdit { id, title, body } = request;
    // A form ends every line with CR LF.
    let body = body.replace("\r\n", "\n");
    store.edit_filing(id, title, body, call.actor(), call.now).await?;
    let sentence = format!("Filing {} has its new text and still waits for approval.", id.0);
    Ok(decided(id, "edited", sentence))
}

fn decided(id: FilingId, status: &'static str, sentence: String) -> Answer<wire::FilingDecided> {
    Answer::new(wire::FilingDecided { filing: id.0.to_string(), status }, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::model::Timestamp;
    use crate::store::OpenMode;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[tokio::test]
    async fn what_does_not_wait_and_a_lower_role_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db"), OpenMode::Migrate).unwrap();
        let id = FilingId(7);
        let edited = || FilingEdit { id, title: Some("t".into()), body: "b".into() };
        for (role, code) in [(Role::Admin, Code::FilingUnknown), (Role::Operator, Code::AuthRole)] {
            let mut call = Call::by_owner(NOW);
            call.who.role = role;
            let refused = [
                approve(&store, &call, id).await,
                reject(&store, &call, id).await,
                edit(&store, &call, edited()).await,
            ];
            for answer in refused {
                let error = answer.unwrap_err();
                assert_eq!(error.code(), code);
                let why = "there is no filing 7.";
                assert_eq!(error.sentence().ends_with(why), role == Role::Admin, "{error}");
            }
        }
    }
}
