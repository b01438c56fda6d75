//! Issues as the tracker shows them, taken over into rows of `self_monitoring_issues`; how far it was read is in `tracker_news`.

use super::issues;
use crate::error::Result;
use crate::model::{
    Act, Classification, FilingState, Fingerprint, IssueHome, IssueId, IssueMark, IssueOwner,
    IssueState, JobId, Marker, RemoteKind, Timestamp, TrackerIssue, TrackerNews, TrackerReading,
};
use crate::store::sqlite::row::{instant, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// How far the issues of this home were read.
pub(in crate::store) fn reading(conn: &Connection, home: &IssueHome) -> Result<TrackerReading> {
    const SQL: &str = "
        SELECT newest, etag, read_at, full_at, failed_at, error
        FROM tracker_news
        WHERE home = :home";
    let from_row = |row: &Row<'_>| {
        let refused = instant(row, 4)?.zip(row.get::<_, Option<String>>(5)?);
        Ok(TrackerReading {
            newest: instant(row, 0)?,
            etag: row.get(1)?,
            read_at: instant(row, 2)?,
            full_at: instant(row, 3)?,
            refused,
        })
    };
    let params = named_params! {":home": home.as_str()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, from_row).optional()?.unwrap_or_default())
}

/// The numbers of the issues that are open as far as is known.
pub(in crate::store) fn open_numbers(conn: &Connection, home: &IssueHome) -> Result<Vec<i64>> {
    const SQL: &str = "
        SELECT number
        FROM self_monitoring_issues
        WHERE home = :home AND number IS NOT NULL AND state = 'open'
        ORDER BY number";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":home": home.as_str()}, |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The markers whose issue is filed as far as is known, with its number.
pub(in crate::store) fn filed(
    conn: &Connection,
    home: &IssueHome,
    markers: &[Marker],
) -> Result<Vec<(Marker, i64)>> {
    const SQL: &str = "
        SELECT f.number
        FROM filings f JOIN self_monitoring_issues i ON i.id = f.issue_id
        WHERE f.marker = :marker AND f.act = 'open' AND f.state = 'filed' AND f.number IS NOT NULL AND i.home = :home";
    let mut found = Vec::new();
    for marker in markers {
        let params = named_params! {":marker": marker.as_str(), ":home": home.as_str()};
        let number = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0)).optional()?;
        found.extend(number.map(|number| (marker.clone(), number)));
    }
    Ok(found)
}

/// Remembers that the tracker refused, and says so beside everything that waits for it.
pub(in crate::store) fn refused(
    conn: &Connection,
    home: &IssueHome,
    why: &str,
    now: Timestamp,
) -> Result<()> {
    const NEWS: &str = "
        INSERT INTO tracker_news (home, failed_at, error)
        VALUES (:home, :now, :why)
        ON CONFLICT (home) DO UPDATE SET failed_at = excluded.failed_at, error = excluded.error";
    const WAITING: &str = "
        UPDATE filings
        SET error = :why
        WHERE state IN ('pending', 'failed', 'awaiting_approval') AND issue_id IN (
            SELECT id
            FROM self_monitoring_issues
            WHERE home = :home)";
    let params = named_params! {":home": home.as_str(), ":now": now.millis(), ":why": why};
    conn.prepare_cached(NEWS)?.execute(params)?;
    let params = named_params! {":home": home.as_str(), ":why": why};
    conn.prepare_cached(WAITING)?.execute(params)?;
    Ok(())
}

/// Says beside what a scan has left why the tracker could not be asked, if it could not.
pub(in crate::store) fn explain(conn: &Connection, scan: JobId, home: &IssueHome) -> Result<()> {
    const SQL: &str = "
        UPDATE filings
        SET error = (SELECT error FROM tracker_news WHERE home = :home)
        WHERE scan_id = :scan AND state IN ('pending', 'awaiting_approval')
          AND EXISTS (SELECT 1 FROM tracker_news WHERE home = :home AND error IS NOT NULL)";
    let params = named_params! {":scan": scan.0, ":home": home.as_str()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// Remembers how far the issues were read, and that the tracker answers.
pub(in crate::store) fn note(
    conn: &Connection,
    home: &IssueHome,
    news: &TrackerNews,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO tracker_news (home, newest, etag, read_at, full_at)
        VALUES (:home, :newest, :etag, :read_at, CASE WHEN :is_full THEN :read_at END)
        ON CONFLICT (home) DO UPDATE SET
            newest = excluded.newest, etag = excluded.etag, read_at = excluded.read_at,
            full_at = coalesce(excluded.full_at, full_at), failed_at = NULL, error = NULL";
    const ANSWERS: &str = "
        UPDATE filings
        SET error = NULL
        WHERE state = 'awaiting_approval' AND error IS NOT NULL AND issue_id IN (
            SELECT id
            FROM self_monitoring_issues
            WHERE home = :home)";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":home": home.as_str(),
        ":newest": news.newest.map(Timestamp::millis),
        ":etag": news.etag,
        ":read_at": news.asked_at.millis(),
        ":is_full": news.is_full,
    })?;
    conn.prepare_cached(ANSWERS)?.execute(named_params! {":home": home.as_str()})?;
    Ok(())
}

/// The issue of this number, and its state.
pub(in crate::store) fn find(
    conn: &Connection,
    home: &IssueHome,
    number: i64,
) -> Result<Option<(IssueId, IssueState)>> {
    const SQL: &str = "
        SELECT id, state, state_reason, closed_at
        FROM self_monitoring_issues
        WHERE home = :home AND number = :number";
    let params = named_params! {":home": home.as_str(), ":number": number};
    let from_row = |row: &Row<'_>| Ok((IssueId(row.get(0)?), issues::state(row, 1)?));
    Ok(conn.prepare_cached(SQL)?.query_row(params, from_row).optional()?)
}

/// Whether this database is filing the issue by this moment. What waits here and is there already, because a backup was
/// put back, is filed.
pub(in crate::store) fn is_on_its_way(
    conn: &Connection,
    home: &IssueHome,
    marker: &Marker,
    issue: &TrackerIssue,
) -> Result<bool> {
    const FIND: &str = "
        SELECT f.id, f.issue_id, f.state
        FROM filings f JOIN self_monitoring_issues i ON i.id = f.issue_id
        WHERE f.marker = :marker AND f.act = :act AND i.home = :home";
    const FILED: &str = "
        UPDATE filings
        SET state = 'filed', number = :number, url = :url, error = NULL
        WHERE id = :id";
    const ISSUE: &str = "
        UPDATE self_monitoring_issues
        SET number = :number, url = :url
        WHERE id = :id AND number IS NULL AND NOT EXISTS (
            SELECT 1
            FROM self_monitoring_issues
            WHERE url = :url)";
    let params = named_params! {
        ":marker": marker.as_str(), ":act": Act::Open.as_str(), ":home": home.as_str(),
    };
    let from_row =
        |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, word(row, 2)?));
    let found = conn.prepare_cached(FIND)?.query_row(params, from_row).optional()?;
    match found {
        Some((_, _, FilingState::Sending)) => Ok(true),
        None | Some((_, _, FilingState::Filed)) => Ok(false),
        Some((
            filing,
            id,
            FilingState::Pending
            | FilingState::Failed
            | FilingState::AwaitingApproval
            | FilingState::Rejected,
        )) => {
            let set = |sql: &str, id: i64| {
                let params = named_params! {":number": issue.number, ":url": issue.url, ":id": id};
                conn.prepare_cached(sql)?.execute(params)
            };
            set(FILED, filing)?;
            set(ISSUE, id)?;
            Ok(false)
        }
    }
}

/// Stores an issue that was read at the tracker.
pub(in crate::store) fn insert(
    conn: &Connection,
    kind: RemoteKind,
    home: &IssueHome,
    issue: &TrackerIssue,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO self_monitoring_issues (
            tracker, home, author, number, url, title, body, classification, error_codes, source, template, evidence,
            occurrences, created_at, last_seen_at)
        VALUES (
            :tracker, :home, :author, :number, :url, :title, :body, :classification, '[]', '', '', '[]',
            0, :now, :now)
        ON CONFLICT DO NOTHING
        RETURNING id";
    let (author, class, body) = match &issue.owner {
        IssueOwner::Person(name) => (Some(name), None, ""),
        IssueOwner::Ours { classification, body, .. } => (None, *classification, body.as_str()),
    };
    let params = named_params! {
        ":tracker": kind.as_str(),
        ":home": home.as_str(),
        ":author": author,
        ":number": issue.number,
        ":url": issue.url,
        ":title": issue.title,
        ":body": body,
        ":classification": class.map(Classification::as_str),
        ":now": now.millis(),
    };
    let id = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0)).optional()?;
    let Some(id) = id.map(IssueId) else { return Ok(()) };
    add_codes(conn, id, &issue.error_codes)?;
    if let IssueOwner::Ours { mark, .. } = &issue.owner {
        recognise(conn, home, id, mark)?;
    }
    issues::set_state(conn, id, issue.state).map(drop)
}

/// Deletes a person's issue that no scan has met; answers whether it was one.
pub(in crate::store) fn forget(conn: &Connection, id: IssueId) -> Result<bool> {
    const SQL: &str = "
        DELETE FROM self_monitoring_issues
        WHERE id = :id AND author IS NOT NULL AND scan_id IS NULL AND muted_at IS NULL";
    Ok(conn.prepare_cached(SQL)?.execute(named_params! {":id": id.0})? > 0)
}

/// Takes over a person's title, and is known by what it names now.
pub(in crate::store) fn retitle(
    conn: &Connection,
    id: IssueId,
    issue: &TrackerIssue,
) -> Result<()> {
    const TITLE: &str = "
        UPDATE self_monitoring_issues
        SET title = :title, error_codes = '[]'
        WHERE id = :id AND title <> :title";
    const CODES: &str = "
        DELETE FROM self_monitoring_issue_codes
        WHERE issue_id = :id";
    let params = named_params! {":title": issue.title, ":id": id.0};
    if conn.prepare_cached(TITLE)?.execute(params)? > 0 {
        conn.prepare_cached(CODES)?.execute(named_params! {":id": id.0})?;
    }
    add_codes(conn, id, &issue.error_codes)
}

/// Has an issue known by these codes, too.
pub(in crate::store) fn add_codes(conn: &Connection, id: IssueId, codes: &[String]) -> Result<()> {
    const CODE: &str = "
        INSERT INTO self_monitoring_issue_codes (code, issue_id)
        SELECT :code, id
        FROM self_monitoring_issues
        WHERE id = :id
        ON CONFLICT DO NOTHING";
    const LIST: &str = "
        SELECT error_codes
        FROM self_monitoring_issues
        WHERE id = :id";
    const SET: &str = "
        UPDATE self_monitoring_issues
        SET error_codes = :codes
        WHERE id = :id";
    let read = |row: &Row<'_>| issues::texts(row, 0);
    let listed =
        conn.prepare_cached(LIST)?.query_row(named_params! {":id": id.0}, read).optional()?;
    let Some(mut listed) = listed else { return Ok(()) };
    for code in codes {
        conn.prepare_cached(CODE)?.execute(named_params! {":code": code, ":id": id.0})?;
        if !listed.contains(code) {
            listed.push(code.clone());
        }
    }
    let listed = serde_json::json!(listed).to_string();
    conn.prepare_cached(SET)?.execute(named_params! {":codes": listed, ":id": id.0})?;
    Ok(())
}

/// Has an issue recognised by its mark. Of several open ones with one fingerprint the lowest number has it.
pub(in crate::store) fn recognise(
    conn: &Connection,
    home: &IssueHome,
    id: IssueId,
    mark: &IssueMark,
) -> Result<()> {
    const YIELD: &str = "
        UPDATE self_monitoring_issue_fingerprints
        SET open = 0
        WHERE fingerprint = :fingerprint AND home = :home AND open = 1 AND issue_id <> :id
          AND (SELECT number FROM self_monitoring_issues WHERE id = issue_id)
            > (SELECT number FROM self_monitoring_issues WHERE id = :id AND state = 'open')";
    const PRINT: &str = "
        INSERT INTO self_monitoring_issue_fingerprints (fingerprint, issue_id, home, open, marked)
        SELECT :fingerprint, id, home, state = 'open' AND NOT EXISTS (
            SELECT 1
            FROM self_monitoring_issue_fingerprints
            WHERE fingerprint = :fingerprint AND home = :home AND open = 1), 1
        FROM self_monitoring_issues
        WHERE id = :id
        ON CONFLICT (fingerprint, issue_id) DO UPDATE SET marked = 1";
    for fingerprint in mark.fingerprints.iter().map(Fingerprint::as_str) {
        let params = named_params! {
            ":fingerprint": fingerprint, ":home": home.as_str(), ":id": id.0,
        };
        conn.prepare_cached(YIELD)?.execute(params)?;
        conn.prepare_cached(PRINT)?.execute(params)?;
    }
    Ok(())
}

/// Whether an issue is to be opened again at the tracker, or was since this instant.
pub(in crate::store) fn is_to_be_reopened(
    conn: &Connection,
    id: IssueId,
    asked_at: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM filings
            WHERE issue_id = :id AND act = 'reopen' AND state <> 'rejected'
              AND (state <> 'filed' OR updated_at >= :asked_at))";
    let params = named_params! {":id": id.0, ":asked_at": asked_at.millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

/// Has nothing known by an issue any more, and nothing said on it.
pub(in crate::store) fn set_gone(conn: &Connection, id: IssueId, now: Timestamp) -> Result<()> {
    const GONE: &str = "
        UPDATE self_monitoring_issues
        SET gone_at = :now
        WHERE id = :id";
    const ACTS: &str = "
        UPDATE filings
        SET state = 'rejected', error = 'the tracker has this issue no longer', updated_at = :now
        WHERE issue_id = :id AND state IN ('pending', 'failed', 'awaiting_approval')";
    let params = named_params! {":now": now.millis(), ":id": id.0};
    conn.prepare_cached(GONE)?.execute(params)?;
    conn.prepare_cached(ACTS)?.execute(params)?;
    Ok(())
}

/// Has every open issue read the next time, because one of them seems to be gone.
pub(in crate::store) fn doubt(conn: &Connection, home: &IssueHome) -> Result<()> {
    const SQL: &str = "
        UPDATE tracker_news
        SET full_at = NULL
        WHERE home = :home";
    conn.prepare_cached(SQL)?.execute(named_params! {":home": home.as_str()})?;
    Ok(())
}
