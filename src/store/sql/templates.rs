//! Rows of `log_templates` and `log_template_hours`: what scans group the rows of logs by, and how often each was met.

use crate::error::Result;
use crate::model::{KnownTemplate, SeenTemplate, Timestamp};
use crate::store::sqlite::row::text;
use rusqlite::{Connection, named_params};

/// The templates of a log that were met last, the oldest first.
pub(in crate::store) fn known(
    conn: &Connection,
    log: &str,
    most: usize,
) -> Result<Vec<KnownTemplate>> {
    const SQL: &str = "
        SELECT id, source, origin, text, grown
        FROM (
            SELECT id, source, origin, text, grown
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
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Writes what a scan has met of a template: a new one, or the text that those have which turned out to be one, whose rows
/// count for the oldest. No row counts for an hour after `now`. It was met now, whenever its rows say that they were logged.
pub(in crate::store) fn seen(
    conn: &Connection,
    log: &str,
    seen: &SeenTemplate,
    now: Timestamp,
) -> Result<()> {
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
        let hour = at(hour).millis();
        let hour = hour - hour.rem_euclid(HOUR);
        let params = named_params! {":id": id, ":hour": hour, ":count": *count as i64};
        conn.prepare_cached(SQL)?.execute(params)?;
    }
    Ok(())
}

/// An hour in milliseconds.
const HOUR: i64 = 60 * 60 * 1_000;

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
