//! Rows of a log database, and of a scan's snapshot of it.

use super::Timestamp;
use std::fmt;
use std::str::FromStr;

/// How grave a log row is; the order is the gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A detail for people who debug the program.
    Debug,
    /// Ordinary course.
    Info,
    /// Something to look at.
    Warning,
    /// Something failed.
    Error,
    /// The program cannot do its work.
    Critical,
}

impl Level {
    /// Every level, least grave first.
    pub const ALL: [Self; 5] =
        [Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

/// Writes one table of words twice: as a list, and as what compares a word with all of them at once.
macro_rules! level_words {
    ($($level:ident: $($word:literal)*;)*) => {
        impl Level {
            /// The words that programs have for each, in lower case, also with a letter left out or cut off.
            pub const WORDS: [(Self, &'static [&'static str]); 5] =
                [$((Self::$level, &[$($word),*])),*];

            fn of_lower(word: &[u8]) -> Option<Self> {
                let word = str::from_utf8(word).ok()?;
                match word {
                    $($($word)|* => Some(Self::$level),)*
                    _ => None,
                }
            }
        }
    };
}

level_words! {
    Debug: "trace" "trc" "trce" "trac" "verbose" "vrb" "verb" "fine" "finer" "finest" "debug" "dbg" "dbug" "debu" "spam";
    Info: "info" "inf" "information" "informational" "notice" "note" "log" "system" "success" "config" "default" "detail"
        "hint" "statement" "context" "ntc";
    Warning: "warn" "warning" "wrn" "warni" "deprecation" "deprecated";
    Error: "err" "error" "eror" "erro" "severe" "fail" "failure";
    Critical: "crit" "critical" "crt" "fatal" "fata" "ftl" "alert" "emerg" "emergency" "panic" "pani" "pnc" "dpanic";
}

/// Longest of these words, in bytes.
const MAX_WORD: usize = 16;

impl Level {
    /// The level of a word in any case, with nothing around it.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let mut lower = [0; MAX_WORD];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        Self::of_lower(lower)
    }
}

/// Reads the stored word and the words of other programs, in any case: `warn`, `err`, `fatal`, `notice`, …
impl FromStr for Level {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::of_word(text.trim()).ok_or(())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One stored log row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Row id: grows with every row, never comes back.
    pub id: i64,
    /// What the row says.
    pub row: NewLogRow,
}

/// How far a followed source was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProgress {
    /// Where reading goes on: JSON in the form of the service that follows it.
    pub position: String,
    /// How many rows came of it.
    pub rows: u64,
    /// How many of its lines held bytes that are not text.
    pub unread: u64,
    /// When rows of it were stored last.
    pub moved_at: Timestamp,
}

/// A step on in a followed source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogStep {
    /// The position from which it begins; `None`: nothing of the source was read yet.
    pub from: Option<String>,
    /// The position to which it leads.
    pub to: String,
    /// How many lines between them held bytes that are not text.
    pub unread: u64,
}

/// One log row before it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLogRow {
    /// When it was logged, ISO 8601 as the source wrote it.
    pub timestamp: String,
    /// How grave it is.
    pub level: Level,
    /// Which program or module logged it.
    pub source: String,
    /// The text, possibly of several lines.
    pub message: String,
    /// Ties the rows of one request together.
    pub correlation_id: Option<String>,
    /// Whose request it was.
    pub user_id: Option<String>,
    /// The request's path.
    pub request_path: Option<String>,
    /// Everything else that the source gave, as a JSON object.
    pub extra_data: Option<String>,
}

impl NewLogRow {
    /// A row with nothing but the four columns every log has.
    pub fn new(
        timestamp: impl Into<String>,
        level: Level,
        source: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            timestamp: timestamp.into(),
            level,
            source: source.into(),
            message: message.into(),
            correlation_id: None,
            user_id: None,
            request_path: None,
            extra_data: None,
        }
    }
}

/// The template that a row belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowTemplate {
    /// Its text.
    pub text: String,
    /// Since when it is known, if an earlier scan has met it.
    pub known_since: Option<Timestamp>,
}

/// A slice of an imported text whose rows are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSlice {
    /// What comes before: SHA-256 of the text up to here, or, at its start, what its first line says.
    pub after: String,
    /// SHA-256 of the text from its start to the end of this slice.
    pub digest: String,
    /// Whether the text ended here, perhaps within a line or an event.
    pub is_last: bool,
    /// Bytes of the text.
    pub length: u64,
    /// How many rows it made.
    pub rows: u64,
    /// The file's name.
    pub name: String,
    /// What the reader of the next slice must know: JSON in the form of the import.
    pub carried: String,
}

/// A row of a snapshot that somebody refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cited {
    /// The row.
    pub row: LogRow,
    /// The template that it belongs to; a row of context has none.
    pub template: Option<String>,
    /// How many rows of warning or worse have this template and source; 0 for a row of context.
    pub alike: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_level_in_any_case_and_what_is_stored_is_among_them() {
        for (level, words) in Level::WORDS {
            for word in words {
                assert_eq!(format!(" {} ", word.to_uppercase()).parse(), Ok(level), "{word}");
                assert_eq!(Level::of_word(word), Some(level), "{word}");
            }
            assert_eq!(level.as_str().parse(), Ok(level));
        }
        let words: Vec<_> = Level::WORDS.iter().flat_map(|(_, words)| *words).collect();
        assert_eq!(words.iter().map(|word| word.len()).max(), Some(MAX_WORD - 3));
        for other in ["", "loud", "errors", " ", "informationally so to say", "ERRÖR"] {
            assert_eq!(other.parse::<Level>(), Err(()), "{other}");
        }
        assert_eq!(Level::of_word("error "), None);
    }
}
