//! Runs of agent programs: each begins and ends under its job's lease, and is paid for once.

use crate::error::{Code, Error, Result};
use crate::model::{
    Cost, Job, Lease, OpenRun, Profile, Reserve, RunSpent, SessionChanges, SessionEnd,
    SessionStart, Timestamp,
};
use crate::store::sql::{self, jobs, lease, session_search, sessions, spend};
use crate::store::sqlite::Tx;

/// Writes that a run begins; answers the bytes and lines of the transcript that earlier attempts have left.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held any more; `AGENT-FOLDER-001` while another session may write in the folder of
/// one that may write, whatever path led to it, or has the folder of its run: nothing is changed then.
pub(in crate::store) fn begin(
    tx: &Tx<'_>,
    lease: &Lease,
    start: &SessionStart,
    file: &str,
    now: Timestamp,
) -> Result<(u64, u64)> {
    lease::held(tx, lease)?;
    let writes = match start.profile {
        Profile::Workspace | Profile::Full => true,
        Profile::Scan | Profile::ReadOnly => false,
    };
    let folder = writes.then_some(start.working_dir.as_path());
    let open = session_search::open(tx)?;
    if let Some((_, why)) = session_search::holder(&open, lease.id, Some(&start.place), folder) {
        return Err(Error::saying(Code::AgentFolder, why));
    }
    sessions::begin(tx, lease.id, start, file, now)
}

/// Writes how a run ended and what it cost, once: a second call changes nothing. Answers the alarms that its cost raises.
///
/// # Errors
/// As [`begin`].
pub(in crate::store) fn finish(
    tx: &Tx<'_>,
    lease: &Lease,
    end: &SessionEnd,
    now: Timestamp,
) -> Result<Vec<String>> {
    let job = lease::held(tx, lease)?;
    let is_first = sessions::finish(tx, lease.id, end, now)?;
    spend::release(tx, lease.id)?;
    match end.spent().cost {
        Some(cost) if is_first => book(tx, &job, cost, now),
        Some(_) | None => Ok(Vec::new()),
    }
}

/// Writes that no process of an interrupted run is left and what it has changed, and books what it has cost as far as is known,
/// once.
pub(in crate::store) fn close_run(
    tx: &Tx<'_>,
    run: &OpenRun,
    spent: &RunSpent,
    changes: Option<&(SessionChanges, String)>,
    now: Timestamp,
) -> Result<Vec<String>> {
    if !sessions::close_run(tx, run.id, &run.marker, spent, now)? {
        return Ok(Vec::new());
    }
    if let Some((changes, patch)) = changes {
        sql::changes::keep_of_closed(tx, run.id, changes, patch)?;
    }
    spend::release(tx, run.id)?;
    match (spent.cost, jobs::get(tx, run.id)?) {
        (Some(cost), Some(job)) => book(tx, &job, cost, now),
        (Some(_) | None, _) => Ok(Vec::new()),
    }
}

/// Sets dollars aside for a run of a job: as many as it wants, and no more than other runs leave of the budgets.
///
/// # Errors
/// As [`begin`].
pub(in crate::store) fn reserve(
    tx: &Tx<'_>,
    lease: &Lease,
    (wanted, schedule): (f64, Option<f64>),
    now: Timestamp,
) -> Result<Reserve> {
    let job = lease::held(tx, lease)?;
    let (spent, budgets) = (spend::spent(tx, job.schedule_id, now)?, spend::budgets(tx)?);
    let reserved = spend::reserved(tx, job.id, job.schedule_id)?;
    let reserve = budgets.reserve(wanted, (spent, reserved), schedule, now);
    if let Reserve::Granted(usd) = reserve {
        spend::reserve(tx, &job, usd)?;
    }
    Ok(reserve)
}

/// Books what a run of a job has cost; answers the alarms that this raises.
fn book(tx: &Tx<'_>, job: &Job, cost: Cost, now: Timestamp) -> Result<Vec<String>> {
    let before = spend::spent(tx, None, now)?;
    spend::add(tx, job, cost, now)?;
    Ok(spend::budgets(tx)?.alarms(before, spend::spent(tx, None, now)?))
}
