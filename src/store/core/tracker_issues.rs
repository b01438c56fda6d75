//! What the tracker shows, taken over: people's issues, ours, those of other servers, and what it has no longer.

use super::issues;
use crate::error::Result;
use crate::model::{
    Actor, IssueChange, IssueHome, IssueId, IssueOwner, IssueState, RemoteKind, Timestamp,
    TrackerIssue, TrackerNews,
};
use crate::store::sql::superseded::supersede;
use crate::store::sql::tracker_issues;
use crate::store::sql::{duplicates, issues as rows};
use crate::store::sqlite::Tx;
use std::mem::discriminant;

/// Takes over what was read; answers how many issues changed that a scan has made or met. An issue that is to be opened
/// again there, or was since it was asked, stays as it is here.
pub(in crate::store) fn take(
    tx: &Tx<'_>,
    kind: RemoteKind,
    home: &IssueHome,
    news: &TrackerNews,
    actor: &Actor,
    now: Timestamp,
) -> Result<u64> {
    let mut changed = 0;
    for issue in &news.issues {
        changed += u64::from(take_issue(tx, kind, home, issue, (news.asked_at, actor, now))?);
    }
    for number in &news.gone {
        if let Some((id, _)) = tracker_issues::find(tx, home, *number)? {
            changed += u64::from(take_gone(tx, id, actor, now)?);
        }
    }
    tracker_issues::note(tx, home, news)?;
    Ok(changed)
}

fn take_issue(
    tx: &Tx<'_>,
    kind: RemoteKind,
    home: &IssueHome,
    issue: &TrackerIssue,
    (asked_at, actor, now): (Timestamp, &Actor, Timestamp),
) -> Result<bool> {
    if let IssueOwner::Ours { mark, .. } = &issue.owner
        && tracker_issues::is_on_its_way(tx, home, &mark.marker, issue)?
    {
        return Ok(false);
    }
    let Some((id, state)) = tracker_issues::find(tx, home, issue.number)? else {
        let is_persons = matches!(issue.owner, IssueOwner::Person(_));
        if issue.state == IssueState::Open || !is_persons {
            tracker_issues::insert(tx, kind, home, issue, now)?;
            if let (IssueState::Open, Some((id, _))) =
                (issue.state, tracker_issues::find(tx, home, issue.number)?)
            {
                supersede(tx, id, issue.number, now)?;
            }
            if let (true, Some((id, _))) =
                (issue.is_duplicate, tracker_issues::find(tx, home, issue.number)?)
            {
                duplicates::note(tx, id)?;
            }
        }
        return Ok(false);
    };
    let is_open = issue.state == IssueState::Open;
    match &issue.owner {
        IssueOwner::Person(_)
            if issue.state != IssueState::Open && tracker_issues::forget(tx, id)? =>
        {
            return Ok(false);
        }
        IssueOwner::Person(_) => tracker_issues::retitle(tx, id, issue)?,
        IssueOwner::Ours { mark, .. } => {
            tracker_issues::add_codes(tx, id, &issue.error_codes)?;
            tracker_issues::recognise(tx, home, id, mark)?;
            if issue.is_duplicate {
                duplicates::note(tx, id)?;
            }
        }
    }
    if is_open {
        supersede(tx, id, issue.number, now)?;
    }
    if state == issue.state || tracker_issues::is_to_be_reopened(tx, id, asked_at)? {
        return Ok(false);
    }
    if discriminant(&state) == discriminant(&issue.state) {
        // We have closed it ourselves, and only the tracker knows when exactly.
        rows::set_state(tx, id, issue.state)?;
        return Ok(false);
    }
    issues::change(tx, id, IssueChange::State(issue.state), actor, now).map(|()| true)
}

/// Closes an issue that the tracker has no longer. Nothing is known by it any more, and nothing is said on it.
fn take_gone(tx: &Tx<'_>, id: IssueId, actor: &Actor, now: Timestamp) -> Result<bool> {
    if tracker_issues::forget(tx, id)? {
        return Ok(false);
    }
    let closed = IssueState::Completed { closed_at: now };
    issues::change(tx, id, IssueChange::State(closed), actor, now)?;
    tracker_issues::set_gone(tx, id, now).map(|()| true)
}
