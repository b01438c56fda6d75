//! Rows of `logs` in logs.db.

use super::jobs::word;
use crate::error::Result;
use crate::model::{Level, LogRow, NewLogRow};
use rusqlite::{Connection, Row, named_params};

const COLUMNS: &str =
    "id, timestamp, level, source, message, correlation_id, user_id, request_path, extra_data";

fn from_row(row: &Row<'_>) -> rusqlite::Result<LogRow> {
    Ok(LogRow {
        id: row.get(0)?,
        row: NewLogRow {
            timestamp: row.get(1)?,
            level: word(row, 2)?,
            source: row.get(3)?,
            message: row.get(4)?,
            correlation_id: row.get(5)?,
            user_id: row.get(6)?,
            request_path: row.get(7)?,
            extra_data: row.get(8)?,
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

/// Up to `limit` rows above `after` and up to `upto` of level warning or worse, oldest first.
pub(in crate::store) fn warnings(
    conn: &Connection,
    after: i64,
    upto: i64,
    limit: usize,
) -> Result<Vec<LogRow>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM logs NOT INDEXED
         WHERE id > :after AND id <= :upto AND (level = '{}' OR level = '{}' OR level = '{}')
         ORDER BY id
         LIMIT :limit",
        Level::Warning,
        Level::Error,
        Level::Critical
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":after": after, ":upto": upto, ":limit": limit as i64};
    Ok(statement.query_map(params, from_row)?.collect::<rusqlite::Result<_>>()?)
}
