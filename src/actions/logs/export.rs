//! Log rows as a file: a line of JSON each, or CSV. What is stored has passed the redactor, and so has the file.

use crate::error::{Code, Error, Result};
use crate::model::{Found, LogFilter, LogRow};
use crate::store::ScannedLog;
use crate::wire;
use std::ops::Range;

/// How many rows are read at a time.
const CHUNK: usize = 500;
/// How many rows a file has at most, unless it is to have all.
const MOST: u64 = 100_000;
/// How many rows are looked through for a file, unless it is to have all.
const SIGHT: u64 = 5_000_000;
/// The head of a CSV file.
const HEAD: &str =
    "id,timestamp,level,source,message,correlation_id,user_id,request_path,extra_data\r\n";

/// How a file of log rows is written. One that ends at a bound says so in its last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFile {
    /// A line of JSON for each row, as `logs list --json` prints them. The line that says something of the file has only a
    /// `note`.
    Ndjson,
    /// Comma-separated values with a head, as RFC 4180 has them. A text that a spreadsheet would take for a formula begins
    /// with an apostrophe.
    Csv,
}

impl LogFile {
    /// Reads the word by which one asks for it.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for another word.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "ndjson" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            _ => {
                let why = format!("export log rows as {text:?}: a file is of ndjson or csv");
                Err(Error::new(Code::ModelInvalid, why))
            }
        }
    }

    /// The ending of the file's name.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// A line that says something of the file.
    fn note(self, text: &str) -> String {
        match self {
            Self::Csv => format!(",,,,{},,,,\r\n", cell(text)),
            Self::Ndjson => {
                let note = wire::LogNote { note: text.to_owned() };
                serde_json::to_string(&note).unwrap_or_default() + "\n"
            }
        }
    }

    fn line(self, row: &LogRow) -> Result<String> {
        match self {
            Self::Csv => Ok(csv(row)),
            Self::Ndjson => serde_json::to_string(&wire::LogRow::from(row))
                .map(|line| line + "\n")
                .map_err(|why| Error::new(Code::ModelInvalid, "write a log row").because(why)),
        }
    }
}

/// A file of log rows in the making, newest first. It is made as it is taken, so that it costs the memory of one part.
#[derive(Debug)]
pub struct LogExport {
    log: ScannedLog,
    filter: LogFilter,
    file: LogFile,
    is_whole: bool,
    /// The ids of our own log among which the rows of the filter's time lie, once they have been looked for.
    ids: Option<Range<i64>>,
    /// How many more rows it may have.
    left: u64,
    /// How many more rows may be looked through for it.
    unseen: u64,
    has_head: bool,
    is_over: bool,
}

impl LogExport {
    /// The file of the rows that fit: the newest 100,000 of them, among 5,000,000 rows, or all. Unless it is to have all, rows of
    /// another program's log are taken to be in the order of their times.
    pub fn new(log: ScannedLog, filter: LogFilter, file: LogFile, is_whole: bool) -> Self {
        let (left, unseen) = if is_whole { (u64::MAX, u64::MAX) } else { (MOST, SIGHT) };
        let (ids, has_head, is_over) = (None, false, false);
        Self { log, filter, file, is_whole, ids, left, unseen, has_head, is_over }
    }

    /// The next part of the file; `None` at its end. A part may be empty while nothing fits.
    ///
    /// # Errors
    /// Those of reading the log.
    pub async fn next(&mut self) -> Result<Option<String>> {
        if !self.has_head {
            self.has_head = true;
            if self.file == LogFile::Csv {
                return Ok(Some(HEAD.to_owned()));
            }
        }
        if self.is_over {
            return Ok(None);
        }
        let limit = usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK);
        let found = self.look(LogFilter { limit, ..self.filter.clone() }).await?;
        self.left = self.left.saturating_sub(found.rows.len() as u64);
        self.unseen = self.unseen.saturating_sub(found.looked_through);
        let lines = found.rows.iter().map(|row| self.file.line(row));
        let mut part = lines.collect::<Result<String>>()?;
        let Some(next) = found.next else {
            self.is_over = true;
            return Ok(Some(part));
        };
        if let Some(why) = self.bound(&found, next).await? {
            self.is_over = true;
            let text = format!(
                "This file ends at row {next}: {why}. Rows below that one may fit too; whole=yes in its address asks for all."
            );
            part += &self.file.note(&text);
        }
        self.filter.before = Some(next);
        Ok(Some(part))
    }

    /// The newest rows that fit, among the ids of the filter's time if they can be known.
    async fn look(&mut self, filter: LogFilter) -> Result<Found<LogRow>> {
        let ScannedLog::Own(log) = &self.log else { return self.log.search(filter).await };
        let ids = match &self.ids {
            Some(ids) => ids.clone(),
            None => self.ids.insert(log.ids_of_time(filter.clone()).await?).clone(),
        };
        log.search_among(filter, ids).await
    }

    /// Why the file ends with these rows, though some that fit may come below `next`; `None` if it goes on.
    async fn bound(&self, found: &Found<LogRow>, next: i64) -> Result<Option<String>> {
        if self.left == 0 {
            return Ok(Some("it has as many rows as a file may have".to_owned()));
        }
        if self.unseen == 0 {
            return Ok(Some("5,000,000 rows were looked through".to_owned()));
        }
        let ScannedLog::Foreign(log) = &self.log else { return Ok(None) };
        let since = self.filter.since.filter(|_| !self.is_whole && found.rows.is_empty());
        let Some(since) = since else { return Ok(None) };
        let seen = next..self.filter.before.unwrap_or(i64::MAX);
        let are_older = log.are_older(seen, since).await?;
        Ok(are_older.then(|| "the rows from there on are older than what is asked for".to_owned()))
    }
}

fn csv(row: &LogRow) -> String {
    let LogRow { id, row } = row;
    let optional = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
    let cells = [
        id.to_string(),
        cell(&row.timestamp),
        cell(row.level.as_str()),
        cell(&row.source),
        cell(&row.message),
        optional(&row.correlation_id),
        optional(&row.user_id),
        optional(&row.request_path),
        optional(&row.extra_data),
    ];
    cells.join(",") + "\r\n"
}

/// A text as a cell. What strangers log must not be a formula in the spreadsheet of the one who reads it, even in one that
/// divides cells at semicolons.
fn cell(text: &str) -> String {
    let mut is_guarded = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mut pieces = text.split(';');
    let mut written = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let sign = piece.trim_start_matches([' ', '\t', '"']);
        let is_formula = sign.starts_with(['=', '+', '-', '@']);
        is_guarded |= is_formula;
        written += if is_formula { ";'" } else { ";" };
        written += piece;
    }
    if !is_guarded && !text.contains([',', '"', '\n', '\r']) {
        return written;
    }
    let guard = if is_guarded { "'" } else { "" };
    format!("\"{guard}{}\"", written.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Level, NewLogRow};
    use crate::store::{LogStore, OpenMode};

    async fn whole(log: &LogStore, file: LogFile, filter: LogFilter, all: bool) -> String {
        rest(LogExport::new(ScannedLog::from(log), filter, file, all)).await
    }

    async fn rest(mut export: LogExport) -> String {
        let mut text = String::new();
        while let Some(part) = export.next().await.unwrap() {
            text += &part;
        }
        text
    }

    #[tokio::test]
    async fn a_file_has_every_row_that_fits_in_both_forms() {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        let row = |n: usize| {
            let level = if n.is_multiple_of(2) { Level::Error } else { Level::Info };
            NewLogRow::new("2027-01-15T08:00:00Z", level, "shop", format!("row {n}, \"so\""))
        };
        logs.append((1..=1_203).map(row).collect()).await.unwrap();
        let lines = whole(&logs, LogFile::Ndjson, LogFilter::default(), true).await;
        let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!((lines.lines().count(), &first["id"]), (1_203, &1_203.into()));
        let errors = LogFilter { level: Some(Level::Error), ..LogFilter::default() };
        let csv = whole(&logs, LogFile::Csv, errors, false).await;
        assert_eq!(csv.lines().count(), 1 + 601);
        let line = "1202,2027-01-15T08:00:00Z,ERROR,shop,\"row 1202, \"\"so\"\"\",,,,";
        assert_eq!(csv.lines().nth(1), Some(line));
    }

    #[tokio::test]
    async fn a_file_ends_at_its_bound_unless_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        let row = |n: usize| NewLogRow::new("2027", Level::Info, "shop", n.to_string());
        logs.append((0..1_200).map(row).collect()).await.unwrap();
        let log = ScannedLog::from(&logs);
        let mut export = LogExport::new(log, LogFilter::default(), LogFile::Ndjson, false);
        export.left = 700;
        let text = rest(export).await;
        assert_eq!(text.lines().count(), 700 + 1);
        let note: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let said = note["note"].as_str().unwrap();
        assert!(said.starts_with("This file ends at row 501: it has as many rows"), "{said}");

        let log = ScannedLog::from(&logs);
        let mut export = LogExport::new(log, LogFilter::default(), LogFile::Csv, false);
        export.unseen = 700;
        let text = rest(export).await;
        assert_eq!(text.lines().count(), 1 + 1_000 + 1);
        let last = text.lines().last().unwrap();
        assert!(last.starts_with(",,,,") && last.contains("looked through"), "{last}");
        assert!(last.ends_with(",,,,"), "{last}");
        let lines = whole(&logs, LogFile::Ndjson, LogFilter::default(), true).await;
        assert!(lines.lines().count() == 1_200 && !lines.contains("\"note\""));
    }

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_is_never_a_formula() {
        for (text, written) in [
            ("plain text", "plain text"),
            ("a,b", "\"a,b\""),
            ("two\nlines", "\"two\nlines\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("-1", "\"'-1\""),
            ("@SUM", "\"'@SUM\""),
            ("a;b; c", "a;b; c"),
            ("a;=cmd()", "\"'a;'=cmd()\""),
            ("a; -1;b", "\"'a;' -1;b\""),
            ("", ""),
        ] {
            assert_eq!(cell(text), written);
        }
        assert!(LogFile::parse("xml").unwrap_err().sentence().contains("ndjson or csv"));
    }
}
