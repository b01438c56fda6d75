//! Open issues of ours whose mark shares a fingerprint with an older one's.

use super::tracker_issues::add_codes;
use crate::error::Result;
use crate::model::{Act, Duplicate, FilingState, IssueHome, IssueId, JobId, Posting, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// The duplicates at a home about which nothing was decided yet, lowest number first. An issue that people have muted here is
/// none, and the one that stays is none itself.
pub(in crate::store) fn find(conn: &Connection, home: &IssueHome) -> Result<Vec<Duplicate>> {
    const SQL: &str = "
        SELECT d.id, d.number, d.title, min(k.number)
        FROM self_monitoring_issues d
            JOIN self_monitoring_issue_fingerprints p ON p.issue_id = d.id AND p.marked = 1
            JOIN self_monitoring_issue_fingerprints q ON q.fingerprint = p.fingerprint AND q.marked = 1
            JOIN self_monitoring_issues k ON k.id = q.issue_id
        WHERE d.home = :home AND d.number IS NOT NULL AND d.state = 'open' AND d.author IS NULL AND d.muted_at IS NULL
          AND d.duplicate_of IS NULL AND d.url IS NOT NULL
          AND k.home = :home AND k.number < d.number AND k.state = 'open' AND k.author IS NULL
        GROUP BY d.id
        ORDER BY d.number";
    let from_row = |row: &Row<'_>| {
        let (number, of) = (row.get(1)?, row.get(3)?);
        Ok(Duplicate { id: IssueId(row.get(0)?), number, title: row.get(2)?, of })
    };
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":home": home.as_str()}, from_row)?;
    let found = rows.collect::<rusqlite::Result<Vec<Duplicate>>>()?;
    let is_one = |number: i64| found.iter().any(|one| one.number == number);
    Ok(found.iter().filter(|one| !is_one(one.of)).cloned().collect())
}

/// Stores that a duplicate is to be closed, unless that was decided before; answers whether it was not.
pub(in crate::store) fn insert(
    conn: &Connection,
    scan: JobId,
    (duplicate, posting): (&Duplicate, &Posting),
    state: FilingState,
    now: Timestamp,
) -> Result<bool> {
    const ISSUE: &str = "
        UPDATE self_monitoring_issues
        SET duplicate_of = :of
        WHERE id = :id AND duplicate_of IS NULL AND state = 'open'";
    const ACT: &str = "
        INSERT INTO filings (issue_id, scan_id, act, state, marker, body, created_at, updated_at)
        VALUES (:issue, :scan, :act, :state, :marker, :body, :now, :now)";
    let params = named_params! {":of": duplicate.of, ":id": duplicate.id.0};
    if conn.prepare_cached(ISSUE)?.execute(params)? == 0 {
        return Ok(false);
    }
    conn.prepare_cached(ACT)?.execute(named_params! {
        ":issue": duplicate.id.0,
        ":scan": scan.0,
        ":act": Act::Close.as_str(),
        ":state": state.as_str(),
        ":marker": posting.marker.as_str(),
        ":body": posting.body,
        ":now": now.millis(),
    })?;
    Ok(true)
}

/// Remembers of which issue one is a duplicate that was read as closed for that: the oldest that has its fingerprint.
pub(in crate::store) fn note(conn: &Connection, id: IssueId) -> Result<()> {
    const SQL: &str = "
        UPDATE self_monitoring_issues
        SET duplicate_of = (
            SELECT min(k.number)
            FROM self_monitoring_issue_fingerprints p
                JOIN self_monitoring_issue_fingerprints q ON q.fingerprint = p.fingerprint AND q.marked = 1
                JOIN self_monitoring_issues k ON k.id = q.issue_id
            WHERE p.issue_id = :id AND p.marked = 1 AND k.home = self_monitoring_issues.home
              AND k.number < self_monitoring_issues.number)
        WHERE id = :id AND duplicate_of IS NULL";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id.0})?;
    Ok(())
}

/// The issue that an act closes, and the one that stays if it is known.
pub(in crate::store) fn pair(
    conn: &Connection,
    filing: i64,
) -> Result<Option<(IssueId, Option<IssueId>)>> {
    const SQL: &str = "
        SELECT d.id, k.id
        FROM filings f JOIN self_monitoring_issues d ON d.id = f.issue_id
            LEFT JOIN self_monitoring_issues k ON k.home = d.home AND k.number = d.duplicate_of
        WHERE f.id = :id";
    let from_row =
        |row: &Row<'_>| Ok((IssueId(row.get(0)?), row.get::<_, Option<i64>>(1)?.map(IssueId)));
    let params = named_params! {":id": filing};
    Ok(conn.prepare_cached(SQL)?.query_row(params, from_row).optional()?)
}

/// Moves what was counted of one issue to another, which is known by its codes and fingerprints from now on, too.
pub(in crate::store) fn merge(conn: &Connection, from: IssueId, to: IssueId) -> Result<()> {
    const COUNT: &str = "
        UPDATE self_monitoring_issues
        SET occurrences = occurrences + d.counted, last_seen_at = max(last_seen_at, d.seen)
        FROM (SELECT occurrences AS counted, last_seen_at AS seen FROM self_monitoring_issues WHERE id = :from) AS d
        WHERE id = :to";
    const EMPTY: &str = "
        UPDATE self_monitoring_issues
        SET occurrences = 0
        WHERE id = :from";
    const CODES: &str = "
        SELECT code
        FROM self_monitoring_issue_codes
        WHERE issue_id = :from
        ORDER BY code";
    const PRINTS: &str = "
        INSERT INTO self_monitoring_issue_fingerprints (fingerprint, issue_id, home, open)
        SELECT p.fingerprint, k.id, k.home, k.state = 'open'
        FROM self_monitoring_issue_fingerprints p JOIN self_monitoring_issues k ON k.id = :to
        WHERE p.issue_id = :from
        ON CONFLICT DO NOTHING";
    for sql in [COUNT, PRINTS] {
        let params = named_params! {":from": from.0, ":to": to.0};
        conn.prepare_cached(sql)?.execute(params)?;
    }
    conn.prepare_cached(EMPTY)?.execute(named_params! {":from": from.0})?;
    let mut statement = conn.prepare_cached(CODES)?;
    let codes = statement.query_map(named_params! {":from": from.0}, |row| row.get(0))?;
    add_codes(conn, to, &codes.collect::<rusqlite::Result<Vec<String>>>()?)
}
