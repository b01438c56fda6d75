//! Past occurrences with their jobs: `job_decisions` beside `jobs`, and the pauses of `job_audit`.

use super::history;
use crate::error::Result;
use crate::model::{
    JobId, PastDecision, PastRun, PastRuns, PauseDeed, Queue, RunJob, ScheduleName, Timestamp,
};
use crate::store::sqlite::row::{instant, optional_text, parsed, text, word};
use rusqlite::{Connection, Row, named_params};

/// How many of the newest rows of the audit log are looked through for pauses: what people do by hand in some weeks.
const AUDIT_ROWS: i64 = 1000;

/// The last occurrences of a schedule that were decided, each with its job, and what people did to pauses. Every row is
/// reached by its key.
pub(in crate::store) fn of(
    conn: &Connection,
    (id, name): (i64, &ScheduleName),
    limit: usize,
) -> Result<PastRuns> {
    // An error may be as long as a log; a sentence has its beginning.
    const SQL: &str = "
        SELECT d.occurrence_at, d.decision, d.decided_at, d.job_id, d.detail, j.status, j.queue, j.run_at, j.attempt,
            coalesce((
                SELECT a.started_at
                FROM job_attempts a
                WHERE a.job_id = j.id
                ORDER BY a.epoch
                LIMIT 1), j.started_at),
            j.finished_at,
            substr(coalesce(j.error, (
                SELECT a.error
                FROM job_attempts a
                WHERE a.job_id = j.id AND a.error IS NOT NULL
                ORDER BY a.epoch DESC
                LIMIT 1)), 1, 400)
        FROM job_decisions d
        LEFT JOIN jobs j ON j.id = d.job_id
        WHERE d.schedule_id = :id
        ORDER BY d.occurrence_at DESC
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":id": id, ":limit": limit as i64}, from_row)?;
    let mut runs = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    for job in runs.iter_mut().filter_map(|run| run.job.as_mut()) {
        let mut steps = history::ends(conn, job.id)?.into_iter();
        (job.first_step, job.last_step) = (steps.next(), steps.next());
    }
    Ok(PastRuns { runs, deeds: deeds(conn, name)? })
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<PastRun> {
    let job_id = row.get::<_, Option<i64>>(3)?.map(JobId);
    let decision = PastDecision {
        occurrence_at: Timestamp::from_millis(row.get(0)?),
        decision: word(row, 1)?,
        decided_at: Timestamp::from_millis(row.get(2)?),
        job_id,
        detail: optional_text(row, 4)?.unwrap_or_default(),
        job_status: optional_text(row, 5)?.and_then(|status| status.parse().ok()),
    };
    let (Some(id), Some(status)) = (job_id, decision.job_status) else {
        return Ok(PastRun { decision, job: None });
    };
    let job = RunJob {
        id,
        status,
        queue: parsed(row, 6, |text| Queue::parse(text).ok())?,
        run_at: Timestamp::from_millis(row.get(7)?),
        attempt: row.get(8)?,
        started_at: instant(row, 9)?,
        finished_at: instant(row, 10)?,
        error: optional_text(row, 11)?,
        first_step: None,
        last_step: None,
    };
    Ok(PastRun { decision, job: Some(job) })
}

/// The pauses of queues and of this schedule among the newest rows of the audit log, the oldest first.
fn deeds(conn: &Connection, name: &ScheduleName) -> Result<Vec<PauseDeed>> {
    const SQL: &str = "
        SELECT at, actor, subject, action = 'pause', CASE action WHEN 'pause' THEN after ELSE before END
        FROM (
            SELECT id, at, actor, action, subject, before, after
            FROM job_audit
            ORDER BY id DESC
            LIMIT :rows) a
        WHERE (action = 'pause' OR action = 'resume') AND (subject = :schedule OR subject LIKE 'queue %')
        ORDER BY id";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":rows": AUDIT_ROWS, ":schedule": format!("schedule {name}")};
    let rows = statement.query_map(params, |row| {
        Ok(PauseDeed {
            at: Timestamp::from_millis(row.get(0)?),
            by: text(row, 1)?,
            subject: text(row, 2)?,
            paused: row.get(3)?,
            reason: optional_text(row, 4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
