//! Appending a file to the log database.

use super::parse::{Defaults, LineParser};
use crate::error::{Code, Error, Result};
use crate::model::{NewLogRow, Timestamp};
use crate::redact::{RedactStream, redactor};
use crate::store::LogStore;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Rows that share a commit: large enough to be fast, small enough to let a running server in between.
const BATCH: usize = 1_000;
/// Bytes read at a time; the redactor puts a longer line together again, up to its own limit.
const MAX_READ: u64 = 1024 * 1024;

/// Appends every line of `file` to `logs`, without the secrets in it, and answers how many rows they made. Text that is
/// not UTF-8 is read with replacement characters; of a line over 1 MiB the rest is left out. A line without a time gets
/// the file's own, or `now`.
///
/// # Errors
/// `INPUT-FILE-001` if there is no such file, `-002` if this user may not read it, `LOGS-INPUT-001` if it cannot be read for
/// another reason. Batches before an error stay imported; the message says how many.
pub async fn import(file: &Path, logs: &LogStore, now: Timestamp) -> Result<u64> {
    let unreadable = |doing: &str, error: std::io::Error| {
        let code = Code::of_input(error.kind(), Code::LogInput);
        Error::new(code, format!("{doing} {}", file.display())).because(error)
    };
    let open = File::open(file).map_err(|error| unreadable("open", error))?;
    let written = open.metadata().and_then(|data| data.modified()).ok();
    let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let time = written.map_or(now, |since| Timestamp::from_millis(since.as_millis() as i64));
    let source = file
        .file_stem()
        .map_or_else(|| "import".into(), |stem| stem.to_string_lossy().into_owned());
    let mut parser = LineParser::new(Defaults { source, timestamp: time.to_string() });
    let mut reader = BufReader::new(open);
    // Secrets go before the parser, which cuts long texts and takes each line of a bare PEM key for a row.
    let mut clean = RedactStream::new(redactor());
    let (mut line, mut batch, mut imported) = (Vec::new(), Vec::with_capacity(BATCH), 0_u64);
    loop {
        line.clear();
        let read = reader.by_ref().take(MAX_READ).read_until(b'\n', &mut line);
        let read =
            read.map_err(|error| unreadable(&format!("after {imported} rows, read"), error))?;
        if read == 0 {
            break;
        }
        batch.extend(clean.push(&line).lines().filter_map(|line| parser.push(line)));
        if batch.len() >= BATCH {
            imported +=
                save(logs, std::mem::replace(&mut batch, Vec::with_capacity(BATCH)), imported)
                    .await?;
        }
    }
    batch.extend(clean.finish().lines().filter_map(|line| parser.push(line)));
    batch.extend(parser.finish());
    imported += save(logs, batch, imported).await?;
    Ok(imported)
}

async fn save(logs: &LogStore, mut batch: Vec<NewLogRow>, before: u64) -> Result<u64> {
    let rows = batch.len() as u64;
    for row in &mut batch {
        // Again, since JSON may spell its texts in many ways.
        redactor().clean_row(row);
    }
    let saved = logs.append(batch).await;
    saved.map_err(|error| error.while_doing(&format!("import, after {before} rows")))?;
    Ok(rows)
}
