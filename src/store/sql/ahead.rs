//! What lies further in the future than a clock that only goes forward can explain.

use super::jobs;
use crate::error::Result;
use crate::model::{JobId, PRIORITY_STEP_MS, ScheduleName, Timestamp};
use crate::store::sqlite::dialect;
use crate::store::sqlite::row::text;
use rusqlite::{Connection, named_params};

/// Jobs that one look finds, of each sort.
const MAX_FOUND: i64 = 1_000;

/// What one look has found.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Ahead {
    /// Schedules that have decided what is to come.
    pub(in crate::store) schedules: Vec<ScheduleName>,
    /// Queues whose pause began in the future and has an end, starts of the future that count for a rate, and idempotency keys
    /// of the future.
    pub(in crate::store) others: usize,
    /// Jobs that are queued, so that their time had come.
    pub(in crate::store) queued: Vec<JobId>,
    /// Jobs that were put off at an instant in the future, and that instant; jobs with a delay that were made then.
    pub(in crate::store) parked: Vec<(JobId, Timestamp)>,
}

impl Ahead {
    pub(in crate::store) fn is_empty(&self) -> bool {
        let Self { schedules, others, queued, parked } = self;
        schedules.is_empty() && *others == 0 && queued.is_empty() && parked.is_empty()
    }
}

/// Looks for what lies beyond the instant.
pub(in crate::store) fn find(conn: &Connection, beyond: Timestamp) -> Result<Ahead> {
    const SCHEDULES: &str = "
        SELECT name
        FROM job_schedules
        WHERE cursor_at > :beyond";
    const OTHERS: &str = "
        SELECT (SELECT count(*) FROM job_queues WHERE paused_at > :beyond AND resume_at IS NOT NULL)
            + (SELECT count(*) FROM job_rates WHERE free_at > :beyond AND free_at - length_ms > :beyond)
            + (SELECT count(*) FROM job_keys WHERE created_at > :beyond)";
    // The bounds of the first columns let the partial indexes be walked instead of the table.
    const QUEUED: &str = "
        SELECT id
        FROM (
            SELECT id
            FROM jobs
            WHERE claim_order IS NOT NULL AND queue >= '' AND run_at > :beyond
            LIMIT :limit)
        UNION ALL
        SELECT id
        FROM (
            SELECT id
            FROM jobs
            WHERE waits_for = 'key' AND concurrency_key >= '' AND run_at > :beyond
            LIMIT :limit)
        UNION ALL
        SELECT id
        FROM (
            SELECT id
            FROM jobs
            WHERE waits_for = 'rate' AND kind >= '' AND run_at > :beyond
            LIMIT :limit)";
    // A delay counts from the creation of the job, or from when it was brought back. The job may not be admitted yet.
    const PARKED: &str = "
        SELECT id, since
        FROM (
            SELECT id, CASE parked_by
                WHEN 'delay' THEN coalesce(
                    (SELECT at FROM job_events WHERE job_id = jobs.id AND cause = 'rescheduled' ORDER BY sequence DESC LIMIT 1),
                    created_at)
                ELSE (SELECT at FROM job_events WHERE job_id = jobs.id ORDER BY sequence DESC LIMIT 1)
            END AS since
            FROM jobs
            WHERE parked_by IS NOT NULL AND run_at > :beyond AND finished_at IS NULL
              AND (parked_by = 'delay' OR (status = 'scheduled' AND waits_for IS NULL)))
        WHERE since > :beyond
        LIMIT :limit";
    let beyond = beyond.millis();
    let mut statement = conn.prepare_cached(SCHEDULES)?;
    let names = statement.query_map(named_params! {":beyond": beyond}, |row| text(row, 0))?;
    let names = names.collect::<rusqlite::Result<Vec<_>>>()?;
    let params = named_params! {":beyond": beyond, ":limit": MAX_FOUND};
    let mut statement = conn.prepare_cached(QUEUED)?;
    let queued = statement.query_map(params, |row| row.get(0).map(JobId))?;
    let queued = queued.collect::<rusqlite::Result<_>>()?;
    let mut statement = conn.prepare_cached(PARKED)?;
    let parked = statement
        .query_map(params, |row| Ok((JobId(row.get(0)?), Timestamp::from_millis(row.get(1)?))))?;
    let others: i64 = conn
        .prepare_cached(OTHERS)?
        .query_row(named_params! {":beyond": beyond}, |row| row.get(0))?;
    Ok(Ahead {
        schedules: names.into_iter().filter_map(|name| ScheduleName::parse(name).ok()).collect(),
        others: others as usize,
        queued,
        parked: parked.collect::<rusqlite::Result<_>>()?,
    })
}

/// Lets the starts of the future count for their rates from now on, each for its length.
pub(in crate::store) fn count_from_now(
    conn: &Connection,
    beyond: Timestamp,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE job_rates
        SET free_at = :now + length_ms
        WHERE free_at > :beyond AND free_at - length_ms > :beyond";
    let params = named_params! {":now": now.millis(), ":beyond": beyond.millis()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// Makes these queued jobs due now, each with the place that this gives it; answers how many were ahead.
pub(in crate::store) fn queue_now(
    conn: &Connection,
    ids: &[JobId],
    now: Timestamp,
) -> Result<usize> {
    let sql = format!(
        "UPDATE jobs
         SET run_at = :now,
             claim_order = CASE WHEN claim_order IS NOT NULL THEN :now + priority * {PRIORITY_STEP_MS} END
         WHERE id IN ({}) AND status = 'queued' AND run_at > :now",
        dialect::members(":ids")
    );
    if ids.is_empty() {
        return Ok(0);
    }
    let params = named_params! {":now": now.millis(), ":ids": jobs::list(ids)};
    Ok(conn.prepare_cached(&sql)?.execute(params)?)
}
