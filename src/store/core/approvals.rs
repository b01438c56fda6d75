//! What people decide about acts that wait for approval.

use super::filings;
use crate::error::{Code, Error, Result};
use crate::model::{Actor, FilingId, FilingState, IssueMark, Timestamp, WaitingFiling};
use crate::store::sql::{approvals, audit, issues};
use crate::store::sqlite::Tx;

/// Longest title of an issue that people may write, in characters.
const MAX_TITLE: usize = 240;
/// Longest body, in bytes: what GitHub takes, with room for the marker.
const MAX_BODY: usize = 60_000;

/// Lets an act go.
///
/// # Errors
/// `TRACK-FILE-001` if it does not wait for approval, `-002` if there is none of this id.
pub(in crate::store) fn approve(
    tx: &Tx<'_>,
    id: FilingId,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let (filing, _) = undecided(tx, id)?;
    approvals::set_state(tx, id, FilingState::Pending, now)?;
    filings::wake(tx, None, now)?;
    audit::record(tx, actor, "approve", &subject(&filing), now)
}

/// Keeps an act back for good; an issue that it was to open is closed as not planned.
///
/// # Errors
/// As [`approve`].
pub(in crate::store) fn reject(
    tx: &Tx<'_>,
    id: FilingId,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let (filing, _) = undecided(tx, id)?;
    approvals::set_state(tx, id, FilingState::Rejected, now)?;
    if filing.title.is_some() {
        issues::close_unfiled(tx, filing.issue, now)?;
    }
    audit::record(tx, actor, "reject", &subject(&filing), now)
}

/// Changes the text of an act.
///
/// # Errors
/// As [`approve`]; `JOB-VALUE-001` for a title or a text that it cannot have, `JOB-SIZE-001` for a text that is too long.
pub(in crate::store) fn edit(
    tx: &Tx<'_>,
    id: FilingId,
    title: Option<&str>,
    body: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let (filing, mark) = undecided(tx, id)?;
    let new_title = title.map(str::trim);
    check(&filing, new_title, body)?;
    let body = format!("{}\n\n{mark}\n", mark.marker.cut_from(body));
    let stored_title = filing.title.as_ref().and(new_title);
    approvals::set_text(tx, id, stored_title, &body, now)?;
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

fn subject(filing: &WaitingFiling) -> String {
    format!("filing {} ({})", filing.id.0, filing.act.as_str())
}
