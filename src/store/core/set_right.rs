//! What a clock that was ahead has left in the future, once the clock is right again.
//!
//! Only instants that have come are written for schedules and for jobs that are due, so that one in the future says that the
//! clock was set back (P19). One plain rule for each: a schedule counts from now on, a job that was due is due, and a length
//! that was begun under the later clock begins anew: that of a retry, of a delay, of an idempotency key. An instant that
//! somebody chose is left.

use crate::error::{Code, Result};
use crate::model::{AHEAD, Move, ParkedBy, Plan, Schedule, Timestamp, Verdict};
use crate::store::sql::ahead::{self, Ahead};
use crate::store::sql::{idempotency, jobs, moves, queues, schedules};
use crate::store::sqlite::Tx;
use crate::warn_coded;
use std::time::Duration;

/// Brings back to `now` what was found to lie beyond it.
pub(in crate::store) fn set_right(tx: &Tx<'_>, found: &Ahead, now: Timestamp) -> Result<()> {
    for name in &found.schedules {
        if let Some(stored) = schedules::get(tx, name)? {
            righted(tx, stored, now)?;
        }
    }
    let queued = ahead::queue_now(tx, &found.queued, now)?;
    let ids: Vec<_> = found.parked.iter().map(|(id, _)| *id).collect();
    let parked = jobs::of(tx, &ids)?;
    let parked = parked.iter().filter_map(|job| {
        let since = found.parked.iter().find(|(id, _)| *id == job.id)?.1;
        let waits = job.waits_for.is_none() || job.parked_by == Some(ParkedBy::Delay);
        let moved = (waits && job.parked_by.is_some() && job.run_at > now)
            .then(|| Move::clock_set_back(job, since, now))?;
        Some((job, moved))
    });
    let parked: Vec<_> = parked.collect();
    moves::write(tx, &parked, now)?;
    for state in queues::all(tx)? {
        if let Some(pause) = state.pause.and_then(|pause| pause.begun_anew(now)) {
            queues::set_pause(tx, &state.name, Some(&pause))?;
        }
    }
    ahead::count_from_now(tx, beyond(now), now)?;
    idempotency::count_from_now(tx, beyond(now), now)?;
    if queued + parked.len() > 0 {
        warn_coded!(
            Code::EngineClock,
            "{queued} jobs were due at times that lie in the future now, and are due now; {} were put off under the later \
             clock, and wait from now on",
            parked.len()
        );
    }
    Ok(())
}

/// The schedule as it counts by this clock. If everything up to an instant in the future is decided, it counts from now on
/// again. An occurrence to come that has its job keeps it, so that none is doubled (P16); one that was only merged, or left
/// out, is decided when it comes.
pub(super) fn righted(tx: &Tx<'_>, stored: Schedule, now: Timestamp) -> Result<Schedule> {
    if !stored.is_ahead(now) {
        return Ok(stored);
    }
    let (name, id, until) = (&stored.name, stored.id, stored.cursor_at);
    warn_coded!(
        Code::EngineClock,
        "the clock was set back: the schedule {name} had decided everything up to {until}, and counts from now on"
    );
    schedules::forget_beyond(tx, id, now)?;
    let last = schedules::last_before(tx, id, now)?;
    let why = format!(
        "the clock was set back: everything up to {until} was decided; it counts from here on"
    );
    let from = just_before(now);
    schedules::record(tx, id, from, Verdict::Skipped, &why, now)?;
    let plan = stored.plan.map(|plan| Plan { rule: plan.rule.counted_by(now), ..plan });
    let rule = plan.as_ref().ok().map(|plan| &plan.rule);
    let next = rule.and_then(|rule| rule.next_after(from));
    schedules::set_back(tx, id, rule, (from, last, next))?;
    Ok(Schedule { plan, cursor_at: from, last_at: last, next_at: next, ..stored })
}

/// The first instant that only a clock that was set back explains.
pub(in crate::store) fn beyond(now: Timestamp) -> Timestamp {
    now.plus(AHEAD)
}

/// What a schedule has seen that begins now.
pub(super) fn just_before(now: Timestamp) -> Timestamp {
    now.minus(Duration::from_millis(1))
}
