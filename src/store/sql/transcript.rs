//! Rows of `transcript_pieces`: what a run printed.

use super::lease::{self, IS_HELD};
use crate::error::Result;
use crate::model::{JobId, Lease, Timestamp, TranscriptPiece};
use rusqlite::{Connection, Row, named_params};

/// Appends pieces, and counts bytes that were dropped since the last call.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held any more.
pub(in crate::store) fn append(
    conn: &Connection,
    lease: &Lease,
    pieces: &[TranscriptPiece],
    dropped: u64,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO transcript_pieces (job_id, start, first_line, at, bytes)
        VALUES (:id, :start, :first_line, :at, :bytes)";
    let count = format!(
        "UPDATE sessions
         SET transcript_bytes = CASE WHEN transcript_bytes < :bytes THEN :bytes ELSE transcript_bytes END,
             transcript_lines = CASE WHEN transcript_lines < :lines THEN :lines ELSE transcript_lines END,
             transcript_dropped = transcript_dropped + :dropped
         WHERE job_id = :id AND {IS_HELD}"
    );
    let (bytes, lines) = pieces.last().map_or((0, 0), |last| (last.end(), last.end_line()));
    let own = named_params! {
        ":bytes": bytes as i64, ":lines": lines as i64, ":dropped": dropped as i64,
    };
    lease::write(conn, &count, lease, own)?;
    let mut statement = conn.prepare_cached(INSERT)?;
    for piece in pieces {
        statement.execute(named_params! {
            ":id": lease.id.0,
            ":start": piece.start as i64,
            ":first_line": piece.first_line as i64,
            ":at": piece.at.millis(),
            ":bytes": piece.bytes,
        })?;
    }
    Ok(())
}

/// The pieces from the one that holds byte `from` on, as many as start within `most` bytes of it.
pub(in crate::store) fn read(
    conn: &Connection,
    id: JobId,
    from: u64,
    most: u64,
) -> Result<Vec<TranscriptPiece>> {
    const SQL: &str = "
        SELECT start, first_line, at, bytes
        FROM transcript_pieces
        WHERE job_id = :id
          AND start >= coalesce(
            (SELECT max(start) FROM transcript_pieces WHERE job_id = :id AND start <= :from), 0)
          AND start < :from + :most
        ORDER BY start";
    let params = named_params! {":id": id.0, ":from": from as i64, ":most": most as i64};
    let mut statement = conn.prepare_cached(SQL)?;
    let pieces = statement.query_map(params, from_row)?;
    let pieces: Vec<TranscriptPiece> = pieces.collect::<rusqlite::Result<_>>()?;
    Ok(pieces.into_iter().filter(|piece| piece.end() > from).collect())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<TranscriptPiece> {
    Ok(TranscriptPiece {
        start: row.get::<_, i64>(0)? as u64,
        first_line: row.get::<_, i64>(1)? as u64,
        at: Timestamp::from_millis(row.get(2)?),
        bytes: row.get(3)?,
    })
}
