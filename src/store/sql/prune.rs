//! Retention: removes old jobs that are over and other old rows, a bounded slice at a time.

use super::{idempotency, references, settings};
use crate::error::Result;
use crate::model::settings::retention_of;
use crate::model::{Kind, KindRules, Queue, Retention, Status, Timestamp};
use crate::store::sqlite::{Tx, ledger, row};
use rusqlite::{Connection, named_params};
use std::time::Duration;

/// Rows that one slice removes or looks at: some ten milliseconds of work, for which every other call waits.
const SLICE: usize = 500;
/// How long closed issues are kept.
const ISSUES: Duration = Duration::from_hours(365 * 24);
/// Pieces of transcripts that one slice removes: some ten megabytes.
const PIECES: usize = 200;
/// How long decisions of schedules are kept: a season of daily ones for their page.
const DECISIONS: Duration = Duration::from_hours(90 * 24);

/// Nothing of a job's transcript is left.
const WHOLE: &str = "AND NOT EXISTS (SELECT 1 FROM transcript_pieces WHERE job_id = jobs.id)";

/// Removes a slice of everything that is over and old; answers whether there may be more.
pub(in crate::store) fn prune(tx: &Tx<'_>, rules: &[KindRules], now: Timestamp) -> Result<bool> {
    let mut left = SLICE;
    let has_program = ledger::has_program(tx)?;
    let unreferenced = references::none_leads_here(tx)?;
    for kind in kinds(tx)? {
        let known = rules.iter().find(|rules| rules.kind == kind);
        let retention = known.map_or_else(Retention::default, |rules| rules.retention);
        let retention = operators(tx, &kind)?.unwrap_or(retention);
        for status in [Status::Completed, Status::Failed, Status::Cancelled] {
            if let Some(kept) = retention.of(status) {
                let before = before(now, kept);
                if has_program {
                    left -= transcripts(tx, (&kind, status), before, left, &unreferenced)?;
                }
                let whole = format!("{} {unreferenced}", if has_program { WHOLE } else { "" });
                left -= final_jobs(tx, (&kind, status), before, left, &whole)?;
            }
        }
    }
    left -= idempotency::prune(tx, left, now)?;
    left -= decisions(tx, before(now, DECISIONS), left)?;
    if has_program {
        left -= issues(tx, before(now, ISSUES), left)?;
    }
    Ok(left == 0)
}

/// The retention that an operator has set for the jobs of a kind, or else for all kinds without one.
fn operators(conn: &Connection, kind: &Kind) -> Result<Option<Retention>> {
    let set = settings::get(conn, retention_of(kind).key)?;
    let days = set.and_then(|setting| setting.value.as_u64());
    let length = |days: u64| Retention::all(Duration::from_secs(days.saturating_mul(24 * 60 * 60)));
    Ok(days.filter(|days| *days > 0).map(length))
}

/// Closed issues that nobody has met for as long as a scan is kept.
fn issues(conn: &Connection, seen_before: i64, limit: usize) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM self_monitoring_issues
        WHERE id IN (
            SELECT id
            FROM self_monitoring_issues
            WHERE state = 'closed' AND last_seen_at < :before
            LIMIT :limit)";
    let params = named_params! {":before": seen_before, ":limit": limit as i64};
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}

fn before(now: Timestamp, kept: Duration) -> i64 {
    now.millis().saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX))
}

/// The kinds that have final jobs, by the counts. The recount adds the rows of other programs first.
fn kinds(conn: &Connection) -> Result<Vec<Kind>> {
    const SQL: &str = "
        SELECT DISTINCT kind
        FROM job_counts
        WHERE count > 0 AND (status = 'completed' OR status = 'failed' OR status = 'cancelled')";
    let mut statement = conn.prepare_cached(SQL)?;
    let kinds = statement.query_map([], |row| row::kind(row, 0))?;
    Ok(kinds.collect::<rusqlite::Result<_>>()?)
}

fn final_jobs(
    tx: &Tx<'_>,
    (kind, status): (&Kind, Status),
    finished_before: i64,
    limit: usize,
    whole: &str,
) -> Result<usize> {
    let mut statement = tx.prepare_cached(&format!(
        "
        DELETE FROM jobs
        WHERE id IN (
            SELECT id
            FROM jobs
            WHERE kind = :kind AND status = :status AND finished_at IS NOT NULL AND finished_at < :before
              {whole}
            ORDER BY finished_at
            LIMIT :limit)
        RETURNING queue, counted"
    ))?;
    let mut rows = statement.query(named_params! {
        ":kind": kind.as_str(),
        ":status": status.as_str(),
        ":before": finished_before,
        ":limit": limit as i64,
    })?;
    let mut removed = 0;
    while let Some(row) = rows.next()? {
        removed += 1;
        if row.get(1)? {
            let queue = row::parsed(row, 0, |name| Queue::parse(name).ok())?;
            tx.left(status, kind, queue.as_ref());
        }
    }
    Ok(removed)
}

/// The transcripts of jobs that are to go, a few megabytes at a time: a job goes when nothing of its own is left.
fn transcripts(
    conn: &Connection,
    (kind, status): (&Kind, Status),
    finished_before: i64,
    limit: usize,
    unreferenced: &str,
) -> Result<usize> {
    let sql = format!(
        "DELETE FROM transcript_pieces
         WHERE (job_id, start) IN (
             SELECT p.job_id, p.start
             FROM (
                 SELECT id
                 FROM jobs
                 WHERE kind = :kind AND status = :status AND finished_at IS NOT NULL AND finished_at < :before
                   {unreferenced}
                 ORDER BY finished_at
                 LIMIT :limit) j
             JOIN transcript_pieces p ON p.job_id = j.id
             LIMIT :pieces)"
    );
    let removed = conn.prepare_cached(&sql)?.execute(named_params! {
        ":kind": kind.as_str(),
        ":status": status.as_str(),
        ":before": finished_before,
        ":limit": limit as i64,
        ":pieces": PIECES.min(limit) as i64,
    })?;
    // A full slice ends the round, so that the next one goes on here.
    Ok(if removed == PIECES { limit } else { removed })
}

fn decisions(conn: &Connection, decided_before: i64, limit: usize) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM job_decisions
        WHERE (schedule_id, occurrence_at) IN (
            SELECT schedule_id, occurrence_at
            FROM job_decisions
            WHERE decided_at < :before
            LIMIT :limit)";
    let params = named_params! {":before": decided_before, ":limit": limit as i64};
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}
