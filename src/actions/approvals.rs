//! Actions on the texts that wait to go to the issue tracker: approving and rejecting some, and editing one.

use super::{Answer, Call, Right};
use crate::error::{Code, Error, Result};
use crate::model::{FilingPick, FilingVerdict, Role};
use crate::store::Store;
use crate::wire;

/// The right to let texts go to the tracker.
pub const APPROVE: Right = Right::new(Role::Admin, "approve what is filed");
/// The right to keep texts from it.
pub const REJECT: Right = Right::new(Role::Admin, "reject what was to be filed");
/// The right to take such a decision back.
pub const TAKE_BACK: Right = Right::new(Role::Admin, "take the decision back");
/// The right to change texts that wait.
pub const EDIT: Right = Right::new(Role::Admin, "edit what is to be filed");

/// The most texts that are decided together: more than anybody reads at a time.
const MOST: usize = 100;

/// A request to change the text of a filing that waits.
#[derive(Clone, Debug)]
pub struct FilingEdit {
    /// The filing, with the version of the text that was shown.
    pub pick: FilingPick,
    /// The new title of an issue; a comment has no title.
    pub title: Option<String>,
    /// The new body, in Markdown.
    pub body: String,
}

/// Whether a person of this role may approve, reject and edit a filing.
pub fn may(role: Role) -> bool {
    APPROVE.is_of(role)
}

/// Decides about filings, all of them or none: lets them go to the tracker, keeps them from it for good, or takes such a
/// decision back before anything was sent.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `JOB-VALUE-001` for none and for more than 100; `TRACK-FILE-001` if one does not wait
/// for this decision, `-002` if no filing has this id, `-003` if its text is another than the one that was shown, `-004` if it
/// is to be taken back and was sent already.
pub async fn decide(
    store: &Store,
    call: &Call,
    picks: Vec<FilingPick>,
    verdict: FilingVerdict,
) -> Result<Answer<wire::FilingsDecided>> {
    let right = match verdict {
        FilingVerdict::Approve => APPROVE,
        FilingVerdict::Reject => REJECT,
        FilingVerdict::TakeBack => TAKE_BACK,
    };
    call.needs(right)?;
    if picks.is_empty() || picks.len() > MOST {
        let why = format!("{} are named, and it takes 1 to {MOST} of them", picks.len());
        return Err(Error::new(Code::ModelInvalid, format!("{}: {why}", right.doing)));
    }
    let ids: Vec<_> = picks.iter().map(|pick| pick.id.0).collect();
    store.decide_filings(picks, verdict, call.actor(), call.now).await?;
    let (who, are) = match ids[..] {
        [id] => (
            format!("Filing {id}"),
            ["is approved and goes", "is rejected and never goes", "waits"],
        ),
        _ => (
            format!("{} filings", ids.len()),
            ["are approved and go", "are rejected and never go", "wait"],
        ),
    };
    let sentence = match verdict {
        FilingVerdict::Approve => format!("{who} {} to the tracker.", are[0]),
        FilingVerdict::Reject => format!("{who} {} to the tracker.", are[1]),
        FilingVerdict::TakeBack => format!("{who} {} for approval again.", are[2]),
    };
    let status = match verdict {
        FilingVerdict::Approve => "approved",
        FilingVerdict::Reject => "rejected",
        FilingVerdict::TakeBack => "awaiting_approval",
    };
    Ok(Answer::new(wire::FilingsDecided { filings: ids, status }, sentence))
}

/// Changes the text of a filing. The filing goes on waiting for approval.
///
/// # Errors
/// As [`decide`]; `JOB-VALUE-001` for an empty title or body, or a title that is too long; `JOB-SIZE-001` for a body
/// that is.
pub async fn edit(
    store: &Store,
    call: &Call,
    request: FilingEdit,
) -> Result<Answer<wire::FilingsDecided>> {
    call.needs(EDIT)?;
    let FilingEdit { pick, title, body } = request;
    let id = pick.id;
    // A form ends every line with CR LF.
    let body = body.replace("\r\n", "\n");
    store.edit_filing(pick, title, body, call.actor(), call.now).await?;
    let sentence = format!("Filing {} has its new text and still waits for approval.", id.0);
    Ok(Answer::new(wire::FilingsDecided { filings: vec![id.0], status: "edited" }, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FilingId, Timestamp};
    use crate::store::OpenMode;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[tokio::test]
    async fn what_does_not_wait_and_a_lower_role_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db"), OpenMode::Migrate).unwrap();
        let id = FilingId(7);
        let pick = FilingPick::of(id);
        let edited =
            || FilingEdit { pick: pick.clone(), title: Some("t".into()), body: "b".into() };
        for (role, code) in [(Role::Admin, Code::FilingUnknown), (Role::Operator, Code::AuthRole)] {
            let mut call = Call::by_owner(NOW);
            call.who.role = role;
            let decided = |verdict| decide(&store, &call, vec![pick.clone()], verdict);
            let refused = [
                decided(FilingVerdict::Approve).await,
                decided(FilingVerdict::Reject).await,
                decided(FilingVerdict::TakeBack).await,
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
