//! Rows of `logs` in logs.db.

use super::jobs::{parsed, text, word};
use crate::error::Result;
use crate::model::{Level, LogRow, NewLogRow};
use rusqlite::{Connection, Row, named_params};

pub(super) const COLUMNS: &str =
    "id, timestamp, level, source, message, correlation_id, user_id, request_path, extra_data";

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<LogRow> {
    Ok(LogRow {
        id: row.get(0)?,
        row: NewLogRow {
            timestamp: text(row, 1)?,
            level: word(row, 2)?,
            source: text(row, 3)?,
            message: text(row, 4)?,
            correlation_id: parsed(row, 5, Some)?,
            user_id: parsed(row, 6, Some)?,
            request_path: parsed(row, 7, Some)?,
            extra_data: parsed(row, 8, Some)?,
        },
    })
}

pub(in crate::store) fn append(conn: &Connection, rows: &[NewLogRow]) -> Result<()> {
    const SQL: &str = "
        INSERT INTO logs (timestamp, level, source, message, correlation_id, user_id, request_path, extra_data)
        VALUES (:timestamp, :level, :source, :message, :correlation_id, :user_id, :request_path, :extra_data)";
    let mut statement = conn.prepare_cached(SQL)?;
    for row in rows {
        statement.execute(named_params! {
            ":timestamp": row.timestamp,
            ":level": row.level.as_str(),
            ":source": row.source,
            ":message": row.message,
            ":correlation_id": row.correlation_id,
            ":user_id": row.user_id,
            ":request_path": row.request_path,
            ":extra_data": row.extra_data,
        })?;
    }
    Ok(())
}

/// The id of the newest row, 0 if there is none.
pub(in crate::store) fn last_id(conn: &Connection) -> Result<i64> {
    const SQL: &str = "
        SELECT coalesce(max(id), 0)
        FROM logs";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| row.get(0))?)
}

/// Longest message that a scan reads, in characters: what tells a problem stands at the beginning.
const MAX_SCANNED: usize = 16_384;

/// Up to `limit` rows above `after` and up to `upto` of level warning or worse, oldest first; what is
/// said of scans themselves does not count.
pub(in crate::store) fn warnings(
    conn: &Connection,
    after: i64,
    upto: i64,
    limit: usize,
) -> Result<Vec<LogRow>> {
    let sql = format!(
        "SELECT {}
         FROM logs NOT INDEXED
         WHERE id > :after AND id <= :upto
           AND NOT (source LIKE 'lamplighter%'
                AND (message LIKE '[SCAN-%' OR message LIKE '%(self_monitoring)%'))
           AND (level = '{}' OR level = '{}' OR level = '{}')
         ORDER BY id
         LIMIT :limit",
        COLUMNS.replace("message", &format!("substr(message, 1, {MAX_SCANNED})")),
        Level::Warning,
        Level::Error,
        Level::Critical
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":after": after, ":upto": upto, ":limit": limit as i64};
    Ok(statement.query_map(params, from_row)?.collect::<rusqlite::Result<_>>()?)
}
