//! What people decide about acts that wait for approval.

use super::filings;
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, FilingId, FilingPick, FilingState, FilingVerdict, IssueMark, Timestamp, WaitingFiling,
};
use crate::store::sql::{approvals, audit, issues};
use crate::store::sqlite::Tx;

/// Longest title of an issue that people may write, in characters.
const MAX_TITLE: usize = 240;
/// Longest body, in bytes: what GitHub takes, with room for the marker.
const MAX_BODY: usize = 60_000;

/// Decides about acts, all of them or none.
///
/// # Errors
/// `TRACK-FILE-001` if one does not wait for this decision, `-002` if there is none of its id, `-003` if its text is another
/// than the one that was shown, `-004` if it is to be taken back and was sent already.
pub(in crate::store) fn decide(
    tx: &Tx<'_>,
    picks: &[FilingPick],
    verdict: FilingVerdict,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    for pick in picks {
        let filing = match verdict {
            FilingVerdict::Approve | FilingVerdict::Reject => undecided(tx, pick.id)?.0,
            FilingVerdict::TakeBack => decided(tx, pick.id)?,
        };
        expect_version(&filing, pick.version.as_deref())?;
        let (state, by) = match verdict {
            FilingVerdict::Approve => (FilingState::Pending, Some(actor.name.as_str())),
            FilingVerdict::Reject => (FilingState::Rejected, Some(actor.name.as_str())),
            FilingVerdict::TakeBack => (FilingState::AwaitingApproval, None),
        };
        approvals::set_state(tx, (pick.id, filing.state), state, by, now)?;
        if filing.title.is_some() {
            match verdict {
                FilingVerdict::Approve => {}
                FilingVerdict::Reject => issues::close_unfiled(tx, filing.issue, now)?,
                FilingVerdict::TakeBack => issues::reopen_unfiled(tx, filing.issue)?,
            }
        }
        audit::record(tx, actor, &verdict.as_str().replace('_', " "), &subject(&filing), now)?;
    }
    if verdict == FilingVerdict::Approve {
        filings::wake(tx, None, now)?;
    }
    Ok(())
}

/// Changes the text of an act.
///
/// # Errors
/// As [`decide`]; `JOB-VALUE-001` for a title or a text that it cannot have, `JOB-SIZE-001` for a text that is too long.
pub(in crate::store) fn edit(
    tx: &Tx<'_>,
    FilingPick { id, version }: &FilingPick,
    title: Option<&str>,
    body: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let (filing, mark) = undecided(tx, *id)?;
    expect_version(&filing, version.as_deref())?;
    let new_title = title.map(str::trim);
    check(&filing, new_title, body)?;
    let body = format!("{}\n\n{mark}\n", mark.marker.cut_from(body));
    let stored_title = filing.title.as_ref().and(new_title);
    approvals::set_text(tx, *id, stored_title, &body, now)?;
    let before = filing.title.clone().unwrap_or_default();
    audit::record_change(tx, actor, "edit", &subject(&filing), (Some(&before), new_title), now)
}

/// Refuses a title or a text that the act cannot have.
fn check(filing: &WaitingFiling, title: Option<&str>, body: &str) -> Result<()> {
    let refused = |code, why: &str| Err(Error::new(code, format!("filing {} {why}", filing.id.0)));
    if filing.title.is_some() && title.is_none_or(|t| t.is_empty() || t.contains(['\n', '\r'])) {
        return refused(Code::ModelInvalid, "is a new issue, which has a title of one line");
    }
    if title.is_some_and(|title| title.chars().count() > MAX_TITLE) {
        return refused(Code::ModelInvalid, "takes a title of at most 240 characters");
    }
    if body.trim().is_empty() {
        return refused(Code::ModelInvalid, "needs a text");
    }
    if body.len() > MAX_BODY {
        return refused(Code::JobTooLarge, "takes a text of at most 60,000 bytes");
    }
    Ok(())
}

/// The act if it waits for approval, and its mark.
fn undecided(tx: &Tx<'_>, id: FilingId) -> Result<(WaitingFiling, IssueMark)> {
    let unknown = || Error::new(Code::FilingUnknown, format!("there is no filing {}", id.0));
    let found = approvals::find(tx, id)?.ok_or_else(unknown)?;
    if found.0.state == FilingState::AwaitingApproval {
        return Ok(found);
    }
    let why = format!("filing {} does not wait for approval", id.0);
    Err(Error::new(Code::FilingDecided, why))
}

/// The act if a decision about it can be taken back.
fn decided(tx: &Tx<'_>, id: FilingId) -> Result<WaitingFiling> {
    let unknown = || Error::new(Code::FilingUnknown, format!("there is no filing {}", id.0));
    let (filing, _) = approvals::find(tx, id)?.ok_or_else(unknown)?;
    if filing.can_be_taken_back() {
        return Ok(filing);
    }
    Err(match (filing.state, filing.number) {
        (FilingState::AwaitingApproval, _) => {
            Error::new(Code::FilingDecided, format!("filing {} waits for approval already", id.0))
        }
        (FilingState::Filed, Some(number)) => {
            let why = format!("It is filed already as #{number}; it cannot be taken back.");
            Error::saying(Code::FilingSent, why)
        }
        (FilingState::Filed, None) => {
            Error::saying(Code::FilingSent, "It is filed already; it cannot be taken back.")
        }
        (_, _) => Error::saying(
            Code::FilingSent,
            "It is on its way to the tracker already; it cannot be taken back.",
        ),
    })
}

/// Refuses a text that is another than the one that somebody was shown.
fn expect_version(filing: &WaitingFiling, shown: Option<&str>) -> Result<()> {
    if shown.is_none_or(|shown| shown == filing.version()) {
        return Ok(());
    }
    let why = format!("the text of filing {} was changed since you were shown it", filing.id.0);
    Err(Error::new(Code::FilingChanged, why))
}

fn subject(filing: &WaitingFiling) -> String {
    format!("issue {} ({})", filing.issue.0, filing.act.as_str())
}
