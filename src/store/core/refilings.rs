//! What is open at another home than the one where issues are filed now: a person has it filed there, or leaves it.

use super::filings;
use crate::error::Result;
use crate::model::{
    Act, Actor, Caps, FilingState, IssueHome, OpenElsewhere, Posting, Timestamp, Tracker,
};
use crate::store::sql::{self, audit, refilings};
use crate::store::sqlite::Tx;

/// Has what is open elsewhere filed at this home, also what a person has left there before; answers how much that is.
pub(in crate::store) fn ask(
    tx: &Tx<'_>,
    home: &IssueHome,
    actor: &Actor,
    now: Timestamp,
) -> Result<u64> {
    refilings::ask(tx, home, now)?;
    let problems = refilings::offer(tx, home)?.problems;
    if problems == 0 {
        refilings::done(tx, home)?;
        return Ok(0);
    }
    filings::wake(tx, None, now)?;
    audit::record(tx, actor, "refile", &subject(home), now)?;
    Ok(problems)
}

/// Leaves what is open elsewhere where it is, and offers it no more; answers how much that is.
pub(in crate::store) fn leave(
    tx: &Tx<'_>,
    home: &IssueHome,
    actor: &Actor,
    now: Timestamp,
) -> Result<u64> {
    let problems = refilings::offer(tx, home)?.problems;
    if problems > 0 {
        refilings::leave(tx, home)?;
        audit::record(tx, actor, "leave", &subject(home), now)?;
    }
    Ok(problems)
}

/// Stores these problems as issues of this home with what is to be done there, by the limits of new issues; answers how many
/// that were. One that is known there by now is not filed again.
pub(in crate::store) fn file(
    tx: &Tx<'_>,
    (tracker, home): (Tracker, &IssueHome),
    problems: &[(OpenElsewhere, Posting)],
    caps: Caps,
    now: Timestamp,
) -> Result<u64> {
    // The tracker was asked meanwhile, and a person may have said no, or closed or muted one.
    if !refilings::offer(tx, home)?.accepted {
        return Ok(0);
    }
    let open: Vec<_> = refilings::open(tx, home)?.into_iter().map(|open| open.id).collect();
    let mut room = filings::room(tx, caps, now)?;
    let mut filed = 0;
    for (problem, posting) in problems {
        if let Some(known) = refilings::known(tx, home, problem.id)? {
            sql::issues::seen_again(tx, problem.scan, (known, 0), now)?;
            continue;
        }
        if !open.contains(&problem.id) {
            continue;
        }
        let issue = refilings::copy(tx, (tracker, home), problem.id, now)?;
        filed += 1;
        let approval = match tracker {
            Tracker::Local => continue,
            Tracker::Remote { approval, .. } => approval,
        };
        let state = if approval || room == 0 {
            FilingState::AwaitingApproval
        } else {
            room -= 1;
            FilingState::Pending
        };
        sql::filings::insert(tx, (problem.scan, issue), Act::Open, posting, state, now)?;
    }
    refilings::done(tx, home)?;
    Ok(filed)
}

fn subject(home: &IssueHome) -> String {
    format!("issues open elsewhere than in {}", home.as_str())
}
