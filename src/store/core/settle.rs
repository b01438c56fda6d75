//! The end of attempts: by their own worker, or for a worker that is gone.

use crate::error::Result;
use crate::model::{
    AttemptEnd, Job, Kind, OnInterrupt, SettleRequest, Settlement, Status, Terms, Timestamp,
    settlement,
};
use crate::store::sql::moves::Ended;
use crate::store::sql::{jobs, lease, moves, unblock};
use crate::store::sqlite::Tx;
use std::borrow::Cow;
use std::time::Duration;

/// The crash that ends a job whose kind this process does not know.
pub(super) const POISON_AFTER: u32 = 3;

/// Ends attempts, each under its own lease; answers for each its job's status. One whose lease is not held hears
/// `STORE-LEASE-001`, and nothing is changed for it (P9); the others go on.
///
/// What a job needs that completes is known from its claim, so its row is not read: the statement that ends it looks whether
/// the row is still as it was claimed.
///
/// # Errors
/// `STORE-LEASE-001` if several were asked for of which one is not as it was claimed: each is to be asked for by itself.
pub(in crate::store) fn settle(
    tx: &Tx<'_>,
    requests: &[SettleRequest],
) -> Result<Vec<Result<Status>>> {
    match settle_as(tx, requests, |request| request.claimed.as_deref()) {
        // Nothing is changed by one that is refused.
        Err(error) if error.is_lease_lost() && requests.len() == 1 => {
            settle_as(tx, requests, |_| None)
        }
        settled => settled,
    }
}

/// The same with the rows of those read of which `claimed` knows nothing, and of those that do not just complete.
fn settle_as<'a>(
    tx: &Tx<'_>,
    requests: &'a [SettleRequest],
    claimed: fn(&'a SettleRequest) -> Option<&'a Job>,
) -> Result<Vec<Result<Status>>> {
    let known = |request| {
        let job = claimed(request).filter(|_| request.end.is_done())?;
        let after = settled(tx, job, request).ok()?;
        moves::completes_as_claimed(job, &after).then_some((job, after))
    };
    let known: Vec<_> = requests.iter().map(known).collect();
    lease::expect_alive(tx, known.iter().flatten().map(|(job, _)| *job))?;
    let unknown = requests.iter().zip(&known).filter(|(_, known)| known.is_none());
    let leases: Vec<_> = unknown.map(|(request, _)| &request.lease).collect();
    let mut held = lease::all_held(tx, &leases)?.into_iter();
    let settlements: Vec<_> = known
        .into_iter()
        .zip(requests)
        .map(|(known, request)| {
            if let Some((job, after)) = known {
                return Ok(Some((Cow::Borrowed(job), after, request.print.as_ref(), request.now)));
            }
            let Some(job) = held.next().flatten() else { return Ok(None) };
            let after = settled(tx, &job, request)?;
            Ok(Some((Cow::Owned(job), after, request.print.as_ref(), request.now)))
        })
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

/// What becomes of a job whose attempt ended so.
fn settled(tx: &Tx<'_>, job: &Job, request: &SettleRequest) -> Result<Settlement> {
    let SettleRequest { end, retry_after, now, .. } = request;
    Ok(settlement(terms(tx, job, POISON_AFTER)?, end.clone(), *now, *retry_after))
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
