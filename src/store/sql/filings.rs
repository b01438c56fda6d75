//! Rows of `filings`: acts at the tracker.

use super::issues::texts;
use crate::error::Result;
use crate::model::{
    Act, Filing, FilingId, FilingState, IssueHome, IssueId, JobId, Marker, Posting, Timestamp,
};
use crate::store::sqlite::error::unreadable;
use crate::store::sqlite::row::{instant, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// The columns that [`from_row`] reads, of `filings f JOIN self_monitoring_issues i`.
const COLUMNS: &str = "f.id, f.act, f.state, f.marker, coalesce(f.title, ''), f.body, f.labels, \
    coalesce(f.number, i.number), f.url, f.sent_at, f.error, i.duplicate_of";
const FROM: &str = "FROM filings f JOIN self_monitoring_issues i ON i.id = f.issue_id";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Filing> {
    let marker: String = row.get(3)?;
    Ok(Filing {
        id: FilingId(row.get(0)?),
        act: word(row, 1)?,
        state: word(row, 2)?,
        marker: Marker::from_hex(&marker).ok_or_else(|| unreadable(3, "marker"))?,
        title: row.get(4)?,
        body: row.get(5)?,
        labels: texts(row, 6)?,
        number: row.get(7)?,
        duplicate_of: row.get(11)?,
        url: row.get(8)?,
        sent_at: instant(row, 9)?,
        error: row.get(10)?,
    })
}

/// Stores an act. An older issue of the local tracker stays there when another one is chosen, and what is said on it is
/// done by its row.
pub(in crate::store) fn insert(
    conn: &Connection,
    (scan, issue): (JobId, IssueId),
    act: Act,
    posting: &Posting,
    state: FilingState,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO filings (issue_id, scan_id, act, state, marker, title, body, labels, created_at, updated_at)
        SELECT
            :issue, :scan, :act, CASE WHEN tracker = 'local' THEN 'filed' ELSE :state END, :marker, :title, :body, :labels, :now, :now
        FROM self_monitoring_issues
        WHERE id = :issue";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":issue": issue.0,
        ":scan": scan.0,
        ":act": act.as_str(),
        ":state": state.as_str(),
        ":marker": posting.marker.as_str(),
        ":title": (act == Act::Open).then_some(&posting.title),
        ":body": posting.body,
        ":labels": serde_json::json!(posting.labels).to_string(),
        ":now": now.millis(),
    })?;
    Ok(())
}

/// How many issues were opened at the tracker since then, or closed as duplicates, or are to be, without an approval.
pub(in crate::store) fn count_opened(conn: &Connection, since: Timestamp) -> Result<u64> {
    const SQL: &str = "
        SELECT count(*)
        FROM filings
        WHERE (act = 'open' OR act = 'close') AND state <> 'awaiting_approval' AND state <> 'rejected' AND created_at > :since";
    let params = named_params! {":since": since.millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get::<_, i64>(0))? as u64)
}

/// Whether a job that files waits to start.
pub(in crate::store) fn has_waiting_job(conn: &Connection) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM jobs
            WHERE kind = 'file_findings' AND finished_at IS NULL AND status <> 'running')";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| row.get(0))?)
}

/// Whether a scan has left acts that wait for the tracker only.
pub(in crate::store) fn has_pending(conn: &Connection, scan: JobId) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM filings
            WHERE scan_id = :scan AND state = 'pending')";
    let params = named_params! {":scan": scan.0};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

/// The first act after this one that can be done at this home. The acts of an issue are done in their order, and those on an
/// issue of another home wait until that one is chosen again.
pub(in crate::store) fn next(
    conn: &Connection,
    home: &IssueHome,
    after: FilingId,
) -> Result<Option<Filing>> {
    let sql = format!(
        "SELECT {COLUMNS} {FROM}
         WHERE f.id > :after AND f.state <> 'filed' AND f.state <> 'rejected' AND f.state <> 'awaiting_approval'
         AND i.home = :home AND (f.act = 'open' OR i.number IS NOT NULL)
         AND NOT EXISTS (
             SELECT 1
             FROM filings e
             WHERE e.issue_id = f.issue_id AND e.id < f.id AND e.state <> 'filed' AND e.state <> 'rejected')
         ORDER BY f.id
         LIMIT 1"
    );
    let params = named_params! {":after": after.0, ":home": home.as_str()};
    Ok(conn.prepare_cached(&sql)?.query_row(params, from_row).optional()?)
}

/// The act as it is now.
pub(in crate::store) fn find(conn: &Connection, id: FilingId) -> Result<Option<Filing>> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE f.id = :id");
    let params = named_params! {":id": id.0};
    Ok(conn.prepare_cached(&sql)?.query_row(params, from_row).optional()?)
}

/// Replaces an act that is in state `was`; answers whether it was.
pub(in crate::store) fn replace(
    conn: &Connection,
    filing: &Filing,
    was: FilingState,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE filings
        SET state = :state, labels = :labels, number = :number, url = :url, sent_at = :sent_at, error = :error,
            updated_at = :now
        WHERE id = :id AND state = :was";
    let changed = conn.prepare_cached(SQL)?.execute(named_params! {
        ":state": filing.state.as_str(),
        ":labels": serde_json::json!(filing.labels).to_string(),
        ":number": filing.number,
        ":url": filing.url,
        ":sent_at": filing.sent_at.map(Timestamp::millis),
        ":error": filing.error,
        ":now": now.millis(),
        ":id": filing.id.0,
        ":was": was.as_str(),
    })?;
    Ok(changed == 1)
}
