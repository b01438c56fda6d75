//! Rows of `filings`: acts at the tracker, written by the scan that decides them, done by jobs of kind `file_findings`.

use super::issues::texts;
use super::jobs;
use crate::error::{Code, Error, Result};
use crate::model::{
    Act, Caps, Filing, FilingId, FilingState, IssueHome, IssueId, JobId, Kind, Marker, NewJob,
    Posting, Timestamp, Trigger,
};
use crate::store::sqlite::error::unreadable;
use crate::store::sqlite::row::instant;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::str::FromStr;
use std::time::Duration;

/// The time in which new issues are counted against [`Caps::day`].
const DAY: Duration = Duration::from_hours(24);

/// The columns that [`from_row`] reads, of `filings f JOIN self_monitoring_issues i`.
const COLUMNS: &str = "f.id, f.act, f.state, f.marker, coalesce(f.title, ''), f.body, f.labels, \
    coalesce(f.number, i.number), f.url, f.sent_at, f.error";
const FROM: &str = "FROM filings f JOIN self_monitoring_issues i ON i.id = f.issue_id";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Filing> {
    let marker: String = row.get(3)?;
    Ok(Filing {
        id: FilingId(row.get(0)?),
        act: known(row, 1)?,
        state: known(row, 2)?,
        marker: Marker::from_hex(&marker).ok_or_else(|| unreadable(3, "marker"))?,
        title: row.get(4)?,
        body: row.get(5)?,
        labels: texts(row, 6)?,
        number: row.get(7)?,
        url: row.get(8)?,
        sent_at: instant(row, 9)?,
        error: row.get(10)?,
    })
}

fn known<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| unreadable(column, "word"))
}

/// Stores an act. An older issue of the local tracker stays there when another one is chosen, and what is said on it is
/// done by its row.
pub(super) fn insert(
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

/// How many new issues may still go to the tracker without an approval.
pub(super) fn room(conn: &Connection, caps: Caps, now: Timestamp) -> Result<u64> {
    const SQL: &str = "
        SELECT count(*)
        FROM filings
        WHERE act = 'open' AND state <> 'awaiting_approval' AND state <> 'rejected' AND created_at > :since";
    let since = now.millis().saturating_sub(DAY.as_millis() as i64);
    let today: i64 =
        conn.prepare_cached(SQL)?.query_row(named_params! {":since": since}, |row| row.get(0))?;
    Ok(caps.scan.min(caps.day.saturating_sub(today as u64)))
}

/// Stores a job that files everything pending, unless one waits already. A running job does not count: it may have looked
/// for the last time.
pub(in crate::store) fn wake(conn: &Connection, by: Option<JobId>, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM jobs
            WHERE kind = 'file_findings' AND finished_at IS NULL AND status <> 'running')";
    if conn.prepare_cached(SQL)?.query_row([], |row| row.get(0))? {
        return Ok(());
    }
    let trigger = if by.is_some() { Trigger::Parent } else { Trigger::Api };
    let job = NewJob { trigger, parent_id: by, ..NewJob::new(Kind::FILE_FINDINGS) };
    jobs::insert(conn, &job, now).map(drop)
}

/// Whether a scan has left acts that wait for the tracker only.
pub(super) fn has_pending(conn: &Connection, scan: JobId) -> Result<bool> {
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

/// Replaces an act that is in state `was`; the issue that it opened is given its number and page.
pub(in crate::store) fn save(
    conn: &Connection,
    filing: &Filing,
    was: FilingState,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE filings
        SET state = :state, labels = :labels, number = :number, url = :url, sent_at = :sent_at, error = :error,
            updated_at = :now
        WHERE id = :id AND state = :was";
    const ISSUE: &str = "
        UPDATE self_monitoring_issues
        SET number = :number, url = :url
        WHERE id = (SELECT issue_id FROM filings WHERE id = :id)";
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
    if changed == 0 {
        return Err(Error::new(
            Code::StoreLeaseLost,
            format!("another run holds filing {}", filing.id.0),
        ));
    }
    if filing.act == Act::Open && filing.state == FilingState::Filed {
        let params =
            named_params! {":number": filing.number, ":url": filing.url, ":id": filing.id.0};
        conn.prepare_cached(ISSUE)?.execute(params)?;
    }
    Ok(())
}
