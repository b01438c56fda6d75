//! What people do to queues: pauses, limits, and the stop of all of them.

use super::{cancel, park};
use crate::error::Result;
use crate::model::{Actor, ParkedBy, Pause, Queue, Timestamp};
use crate::store::sql::{audit, queues, settings};
use crate::store::sqlite::Tx;

/// Pauses a queue until then, or until somebody resumes it.
pub(in crate::store) fn pause(
    tx: &Tx<'_>,
    queue: &Queue,
    reason: &str,
    resume_at: Option<Timestamp>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    queues::known(tx, queue)?;
    let pause = Pause { at: now, by: actor.name.clone(), reason: reason.into(), resume_at };
    queues::set_pause(tx, queue, Some(&pause))?;
    audit::record_change(tx, actor, "pause", &format!("queue {queue}"), (None, Some(reason)), now)
}

/// Lets a queue go on; answers whether it was paused.
pub(in crate::store) fn resume(
    tx: &Tx<'_>,
    queue: &Queue,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    queues::known(tx, queue)?;
    let Some(pause) = queues::get(tx, queue)?.pause else { return Ok(false) };
    queues::set_pause(tx, queue, None)?;
    if pause.by == queues::ENGINE {
        // A person who resumes the queue says that the limit is lifted.
        park::lift(tx, ParkedBy::Limit, Some(queue), actor, now)?;
    }
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
    queues::known(tx, queue)?;
    let words = |limit: Option<u32>| limit.map(|limit| limit.to_string());
    let (before, after) = (words(queues::get(tx, queue)?.operator_limit), words(limit));
    queues::set_operator_limit(tx, queue, limit)?;
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
    queues::stop(tx, reason, actor, now)?;
    cancel::cancel_running(tx, actor, now)
}

/// Ends the stop of all queues; answers whether there was one.
pub(in crate::store) fn resume_all(tx: &Tx<'_>, actor: &Actor, now: Timestamp) -> Result<bool> {
    settings::unset(tx, queues::STOPPED, actor, now)
}
