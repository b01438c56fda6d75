//! What becomes of issues: a person, a remark of a scan or the tracker changes them.

use crate::error::{Code, Error, Result};
use crate::model::{Actor, IssueChange, IssueId, IssueState, JobId, Remark, Timestamp};
use crate::store::sql::{audit, issues, tracker_issues};
use crate::store::sqlite::Tx;

/// Opens, closes, mutes or unmutes an issue, with its row in the audit log.
///
/// # Errors
/// `SCAN-ISSUE-001` if there is none of this id.
pub(in crate::store) fn change(
    tx: &Tx<'_>,
    id: IssueId,
    change: IssueChange,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let (action, is_there) = match change {
        IssueChange::State(state) => {
            let action = if state == IssueState::Open { "reopen" } else { "close" };
            (action, issues::set_state(tx, id, state)?)
        }
        IssueChange::Muted(true) => ("mute", issues::mute(tx, id, now)?),
        IssueChange::Muted(false) => ("unmute", issues::unmute(tx, id)?),
    };
    if !is_there {
        return Err(Error::new(Code::IssueUnknown, format!("there is no issue {}", id.0)));
    }
    audit::record(tx, actor, action, &format!("issue {}", id.0), now)
}

/// What a remark changes of its issue.
pub(super) fn remark(tx: &Tx<'_>, scan: JobId, remark: &Remark, now: Timestamp) -> Result<()> {
    if remark.reopens {
        issues::set_state(tx, remark.issue, IssueState::Open)?;
    }
    if remark.unmutes {
        issues::unmute(tx, remark.issue)?;
    }
    issues::seen_again(tx, scan, (remark.issue, remark.rows), now)?;
    tracker_issues::add_codes(tx, remark.issue, &remark.error_codes)?;
    issues::add_fingerprints(tx, remark.issue, &remark.fingerprints)
}
