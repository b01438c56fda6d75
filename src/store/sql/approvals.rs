//! Rows of `filings` that people decide about: what waits, and what becomes of its text and state.

use crate::error::Result;
use crate::model::{
    FilingId, FilingState, IssueHome, IssueId, IssueMark, JobId, Marker, Timestamp, WaitingFiling,
};
use crate::store::sqlite::error::unreadable;
use crate::store::sqlite::row::{instant, optional_text, text, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// The columns that [`from_row`] reads, of `filings f JOIN self_monitoring_issues i`.
const COLUMNS: &str = "f.id, f.act, f.state, f.issue_id, i.title, i.number, f.scan_id, f.title, f.body, f.created_at, f.error, f.marker, f.decided_by, f.decided_at, f.sent_at, i.home";
const FROM: &str = "FROM filings f JOIN self_monitoring_issues i ON i.id = f.issue_id";

/// An act, and its mark unless another program has spoilt it.
fn from_row(row: &Row<'_>) -> rusqlite::Result<(WaitingFiling, Option<IssueMark>)> {
    let marker = Marker::from_hex(&text(row, 11)?);
    let body = text(row, 8)?;
    let filing = WaitingFiling {
        id: FilingId(row.get(0)?),
        act: word(row, 1)?,
        state: word(row, 2)?,
        issue: IssueId(row.get(3)?),
        issue_title: text(row, 4)?,
        number: row.get(5)?,
        scan: JobId(row.get(6)?),
        title: optional_text(row, 7)?,
        body: marker.as_ref().map_or(body.clone(), |marker| marker.cut_from(&body)),
        created_at: Timestamp::from_millis(row.get(9)?),
        error: optional_text(row, 10)?,
        decided: optional_text(row, 12)?.zip(instant(row, 13)?),
        sent_at: instant(row, 14)?,
        home: IssueHome::from_stored(text(row, 15)?),
    };
    let mark = marker.map(|marker| {
        let mark = IssueMark::in_body(&body).filter(|mark| mark.marker == marker);
        mark.unwrap_or(IssueMark { marker, fingerprints: Vec::new() })
    });
    Ok((filing, mark))
}

/// The acts that are not done, oldest first.
pub(in crate::store) fn waiting(conn: &Connection, limit: usize) -> Result<Vec<WaitingFiling>> {
    let sql = format!(
        "SELECT {COLUMNS} {FROM}
         WHERE f.state <> 'filed' AND f.state <> 'rejected'
         ORDER BY f.id
         LIMIT :limit"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let read = |row: &Row<'_>| from_row(row).map(|(filing, _)| filing);
    let rows = statement.query_map(named_params! {":limit": limit as i64}, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many acts wait for approval, counted up to `limit`, and since when the oldest does.
pub(in crate::store) fn to_approve(
    conn: &Connection,
    limit: usize,
) -> Result<(u64, Option<Timestamp>)> {
    const SQL: &str = "
        SELECT count(*), min(created_at)
        FROM (SELECT created_at FROM filings WHERE state = 'awaiting_approval' ORDER BY id LIMIT :limit)";
    let params = named_params! {":limit": limit as i64};
    let found = conn
        .prepare_cached(SQL)?
        .query_row(params, |row| Ok((row.get::<_, i64>(0)?.max(0) as u64, instant(row, 1)?)));
    Ok(found?)
}

/// The acts that people have rejected since then, the newest first.
pub(in crate::store) fn rejected(
    conn: &Connection,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<WaitingFiling>> {
    let sql = format!(
        "SELECT {COLUMNS} {FROM}
         WHERE f.decided_at >= :since AND f.state = 'rejected'
         ORDER BY f.decided_at DESC, f.id DESC
         LIMIT :limit"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let read = |row: &Row<'_>| from_row(row).map(|(filing, _)| filing);
    let params = named_params! {":since": since.millis(), ":limit": limit as i64};
    let rows = statement.query_map(params, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The acts that people have approved since then and that are done, the newest first, among so many of the newest of all.
pub(in crate::store) fn approved(
    conn: &Connection,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<WaitingFiling>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM (SELECT * FROM filings ORDER BY id DESC LIMIT :limit) f
             JOIN self_monitoring_issues i ON i.id = f.issue_id
         WHERE f.state = 'filed' AND f.decided_at >= :since
         ORDER BY f.id DESC"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let read = |row: &Row<'_>| from_row(row).map(|(filing, _)| filing);
    let params = named_params! {":since": since.millis(), ":limit": limit as i64};
    let rows = statement.query_map(params, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The act of this id, and its mark.
pub(in crate::store) fn find(
    conn: &Connection,
    id: FilingId,
) -> Result<Option<(WaitingFiling, IssueMark)>> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE f.id = :id");
    let read = |row: &Row<'_>| {
        let (filing, marker) = from_row(row)?;
        Ok((filing, marker.ok_or_else(|| unreadable(11, "marker"))?))
    };
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(named_params! {":id": id.0}, read).optional()?)
}

/// Writes what becomes of an act in this state; `by` is who has decided it, `None`: nobody, any more.
pub(in crate::store) fn set_state(
    conn: &Connection,
    (id, before): (FilingId, FilingState),
    state: FilingState,
    by: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE filings
        SET state = :state,
            updated_at = :now,
            decided_by = :by,
            decided_at = CASE WHEN :by IS NOT NULL THEN :now END
        WHERE id = :id AND state = :before";
    let params = named_params! {
        ":state": state.as_str(), ":now": now.millis(), ":by": by, ":id": id.0, ":before": before.as_str(),
    };
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// Writes the text of an act that waits for approval; only a new issue has a title.
pub(in crate::store) fn set_text(
    conn: &Connection,
    id: FilingId,
    title: Option<&str>,
    body: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE filings
        SET title = :title, body = :body, updated_at = :now
        WHERE id = :id AND state = 'awaiting_approval'";
    let params = named_params! {":title": title, ":body": body, ":now": now.millis(), ":id": id.0};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}
