//! Rows of `job_spend`: what runs have cost; and the budgets as they are set.

use super::settings;
use crate::error::Result;
#[cfg(feature = "agents")]
use crate::model::Job;
use crate::model::settings::{BUDGET_DAY, BUDGET_MONTH};
use crate::model::{Budgets, Spent, Timestamp, day_of, month_start};
#[cfg(feature = "agents")]
use crate::model::{Cost, JobId, Spend};
#[cfg(feature = "agents")]
use crate::store::sqlite::row;
use rusqlite::{Connection, named_params};

/// Adds what a run of a job has cost.
#[cfg(feature = "agents")]
pub(in crate::store) fn add(
    conn: &Connection,
    job: &Job,
    cost: Cost,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_spend (day, kind, schedule_id, cost_usd, runs, at_least)
        VALUES (:day, :kind, :schedule, :cost, 1, :at_least)
        ON CONFLICT (day, kind, schedule_id) DO UPDATE SET
            cost_usd = cost_usd + excluded.cost_usd,
            runs = runs + 1,
            at_least = at_least + excluded.at_least";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":day": day_of(now),
        ":kind": job.kind.as_str(),
        ":schedule": job.schedule_id.unwrap_or(0),
        ":cost": cost.usd,
        ":at_least": cost.is_at_least,
    })?;
    Ok(())
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

/// What running jobs but this one may still spend, all of them and those of this schedule.
#[cfg(feature = "agents")]
pub(in crate::store) fn reserved(
    conn: &Connection,
    but: JobId,
    schedule: Option<i64>,
) -> Result<Spent> {
    const SQL: &str = "
        SELECT coalesce(sum(r.usd), 0.0), coalesce(sum(r.usd) FILTER (WHERE r.schedule_id = :schedule), 0.0)
        FROM job_reserves r
        JOIN jobs j ON j.id = r.job_id
        WHERE j.status = 'running' AND r.job_id <> :but";
    let params = named_params! {":but": but.0, ":schedule": schedule.unwrap_or(-1)};
    let read = |row: &rusqlite::Row<'_>| {
        let all = row.get(0)?;
        Ok(Spent { day: all, month: all, schedule: row.get(1)? })
    };
    Ok(conn.prepare_cached(SQL)?.query_row(params, read)?)
}

/// Writes what a running job may spend; what jobs left that do not run is gone.
#[cfg(feature = "agents")]
pub(in crate::store) fn reserve(conn: &Connection, job: &Job, usd: f64) -> Result<()> {
    const CLEAR: &str = "
        DELETE FROM job_reserves
        WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = job_reserves.job_id AND status = 'running')";
    const SQL: &str = "
        INSERT INTO job_reserves (job_id, schedule_id, usd)
        VALUES (:id, :schedule, :usd)
        ON CONFLICT (job_id) DO UPDATE SET usd = excluded.usd";
    conn.prepare_cached(CLEAR)?.execute([])?;
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": job.id.0, ":schedule": job.schedule_id.unwrap_or(0), ":usd": usd,
    })?;
    Ok(())
}

/// Gives back what a job has reserved: its run is paid.
#[cfg(feature = "agents")]
pub(in crate::store) fn release(conn: &Connection, id: JobId) -> Result<()> {
    const SQL: &str = "DELETE FROM job_reserves WHERE job_id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id.0})?;
    Ok(())
}

/// The budgets as they are set.
pub(in crate::store) fn budgets(conn: &Connection) -> Result<Budgets> {
    Ok(Budgets::of(&settings::read(conn, &[BUDGET_DAY.key, BUDGET_MONTH.key])?))
}

/// What was spent on each of the days from `from_day` on, by kind and schedule, newest first.
#[cfg(feature = "agents")]
pub(in crate::store) fn since(conn: &Connection, from_day: i64) -> Result<Vec<Spend>> {
    const SQL: &str = "
        SELECT day, kind, schedule_id, cost_usd, runs, at_least
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
            at_least: row.get::<_, i64>(5)? as u64,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
