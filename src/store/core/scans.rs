//! The one commit of a scan: its record, its issues, what is to be filed, and the scan that goes on where it stopped.

use super::enqueue::enqueue;
use super::{duplicates, filings, issues};
use crate::error::Result;
use crate::model::{
    Act, FilingState, IssueId, JobId, Kind, Lease, LogMark, NewJob, ScanCommit, Timestamp, Tracker,
    Trigger,
};
use crate::store::sql::{self, lease, scans, templates};
use crate::store::sqlite::Tx;

/// Writes everything a scan leaves behind, if it still holds its lease (P9).
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held any more.
pub(in crate::store) fn commit(
    tx: &Tx<'_>,
    lease: &Lease,
    scan: &ScanCommit,
    now: Timestamp,
) -> Result<()> {
    lease::held(tx, lease)?;
    scans::insert(tx, lease.id, scan, now)?;
    let mark =
        LogMark { log: scan.log.clone(), id: scan.log_id_end, row: scan.log_row_end.clone() };
    scans::set_watermark(tx, &mark, now)?;
    let met = scan.templates.iter().map(|seen| templates::seen(tx, &scan.log, seen, now));
    let met: Vec<i64> = met.collect::<Result<_>>()?;
    file(tx, lease.id, scan, (&met, now))?;
    for (issue, places) in &scan.shown {
        show(tx, *issue, places, &met)?;
    }
    for (issue, rows) in &scan.seen_again {
        sql::issues::seen_again(tx, lease.id, (*issue, *rows), now)?;
    }
    for (issue, fingerprints) in &scan.learned {
        sql::issues::add_fingerprints(tx, *issue, fingerprints)?;
    }
    if scan.follow_up && scans::count_waiting(tx)? == 0 {
        let job = NewJob {
            trigger: Trigger::Parent,
            parent_id: Some(lease.id),
            ..NewJob::new(Kind::SELF_MONITORING)
        };
        enqueue(tx, &job, now)?;
    }
    Ok(())
}

/// Has the templates in these places belong to an issue.
fn show(tx: &Tx<'_>, issue: IssueId, places: &[usize], met: &[i64]) -> Result<()> {
    let mut shown = places.iter().filter_map(|place| met.get(*place));
    shown.try_for_each(|template| templates::shows(tx, issue, *template))
}

/// Stores issues and remarks with what is to be done at the tracker. A new issue of the local one is filed by its own row.
fn file(tx: &Tx<'_>, id: JobId, scan: &ScanCommit, (met, now): (&[i64], Timestamp)) -> Result<()> {
    let (first, approval) = match scan.tracker {
        Tracker::Local => (FilingState::Filed, false),
        Tracker::Remote { approval: true, .. } => (FilingState::AwaitingApproval, true),
        Tracker::Remote { approval: false, .. } => (FilingState::Pending, false),
    };
    let mut room = filings::room(tx, scan.caps, now)?;
    for (new, posting) in &scan.new_issues {
        let issue = sql::issues::insert(tx, id, (scan.tracker, &scan.home), new, now)?;
        show(tx, issue, &new.finding.templates.met, met)?;
        let state = if room > 0 { first } else { FilingState::AwaitingApproval };
        room = room.saturating_sub(u64::from(!approval));
        if scan.tracker != Tracker::Local {
            sql::filings::insert(tx, (id, issue), Act::Open, posting, state, now)?;
        }
    }
    for (remark, posting) in &scan.remarks {
        issues::remark(tx, id, remark, now)?;
        let act = if remark.reopens { Act::Reopen } else { Act::Comment };
        sql::filings::insert(tx, (id, remark.issue), act, posting, first, now)?;
    }
    duplicates::decide(tx, id, &scan.duplicates, (first, &mut room), now)?;
    sql::tracker_issues::explain(tx, id, &scan.home)?;
    if sql::filings::has_pending(tx, id)? {
        filings::wake(tx, Some(id), now)?;
    }
    Ok(())
}
