//! The end of attempts: by their own worker, or for a worker that is gone.

use crate::error::Result;
use crate::model::{
    AttemptEnd, Job, Kind, OnInterrupt, SettleRequest, Settlement, Status, Terms, Timestamp,
    settlement,
};
use crate::store::sql::moves::Ended;
use crate::store::sql::{jobs, lease, moves, unblock};
use crate::store::sqlite::Tx;
use std::time::Duration;

/// The crash that ends a job whose kind this process does not know.
pub(super) const POISON_AFTER: u32 = 3;

/// Ends attempts, each under its own lease; answers for each its job's status. One whose lease is not held hears
/// `STORE-LEASE-001`, and nothing is changed for it (P9); the others go on.
pub(in crate::store) fn settle(
    tx: &Tx<'_>,
    requests: &[SettleRequest],
) -> Result<Vec<Result<Status>>> {
    let leases: Vec<_> = requests.iter().map(|request| &request.lease).collect();
    let held = lease::all_held(tx, &leases)?;
    let settlements: Vec<_> = held
        .iter()
        .zip(requests)
        .map(|(job, request)| {
            let job = job.as_ref()?;
            let SettleRequest { end, retry_after, now, .. } = request;
            Some(terms(tx, job, POISON_AFTER).map(|terms| {
                let after = settlement(terms, end.clone(), *now, *retry_after);
                (job, after, request.print.as_ref(), *now)
            }))
        })
        .map(Option::transpose)
        .collect::<Result<_>>()?;
    let ended = settlements.iter().flatten();
    let ended = ended.map(|(job, after, print, at)| Ended { job, after, print: *print, at: *at });
    write(tx, &ended.collect::<Vec<_>>())?;
    let answers = settlements.iter().zip(requests).map(|(settled, request)| match settled {
        Some((_, after, ..)) => Ok(after.status),
        None => Err(lease::lost(&request.lease)),
    });
    Ok(answers.collect())
}

/// Writes ends of attempts, with what follows from them.
pub(super) fn write(tx: &Tx<'_>, ended: &[Ended<'_>]) -> Result<()> {
    moves::end(tx, ended)?;
    for Ended { job, after, at, .. } in ended {
        if let (Some((reason, until)), Some(queue)) = (&after.pause, &job.queue) {
            super::queues::pause_until(tx, queue, reason, *until, *at)?;
        }
    }
    // The key's next job is marked by the schema; here only the one that a constraint may have kept back.
    unblock::unblock_constraints(tx, ended.iter().map(|ended| &ended.job.kind))
}

/// What the settlement of a running job depends on.
fn terms(tx: &Tx<'_>, job: &Job, poison_after: u32) -> Result<Terms> {
    // A running job that was never admitted was started by another program: running it twice may do harm.
    let said = job.on_interrupt.unwrap_or(OnInterrupt::Fail);
    let has_not_begun = said == OnInterrupt::Fail
        && job.kind == Kind::AGENT_SESSION
        && !jobs::has_begun_run(tx, job.id)?;
    Ok(Terms {
        attempt: job.attempt,
        max_attempts: job.max_attempts.unwrap_or(1),
        interrupted: job.interrupted,
        cancel_requested: job.cancel_requested_at.is_some(),
        // At most once is charged when the one thing has begun: a session whose agent was never started may still run.
        on_interrupt: if has_not_begun { OnInterrupt::Retry } else { said },
        poison_after,
    })
}

/// What becomes of a running job whose worker is gone.
pub(super) fn loss(
    tx: &Tx<'_>,
    job: &Job,
    poison_after: u32,
    now: Timestamp,
) -> Result<Settlement> {
    Ok(settlement(terms(tx, job, poison_after)?, AttemptEnd::Lost, now, Duration::ZERO))
}
