//! A table of another program that scans read as their log.

use super::Level;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A column of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogColumn {
    /// When a row was logged: a text in ISO 8601, or a number since 1970.
    Timestamp,
    /// How grave it is.
    Level,
    /// Which program or module logged it.
    Source,
    /// The text.
    Message,
    /// What ties the rows of one request together.
    CorrelationId,
    /// Whose request it was.
    UserId,
    /// The request's path.
    RequestPath,
    /// Everything else, as JSON.
    ExtraData,
}

impl LogColumn {
    /// Every column, in the order of the log database.
    pub const ALL: [Self; 8] = [
        Self::Timestamp,
        Self::Level,
        Self::Source,
        Self::Message,
        Self::CorrelationId,
        Self::UserId,
        Self::RequestPath,
        Self::ExtraData,
    ];

    /// Its name in the log database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Level => "level",
            Self::Source => "source",
            Self::Message => "message",
            Self::CorrelationId => "correlation_id",
            Self::UserId => "user_id",
            Self::RequestPath => "request_path",
            Self::ExtraData => "extra_data",
        }
    }

    /// Whether nothing is known of a log without it.
    pub const fn is_needed(self) -> bool {
        matches!(self, Self::Timestamp | Self::Level | Self::Message)
    }
}

impl FromStr for LogColumn {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|column| column.as_str() == text).ok_or(())
    }
}

/// A table of another program's SQLite database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTable {
    /// The database.
    pub path: PathBuf,
    /// The table in it.
    pub table: String,
    /// The column whose number grows with each row; `None`: the one that SQLite has for it.
    pub id: Option<String>,
    /// Columns that are called otherwise than those of the log database.
    pub columns: BTreeMap<LogColumn, String>,
    /// What its words and numbers for levels mean, besides the common words.
    pub levels: BTreeMap<String, Level>,
}

impl LogTable {
    /// The source of rows that name none.
    pub fn source(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// What people and watermarks call it.
impl fmt::Display for LogTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (table {})", self.path.display(), self.table)
    }
}

/// How far a log was examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogMark {
    /// The name of the log's watermark.
    pub log: String,
    /// The last row that was examined.
    pub id: i64,
    /// A digest of what it says; `None` if it was gone by then, or the log is our own.
    pub row: Option<String>,
}
