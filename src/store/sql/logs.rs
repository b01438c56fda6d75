//! Rows of `logs` in logs.db.

use crate::error::Result;
use crate::model::{Level, LogProgress, LogRow, LogSlice, NewLogRow, Timestamp};
use crate::store::sqlite::row::{optional_text, text, word};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

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
            correlation_id: optional_text(row, 5)?,
            user_id: optional_text(row, 6)?,
            request_path: optional_text(row, 7)?,
            extra_data: optional_text(row, 8)?,
        },
    })
}

/// The name that was made with the file.
pub(in crate::store) fn identity(conn: &Connection) -> Result<String> {
    let mut statement = conn.prepare_cached("SELECT name FROM log_identity WHERE one = 1")?;
    Ok(statement.query_row([], |row| text(row, 0))?)
}

/// The row of this id.
pub(in crate::store) fn row(conn: &Connection, id: i64) -> Result<Option<LogRow>> {
    let sql = format!("SELECT {COLUMNS} FROM logs WHERE id = :id");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(named_params! {":id": id}, from_row).optional()?)
}

/// The id of the row that so many rows come to behind this one; `None`: there are fewer.
pub(in crate::store) fn id_after(conn: &Connection, after: i64, rows: i64) -> Result<Option<i64>> {
    const SQL: &str = "
        SELECT id
        FROM logs
        WHERE id > :after
        ORDER BY id
        LIMIT 1 OFFSET :rows";
    let params = named_params! {":after": after, ":rows": rows - 1};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0)).optional()?)
}

/// Levels of another program's newest rows that nobody knows, a handful.
pub(in crate::store) fn unknown_levels(conn: &Connection) -> Result<Vec<String>> {
    const SQL: &str = "
        SELECT DISTINCT level_text
        FROM (SELECT level_text, known_level FROM logs ORDER BY id DESC LIMIT 10000)
        WHERE known_level IS NULL AND trim(level_text) <> ''
        LIMIT 5";
    let mut statement = conn.prepare_cached(SQL)?;
    let levels = statement.query_map([], |row| text(row, 0))?;
    Ok(levels.collect::<rusqlite::Result<_>>()?)
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

/// How far a followed source was read.
pub(in crate::store) fn progress(conn: &Connection, source: &str) -> Result<Option<LogProgress>> {
    const SQL: &str = "
        SELECT position, row_count, unread, moved_at
        FROM log_positions
        WHERE source = :source";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {":source": source};
    let found = statement.query_row(params, |row| {
        Ok(LogProgress {
            position: row.get(0)?,
            rows: row.get::<_, i64>(1)?.cast_unsigned(),
            unread: row.get::<_, i64>(2)?.cast_unsigned(),
            moved_at: Timestamp::from_millis(row.get(3)?),
        })
    });
    Ok(found.optional()?)
}

/// Moves the position of a followed source on, of which so many rows came and so many lines could not be read.
pub(in crate::store) fn advance(
    conn: &Connection,
    source: &str,
    (to, rows, unread): (&str, usize, u64),
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO log_positions (source, position, row_count, unread)
        VALUES (:source, :position, :rows, :unread)
        ON CONFLICT (source) DO UPDATE
        SET position = :position, row_count = row_count + :rows, unread = unread + :unread,
            moved_at = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
    let (rows, unread) = (rows as i64, unread.cast_signed());
    let params =
        named_params! {":source": source, ":position": to, ":rows": rows, ":unread": unread};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// The slices of imported texts that come after this one.
pub(in crate::store) fn slices_after(conn: &Connection, after: &str) -> Result<Vec<LogSlice>> {
    const SQL: &str = "
        SELECT after, digest, is_last, length, rows, name, carried
        FROM log_slices
        WHERE after = :after";
    let mut statement = conn.prepare_cached(SQL)?;
    let slice = |row: &Row<'_>| {
        Ok(LogSlice {
            after: text(row, 0)?,
            digest: text(row, 1)?,
            is_last: row.get(2)?,
            length: row.get::<_, i64>(3)? as u64,
            rows: row.get::<_, i64>(4)? as u64,
            name: text(row, 5)?,
            carried: text(row, 6)?,
        })
    };
    let slices = statement.query_map(named_params! {":after": after}, slice)?;
    Ok(slices.collect::<rusqlite::Result<_>>()?)
}

/// Adds a slice; `false` if it is there, and then it is of now if it is added `again`.
pub(in crate::store) fn add_slice(
    conn: &Connection,
    slice: &LogSlice,
    again: bool,
) -> Result<bool> {
    const SQL: &str = "
        INSERT INTO log_slices (after, digest, is_last, length, rows, name, carried)
        VALUES (:after, :digest, :is_last, :length, :rows, :name, :carried)
        ON CONFLICT (after, digest, is_last) DO UPDATE
        SET created_at = excluded.created_at
        WHERE :again";
    let params = named_params! {
        ":after": slice.after,
        ":digest": slice.digest,
        ":is_last": slice.is_last,
        ":length": slice.length as i64,
        ":rows": slice.rows as i64,
        ":name": slice.name,
        ":carried": slice.carried,
        ":again": again,
    };
    Ok(conn.prepare_cached(SQL)?.execute(params)? > 0)
}

/// Removes the slices of before, except those after which a text goes on that was imported since.
pub(in crate::store) fn forget_slices(conn: &Connection, before: Timestamp) -> Result<()> {
    const SQL: &str = "
        WITH RECURSIVE needed (digest) AS (
          SELECT after FROM log_slices WHERE created_at >= :before
          UNION
          SELECT log_slices.after
          FROM needed
          JOIN log_slices ON log_slices.digest = needed.digest AND log_slices.is_last = 0
        )
        DELETE FROM log_slices
        WHERE created_at < :before
          AND (is_last = 1 OR digest NOT IN (SELECT digest FROM needed))";
    let params = named_params! {":before": before.millis()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// Rows that one slice of pruning removes: some ten milliseconds, which everybody else waits for.
const SLICE: usize = 1_000;

/// Removes a slice of old rows; whether there may be more. Rows come in by their ids, so that the oldest are the first.
pub(in crate::store) fn prune(conn: &Connection, before: Timestamp) -> Result<bool> {
    const SQL: &str = "
        DELETE FROM logs
        WHERE id < (SELECT max(id) FROM logs)
          AND id <= (SELECT max(id)
                     FROM (SELECT id, created_at FROM logs ORDER BY id LIMIT :slice)
                     WHERE created_at < :before)";
    let params = named_params! {":slice": SLICE as i64, ":before": before.millis()};
    Ok(conn.prepare_cached(SQL)?.execute(params)? == SLICE)
}

/// Whether the oldest row came in before.
pub(in crate::store) fn has_older(conn: &Connection, before: Timestamp) -> Result<bool> {
    const SQL: &str = "
        SELECT created_at < :before
        FROM logs
        ORDER BY id
        LIMIT 1";
    let params = named_params! {":before": before.millis()};
    let older: Option<bool> =
        conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0)).optional()?;
    Ok(older.unwrap_or(false))
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
/// Longest other column that a scan reads, in characters. Of extra data it reads as much as of the message, or none, so
/// that it stays JSON.
const MAX_SCANNED_COLUMN: usize = 1_000;
/// Rows of any level that go with one correlation id: what led to the trouble, not the whole life of a connection.
const MAX_CONTEXT: usize = 20;

/// A row with the instant at which it was stored, as the log database keeps it.
#[derive(Clone, Debug)]
pub(in crate::store) struct Stored {
    pub(in crate::store) row: LogRow,
    pub(super) created_at: Value,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let mut stored = Stored { row: from_row(row)?, created_at: row.get(9)? };
    let message = &mut stored.row.row.message;
    if message.chars().count() == MAX_SCANNED {
        // The text was cut, perhaps within a secret, and half a secret cannot be recognised.
        message.truncate(message.rfind(char::is_whitespace).unwrap_or(0));
    }
    Ok(stored)
}

/// The columns that [`stored`] reads, each as long as a scan wants it.
fn bounded_columns() -> String {
    let cut = |name: &str| format!("substr({name}, 1, {MAX_SCANNED_COLUMN})");
    format!(
        "id, {}, level, {}, substr(message, 1, {MAX_SCANNED}), {}, {}, {},
         CASE WHEN length(extra_data) <= {MAX_SCANNED} THEN extra_data END, created_at",
        cut("timestamp"),
        cut("source"),
        cut("correlation_id"),
        cut("user_id"),
        cut("request_path")
    )
}

/// Up to `limit` rows above `after` and up to `upto` of level warning or worse, oldest first; what is
/// said of scans themselves does not count.
pub(in crate::store) fn warnings(
    conn: &Connection,
    after: i64,
    upto: i64,
    limit: usize,
) -> Result<Vec<Stored>> {
    let sql = format!(
        "SELECT {}
         FROM logs NOT INDEXED
         WHERE id > :after AND id <= :upto
           AND NOT (source LIKE 'lamplighter%'
                AND (message LIKE '[SCAN-%' OR message LIKE '%(self_monitoring)%'))
           AND (level = '{}' OR level = '{}' OR level = '{}')
         ORDER BY id
         LIMIT :limit",
        bounded_columns(),
        Level::Warning,
        Level::Error,
        Level::Critical
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":after": after, ":upto": upto, ":limit": limit as i64};
    Ok(statement.query_map(params, stored)?.collect::<rusqlite::Result<_>>()?)
}

/// Rows below warning above `after` that share one of these correlation ids, up to 20 of each: the last ones before the
/// row whose id stands beside it.
pub(in crate::store) fn context(
    conn: &Connection,
    correlations: &[(String, i64)],
    after: i64,
) -> Result<Vec<Stored>> {
    let sql = format!(
        "SELECT {}
         FROM logs
         WHERE correlation_id = :correlation AND id > :after AND id < :before
           AND (level = '{}' OR level = '{}')
         ORDER BY id DESC
         LIMIT {MAX_CONTEXT}",
        bounded_columns(),
        Level::Debug,
        Level::Info
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut found = Vec::new();
    for (correlation, before) in correlations {
        let params =
            named_params! {":correlation": correlation, ":after": after, ":before": before};
        for row in statement.query_map(params, stored)? {
            found.push(row?);
        }
    }
    Ok(found)
}
