//! What waits to be filed and turns out to be at the tracker already.

use super::issues;
use crate::error::Result;
use crate::model::{IssueId, IssueState, JobId, Timestamp};
use rusqlite::{Connection, Row, named_params};

/// Drops what waits to become an issue of its own and is the problem of this open one, by a code or a fingerprint: a scan
/// decided it while the tracker could not be asked.
pub(in crate::store) fn supersede(
    conn: &Connection,
    id: IssueId,
    number: i64,
    now: Timestamp,
) -> Result<()> {
    const FIND: &str = "
        SELECT f.id, f.issue_id, f.scan_id
        FROM filings f JOIN self_monitoring_issues i ON i.id = f.issue_id
        WHERE f.state <> 'filed' AND f.state <> 'rejected' AND f.state <> 'sending' AND f.act = 'open'
          AND i.number IS NULL AND i.id <> :id
          AND i.home = (SELECT home FROM self_monitoring_issues WHERE id = :id)
          AND (
              EXISTS (
                  SELECT 1
                  FROM self_monitoring_issue_codes a JOIN self_monitoring_issue_codes b ON b.code = a.code
                  WHERE a.issue_id = i.id AND b.issue_id = :id)
              OR EXISTS (
                  SELECT 1
                  FROM self_monitoring_issue_fingerprints a
                      JOIN self_monitoring_issue_fingerprints b ON b.fingerprint = a.fingerprint
                  WHERE a.issue_id = i.id AND b.issue_id = :id))";
    const DROP: &str = "
        UPDATE filings
        SET state = 'rejected', error = :why, updated_at = :now
        WHERE id = :id";
    const PRINTS: &str = "
        UPDATE self_monitoring_issue_fingerprints
        SET open = 1
        WHERE issue_id = :id AND open = 0 AND NOT EXISTS (
            SELECT 1
            FROM self_monitoring_issue_fingerprints o
            WHERE o.fingerprint = self_monitoring_issue_fingerprints.fingerprint
              AND o.home = self_monitoring_issue_fingerprints.home AND o.open = 1)";
    let from_row = |row: &Row<'_>| Ok((row.get(0)?, IssueId(row.get(1)?), JobId(row.get(2)?)));
    let mut statement = conn.prepare_cached(FIND)?;
    let found = statement.query_map(named_params! {":id": id.0}, from_row)?;
    let found: Vec<(i64, IssueId, JobId)> = found.collect::<rusqlite::Result<_>>()?;
    for (filing, waiting, scan) in &found {
        let why = format!("the tracker has this problem already: #{number}");
        let params = named_params! {":why": why, ":now": now.millis(), ":id": filing};
        conn.prepare_cached(DROP)?.execute(params)?;
        issues::set_state(conn, *waiting, IssueState::NotPlanned { closed_at: now })?;
        issues::seen_again(conn, *scan, (id, 0), now)?;
    }
    if !found.is_empty() {
        conn.prepare_cached(PRINTS)?.execute(named_params! {":id": id.0})?;
    }
    Ok(())
}
