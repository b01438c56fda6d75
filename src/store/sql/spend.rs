//! Rows of `spend`, and the budgets that put runs off.

use super::{control, history, jobs, settings};
use crate::error::Result;
use crate::model::settings::{BUDGET_DAY, BUDGET_MONTH};
use crate::model::{
    Actor, Budgets, Cause, Event, Job, JobEvent, JobId, KindRules, OverBudget, SessionRequest,
    Spend, Spent, Status, Timestamp, Verdict, day_of, month_start,
};
use crate::store::sqlite::Tx;
use crate::store::sqlite::row;
use rusqlite::{Connection, named_params};

/// Adds what a run of a job has cost; answers the alarms that this raises.
pub(super) fn add(conn: &Connection, job: &Job, cost: f64, now: Timestamp) -> Result<Vec<String>> {
    const SQL: &str = "
        INSERT INTO job_spend (day, kind, schedule_id, cost_usd, runs)
        VALUES (:day, :kind, :schedule, :cost, 1)
        ON CONFLICT (day, kind, schedule_id) DO UPDATE SET
            cost_usd = cost_usd + excluded.cost_usd,
            runs = runs + 1";
    let before = spent(conn, None, now)?;
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":day": day_of(now),
        ":kind": job.kind.as_str(),
        ":schedule": job.schedule_id.unwrap_or(0),
        ":cost": cost,
    })?;
    Ok(budgets(conn)?.alarms(before, spent(conn, None, now)?))
}

/// What was spent today, this month, and today by this schedule.
pub(in crate::store) fn spent(
    conn: &Connection,
    schedule: Option<i64>,
    now: Timestamp,
) -> Result<Spent> {
    const SQL: &str = "
        SELECT coalesce(sum(cost_usd) FILTER (WHERE day = :day), 0.0),
            coalesce(sum(cost_usd), 0.0),
            coalesce(sum(cost_usd) FILTER (WHERE day = :day AND schedule_id = :schedule), 0.0)
        FROM job_spend
        WHERE day >= :month AND day <= :day";
    let params = named_params! {
        ":day": day_of(now), ":month": month_start(now), ":schedule": schedule.unwrap_or(-1),
    };
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Spent { day: row.get(0)?, month: row.get(1)?, schedule: row.get(2)? })
    };
    Ok(conn.prepare_cached(SQL)?.query_row(params, read)?)
}

/// The budgets as they are set.
pub(in crate::store) fn budgets(conn: &Connection) -> Result<Budgets> {
    Ok(Budgets::of(&settings::read(conn, &[BUDGET_DAY.key, BUDGET_MONTH.key])?))
}

/// Makes the jobs due that a budget has put off, after the budget was changed.
pub(in crate::store) fn lift(conn: &Connection, actor: &Actor, now: Timestamp) -> Result<()> {
    control::lift(conn, Cause::Budget, None, actor, now)
}

/// What was spent on each of the days from `from_day` on, by kind and schedule, newest first.
pub(in crate::store) fn since(conn: &Connection, from_day: i64) -> Result<Vec<Spend>> {
    const SQL: &str = "
        SELECT day, kind, schedule_id, cost_usd, runs
        FROM job_spend
        WHERE day >= :from
        ORDER BY day DESC, kind, schedule_id
        LIMIT 10000";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":from": from_day}, |row| {
        Ok(Spend {
            day: row.get(0)?,
            kind: row::text(row, 1)?,
            schedule_id: Some(row.get::<_, i64>(2)?).filter(|id| *id != 0),
            cost_usd: row.get(3)?,
            runs: row.get::<_, i64>(4)? as u64,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Puts off those of the chosen jobs that a budget forbids, until its next period (P25); answers the others.
pub(super) fn put_off(
    tx: &Tx<'_>,
    chosen: Vec<JobId>,
    kinds: &[KindRules],
    now: Timestamp,
) -> Result<Vec<JobId>> {
    if !kinds.iter().any(|rules| rules.metered) {
        return Ok(chosen);
    }
    let mut allowed = Vec::with_capacity(chosen.len());
    for id in chosen {
        match over(tx, id, kinds, now)? {
            Some((job, over)) => wait(tx, &job, &over, now)?,
            None => allowed.push(id),
        }
    }
    Ok(allowed)
}

fn over(
    conn: &Connection,
    id: JobId,
    kinds: &[KindRules],
    now: Timestamp,
) -> Result<Option<(Job, OverBudget)>> {
    const KIND: &str = "
        SELECT kind
        FROM jobs
        WHERE id = :id";
    let metered =
        |kind: &str| kinds.iter().any(|rules| rules.kind.as_str() == kind && rules.metered);
    let params = named_params! {":id": id.0};
    let kind: String = conn.prepare_cached(KIND)?.query_row(params, |row| row::text(row, 0))?;
    if !metered(&kind) {
        return Ok(None);
    }
    let Some(job) = jobs::get(conn, id)? else { return Ok(None) };
    let spent = spent(conn, job.schedule_id, now)?;
    let over = budgets(conn)?.over(spent, of_schedule(&job), now);
    Ok(over.map(|over| (job, over)))
}

/// What the jobs of its schedule may cost a day, as the job's payload says.
pub(super) fn of_schedule(job: &Job) -> Option<f64> {
    let request = job.schedule_id.and_then(|_| serde_json::from_str(&job.payload).ok());
    request.and_then(|request: SessionRequest| request.budget_day_usd)
}

fn wait(tx: &Tx<'_>, job: &Job, over: &OverBudget, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET status = 'scheduled', run_at = :until, claim_order = NULL, key_slot = NULL
        WHERE id = :id";
    const DECISION: &str = "
        UPDATE job_decisions
        SET decision = :decision, detail = :reason
        WHERE schedule_id = :schedule AND occurrence_at = :at";
    let params = named_params! {":id": job.id.0, ":until": over.until.millis()};
    tx.prepare_cached(SQL)?.execute(params)?;
    tx.moved(job, Status::Scheduled, job.queue.as_ref());
    tx.took(JobEvent::of(job, Status::Scheduled, Some(Cause::Budget), now));
    // A session that another session made has no decision about the occurrence.
    if let (Some(occurrence), None) = (job.occurrence, job.parent_id) {
        tx.prepare_cached(DECISION)?.execute(named_params! {
            ":schedule": occurrence.schedule_id,
            ":at": occurrence.at.millis(),
            ":decision": Verdict::OverBudget.as_str(),
            ":reason": over.reason,
        })?;
    }
    let event = Event {
        at: now,
        from: Some(Status::Queued),
        to: Status::Scheduled,
        cause: Ok(Cause::Budget),
        actor: "poller".into(),
        detail: Some(over.reason.clone()),
    };
    history::record(tx, job.id, &event)
}
