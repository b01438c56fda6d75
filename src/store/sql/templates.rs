//! Rows of `log_templates` and `log_template_hours`: what scans group the rows of logs by, and how often each was met.

use crate::error::Result;
use crate::model::{IssueId, KnownTemplate, SeenTemplate, Timestamp};
use crate::store::sqlite::dialect;
use crate::store::sqlite::row::text;
use rusqlite::{Connection, named_params};
use std::collections::BTreeMap;
use std::time::Duration;

/// The templates of a log that were met last, the oldest first.
pub(in crate::store) fn known(
    conn: &Connection,
    log: &str,
    most: usize,
) -> Result<Vec<KnownTemplate>> {
    const SQL: &str = "
        SELECT id, source, origin, text, grown, first_seen
        FROM (
            SELECT id, source, origin, text, grown, first_seen
            FROM log_templates
            WHERE log = :log
            ORDER BY last_seen DESC, id DESC
            LIMIT :most) newest
        ORDER BY id";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":log": log, ":most": most as i64};
    let rows = statement.query_map(params, |row| {
        Ok(KnownTemplate {
            id: row.get(0)?,
            source: text(row, 1)?,
            origin: text(row, 2)?,
            text: text(row, 3)?,
            grown: row.get(4)?,
            first_seen: Timestamp::from_millis(row.get(5)?),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Writes what a scan has met of a template: a new one, or the text that those have which turned out to be one, whose rows
/// count for the oldest. No row counts for an hour after `now`. It was met now, whenever its rows say that they were logged.
/// Answers its id.
pub(in crate::store) fn seen(
    conn: &Connection,
    log: &str,
    seen: &SeenTemplate,
    now: Timestamp,
) -> Result<i64> {
    const SQL: &str = "
        INSERT INTO log_template_hours (template_id, hour, count)
        SELECT id, :hour, :count
        FROM log_templates
        WHERE id = :id
        ON CONFLICT (template_id, hour) DO UPDATE SET count = log_template_hours.count + excluded.count";
    let at = |hour: &Option<Timestamp>| hour.unwrap_or(now).min(now);
    let first = seen.hours.keys().map(at).min().unwrap_or(now);
    for known in &seen.known {
        change(conn, *known, seen, now)?;
    }
    let id = match seen.known.first() {
        Some(known) => *known,
        None => insert(conn, log, seen, (first, now))?,
    };
    for (hour, count) in &seen.hours {
        let hour = at(hour).hour();
        let params = named_params! {":id": id, ":hour": hour.millis(), ":count": *count as i64};
        conn.prepare_cached(SQL)?.execute(params)?;
    }
    Ok(id)
}

/// Has rows of a template belong to an issue.
pub(in crate::store) fn shows(conn: &Connection, issue: IssueId, template: i64) -> Result<()> {
    const SQL: &str = "
        INSERT INTO self_monitoring_issue_templates (issue_id, template_id)
        SELECT :issue, id
        FROM log_templates
        WHERE id = :template
        ON CONFLICT DO NOTHING";
    let params = named_params! {":issue": issue.0, ":template": template};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// How many rows each hour since then had of the templates of these issues.
pub(in crate::store) fn hours_of_issues(
    conn: &Connection,
    issues: &[IssueId],
    since: Timestamp,
) -> Result<BTreeMap<IssueId, BTreeMap<Timestamp, u64>>> {
    let sql = format!(
        "SELECT issue_id, hour, sum(count)
         FROM self_monitoring_issue_templates AS t
         JOIN log_template_hours AS h ON h.template_id = t.template_id
         WHERE issue_id IN ({}) AND hour >= :since
         GROUP BY issue_id, hour",
        dialect::members(":issues")
    );
    let ids: Vec<i64> = issues.iter().map(|issue| issue.0).collect();
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {
        ":issues": serde_json::json!(ids).to_string(), ":since": since.millis(),
    };
    let mut found = BTreeMap::<IssueId, BTreeMap<Timestamp, u64>>::new();
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        let hours = found.entry(IssueId(row.get(0)?)).or_default();
        hours.insert(Timestamp::from_millis(row.get(1)?), row.get::<_, i64>(2)? as u64);
    }
    Ok(found)
}

/// How many rows each 24 hours from then on had of the templates of these issues, so many of them.
pub(in crate::store) fn days_of_issues(
    conn: &Connection,
    issues: &[IssueId],
    (since, days): (Timestamp, usize),
) -> Result<BTreeMap<IssueId, Vec<u64>>> {
    let sql = format!(
        "SELECT issue_id, (hour - :since) / :day, sum(count)
         FROM self_monitoring_issue_templates AS t
         JOIN log_template_hours AS h ON h.template_id = t.template_id
         WHERE issue_id IN ({}) AND hour >= :since AND hour < :until
         GROUP BY 1, 2",
        dialect::members(":issues")
    );
    let day = Duration::from_hours(24);
    let until = since.plus(day.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX)));
    let ids: Vec<i64> = issues.iter().map(|issue| issue.0).collect();
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {
        ":issues": serde_json::json!(ids).to_string(),
        ":since": since.millis(),
        ":until": until.millis(),
        ":day": i64::try_from(day.as_millis()).unwrap_or(i64::MAX),
    };
    let mut found = BTreeMap::<IssueId, Vec<u64>>::new();
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        let counts = found.entry(IssueId(row.get(0)?)).or_insert_with(|| vec![0; days]);
        let at = usize::try_from(row.get::<_, i64>(1)?).ok();
        if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
            *count = row.get::<_, i64>(2)?.max(0) as u64;
        }
    }
    Ok(found)
}

fn insert(
    conn: &Connection,
    log: &str,
    seen: &SeenTemplate,
    (first, last): (Timestamp, Timestamp),
) -> Result<i64> {
    const SQL: &str = "
        INSERT INTO log_templates (log, source, origin, text, grown, first_seen, last_seen)
        VALUES (:log, :source, :text, :text, :grown, :first, :last)
        ON CONFLICT (log, source, origin) DO UPDATE
        SET text = CASE WHEN log_templates.grown = 1 THEN log_templates.text ELSE excluded.text END,
            grown = max(log_templates.grown, excluded.grown),
            last_seen = max(log_templates.last_seen, excluded.last_seen)
        RETURNING id";
    let params = named_params! {
        ":log": log,
        ":source": seen.source,
        ":text": seen.text,
        ":grown": seen.grown,
        ":first": first.millis(),
        ":last": last.millis(),
    };
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

fn change(conn: &Connection, id: i64, seen: &SeenTemplate, last: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE log_templates
        SET text = :text, grown = :grown, last_seen = max(last_seen, :last)
        WHERE id = :id";
    let params = named_params! {
        ":id": id, ":text": seen.text, ":grown": seen.grown, ":last": last.millis(),
    };
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}
