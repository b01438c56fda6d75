//! Rows of `self_monitoring_issues`.

use super::error::unreadable;
use super::jobs::word;
use crate::error::Result;
use crate::model::{Finding, Fingerprint, Issue, IssueId, JobId, KnownIssue, Timestamp};
use rusqlite::{Connection, Row, named_params};

const COLUMNS: &str = "id, number, url, title, body, classification, error_codes, occurrences, scan_id, \
    created_at, last_seen_at";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Issue> {
    Ok(Issue {
        id: IssueId(row.get(0)?),
        number: row.get(1)?,
        url: row.get(2)?,
        title: row.get(3)?,
        body: row.get(4)?,
        classification: word(row, 5)?,
        error_codes: json(row, 6)?,
        occurrences: row.get::<_, i64>(7)? as u64,
        scan_id: JobId(row.get(8)?),
        created_at: Timestamp::from_millis(row.get(9)?),
        last_seen_at: Timestamp::from_millis(row.get(10)?),
    })
}

fn json(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|_| unreadable(column, "list"))
}

/// The open issues that share an error code or a fingerprint with one of these findings.
pub(in crate::store) fn known(
    conn: &Connection,
    codes: &[String],
    fingerprints: &[Fingerprint],
) -> Result<Vec<KnownIssue>> {
    const SQL: &str = "
        SELECT id, error_codes, fingerprint
        FROM self_monitoring_issues
        WHERE state = 'open' AND id IN (
            SELECT issue_id
            FROM self_monitoring_issue_codes
            WHERE code IN (SELECT value FROM json_each(:codes))
            UNION
            SELECT id
            FROM self_monitoring_issues
            WHERE state = 'open' AND fingerprint IN (SELECT value FROM json_each(:fingerprints)))
        ORDER BY id";
    let fingerprints: Vec<&str> = fingerprints.iter().map(Fingerprint::as_str).collect();
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {
        ":codes": serde_json::json!(codes).to_string(),
        ":fingerprints": serde_json::json!(fingerprints).to_string(),
    };
    let rows = statement.query_map(params, |row| {
        Ok(KnownIssue {
            id: IssueId(row.get(0)?),
            error_codes: json(row, 1)?,
            fingerprint: Fingerprint::from_hex(row.get::<_, String>(2)?),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Files a finding with the local tracker: the issue is this row.
pub(super) fn insert(
    conn: &Connection,
    scan: JobId,
    finding: &Finding,
    fingerprint: &Fingerprint,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO self_monitoring_issues (
            scan_id, tracker, number, title, body, classification, error_codes, source, template, fingerprint,
            evidence, occurrences, created_at, last_seen_at)
        VALUES (
            :scan, 'local',
            (SELECT coalesce(max(number), 0) + 1 FROM self_monitoring_issues WHERE tracker = 'local'),
            :title, :body, :classification, :codes, :source, :template, :fingerprint,
            :evidence, :occurrences, :now, :now)";
    const CODE: &str = "
        INSERT OR IGNORE INTO self_monitoring_issue_codes (code, issue_id)
        VALUES (:code, :issue)";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":scan": scan.0,
        ":title": finding.issue_title(),
        ":body": finding.body,
        ":classification": finding.classification.as_str(),
        ":codes": serde_json::json!(finding.error_codes).to_string(),
        ":source": finding.source,
        ":template": finding.template,
        ":fingerprint": fingerprint.as_str(),
        ":evidence": serde_json::json!(finding.evidence).to_string(),
        ":occurrences": finding.occurrences as i64,
        ":now": now.millis(),
    })?;
    let issue = conn.last_insert_rowid();
    for code in &finding.error_codes {
        conn.prepare_cached(CODE)?.execute(named_params! {":code": code, ":issue": issue})?;
    }
    Ok(())
}

/// Counts further rows of an issue that is already there.
pub(super) fn seen_again(
    conn: &Connection,
    issue: IssueId,
    rows: u64,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE self_monitoring_issues
        SET occurrences = occurrences + :rows, last_seen_at = :now
        WHERE id = :id";
    let params = named_params! {":id": issue.0, ":rows": rows as i64, ":now": now.millis()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// The newest issues after the first `skip`, and how many there are.
pub(in crate::store) fn list(
    conn: &Connection,
    skip: u64,
    limit: usize,
) -> Result<(Vec<Issue>, u64)> {
    const COUNT: &str = "
        SELECT count(*)
        FROM self_monitoring_issues";
    let sql = format!(
        "SELECT {COLUMNS}
         FROM self_monitoring_issues
         ORDER BY id DESC
         LIMIT :limit OFFSET :skip"
    );
    let count: i64 = conn.prepare_cached(COUNT)?.query_row([], |row| row.get(0))?;
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement
        .query_map(named_params! {":limit": limit as i64, ":skip": skip as i64}, from_row)?;
    Ok((rows.collect::<rusqlite::Result<_>>()?, count as u64))
}
