//! Appending a file to the log database.

use super::reader::{LogReader, MAX_LEARNED};
use crate::error::{Code, Error, Result};
use crate::model::{NewLogRow, Timestamp};
use crate::store::LogStore;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Rows that share a commit: large enough to be fast, small enough to let a running server in between.
const BATCH: usize = 1_000;
/// Bytes read at a time; the redactor puts a longer line together again, up to its own limit.
const MAX_READ: usize = 256 * 1024;

/// What an import came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rows that were stored.
    pub rows: u64,
    /// Lines with bytes that are no text. What could be read of them is in the rows.
    pub unread: u64,
}

/// Appends every line of `file` to `logs`, without the secrets in it, and answers how many rows they made. UTF-8 and UTF-16 are
/// read; bytes that are neither become replacement characters, and their lines are counted; of a line over 1 MiB the rest is left out. A line
/// without a time gets the file's own, or `now`.
///
/// # Errors
/// `INPUT-FILE-001` if there is no such file, `-002` if this user may not read it, `LOGS-INPUT-001` if it cannot be read for
/// another reason. Batches before an error stay imported; the message says how many.
pub async fn import(file: &Path, logs: &LogStore, now: Timestamp) -> Result<Imported> {
    let unreadable = |doing: &str, error: io::Error| {
        let code = Code::of_input(error.kind(), Code::LogInput);
        Error::new(code, format!("{doing} {}", file.display())).because(error)
    };
    let mut open = File::open(file).map_err(|error| unreadable("open", error))?;
    let written = open.metadata().and_then(|data| data.modified()).ok();
    let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let time = written.map_or(now, |since| Timestamp::from_millis(since.as_millis() as i64));
    let source = file
        .file_stem()
        .map_or_else(|| "import".into(), |stem| stem.to_string_lossy().into_owned());
    let mut reader: Option<LogReader> = None;
    let (mut batch, mut imported) = (Vec::with_capacity(BATCH), 0_u64);
    loop {
        let mut piece = vec![0; MAX_READ];
        // The first piece is what the reader learns from.
        let read = fill(&mut open, &mut piece, if reader.is_none() { MAX_LEARNED } else { 1 });
        let read =
            read.map_err(|error| unreadable(&format!("after {imported} rows, read"), error))?;
        let piece = &piece[..read];
        let reader = reader.get_or_insert_with(|| LogReader::new(&source, time, piece));
        if read == 0 {
            batch.extend(reader.finish());
            imported += save(logs, batch, imported).await?;
            return Ok(Imported { rows: imported, unread: reader.unread() });
        }
        batch.extend(reader.push(piece));
        while batch.len() >= BATCH {
            let rest = batch.split_off(BATCH);
            imported += save(logs, std::mem::replace(&mut batch, rest), imported).await?;
        }
    }
}

/// Reads a piece of at least so many bytes, unless the file ends.
fn fill(file: &mut File, piece: &mut [u8], least: usize) -> io::Result<usize> {
    let mut filled = 0;
    while filled < least.min(piece.len()) {
        match file.read(&mut piece[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) => break,
            read => filled += read?,
        }
    }
    Ok(filled)
}

async fn save(logs: &LogStore, batch: Vec<NewLogRow>, before: u64) -> Result<u64> {
    let rows = batch.len() as u64;
    let saved = logs.append(batch).await;
    saved.map_err(|error| error.while_doing(&format!("import, after {before} rows")))?;
    Ok(rows)
}
