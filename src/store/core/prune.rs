//! Retention: removes old jobs that are over and other old rows, a bounded slice at a time.

use crate::error::Result;
use crate::model::settings::retention_of;
use crate::model::{FLOOD, Kind, KindRules, Retention, Status, Timestamp};
use crate::store::sql::prune::{self, Old, Removable};
use crate::store::sql::{batches, idempotency, settings};
use crate::store::sqlite::Tx;
use std::time::Duration;

/// Rows that one slice removes or looks at: some ten milliseconds of work, for which every other call waits.
const SLICE: usize = 500;
/// Pieces of transcripts that one slice removes: some ten megabytes.
const PIECES: usize = 200;
/// How long closed issues are kept.
const ISSUES: Duration = Duration::from_hours(365 * 24);
/// How long finished batches are kept.
const BATCHES: Duration = Duration::from_hours(90 * 24);
/// How long decisions of schedules are kept: a season of daily ones for their page.
const DECISIONS: Duration = Duration::from_hours(90 * 24);

/// Finishes a slice of the batches that another program has brought to their end; answers whether there may be more.
pub(in crate::store) fn finish_batches(tx: &Tx<'_>, now: Timestamp) -> Result<bool> {
    Ok(batches::finish_due(tx, SLICE, now)? == SLICE)
}

/// Removes a slice of everything that is over and old; answers whether there may be more.
pub(in crate::store) fn prune(tx: &Tx<'_>, rules: &[KindRules], now: Timestamp) -> Result<bool> {
    let mut left = SLICE;
    let removable = Removable::of(tx)?;
    for kind in prune::kinds(tx)? {
        let retention = retention(tx, &kind, rules)?;
        for status in [Status::Completed, Status::Failed, Status::Cancelled] {
            if let Some(kept) = retention.of(status) {
                let old = Old { kind: &kind, status, finished_before: now.minus(kept) };
                left -= transcripts(tx, &removable, &old, left)?;
                left -= removable.final_jobs(tx, &old, left)?;
            }
        }
    }
    left -= keys(tx, left, now)?;
    left -= prune::decisions(tx, now.minus(DECISIONS), left)?;
    left -= batches::prune(tx, now.minus(BATCHES), left)?;
    left -= removable.closed_issues(tx, now.minus(ISSUES), left)?;
    Ok(left == 0)
}

/// Whether a look would remove what has been over for more than a day longer than it is kept.
pub(in crate::store) fn is_flood(tx: &Tx<'_>, rules: &[KindRules], now: Timestamp) -> Result<bool> {
    let removable = Removable::of(tx)?;
    for kind in prune::kinds(tx)? {
        let retention = retention(tx, &kind, rules)?;
        for status in [Status::Completed, Status::Failed, Status::Cancelled] {
            let Some(kept) = retention.of(status) else { continue };
            let finished_before = now.minus(kept.saturating_add(FLOOD));
            if removable.has_old(tx, &Old { kind: &kind, status, finished_before })? {
                return Ok(true);
            }
        }
    }
    prune::has_decisions(tx, now.minus(DECISIONS + FLOOD))
}

/// How long jobs of a kind are kept: as an operator has set it for the kind, or else for all kinds without an own length,
/// or else as the program says.
fn retention(tx: &Tx<'_>, kind: &Kind, rules: &[KindRules]) -> Result<Retention> {
    let set = settings::get(tx, retention_of(kind).key)?;
    let days = set.and_then(|setting| setting.value.as_u64()).filter(|days| *days > 0);
    let length = |days: u64| Retention::all(Duration::from_secs(days.saturating_mul(24 * 60 * 60)));
    let program = || rules.iter().find(|rules| rules.kind == *kind).map(|rules| rules.retention);
    Ok(days.map(length).or_else(program).unwrap_or_default())
}

/// The transcripts of jobs that are to go, a few megabytes at a time: a job goes when nothing of its own is left.
fn transcripts(tx: &Tx<'_>, removable: &Removable, old: &Old<'_>, left: usize) -> Result<usize> {
    let removed = removable.transcripts(tx, old, left, PIECES.min(left))?;
    // A full slice ends the round, so that the next one goes on here.
    Ok(if removed == PIECES { left } else { removed })
}

/// Looks at the oldest keys whose time is over: forgets those whose job is over, and gives the others their time anew.
/// Answers how many it looked at.
fn keys(tx: &Tx<'_>, left: usize, now: Timestamp) -> Result<usize> {
    let renewed = idempotency::renew(tx, left, now)?;
    Ok(renewed + idempotency::forget(tx, left - renewed, now)?)
}
