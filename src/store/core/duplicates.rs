//! Duplicates of ours at the tracker: which ones a scan has closed, and what moves to the issue that stays.

use super::issues;
use crate::error::Result;
use crate::model::{
    Actor, Duplicates, Filing, FilingState, IssueChange, IssueState, JobId, Timestamp,
};
use crate::store::sql::duplicates;
use crate::store::sqlite::Tx;

/// Stores what a scan has decided: each duplicate is closed once, those that there is room for by `first`, and the others
/// when a person has approved.
pub(super) fn decide(
    tx: &Tx<'_>,
    scan: JobId,
    found: &Duplicates,
    (first, room): (FilingState, &mut u64),
    now: Timestamp,
) -> Result<()> {
    for (duplicate, posting) in &found.closing {
        let state = if *room > 0 { first } else { FilingState::AwaitingApproval };
        if duplicates::insert(tx, scan, (duplicate, posting), state, now)? {
            *room = room.saturating_sub(u64::from(state != FilingState::AwaitingApproval));
        }
    }
    Ok(())
}

/// Closes the issue that an act has closed at the tracker. What was counted there counts at the older one.
pub(super) fn closed(tx: &Tx<'_>, filing: &Filing, now: Timestamp) -> Result<()> {
    let Some((id, stays)) = duplicates::pair(tx, filing.id.0)? else { return Ok(()) };
    let closed = IssueState::NotPlanned { closed_at: now };
    issues::change(tx, id, IssueChange::State(closed), &Actor::named("self-monitoring"), now)?;
    match stays {
        Some(stays) => duplicates::merge(tx, id, stays),
        None => Ok(()),
    }
}
