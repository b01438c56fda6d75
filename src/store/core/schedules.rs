//! What people and settings do to schedules. The poller's part is in [`fire`](super::fire).
//!
//! *Invariant:* each change of a rule, a cursor or a pause also writes `next_at`, so that the poller finds what is due
//! by an index and never evaluates a rule that is not.

use super::enqueue::enqueue;
use super::fire::{job_of, skip_until_now};
use super::set_right::{just_before, righted};
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, CatchUp, Ensured, JobId, NewJob, NewSchedule, Plan, PlanChange, PromptValues,
    ReservedSchedule, Schedule, ScheduleName, Timestamp, Trigger, with_values,
};
use crate::store::sql::{audit, schedules, strayed};
use crate::store::sqlite::Tx;

/// Schedules there may be: each is looked at by people, and thousands of cadences are one job that makes others.
const MAX_SCHEDULES: u64 = 1000;

/// Stores a schedule that counts from now on: what is due at this very instant is due.
///
/// # Errors
/// `SCHED-NAME-002`, `SCHED-NAME-003`, `SCHED-LIMIT-001`, `SCHED-RULE-002`, `JOB-VALUE-001`.
pub(in crate::store) fn create(
    tx: &Tx<'_>,
    new: NewSchedule,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let name = &new.name;
    if *name == ScheduleName::SELF_MONITORING {
        return Err(reserved(name));
    }
    if schedules::get(tx, name)?.is_some() {
        return Err(Error::new(
            Code::ScheduleExists,
            format!("there is a schedule {name} already"),
        ));
    }
    if schedules::count(tx)? >= MAX_SCHEDULES {
        return Err(Error::new(Code::ScheduleLimit, format!("there are {MAX_SCHEDULES} already")));
    }
    let plan = new.plan.checked()?;
    insert(tx, name, &plan, false, actor, now)?;
    record(tx, actor, "add", name, (None, Some(&plan)), now)
}

/// Stores a schedule that is paused from the beginning.
///
/// # Errors
/// As [`create`].
pub(in crate::store) fn create_paused(
    tx: &Tx<'_>,
    new: NewSchedule,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let name = new.name.clone();
    create(tx, new, actor, now)?;
    pause(tx, &name, actor, now).map(|_| ())
}

/// Makes a schedule be as a program declares it: adds it, or gives the one of its name this plan.
///
/// # Errors
/// As [`create`], but `SCHED-NAME-002`.
pub(in crate::store) fn ensure(
    tx: &Tx<'_>,
    NewSchedule { name, plan }: NewSchedule,
    actor: &Actor,
    now: Timestamp,
) -> Result<Ensured> {
    if schedules::get(tx, &name)?.is_none() {
        create(tx, NewSchedule { name, plan }, actor, now)?;
        return Ok(Ensured::Added);
    }
    let changed = change(tx, &name, plan.into(), actor, now)?;
    Ok(if changed { Ensured::Changed } else { Ensured::Kept })
}

fn insert(
    tx: &Tx<'_>,
    name: &ScheduleName,
    plan: &Plan,
    reserved: bool,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let cursor = just_before(now);
    let next = plan.rule.next_after(cursor).ok_or_else(|| over(name))?;
    schedules::insert(tx, (name, reserved), plan, (cursor, Some(next)), actor, now)
}

/// Changes a plan; another rule counts from now on, an interval from its last occurrence. Answers whether the plan is
/// another one since.
///
/// # Errors
/// `SCHED-NAME-001`, `SCHED-NAME-003`, `SCHED-RULE-001`, `SCHED-RULE-002`, `JOB-VALUE-001`.
pub(in crate::store) fn change(
    tx: &Tx<'_>,
    name: &ScheduleName,
    change: PlanChange,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let stored = righted(tx, editable(tx, name)?, now)?;
    let before = stored.plan.clone().ok();
    let after = change.applied_to(before.clone()).ok_or_else(|| {
        let why = format!("what is stored of {name} cannot be read: name its rule and its kind");
        Error::new(Code::ScheduleUnreadable, why)
    })?;
    let after = after.checked()?;
    if before.as_ref() == Some(&after) {
        return Ok(false);
    }
    let after = set_plan(tx, &stored, after, actor, now)?;
    record(tx, actor, "edit", name, (before.as_ref(), Some(&after)), now)?;
    Ok(true)
}

/// Writes a plan and answers it as it is now. A change is no downtime: what a new rule would have had before now is not
/// missed. A schedule whose first occurrence is due and not decided yet begins anew: what is due at this very instant is
/// due.
fn set_plan(
    tx: &Tx<'_>,
    stored: &Schedule,
    mut plan: Plan,
    actor: &Actor,
    now: Timestamp,
) -> Result<Plan> {
    let mut cursor = stored.cursor_at;
    let same = stored.plan.as_ref().is_ok_and(|old| old.rule == plan.rule);
    if !same {
        let is_due = stored.next_at.is_some_and(|next| next <= now);
        (cursor, plan.rule) = match stored.last_at {
            Some(last) => (cursor.max(now), plan.rule.anchored_at(last)),
            None if is_due => (just_before(now), plan.rule),
            None => (cursor.max(now), plan.rule),
        };
    }
    let next = plan.rule.next_after(cursor);
    if next.is_none() && !same {
        return Err(over(&stored.name));
    }
    schedules::set_plan(tx, stored.id, &plan, (cursor, next), actor, now)?;
    Ok(plan)
}

/// Pauses a schedule; answers whether this changed anything. The jobs that it has made stay.
///
/// # Errors
/// `SCHED-NAME-001`, `SCHED-NAME-003`.
pub(in crate::store) fn pause(
    tx: &Tx<'_>,
    name: &ScheduleName,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let stored = editable(tx, name)?;
    if stored.paused_at.is_some() {
        return Ok(false);
    }
    schedules::set_pause(tx, stored.id, Some(now), actor, now)?;
    record(tx, actor, "pause", name, (None, None), now)?;
    Ok(true)
}

/// Lets it go on; answers whether it was paused. A pause is meant, so what fell into it is no downtime: it is skipped,
/// with one row that says so. Only the catch-up `all:N`, for which every occurrence matters, makes up for it.
///
/// # Errors
/// `SCHED-NAME-001`, `SCHED-NAME-003`.
pub(in crate::store) fn resume(
    tx: &Tx<'_>,
    name: &ScheduleName,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let stored = editable(tx, name)?;
    if stored.paused_at.is_none() {
        return Ok(false);
    }
    let stored = righted(tx, stored, now)?;
    schedules::set_pause(tx, stored.id, None, actor, now)?;
    match &stored.plan {
        Ok(Plan { catch_up: CatchUp::Once | CatchUp::Skip, rule, .. }) => {
            skip_until_now(tx, &stored, rule, now)?;
        }
        Ok(Plan { catch_up: CatchUp::All { .. }, .. }) | Err(_) => {}
    }
    record(tx, actor, "resume", name, (None, None), now)?;
    Ok(true)
}

/// Removes a schedule with its decisions. The jobs that it made stay.
///
/// # Errors
/// `SCHED-NAME-001`, `SCHED-NAME-003`.
pub(in crate::store) fn remove(
    tx: &Tx<'_>,
    name: &ScheduleName,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let stored = editable(tx, name)?;
    schedules::delete(tx, stored.id)?;
    record(tx, actor, "remove", name, (stored.plan.as_ref().ok(), None), now)
}

/// Stores a job as the schedule makes them, now and by hand: for no occurrence, so that the cadence is not shifted and the
/// overlap policy does not see it, but booked to the schedule, so that its budget holds. A paused schedule can do it too.
///
/// # Errors
/// `SCHED-NAME-001`, `SCHED-RULE-001`; `JOB-LIMIT-001` if too many jobs of its kind wait.
pub(in crate::store) fn run_now(
    tx: &Tx<'_>,
    name: &ScheduleName,
    set: &PromptValues,
    (actor, correlation_id): (&Actor, Option<String>),
    now: Timestamp,
) -> Result<JobId> {
    let stored = existing(tx, name)?;
    let mut plan = stored.plan.map_err(|why| {
        let unread = format!("what is stored of {name} cannot be read");
        Error::new(Code::ScheduleUnreadable, unread).because(why)
    })?;
    plan.payload = with_values(&plan.kind, &plan.payload, set)?;
    let (trigger, schedule_id) = (Trigger::Manual, Some(stored.id));
    let job = NewJob { trigger, schedule_id, correlation_id, ..job_of(&plan) };
    let id = enqueue(tx, &job, now)?.id();
    audit::record(tx, actor, "run now", &format!("schedule {name}: job {id}"), now)?;
    Ok(id)
}

/// Makes a reserved schedule as the settings have it.
///
/// Switched off, it stays as a paused row with its history; switched on again with the same rule it goes on as after a
/// restart: overdue, it runs once, else it waits. Switched on for the first time, an interval is due at once.
pub(in crate::store) fn follow(
    tx: &Tx<'_>,
    ReservedSchedule { name, plan }: ReservedSchedule,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let stored = schedules::get(tx, &name)?.map(|stored| righted(tx, stored, now)).transpose()?;
    match (stored, plan) {
        (None, None) => Ok(()),
        (None, Some(plan)) => insert(tx, &name, &plan.checked()?, true, actor, now),
        (Some(stored), None) if stored.paused_at.is_some() => Ok(()),
        (Some(stored), None) => schedules::set_pause(tx, stored.id, Some(now), actor, now),
        (Some(stored), Some(plan)) => {
            let rule = &plan.rule;
            // The same pace keeps its anchor.
            let rule = match &stored.plan {
                Ok(old) if old.rule.is_same_pace(rule) => old.rule.clone(),
                Ok(_) | Err(_) => rule.clone(),
            };
            set_plan(tx, &stored, Plan { rule, ..plan }.checked()?, actor, now)?;
            schedules::set_pause(tx, stored.id, None, actor, now)
        }
    }
}

/// Has all schedules be due when their rules say, and the reserved one be as its settings have it; answers those that were
/// not.
pub(in crate::store) fn keep(tx: &Tx<'_>, now: Timestamp) -> Result<Vec<ScheduleName>> {
    let found = strayed::find(tx, now)?;
    let mut kept = Vec::new();
    for (schedule, next) in found.schedules {
        schedules::advance(tx, schedule.id, schedule.cursor_at, None, next)?;
        kept.push(schedule.name);
    }
    if let Some(reserved) = found.reserved {
        kept.push(reserved.name.clone());
        follow(tx, reserved, &Actor::program(), now)?;
    }
    Ok(kept)
}

fn existing(tx: &Tx<'_>, name: &ScheduleName) -> Result<Schedule> {
    let unknown = || Error::new(Code::ScheduleUnknown, format!("there is no schedule {name}"));
    schedules::get(tx, name)?.ok_or_else(unknown)
}

/// One that people edit.
fn editable(tx: &Tx<'_>, name: &ScheduleName) -> Result<Schedule> {
    let stored = existing(tx, name)?;
    if stored.reserved { Err(reserved(name)) } else { Ok(stored) }
}

fn reserved(name: &ScheduleName) -> Error {
    Error::new(Code::ScheduleReserved, format!("its settings edit {name}, and nothing else does"))
}

fn over(name: &ScheduleName) -> Error {
    Error::new(Code::ScheduleOver, format!("the rule of {name} has no occurrence to come"))
}

fn record(
    tx: &Tx<'_>,
    actor: &Actor,
    action: &str,
    name: &ScheduleName,
    (before, after): (Option<&Plan>, Option<&Plan>),
    now: Timestamp,
) -> Result<()> {
    let words = |plan: Option<&Plan>| plan.map(Plan::to_text);
    let (before, after) = (words(before), words(after));
    let change = (before.as_deref(), after.as_deref());
    audit::record_change(tx, actor, action, &format!("schedule {name}"), change, now)
}
