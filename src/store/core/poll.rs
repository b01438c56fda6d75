//! The poll: what a leader does for all, then the claims of one worker for its own free slots.
//!
//! It runs the same few statements whatever it admits, claims and puts off. Rescue, the end of pauses, schedules that are due,
//! starts that count no more for a rate and the news of ends to jobs that wait for them are looks of their own.

use super::admit::MAX_ADMITTED;
use super::{admit, claim, fire, rescue};
use crate::error::Result;
use crate::model::{PollRequest, Polled, Timestamp};
use crate::store::sql::{after, gates, history, queues, rates};
use crate::store::sqlite::Tx;

/// Looks for work. A worker that leads does first what is done for all.
///
/// # Errors
/// `ENGINE-LEASE-001` if the worker was judged lost, `ENGINE-LEAD-001` if it leads no more.
pub(in crate::store) fn poll(tx: &Tx<'_>, request: &PollRequest, now: Timestamp) -> Result<Polled> {
    let mut gates = gates::read(tx, request, now)?;
    gates.expect(request)?;
    let mut polled = Polled::default();
    let mut steps = Vec::new();
    rescue::rescue(tx, request, &mut polled, now)?;
    for (job, _) in &polled.rescued {
        gates.ended(job.queue.as_ref());
    }
    let mut wake_at = [gates.next_job, gates.next_schedule, gates.next_resume];
    if request.leads.is_some() {
        if gates.has_ended_pause(now) {
            queues::resume_due(tx, now)?;
            wake_at[2] = queues::next_resume(tx)?;
        }
        if gates.next_schedule.is_some_and(|at| at <= now) {
            (polled.schedules, wake_at[1]) = fire::fire(tx, now)?;
        }
        if gates.rates.has_over {
            polled.more |= rates::forget(tx, now, MAX_ADMITTED)? == MAX_ADMITTED;
        }
        if gates.has_ends || !polled.rescued.is_empty() {
            polled.more |= after::tell_ends(tx, admit::MAX_ADMITTED)?;
        }
        let admitted = admit::admit(tx, &gates, &mut steps, now)?;
        polled.more |= admitted.more;
        gates.rates.has_waiting |= admitted.waits_for_rate;
        wake_at[0] = wake_at[0].into_iter().chain(admitted.next).min();
    }
    let put_off = claim::claim(tx, &gates, request, &mut polled, &mut steps, now)?;
    history::record_all(tx, &steps)?;
    if request.leads.is_some() {
        let next_rate = gates.rates.next.filter(|_| gates.rates.has_waiting);
        polled.wake_at = wake_at.into_iter().chain([next_rate, put_off]).flatten().min();
        // What has just started may be the first to count no more.
        polled.more |=
            gates.rates.has_waiting && polled.claimed.iter().any(|job| job.rate_key.is_some());
    }
    polled.cancelled = gates.cancelled;
    Ok(polled)
}
