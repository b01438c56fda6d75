//! The decisions of people about acts that wait to go to the tracker, in SQL.

use super::{audit, filings};
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, FilingId, FilingState, IssueId, JobId, Marker, Timestamp, WaitingFiling,
};
use crate::store::sqlite::Tx;
use crate::store::sqlite::row::{parsed, text, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// Longest title of an issue that people may write, in characters.
const MAX_TITLE: usize = 240;
/// Longest body, in bytes: what GitHub takes, with room for the marker.
const MAX_BODY: usize = 60_000;

/// The columns that [`waiting_from_row`] reads, of `filings f JOIN self_monitoring_issues i`.
const WAITING: &str = "f.id, f.act, f.state, f.issue_id, i.title, i.number, f.scan_id, f.title, f.body, f.created_at, f.error, f.marker";

fn waiting_from_row(row: &Row<'_>) -> rusqlite::Result<WaitingFiling> {
    let marker = text(row, 11)?;
    Ok(WaitingFiling {
        id: FilingId(row.get(0)?),
        act: word(row, 1)?,
        state: word(row, 2)?,
        issue: IssueId(row.get(3)?),
        issue_title: text(row, 4)?,
        number: row.get(5)?,
        scan: JobId(row.get(6)?),
        title: parsed(row, 7, Some)?,
        body: without_marker(&text(row, 8)?, &marker),
        created_at: Timestamp::from_millis(row.get(9)?),
        error: parsed(row, 10, Some)?,
    })
}

fn line_of(marker: &str) -> String {
    Marker::from_hex(marker).map(|marker| marker.to_string()).unwrap_or_default()
}

fn without_marker(body: &str, marker: &str) -> String {
    let line = line_of(marker);
    let kept = body.lines().filter(|other| line.is_empty() || other.trim_end() != line);
    kept.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// The acts that are not done, oldest first.
pub(in crate::store) fn waiting(conn: &Connection, limit: usize) -> Result<Vec<WaitingFiling>> {
    let sql = format!(
        "SELECT {WAITING}
         FROM filings f JOIN self_monitoring_issues i ON i.id = f.issue_id
         WHERE f.state <> 'filed' AND f.state <> 'rejected'
         ORDER BY f.id
         LIMIT :limit"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(named_params! {":limit": limit as i64}, waiting_from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The act if it waits for approval, and its marker.
fn undecided(conn: &Connection, id: FilingId) -> Result<(WaitingFiling, String)> {
    let sql = format!(
        "SELECT {WAITING}
         FROM filings f JOIN self_monitoring_issues i ON i.id = f.issue_id
         WHERE f.id = :id"
    );
    let read = |row: &Row<'_>| Ok((waiting_from_row(row)?, text(row, 11)?));
    let found =
        conn.prepare_cached(&sql)?.query_row(named_params! {":id": id.0}, read).optional()?;
    let refused = |code, why: String| Err(Error::new(code, why));
    match found {
        Some(found) if found.0.state == FilingState::AwaitingApproval => Ok(found),
        Some(_) => {
            refused(Code::FilingDecided, format!("filing {} does not wait for approval", id.0))
        }
        None => refused(Code::FilingUnknown, format!("there is no filing {}", id.0)),
    }
}

fn set_state(conn: &Connection, id: FilingId, state: &str, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE filings
        SET state = :state, updated_at = :now
        WHERE id = :id AND state = 'awaiting_approval'";
    let params = named_params! {":state": state, ":now": now.millis(), ":id": id.0};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// Lets an act go.
pub(in crate::store) fn approve(
    tx: &Tx<'_>,
    id: FilingId,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let (filing, _) = undecided(tx, id)?;
    set_state(tx, id, "pending", now)?;
    filings::wake(tx, None, now)?;
    audit::record(tx, actor, "approve", &subject(&filing), now)
}

/// Keeps an act back for good; an issue that it was to open is closed as not planned.
pub(in crate::store) fn reject(
    tx: &Tx<'_>,
    id: FilingId,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const CLOSE: &str = "
        UPDATE self_monitoring_issues
        SET state = 'closed', state_reason = 'not_planned', closed_at = :now
        WHERE id = :id AND state = 'open' AND number IS NULL";
    let (filing, _) = undecided(tx, id)?;
    set_state(tx, id, "rejected", now)?;
    if filing.title.is_some() {
        let params = named_params! {":now": now.millis(), ":id": filing.issue.0};
        tx.prepare_cached(CLOSE)?.execute(params)?;
    }
    audit::record(tx, actor, "reject", &subject(&filing), now)
}

/// Changes the text of an act.
pub(in crate::store) fn edit(
    tx: &Tx<'_>,
    id: FilingId,
    title: Option<&str>,
    body: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE filings
        SET title = CASE WHEN title IS NULL THEN NULL ELSE :title END, body = :body, updated_at = :now
        WHERE id = :id";
    let refused = |code, why: &str| Err(Error::new(code, format!("filing {} {why}", id.0)));
    let (filing, marker) = undecided(tx, id)?;
    let new_title = title.map(str::trim);
    if filing.title.is_some() && new_title.is_none_or(|t| t.is_empty() || t.contains(['\n', '\r']))
    {
        return refused(Code::ModelInvalid, "is a new issue, which has a title of one line");
    }
    if new_title.is_some_and(|title| title.chars().count() > MAX_TITLE) {
        return refused(Code::ModelInvalid, "takes a title of at most 240 characters");
    }
    if body.trim().is_empty() {
        return refused(Code::ModelInvalid, "needs a text");
    }
    if body.len() > MAX_BODY {
        return refused(Code::JobTooLarge, "takes a text of at most 60,000 bytes");
    }
    let body = format!("{}\n\n{}\n", without_marker(body, &marker), line_of(&marker));
    tx.prepare_cached(SQL)?.execute(named_params! {
        ":title": new_title.unwrap_or_default(), ":body": body, ":now": now.millis(), ":id": id.0,
    })?;
    let before = filing.title.clone().unwrap_or_default();
    audit::record_change(tx, actor, "edit", &subject(&filing), (Some(&before), new_title), now)
}

fn subject(filing: &WaitingFiling) -> String {
    format!("filing {} ({})", filing.id.0, filing.act.as_str())
}
