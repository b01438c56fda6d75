//! What people do to queues: pauses, limits, and the stop of all of them.

use super::{cancel, park, settings};
use crate::error::{Code, Error, Result};
#[cfg(feature = "monitor")]
use crate::model::Lease;
use crate::model::{Actor, ParkedBy, Pause, Queue, Timestamp};
#[cfg(feature = "monitor")]
use crate::store::sql::lease;
use crate::store::sql::{audit, queues};
use crate::store::sqlite::Tx;
use serde_json::json;

/// Pauses a queue until then, or until somebody resumes it.
pub(in crate::store) fn pause(
    tx: &Tx<'_>,
    queue: &Queue,
    reason: &str,
    resume_at: Option<Timestamp>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    expect_known(tx, queue)?;
    let pause = Pause { at: now, by: actor.name.clone(), reason: reason.into(), resume_at };
    queues::set_pause(tx, queue, Some(&pause))?;
    let after = pause.in_audit();
    audit::record_change(tx, actor, "pause", &format!("queue {queue}"), (None, Some(&after)), now)
}

/// Pauses a queue because a handler met a limit. A person's pause stays as it is, also one that ends before the limit: the
/// next job then meets the limit itself. So does a longer pause by another limit.
pub(super) fn pause_until(
    tx: &Tx<'_>,
    queue: &Queue,
    reason: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let stays = |pause: Pause| !pause.is_by_limit() || pause.resume_at.is_none_or(|at| at >= until);
    if queues::get(tx, queue)?.pause.is_some_and(stays) {
        return Ok(());
    }
    let by = queues::ENGINE.to_owned();
    let pause = Pause { at: now, by, reason: reason.into(), resume_at: Some(until) };
    queues::set_pause(tx, queue, Some(&pause))
}

/// Pauses the queue of a running job because its handler met a limit, and does without what the limit forbids.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held any more.
#[cfg(feature = "monitor")]
pub(in crate::store) fn meet_limit(
    tx: &Tx<'_>,
    lease: &Lease,
    reason: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<()> {
    match lease::held(tx, lease)?.queue {
        Some(queue) => pause_until(tx, &queue, reason, until, now),
        None => Ok(()),
    }
}

/// Lets a queue go on; answers whether it was paused.
pub(in crate::store) fn resume(
    tx: &Tx<'_>,
    queue: &Queue,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    expect_known(tx, queue)?;
    let Some(pause) = queues::get(tx, queue)?.pause else { return Ok(false) };
    queues::set_pause(tx, queue, None)?;
    // A person who resumes the queue says that the limit is lifted. The pause that they end may be a person's, which has
    // taken the place of the limit's.
    park::lift(tx, ParkedBy::Limit, Some(queue), actor, now)?;
    let change = (Some(pause.reason.as_str()), None);
    audit::record_change(tx, actor, "resume", &format!("queue {queue}"), change, now)?;
    Ok(true)
}

/// Sets how many jobs of a queue may run at once; `None`: what the program says.
pub(in crate::store) fn set_limit(
    tx: &Tx<'_>,
    queue: &Queue,
    limit: Option<u32>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    expect_known(tx, queue)?;
    let words = |limit: Option<u32>| limit.map(|limit| limit.to_string());
    let (before, after) = (words(queues::get(tx, queue)?.operator_limit), words(limit));
    let set = limit.map(|_| (actor.name.as_str(), now));
    queues::set_operator_limit(tx, queue, limit, set)?;
    let change = (before.as_deref(), after.as_deref());
    audit::record_change(tx, actor, "limit", &format!("queue {queue}"), change, now)
}

/// Stops everything: no queue starts a job, and what runs is asked to end. Answers how many jobs run.
pub(in crate::store) fn stop_all(
    tx: &Tx<'_>,
    reason: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<usize> {
    settings::set(tx, queues::STOPPED, &json!({"reason": reason}), actor, now)?;
    cancel::cancel_running(tx, actor, now)
}

/// Ends the stop of all queues; answers whether there was one.
pub(in crate::store) fn resume_all(tx: &Tx<'_>, actor: &Actor, now: Timestamp) -> Result<bool> {
    settings::unset(tx, queues::STOPPED, actor, now)
}

/// Refuses a queue that nobody has spoken of: it would be a typing error.
fn expect_known(tx: &Tx<'_>, queue: &Queue) -> Result<()> {
    if queues::is_known(tx, queue)? {
        return Ok(());
    }
    Err(Error::new(Code::QueueUnknown, format!("there is no queue {queue}")))
}
