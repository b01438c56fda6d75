//! All that is known of one issue, and the issues of error codes.

use super::issues;
use crate::error::Result;
use crate::model::{FilingId, Fingerprint, IssueAct, IssueId, IssueRecord, JobId, Timestamp};
use crate::store::sqlite::dialect;
use crate::store::sqlite::row::{instant, optional_text, text, word};
use rusqlite::{Connection, Row, named_params};
use serde::Serialize;
use std::collections::BTreeMap;

/// An issue with what was done about it.
pub(in crate::store) fn find(conn: &Connection, id: IssueId) -> Result<Option<IssueRecord>> {
    const PRINTS: &str = "
        SELECT fingerprint
        FROM self_monitoring_issue_fingerprints
        WHERE issue_id = :issue
        ORDER BY fingerprint";
    let Some(issue) = issues::find(conn, id)? else { return Ok(None) };
    let mut statement = conn.prepare_cached(PRINTS)?;
    let prints = statement.query_map(named_params! {":issue": id.0}, |row| text(row, 0))?;
    let prints = prints.collect::<rusqlite::Result<Vec<_>>>()?;
    let fingerprints = prints.into_iter().map(Fingerprint::from_hex).collect();
    Ok(Some(IssueRecord { issue, acts: acts(conn, id)?, fingerprints }))
}

/// The newest acts of an issue, oldest first.
fn acts(conn: &Connection, issue: IssueId) -> Result<Vec<IssueAct>> {
    const SQL: &str = "
        SELECT id, act, state, scan_id, url, error, created_at, updated_at, decided_by, decided_at
        FROM filings
        WHERE issue_id = :issue
        ORDER BY id DESC
        LIMIT :limit";
    let params = named_params! {":issue": issue.0, ":limit": IssueRecord::MOST_ACTS as i64};
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(params, |row| {
        Ok(IssueAct {
            id: FilingId(row.get(0)?),
            act: word(row, 1)?,
            state: word(row, 2)?,
            scan: JobId(row.get(3)?),
            url: optional_text(row, 4)?,
            error: optional_text(row, 5)?,
            created_at: Timestamp::from_millis(row.get(6)?),
            updated_at: Timestamp::from_millis(row.get(7)?),
            decided: optional_text(row, 8)?.zip(instant(row, 9)?),
        })
    })?;
    let mut newest_first = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    newest_first.reverse();
    Ok(newest_first)
}

/// The issue of each of these error codes: one that is open, if there is one, and of several the newest.
pub(in crate::store) fn of_codes(
    conn: &Connection,
    codes: &[String],
) -> Result<BTreeMap<String, IssueId>> {
    by_key(conn, ("self_monitoring_issue_codes", "code"), codes, |row| text(row, 0))
}

/// The issue of each of these templates, chosen in the same way.
pub(in crate::store) fn of_templates(
    conn: &Connection,
    templates: &[i64],
) -> Result<BTreeMap<i64, IssueId>> {
    by_key(conn, ("self_monitoring_issue_templates", "template_id"), templates, |row| row.get(0))
}

/// The issue of each of these values of a column that names issues.
fn by_key<K: Ord + Serialize>(
    conn: &Connection,
    (table, column): (&str, &str),
    values: &[K],
    key: impl Fn(&Row<'_>) -> rusqlite::Result<K>,
) -> Result<BTreeMap<K, IssueId>> {
    let sql = format!(
        "SELECT k.{column}, i.id
         FROM {table} k
         JOIN self_monitoring_issues i ON i.id = k.issue_id
         WHERE k.{column} IN ({}) AND i.gone_at IS NULL AND (i.author IS NULL OR i.scan_id IS NOT NULL)
         ORDER BY i.state = 'open', i.id",
        dialect::members(":values")
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":values": serde_json::json!(values).to_string()};
    // Of several rows of one value the last one stays.
    let rows = statement.query_map(params, |row| Ok((key(row)?, IssueId(row.get(1)?))))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
