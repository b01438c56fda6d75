//! Rows of `self_monitoring_scans` and `log_watermarks`: what is going on, the history, how far a log is examined.

use super::issues;
use crate::error::Result;
use crate::model::{
    DryRun, JobId, LogMark, Scan, ScanCommit, ScanCounts, ScanFilings, ScanNow, Timestamp,
};
use crate::store::sqlite::dialect;
use crate::store::sqlite::row::{self, instant, optional_text, page, text, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::Value;

/// The columns that [`from_row`] reads, of `jobs j LEFT JOIN self_monitoring_scans s`.
const COLUMNS: &str = "j.id, j.status, j.trigger, j.created_at, j.started_at, j.finished_at, j.error, \
    coalesce(s.rows_examined, 0), coalesce(s.issues_created, 0), coalesce(s.duplicates_skipped, 0), \
    coalesce(s.potential_duplicates_commented, 0), coalesce(s.reopened, 0), coalesce(s.rejected, 0), \
    coalesce(s.rejections, '[]'), s.analyzer, s.model, s.cost_usd, \
    EXISTS (SELECT 1 FROM sessions WHERE job_id = j.id), \
    (SELECT count(*) FROM filings f WHERE f.scan_id = j.id AND f.state <> 'filed' AND f.state <> 'rejected'), \
    j.payload, j.result, \
    (SELECT count(*) FROM filings f WHERE f.scan_id = j.id AND f.state = 'filed'), \
    (SELECT count(*) FROM filings f WHERE f.scan_id = j.id AND f.state = 'rejected' AND f.act <> 'close'), \
    (SELECT count(*) FROM filings f WHERE f.scan_id = j.id AND f.state = 'awaiting_approval'), \
    (SELECT count(*) FROM filings f WHERE f.scan_id = j.id AND f.error IS NOT NULL \
        AND f.state <> 'filed' AND f.state <> 'rejected' AND f.state <> 'awaiting_approval'), \
    (SELECT count(*) FROM filings f WHERE f.scan_id = j.id AND f.act = 'open'), \
    (SELECT max(f.error) FROM filings f WHERE f.scan_id = j.id AND f.state <> 'filed' AND f.state <> 'rejected'), \
    s.fallback, s.duplicates_kept, \
    (SELECT count(*) FROM filings f WHERE f.scan_id = j.id AND f.state = 'rejected' AND f.act = 'close'), \
    (SELECT max(f.error) FROM filings f WHERE f.scan_id = j.id AND f.state = 'rejected' AND f.act = 'close')";
const FROM: &str = "FROM jobs j LEFT JOIN self_monitoring_scans s ON s.job_id = j.id";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Scan> {
    Ok(Scan {
        id: JobId(row.get(0)?),
        status: word(row, 1)?,
        trigger: word(row, 2)?,
        created_at: Timestamp::from_millis(row.get(3)?),
        started_at: instant(row, 4)?,
        finished_at: instant(row, 5)?,
        error: row::optional_text(row, 6)?,
        counts: ScanCounts {
            rows_examined: row.get::<_, i64>(7)? as u64,
            issues_created: row.get::<_, i64>(8)? as u64,
            duplicates_skipped: row.get::<_, i64>(9)? as u64,
            potential_duplicates_commented: row.get::<_, i64>(10)? as u64,
            reopened: row.get::<_, i64>(11)? as u64,
            rejected: row.get::<_, i64>(12)? as u64,
            waiting: row.get::<_, i64>(18)? as u64,
        },
        filings: filings_of(row)?,
        duplicates_kept: row::optional_text(row, 28)?,
        rejections: issues::texts(row, 13)?,
        analyzer: row::optional_text(row, 14)?,
        fallback: row::optional_text(row, 27)?,
        model: row::optional_text(row, 15)?,
        cost_usd: row.get(16)?,
        has_transcript: row.get(17)?,
        dry_run: dry_run(row)?,
    })
}

/// What became of a scan's acts. The issues of the local tracker are filed by their own rows.
fn filings_of(row: &Row<'_>) -> rusqlite::Result<ScanFilings> {
    let number = |column| row.get::<_, i64>(column).map(|number| number as u64);
    let (unfinished, awaiting, refused) = (number(18)?, number(23)?, number(24)?);
    let local = number(8)?.saturating_sub(number(25)?);
    Ok(ScanFilings {
        filed: number(21)? + local,
        awaiting,
        waiting: unfinished.saturating_sub(awaiting + refused),
        refused,
        dropped: number(22)?,
        why: row::optional_text(row, 26)?,
        kept: number(29)?,
        kept_why: row::optional_text(row, 30)?,
    })
}

/// What a dry run says it would do, nothing while it waits or runs; `None` for any other scan.
fn dry_run(row: &Row<'_>) -> rusqlite::Result<Option<DryRun>> {
    let payload = row::optional_text(row, 19)?;
    let payload = payload.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    if !payload.is_some_and(|payload| payload["dry_run"] == true) {
        return Ok(None);
    }
    let result = row::optional_text(row, 20)?;
    Ok(Some(result.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()))
}

/// Scans that start as soon as they can; those that wait for a time of their own do not count.
pub(in crate::store) fn count_waiting(conn: &Connection) -> Result<u64> {
    const SQL: &str = "
        SELECT count(*)
        FROM jobs
        WHERE kind = 'self_monitoring' AND finished_at IS NULL AND status = 'queued'";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
}

/// Scans that were begun and put off since.
fn count_put_off(conn: &Connection) -> Result<u64> {
    const SQL: &str = "
        SELECT count(*)
        FROM jobs
        WHERE kind = 'self_monitoring' AND finished_at IS NULL AND status = 'scheduled' AND epoch > 0";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
}

/// The scan that starts first of those that wait.
fn first(conn: &Connection) -> Result<Option<JobId>> {
    const SQL: &str = "
        SELECT id
        FROM jobs
        WHERE kind = 'self_monitoring' AND finished_at IS NULL
          AND (status = 'queued' OR status = 'scheduled') AND (status = 'queued' OR epoch > 0)
        ORDER BY status = 'scheduled', claim_order IS NULL, claim_order, run_at, id
        LIMIT 1";
    let first = conn.prepare_cached(SQL)?.query_row([], |row| row.get(0).map(JobId)).optional()?;
    Ok(first)
}

pub(in crate::store) fn now(conn: &Connection) -> Result<ScanNow> {
    let one = |condition: &str| -> Result<Option<Scan>> {
        let sql = format!(
            "SELECT {COLUMNS} {FROM} WHERE j.kind = 'self_monitoring' AND {condition} LIMIT 1"
        );
        Ok(conn.prepare_cached(&sql)?.query_row([], from_row).optional()?)
    };
    // SQLite would look through all that ended, and sort them.
    let last = format!(
        "j.id = (
             SELECT id
             FROM {}
             WHERE kind = 'self_monitoring' AND finished_at IS NOT NULL
             ORDER BY finished_at DESC, id DESC
             LIMIT 1)",
        dialect::by_index("jobs", "jobs_ended_scans")
    );
    Ok(ScanNow {
        running: one("j.status = 'running' AND j.finished_at IS NULL")?,
        waiting: count_waiting(conn)? + count_put_off(conn)?,
        first: first(conn)?,
        last: one(&last)?,
    })
}

/// The newest scans after the first `skip`, and how many there are.
pub(in crate::store) fn history(
    conn: &Connection,
    skip: u64,
    limit: usize,
) -> Result<(Vec<Scan>, u64)> {
    const COUNT: &str = "
        SELECT count(*)
        FROM jobs
        WHERE kind = 'self_monitoring'";
    let sql = format!(
        "SELECT {COLUMNS} {FROM}
         WHERE j.kind = 'self_monitoring'
         ORDER BY j.id DESC
         LIMIT :limit OFFSET :skip"
    );
    page(conn, (COUNT, &sql), (skip, limit), from_row)
}

/// One scan.
pub(in crate::store) fn find(conn: &Connection, id: JobId) -> Result<Option<Scan>> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE j.kind = 'self_monitoring' AND j.id = :id");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(named_params! {":id": id.0}, from_row).optional()?)
}

/// What a scan has committed, `None` before its commit.
pub(in crate::store) fn committed(conn: &Connection, id: JobId) -> Result<Option<ScanCounts>> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE j.id = :id AND s.job_id IS NOT NULL");
    let scan =
        conn.prepare_cached(&sql)?.query_row(named_params! {":id": id.0}, from_row).optional()?;
    Ok(scan.map(|scan| scan.counts))
}

/// The last row of this log database that was examined, 0 at first.
pub(in crate::store) fn watermark(conn: &Connection, log: &str) -> Result<i64> {
    const SQL: &str = "
        SELECT last_log_id
        FROM log_watermarks
        WHERE log = :log";
    let mark = conn
        .prepare_cached(SQL)?
        .query_row(named_params! {":log": log}, |row| row.get(0))
        .optional()?;
    Ok(mark.unwrap_or(0))
}

/// How far logs were examined, those of other programs alone: of one name, and the latest of the others.
pub(in crate::store) fn foreign_marks(conn: &Connection, log: &str) -> Result<Vec<LogMark>> {
    const SQL: &str = "
        SELECT log, last_log_id, last_row
        FROM log_watermarks
        WHERE log = :log OR last_row IS NOT NULL
        ORDER BY log <> :log, updated_at DESC
        LIMIT 100";
    let mut statement = conn.prepare_cached(SQL)?;
    let mark = |row: &Row<'_>| {
        Ok(LogMark { log: text(row, 0)?, id: row.get(1)?, row: optional_text(row, 2)? })
    };
    let marks = statement.query_map(named_params! {":log": log}, mark)?;
    Ok(marks.collect::<rusqlite::Result<_>>()?)
}

/// Stores what a scan did.
pub(in crate::store) fn insert(
    conn: &Connection,
    id: JobId,
    scan: &ScanCommit,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO self_monitoring_scans (
            job_id, log, log_id_start, log_id_end, rows_examined, issues_created, duplicates_skipped,
            potential_duplicates_commented, reopened, rejected, rejections, analyzer, fallback, model, cost_usd,
            duplicates_kept, committed_at)
        VALUES (
            :job_id, :log, :start, :end, :rows, :created, :skipped,
            :commented, :reopened, :rejected, :rejections, :analyzer, :fallback, :model, :cost,
            :kept, :now)";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":job_id": id.0,
        ":log": scan.log,
        ":start": scan.log_id_start,
        ":end": scan.log_id_end,
        ":rows": scan.counts.rows_examined as i64,
        ":created": scan.counts.issues_created as i64,
        ":skipped": scan.counts.duplicates_skipped as i64,
        ":commented": scan.counts.potential_duplicates_commented as i64,
        ":reopened": scan.counts.reopened as i64,
        ":rejected": scan.counts.rejected as i64,
        ":rejections": serde_json::json!(scan.rejections).to_string(),
        ":analyzer": scan.analyzer,
        ":fallback": scan.fallback,
        ":model": scan.model,
        ":cost": scan.cost_usd,
        ":kept": scan.duplicates.kept,
        ":now": now.millis(),
    })?;
    Ok(())
}

/// Writes how far this log database is examined.
pub(in crate::store) fn set_watermark(
    conn: &Connection,
    mark: &LogMark,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO log_watermarks (log, last_log_id, last_row, updated_at)
        VALUES (:log, :last, :row, :now)
        ON CONFLICT (log) DO UPDATE
        SET last_log_id = excluded.last_log_id, last_row = excluded.last_row, updated_at = excluded.updated_at";
    let LogMark { log, id, row } = mark;
    let params = named_params! {":log": log, ":last": id, ":row": row, ":now": now.millis()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}
