//! Rows of `schedules`: what people and settings do to them. The poller's part is in [`fire`].
//!
//! *Invariant:* each change of a rule, a cursor or a pause also writes `next_at`, so that the poller finds what is due
//! by an index and never evaluates a rule that is not.

mod fire;

pub(super) use fire::{fire, next_due};

use super::audit;
use super::jobs;
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, CatchUp, JobId, Kind, NewJob, NewSchedule, Overlap, PastDecision, Plan, PlanChange,
    Queue, ReservedSchedule, Rule, Schedule, ScheduleName, Timestamp, Trigger,
};
use crate::store::sqlite::row::{instant, parsed, text, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::Value;
use std::time::Duration;

/// Schedules there may be: each is looked at by people, and thousands of cadences are one job that makes others.
const MAX_SCHEDULES: i64 = 1000;

/// The columns that [`from_row`] reads, in its order.
const COLUMNS: &str = "id, name, rule, kind, payload, queue, priority, catch_up, overlap, stagger_ms, reserved, \
    paused_at, paused_by, cursor_at, last_at, next_at, created_at, updated_at, updated_by";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Schedule> {
    let name = ScheduleName::parse(text(row, 1)?);
    Ok(Schedule {
        id: row.get(0)?,
        name: name.map_err(|_| crate::store::sqlite::error::unreadable(1, "name"))?,
        plan: plan(row)?.map_err(|error| error.to_string()),
        reserved: row.get(10)?,
        paused_at: instant(row, 11)?,
        paused_by: parsed(row, 12, Some)?,
        cursor_at: Timestamp::from_millis(row.get(13)?),
        last_at: instant(row, 14)?,
        next_at: instant(row, 15)?,
        created_at: Timestamp::from_millis(row.get(16)?),
        updated_at: Timestamp::from_millis(row.get(17)?),
        updated_by: text(row, 18)?,
    })
}

/// What the row plans. Another program may have written what we cannot read, which is an answer: one such row must not
/// stop the others.
fn plan(row: &Row<'_>) -> rusqlite::Result<Result<Plan>> {
    let (rule, kind, payload) = (text(row, 2)?, text(row, 3)?, text(row, 4)?);
    let (queue, priority) = (parsed(row, 5, Some)?, row.get(6)?);
    let (catch_up, overlap) = (text(row, 7)?, text(row, 8)?);
    let stagger = Duration::from_millis(row.get::<_, i64>(9)?.max(0) as u64);
    let json = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|why| {
            Error::new(Code::ScheduleUnreadable, "its JSON cannot be read").because(why)
        })
    };
    let read = || {
        Plan {
            queue: queue.map(|queue: String| Queue::parse(queue)).transpose()?,
            payload: json(&payload)?,
            priority,
            catch_up: CatchUp::parse(&catch_up)?,
            overlap: Overlap::parse(&overlap)?,
            stagger,
            ..Plan::new(Rule::from_json(&json(&rule)?)?, Kind::parse(kind)?)
        }
        .checked()
    };
    Ok(read())
}

/// Stores a schedule that counts from now on: what is due at this very instant is due.
///
/// # Errors
/// `SCHED-NAME-002`, `SCHED-NAME-003`, `SCHED-LIMIT-001`, `SCHED-RULE-002`, `JOB-VALUE-001`.
pub(in crate::store) fn create(
    conn: &Connection,
    new: NewSchedule,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const COUNT: &str = "
        SELECT count(*)
        FROM job_schedules";
    let name = &new.name;
    if *name == ScheduleName::SELF_MONITORING {
        return Err(reserved(name));
    }
    if get(conn, name)?.is_some() {
        return Err(Error::new(
            Code::ScheduleExists,
            format!("there is a schedule {name} already"),
        ));
    }
    if conn.prepare_cached(COUNT)?.query_row([], |row| row.get::<_, i64>(0))? >= MAX_SCHEDULES {
        return Err(Error::new(Code::ScheduleLimit, format!("there are {MAX_SCHEDULES} already")));
    }
    let plan = new.plan.checked()?;
    insert(conn, name, &plan, false, actor, now)?;
    record(conn, actor, "add", name, (None, Some(&plan)), now)
}

fn insert(
    conn: &Connection,
    name: &ScheduleName,
    plan: &Plan,
    reserved: bool,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_schedules (name, rule, kind, payload, queue, priority, catch_up, overlap, stagger_ms, reserved,
            cursor_at, next_at, created_at, updated_at, updated_by)
        VALUES (:name, :rule, :kind, :payload, :queue, :priority, :catch_up, :overlap, :stagger_ms, :reserved,
            :cursor, :next, :now, :now, :by)";
    let cursor = just_before(now);
    let next = plan.rule.next_after(cursor).ok_or_else(|| over(name))?;
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":name": name.as_str(),
        ":rule": plan.rule.to_json().to_string(),
        ":kind": plan.kind.as_str(),
        ":payload": plan.payload.to_string(),
        ":queue": plan.queue.as_ref().map(Queue::as_str),
        ":priority": plan.priority,
        ":catch_up": plan.catch_up.to_string(),
        ":overlap": plan.overlap.as_str(),
        ":stagger_ms": plan.stagger.as_millis() as i64,
        ":reserved": reserved,
        ":cursor": cursor.millis(),
        ":next": next.millis(),
        ":now": now.millis(),
        ":by": actor.name,
    })?;
    Ok(())
}

/// What a schedule has seen that begins now.
fn just_before(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.millis() - 1)
}

/// Changes a plan; another rule counts from now on, an interval from its last occurrence. Answers whether the plan is
/// another one since.
///
/// # Errors
/// `SCHED-NAME-001`, `SCHED-NAME-003`, `SCHED-RULE-001`, `SCHED-RULE-002`, `JOB-VALUE-001`.
pub(in crate::store) fn change(
    conn: &Connection,
    name: &ScheduleName,
    change: PlanChange,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let stored = editable(conn, name)?;
    let before = stored.plan.clone().ok();
    let after = change.applied_to(before.clone()).ok_or_else(|| {
        let why = format!("what is stored of {name} cannot be read: name its rule and its kind");
        Error::new(Code::ScheduleUnreadable, why)
    })?;
    let after = after.checked()?;
    if before.as_ref() == Some(&after) {
        return Ok(false);
    }
    let after = set_plan(conn, &stored, after, actor, now)?;
    record(conn, actor, "edit", name, (before.as_ref(), Some(&after)), now)?;
    Ok(true)
}

/// Writes a plan and answers it as it is now. A change is no downtime: what a new rule would have had before now is not
/// missed. A schedule whose first occurrence is due and not decided yet begins anew: what is due at this very instant is
/// due.
fn set_plan(
    conn: &Connection,
    stored: &Schedule,
    mut plan: Plan,
    actor: &Actor,
    now: Timestamp,
) -> Result<Plan> {
    const SQL: &str = "
        UPDATE job_schedules
        SET rule = :rule,
            kind = :kind,
            payload = :payload,
            queue = :queue,
            priority = :priority,
            catch_up = :catch_up,
            overlap = :overlap,
            stagger_ms = :stagger_ms,
            cursor_at = :cursor,
            next_at = :next,
            updated_at = :now,
            updated_by = :by
        WHERE id = :id";
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
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": stored.id,
        ":rule": plan.rule.to_json().to_string(),
        ":kind": plan.kind.as_str(),
        ":payload": plan.payload.to_string(),
        ":queue": plan.queue.as_ref().map(Queue::as_str),
        ":priority": plan.priority,
        ":catch_up": plan.catch_up.to_string(),
        ":overlap": plan.overlap.as_str(),
        ":stagger_ms": plan.stagger.as_millis() as i64,
        ":cursor": cursor.millis(),
        ":next": next.map(Timestamp::millis),
        ":now": now.millis(),
        ":by": actor.name,
    })?;
    Ok(plan)
}

/// Pauses a schedule; answers whether this changed anything. The jobs that it has made stay.
///
/// # Errors
/// `SCHED-NAME-001`, `SCHED-NAME-003`.
pub(in crate::store) fn pause(
    conn: &Connection,
    name: &ScheduleName,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let stored = editable(conn, name)?;
    if stored.paused_at.is_some() {
        return Ok(false);
    }
    set_pause(conn, stored.id, Some(now), actor, now)?;
    record(conn, actor, "pause", name, (None, None), now)?;
    Ok(true)
}

/// Lets it go on; answers whether it was paused. A pause is meant, so what fell into it is no downtime: it is skipped,
/// with one row that says so. Only the catch-up `all:N`, for which every occurrence matters, makes up for it.
///
/// # Errors
/// `SCHED-NAME-001`, `SCHED-NAME-003`.
pub(in crate::store) fn resume(
    conn: &Connection,
    name: &ScheduleName,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let stored = editable(conn, name)?;
    if stored.paused_at.is_none() {
        return Ok(false);
    }
    set_pause(conn, stored.id, None, actor, now)?;
    match &stored.plan {
        Ok(Plan { catch_up: CatchUp::Once | CatchUp::Skip, rule, .. }) => {
            fire::skip_until_now(conn, &stored, rule, now)?;
        }
        Ok(Plan { catch_up: CatchUp::All { .. }, .. }) | Err(_) => {}
    }
    record(conn, actor, "resume", name, (None, None), now)?;
    Ok(true)
}

fn set_pause(
    conn: &Connection,
    id: i64,
    paused_at: Option<Timestamp>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE job_schedules
        SET paused_at = :paused_at, paused_by = :paused_by, updated_at = :now, updated_by = :by
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": id,
        ":paused_at": paused_at.map(Timestamp::millis),
        ":paused_by": paused_at.map(|_| &actor.name),
        ":now": now.millis(),
        ":by": actor.name,
    })?;
    Ok(())
}

/// Removes a schedule with its decisions. The jobs that it made stay.
///
/// # Errors
/// `SCHED-NAME-001`, `SCHED-NAME-003`.
pub(in crate::store) fn remove(
    conn: &Connection,
    name: &ScheduleName,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        DELETE FROM job_schedules
        WHERE id = :id";
    let stored = editable(conn, name)?;
    conn.prepare_cached(SQL)?.execute(named_params! {":id": stored.id})?;
    record(conn, actor, "remove", name, (stored.plan.as_ref().ok(), None), now)
}

/// Stores a job as the schedule makes them, now and by hand: for no occurrence, so that the cadence is not shifted and the
/// overlap policy does not see it, but booked to the schedule, so that its budget holds. A paused schedule can do it too.
///
/// # Errors
/// `SCHED-NAME-001`, `SCHED-RULE-001`; `JOB-LIMIT-001` if too many jobs of its kind wait.
pub(in crate::store) fn run_now(
    conn: &Connection,
    name: &ScheduleName,
    actor: &Actor,
    correlation_id: Option<String>,
    now: Timestamp,
) -> Result<JobId> {
    let stored = existing(conn, name)?;
    let plan = stored.plan.map_err(|why| {
        let unread = format!("what is stored of {name} cannot be read");
        Error::new(Code::ScheduleUnreadable, unread).because(why)
    })?;
    let (trigger, schedule_id) = (Trigger::Manual, Some(stored.id));
    let job = NewJob { trigger, schedule_id, correlation_id, ..job_of(&plan) };
    let id = jobs::insert(conn, &job, now)?.id();
    audit::record(conn, actor, "run_now", &format!("schedule {name}: job {id}"), now)?;
    Ok(id)
}

/// A job as this plan makes them.
fn job_of(plan: &Plan) -> NewJob {
    NewJob {
        payload: plan.payload.clone(),
        queue: plan.queue.clone(),
        priority: plan.priority,
        ..NewJob::new(plan.kind.clone())
    }
}

/// Makes a reserved schedule as the settings have it.
///
/// Switched off, it stays as a paused row with its history; switched on again with the same rule it goes on as after a
/// restart: overdue, it runs once, else it waits. Switched on for the first time, an interval is due at once.
pub(in crate::store) fn follow(
    conn: &Connection,
    ReservedSchedule { name, plan }: ReservedSchedule,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    match (get(conn, &name)?, plan) {
        (None, None) => Ok(()),
        (None, Some(plan)) => insert(conn, &name, &plan.checked()?, true, actor, now),
        (Some(stored), None) if stored.paused_at.is_some() => Ok(()),
        (Some(stored), None) => set_pause(conn, stored.id, Some(now), actor, now),
        (Some(stored), Some(plan)) => {
            let rule = &plan.rule;
            // The same pace keeps its anchor.
            let rule = match &stored.plan {
                Ok(old) if old.rule.is_same_pace(rule) => old.rule.clone(),
                Ok(_) | Err(_) => rule.clone(),
            };
            set_plan(conn, &stored, Plan { rule, ..plan }.checked()?, actor, now)?;
            set_pause(conn, stored.id, None, actor, now)
        }
    }
}

pub(in crate::store) fn get(conn: &Connection, name: &ScheduleName) -> Result<Option<Schedule>> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM job_schedules WHERE name = :name"))?;
    Ok(statement.query_row(named_params! {":name": name.as_str()}, from_row).optional()?)
}

/// The schedules after the first `skip`, by name.
pub(in crate::store) fn list(
    conn: &Connection,
    skip: u64,
    limit: usize,
) -> Result<(Vec<Schedule>, u64)> {
    const COUNT: &str = "
        SELECT count(*)
        FROM job_schedules";
    let sql =
        format!("SELECT {COLUMNS} FROM job_schedules ORDER BY name LIMIT :limit OFFSET :skip");
    let count: i64 = conn.prepare_cached(COUNT)?.query_row([], |row| row.get(0))?;
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":limit": limit as i64, ":skip": skip as i64};
    let schedules = statement.query_map(params, from_row)?;
    Ok((schedules.collect::<rusqlite::Result<_>>()?, count as u64))
}

/// What was decided last, newest first.
pub(in crate::store) fn decisions(
    conn: &Connection,
    id: i64,
    limit: usize,
) -> Result<Vec<PastDecision>> {
    const SQL: &str = "
        SELECT occurrence_at, decision, decided_at, job_id, detail
        FROM job_decisions
        WHERE schedule_id = :id
        ORDER BY occurrence_at DESC
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":id": id, ":limit": limit as i64}, |row| {
        Ok(PastDecision {
            occurrence_at: Timestamp::from_millis(row.get(0)?),
            decision: word(row, 1)?,
            decided_at: Timestamp::from_millis(row.get(2)?),
            job_id: row.get::<_, Option<i64>>(3)?.map(JobId),
            detail: parsed(row, 4, Some)?.unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn existing(conn: &Connection, name: &ScheduleName) -> Result<Schedule> {
    let unknown = || Error::new(Code::ScheduleUnknown, format!("there is no schedule {name}"));
    get(conn, name)?.ok_or_else(unknown)
}

/// One that people edit.
fn editable(conn: &Connection, name: &ScheduleName) -> Result<Schedule> {
    let stored = existing(conn, name)?;
    if stored.reserved { Err(reserved(name)) } else { Ok(stored) }
}

fn reserved(name: &ScheduleName) -> Error {
    Error::new(Code::ScheduleReserved, format!("its settings edit {name}, and nothing else does"))
}

fn over(name: &ScheduleName) -> Error {
    Error::new(Code::ScheduleOver, format!("the rule of {name} has no occurrence to come"))
}

fn record(
    conn: &Connection,
    actor: &Actor,
    action: &str,
    name: &ScheduleName,
    (before, after): (Option<&Plan>, Option<&Plan>),
    now: Timestamp,
) -> Result<()> {
    let words = |plan: Option<&Plan>| plan.map(|plan| plan.to_json().to_string());
    let (before, after) = (words(before), words(after));
    let change = (before.as_deref(), after.as_deref());
    audit::record_change(conn, actor, action, &format!("schedule {name}"), change, now)
}
