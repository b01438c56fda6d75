//! The poller's part of schedules: it decides what is due, and writes decisions, jobs and cursor in one transaction.
//!
//! That transaction is the poll's own (P16).

use super::super::jobs;
use super::{COLUMNS, from_row, job_of};
use crate::error::{Code, Result};
use crate::model::{
    Decision, NewJob, Occurrence, Overlap, Plan, Rule, Schedule, Situation, Timestamp, Trigger,
    Verdict, decide,
};
use crate::store::sqlite::Tx;
use crate::warn_coded;
use rusqlite::{Connection, OptionalExtension, named_params};

/// Schedules that one poll decides: other writers wait for its transaction. Those left are due still, so that the poller
/// looks again at once.
const MAX_DUE: usize = 100;

/// Decides what is due.
pub(in super::super) fn fire(tx: &Tx<'_>, now: Timestamp) -> Result<usize> {
    let due = due(tx, now)?;
    for schedule in &due {
        match &schedule.plan {
            Ok(plan) => decide_one(tx, schedule, plan, now)?,
            Err(why) => set_aside(tx, schedule, why, now)?,
        }
    }
    Ok(due.len())
}

/// When the next schedule is due.
pub(in super::super) fn next_due(conn: &Connection) -> Result<Option<Timestamp>> {
    const SQL: &str = "
        SELECT next_at
        FROM job_schedules
        WHERE next_at IS NOT NULL AND paused_at IS NULL
        ORDER BY next_at
        LIMIT 1";
    let next: Option<i64> = conn.prepare_cached(SQL)?.query_row([], |row| row.get(0)).optional()?;
    Ok(next.map(Timestamp::from_millis))
}

fn due(conn: &Connection, now: Timestamp) -> Result<Vec<Schedule>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM job_schedules
         WHERE next_at <= :now AND next_at IS NOT NULL AND paused_at IS NULL
         ORDER BY next_at
         LIMIT :limit"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":now": now.millis(), ":limit": MAX_DUE as i64};
    let schedules = statement.query_map(params, from_row)?;
    Ok(schedules.collect::<rusqlite::Result<_>>()?)
}

fn decide_one(tx: &Tx<'_>, schedule: &Schedule, plan: &Plan, now: Timestamp) -> Result<()> {
    let (waiting, running) = match plan.overlap {
        Overlap::QueueAll => (false, false),
        Overlap::QueueOne | Overlap::Skip => open_jobs(tx, schedule.id)?,
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
    advance(tx, schedule.id, decided.cursor, last, decided.next)
}

/// Whether jobs of a schedule's occurrences wait, and whether one runs. Jobs that a person started from it do not count.
fn open_jobs(conn: &Connection, id: i64) -> Result<(bool, bool)> {
    const SQL: &str = "
        SELECT EXISTS (
                SELECT 1 FROM jobs
                WHERE schedule_id = :id AND schedule_id IS NOT NULL AND finished_at IS NULL
                  AND occurrence_at IS NOT NULL AND (status = 'queued' OR status = 'scheduled')),
            EXISTS (
                SELECT 1 FROM jobs
                WHERE schedule_id = :id AND schedule_id IS NOT NULL AND finished_at IS NULL
                  AND occurrence_at IS NOT NULL AND status = 'running')";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    Ok(conn.prepare_cached(SQL)?.query_row(named_params! {":id": id}, read)?)
}

/// Writes a decision, and its job if it makes one. An occurrence that was decided before stays as it was decided,
/// wherever a foreign hand has put the cursor (P16).
fn carry_out(
    conn: &Connection,
    schedule_id: i64,
    plan: &Plan,
    decision: &Decision,
    now: Timestamp,
) -> Result<()> {
    const MADE: &str = "
        UPDATE job_decisions
        SET job_id = :job_id
        WHERE schedule_id = :id AND occurrence_at = :at";
    let at = decision.occurrence_at;
    if !record(conn, schedule_id, at, decision.verdict, &decision.detail, now)? {
        return Ok(());
    }
    let Some(run_at) = decision.run_at else { return Ok(()) };
    let job = NewJob {
        trigger: Trigger::Scheduled,
        run_at: Some(run_at),
        occurrence: Some(Occurrence { schedule_id, at }),
        ..job_of(plan)
    };
    let job = jobs::insert(conn, &job, now)?.id();
    let params = named_params! {":id": schedule_id, ":at": at.millis(), ":job_id": job.0};
    conn.prepare_cached(MADE)?.execute(params)?;
    Ok(())
}

/// Writes a decision down; answers whether there was none about this occurrence.
fn record(
    conn: &Connection,
    schedule_id: i64,
    occurrence_at: Timestamp,
    verdict: Verdict,
    detail: &str,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        INSERT INTO job_decisions (schedule_id, occurrence_at, decision, decided_at, detail)
        VALUES (:id, :at, :decision, :now, :detail)
        ON CONFLICT (schedule_id, occurrence_at) DO NOTHING";
    let rows = conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": schedule_id,
        ":at": occurrence_at.millis(),
        ":decision": verdict.as_str(),
        ":now": now.millis(),
        ":detail": (!detail.is_empty()).then_some(detail),
    })?;
    Ok(rows > 0)
}

fn advance(
    conn: &Connection,
    id: i64,
    cursor: Timestamp,
    last: Option<Timestamp>,
    next: Option<Timestamp>,
) -> Result<()> {
    const SQL: &str = "
        UPDATE job_schedules
        SET cursor_at = :cursor, last_at = coalesce(:last, last_at), next_at = :next
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": id,
        ":cursor": cursor.millis(),
        ":last": last.map(Timestamp::millis),
        ":next": next.map(Timestamp::millis),
    })?;
    Ok(())
}

/// Decides that everything up to now is left out, because it fell into a pause.
pub(super) fn skip_until_now(
    conn: &Connection,
    schedule: &Schedule,
    rule: &Rule,
    now: Timestamp,
) -> Result<()> {
    let last = rule.latest_between(schedule.cursor_at, now);
    if let (Some(first), Some(last)) = (rule.next_after(schedule.cursor_at), last) {
        let detail = if first == last {
            "it fell into a pause".to_owned()
        } else {
            format!("it and those up to {last} fell into a pause")
        };
        record(conn, schedule.id, first, Verdict::Skipped, &detail, now)?;
    }
    let cursor = schedule.cursor_at.max(now);
    advance(conn, schedule.id, cursor, last, rule.next_after(cursor))
}

/// Takes a schedule that cannot be read out of what is due, with the reason in its history and in the log.
fn set_aside(conn: &Connection, schedule: &Schedule, why: &str, now: Timestamp) -> Result<()> {
    let name = &schedule.name;
    warn_coded!(Code::ScheduleUnreadable, "the schedule {name} makes no jobs any more: {why}");
    let detail = format!("the stored schedule cannot be read: {why}");
    let at = schedule.next_at.unwrap_or(now);
    record(conn, schedule.id, at, Verdict::Skipped, &detail, now)?;
    advance(conn, schedule.id, schedule.cursor_at, None, None)
}
