//! The poller's part of schedules: it decides what is due, and writes decisions, jobs and cursor in one transaction.
//!
//! That transaction is the poll's own (P16).

use super::enqueue::enqueue;
use crate::error::{Code, Result};
use crate::model::{
    Decision, NewJob, Occurrence, Overlap, Plan, Rule, Schedule, Situation, Timestamp, Trigger,
    Verdict, decide,
};
use crate::store::sql::schedules;
use crate::store::sqlite::Tx;
use crate::warn_coded;

/// Schedules that one poll decides: other writers wait for its transaction. Those left are due still, so that the poller
/// looks again at once.
const MAX_DUE: usize = 100;

/// Decides what is due; answers how many schedules that were, and when the next one is.
pub(super) fn fire(tx: &Tx<'_>, now: Timestamp) -> Result<(usize, Option<Timestamp>)> {
    let due = schedules::due(tx, now, MAX_DUE)?;
    for schedule in &due {
        match &schedule.plan {
            Ok(plan) => decide_one(tx, schedule, plan, now)?,
            Err(why) => set_aside(tx, schedule, why, now)?,
        }
    }
    Ok((due.len(), schedules::next_due(tx)?))
}

fn decide_one(tx: &Tx<'_>, schedule: &Schedule, plan: &Plan, now: Timestamp) -> Result<()> {
    let (waiting, running) = match plan.overlap {
        Overlap::QueueAll => (false, false),
        Overlap::QueueOne | Overlap::Skip => schedules::open_jobs(tx, schedule.id)?,
    };
    let decided = decide(&Situation {
        rule: &plan.rule,
        catch_up: plan.catch_up,
        overlap: plan.overlap,
        stagger: plan.stagger,
        cursor: schedule.cursor_at,
        now,
        // The policies only ask whether there are any.
        waiting: u64::from(waiting),
        running: u64::from(running),
    });
    for decision in &decided.decisions {
        carry_out(tx, schedule.id, plan, decision, now)?;
    }
    let last = (decided.cursor > schedule.cursor_at).then_some(decided.cursor);
    schedules::advance(tx, schedule.id, decided.cursor, last, decided.next)
}

/// Writes a decision, and its job if it makes one. An occurrence that was decided before stays as it was decided,
/// wherever a foreign hand has put the cursor (P16).
fn carry_out(
    tx: &Tx<'_>,
    schedule_id: i64,
    plan: &Plan,
    decision: &Decision,
    now: Timestamp,
) -> Result<()> {
    let at = decision.occurrence_at;
    if !schedules::record(tx, schedule_id, at, decision.verdict, &decision.detail, now)? {
        return Ok(());
    }
    let Some(run_at) = decision.run_at else { return Ok(()) };
    let job = NewJob {
        trigger: Trigger::Scheduled,
        run_at: Some(run_at),
        occurrence: Some(Occurrence { schedule_id, at }),
        ..job_of(plan)
    };
    let job = enqueue(tx, &job, now)?.id();
    schedules::made(tx, schedule_id, at, job)
}

/// Decides that everything up to now is left out, because it fell into a pause.
pub(super) fn skip_until_now(
    tx: &Tx<'_>,
    schedule: &Schedule,
    rule: &Rule,
    now: Timestamp,
) -> Result<()> {
    let last = rule.latest_between(schedule.cursor_at, now);
    if let (Some(first), Some(last)) = (rule.next_after(schedule.cursor_at), last) {
        let detail = if first == last {
            "it fell into a pause".to_owned()
        } else {
            format!("it and those up to {} fell into a pause", rule.local(last))
        };
        schedules::record(tx, schedule.id, first, Verdict::Skipped, &detail, now)?;
    }
    let cursor = schedule.cursor_at.max(now);
    schedules::advance(tx, schedule.id, cursor, last, rule.next_after(cursor))
}

/// Takes a schedule that cannot be read out of what is due, with the reason in its history and in the log.
fn set_aside(tx: &Tx<'_>, schedule: &Schedule, why: &str, now: Timestamp) -> Result<()> {
    let name = &schedule.name;
    warn_coded!(Code::ScheduleUnreadable, "the schedule {name} makes no jobs any more: {why}");
    let detail = format!("the stored schedule cannot be read: {why}");
    let at = schedule.next_at.unwrap_or(now);
    schedules::record(tx, schedule.id, at, Verdict::Skipped, &detail, now)?;
    schedules::advance(tx, schedule.id, schedule.cursor_at, None, None)
}

/// A job as this plan makes them.
pub(super) fn job_of(plan: &Plan) -> NewJob {
    NewJob {
        payload: plan.payload.clone(),
        queue: plan.queue.clone(),
        priority: plan.priority,
        ..NewJob::new(plan.kind.clone())
    }
}
