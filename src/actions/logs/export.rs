//! Log rows as a file: a line of JSON each, or CSV. What is stored has passed the redactor, and so has the file.

use crate::error::{Code, Error, Result};
use crate::model::{LogFilter, LogRow};
use crate::store::ScannedLog;
use crate::wire;

/// How many rows are read at a time.
const CHUNK: usize = 500;
/// How many rows a file has at most, unless it is to have all.
const MOST: u64 = 100_000;
/// The head of a CSV file.
const HEAD: &str =
    "id,timestamp,level,source,message,correlation_id,user_id,request_path,extra_data\r\n";

/// How a file of log rows is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFile {
    /// A line of JSON for each row, as `logs list --json` prints them.
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
    /// How many more rows it may have.
    left: u64,
    has_head: bool,
    is_over: bool,
}

impl LogExport {
    /// The file of the rows that fit: the newest 100,000 of them, or all.
    pub fn new(log: ScannedLog, filter: LogFilter, file: LogFile, is_whole: bool) -> Self {
        let left = if is_whole { u64::MAX } else { MOST };
        Self { log, filter, file, left, has_head: false, is_over: false }
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
        let found = self.log.search(LogFilter { limit, ..self.filter.clone() }).await?;
        self.left = self.left.saturating_sub(found.rows.len() as u64);
        self.filter.before = found.next;
        self.is_over = found.next.is_none() || self.left == 0;
        let lines = found.rows.iter().map(|row| self.file.line(row));
        lines.collect::<Result<String>>().map(Some)
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

/// A text as a cell. What strangers log must not be a formula in the spreadsheet of the one who reads it.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if guard.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Level, NewLogRow};
    use crate::store::{LogStore, OpenMode};

    async fn whole(log: &LogStore, file: LogFile, filter: LogFilter, all: bool) -> String {
        let mut export = LogExport::new(ScannedLog::from(log), filter, file, all);
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
        let mut rows = 0;
        while let Some(part) = export.next().await.unwrap() {
            rows += part.lines().count();
        }
        assert_eq!(rows, 700);
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
            ("", ""),
        ] {
            assert_eq!(cell(text), written);
        }
        assert!(LogFile::parse("xml").unwrap_err().sentence().contains("ndjson or csv"));
    }
}
