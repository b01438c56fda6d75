//! Scans: asking for one, what is going on, the history, the watermark, and a scan's one commit.

use super::filings;
use super::jobs;
use super::{issues, lease, tracker_issues};
use crate::error::Result;
use crate::model::{
    Act, DryRun, FilingState, JobId, Kind, Lease, NewJob, Scan, ScanCommit, ScanCounts,
    ScanFilings, ScanNow, Timestamp, Tracker, Trigger,
};
use crate::store::sqlite::error::unreadable;
use crate::store::sqlite::row::{self, instant, page, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::Deserialize;

/// The columns that [`from_row`] reads, of `jobs j LEFT JOIN self_monitoring_scans s`.
const COLUMNS: &str = "j.id, j.status, j.trigger, j.created_at, j.started_at, j.finished_at, j.error, \
    coalesce(s.rows_examined, 0), coalesce(s.issues_created, 0), coalesce(s.duplicates_skipped, 0), \
    coalesce(s.potential_duplicates_commented, 0), coalesce(s.reopened, 0), coalesce(s.rejected, 0), \
    coalesce(s.rejections, '[]'), s.analyzer, s.model, s.cost_usd, \
    EXISTS (SELECT 1 FROM sessions WHERE job_id = j.id), \
    (SELECT count(*) FROM filings f WHERE f.scan_id = j.id AND f.state <> 'filed' AND f.state <> 'rejected'), \
    CASE WHEN j.payload ->> '$.dry_run' THEN coalesce(j.result, '{}') END, \
    (SELECT json_object( \
        'filed', coalesce(sum(f.state = 'filed'), 0), 'dropped', coalesce(sum(f.state = 'rejected'), 0), \
        'awaiting', coalesce(sum(f.state = 'awaiting_approval'), 0), 'opened', coalesce(sum(f.act = 'open'), 0), \
        'waiting', coalesce(sum(f.error IS NULL AND f.state IN ('pending', 'sending', 'failed')), 0), \
        'refused', coalesce(sum(f.error IS NOT NULL AND f.state IN ('pending', 'sending', 'failed')), 0), \
        'why', max(CASE WHEN f.state NOT IN ('filed', 'rejected') THEN f.error END)) \
    FROM filings f WHERE f.scan_id = j.id)";
const FROM: &str = "FROM jobs j LEFT JOIN self_monitoring_scans s ON s.job_id = j.id";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Scan> {
    Ok(Scan {
        id: JobId(row.get(0)?),
        status: word(row, 1)?,
        trigger: word(row, 2)?,
        created_at: Timestamp::from_millis(row.get(3)?),
        started_at: instant(row, 4)?,
        finished_at: instant(row, 5)?,
        error: row::parsed(row, 6, Some)?,
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
        rejections: issues::texts(row, 13)?,
        analyzer: row::parsed(row, 14, Some)?,
        model: row::parsed(row, 15, Some)?,
        cost_usd: row.get(16)?,
        has_transcript: row.get(17)?,
        dry_run: dry_run(row)?,
    })
}

/// What became of a scan's acts, and how many of them open an issue.
#[derive(Deserialize)]
struct Acts {
    filed: u64,
    dropped: u64,
    awaiting: u64,
    opened: u64,
    waiting: u64,
    refused: u64,
    why: Option<String>,
}

fn filings_of(row: &Row<'_>) -> rusqlite::Result<ScanFilings> {
    let acts: String = row.get(20)?;
    let acts: Acts = serde_json::from_str(&acts).map_err(|_| unreadable(20, "acts of a scan"))?;
    let Acts { filed, dropped, awaiting, opened, waiting, refused, why } = acts;
    // The issues of the local tracker are filed by their own rows.
    let local = (row.get::<_, i64>(8)? as u64).saturating_sub(opened);
    Ok(ScanFilings { filed: filed + local, awaiting, waiting, refused, dropped, why })
}

/// What a dry run says it would do; `None` while it waits or runs.
fn dry_run(row: &Row<'_>) -> rusqlite::Result<Option<DryRun>> {
    let result = row::parsed(row, 19, Some)?;
    Ok(result.map(|text| serde_json::from_str(&text).unwrap_or_default()))
}

/// Scans that start as soon as they can; those that wait for a time of their own do not count.
fn waiting(conn: &Connection) -> Result<u64> {
    const SQL: &str = "
        SELECT count(*)
        FROM jobs
        WHERE kind = 'self_monitoring' AND finished_at IS NULL AND status = 'queued'";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
}

/// Scans that were begun and put off since.
fn put_off(conn: &Connection) -> Result<u64> {
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
          AND (status = 'queued' OR (status = 'scheduled' AND epoch > 0))
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
    Ok(ScanNow {
        running: one("j.status = 'running' AND j.finished_at IS NULL")?,
        waiting: waiting(conn)? + put_off(conn)?,
        first: first(conn)?,
        last: one("j.finished_at IS NOT NULL ORDER BY j.finished_at DESC, j.id DESC")?,
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

/// Writes everything a scan leaves behind, if it still holds its lease (P9).
pub(in crate::store) fn commit(
    conn: &Connection,
    lease: &Lease,
    scan: &ScanCommit,
    now: Timestamp,
) -> Result<()> {
    lease::held(conn, lease)?;
    record(conn, lease.id, scan, now)?;
    set_watermark(conn, &scan.log, scan.log_id_end, now)?;
    file(conn, lease.id, scan, now)?;
    for (issue, rows) in &scan.seen_again {
        issues::seen_again(conn, lease.id, (*issue, *rows), now)?;
    }
    if scan.follow_up && waiting(conn)? == 0 {
        let job = NewJob {
            trigger: Trigger::Parent,
            parent_id: Some(lease.id),
            ..NewJob::new(Kind::SELF_MONITORING)
        };
        jobs::insert(conn, &job, now)?;
    }
    Ok(())
}

/// Stores issues and remarks with what is to be done at the tracker. A new issue of the local one is filed by its own row.
fn file(conn: &Connection, id: JobId, scan: &ScanCommit, now: Timestamp) -> Result<()> {
    let (first, approval) = match scan.tracker {
        Tracker::Local => (FilingState::Filed, false),
        Tracker::Remote { approval: true, .. } => (FilingState::AwaitingApproval, true),
        Tracker::Remote { approval: false, .. } => (FilingState::Pending, false),
    };
    let mut room = filings::room(conn, scan.caps, now)?;
    for (new, posting) in &scan.new_issues {
        let issue = issues::insert(conn, id, (scan.tracker, &scan.home), new, now)?;
        let state = if room > 0 { first } else { FilingState::AwaitingApproval };
        room = room.saturating_sub(u64::from(!approval));
        if scan.tracker != Tracker::Local {
            filings::insert(conn, (id, issue), Act::Open, posting, state, now)?;
        }
    }
    for (remark, posting) in &scan.remarks {
        issues::remark(conn, id, remark, now)?;
        let act = if remark.reopens { Act::Reopen } else { Act::Comment };
        filings::insert(conn, (id, remark.issue), act, posting, first, now)?;
    }
    tracker_issues::explain(conn, id, &scan.home)?;
    if filings::has_pending(conn, id)? {
        filings::wake(conn, Some(id), now)?;
    }
    Ok(())
}

fn record(conn: &Connection, id: JobId, scan: &ScanCommit, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO self_monitoring_scans (
            job_id, log, log_id_start, log_id_end, rows_examined, issues_created, duplicates_skipped,
            potential_duplicates_commented, reopened, rejected, rejections, analyzer, model, cost_usd, committed_at)
        VALUES (
            :job_id, :log, :start, :end, :rows, :created, :skipped,
            :commented, :reopened, :rejected, :rejections, :analyzer, :model, :cost, :now)";
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
        ":model": scan.model,
        ":cost": scan.cost_usd,
        ":now": now.millis(),
    })?;
    Ok(())
}

fn set_watermark(conn: &Connection, log: &str, last: i64, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO log_watermarks (log, last_log_id, updated_at)
        VALUES (:log, :last, :now)
        ON CONFLICT (log) DO UPDATE SET last_log_id = excluded.last_log_id, updated_at = excluded.updated_at";
    let params = named_params! {":log": log, ":last": last, ":now": now.millis()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}
