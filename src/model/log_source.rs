//! A log of another program, as an operator names it.

use super::LogRules;
use std::fmt;
use std::path::{Path, PathBuf};

/// A log that is followed while the server runs. `Display` names its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogSource {
    /// `path = "/var/log/app.log"` or `path = "/var/log/*.log"`, with `source`: what rows are named after whose lines name
    /// nothing; default is the file's name without its ending.
    File {
        /// Which file, an absolute path. It need not be there yet. With `*`, `?`, `[…]` or `**` it is a pattern of many files.
        path: PathBuf,
        /// The name.
        source: Option<String>,
        /// `zone = "Europe/Berlin"` and `begins = '^\d{4}-'`: how its lines are read.
        rules: LogRules,
    },
    /// `journal = "app.service"`, or `journal = true` for all of it.
    Journal {
        /// Whose lines; `None`: everybody's.
        unit: Option<String>,
        /// The source of rows whose entries name none; default `journal`.
        source: Option<String>,
    },
}

impl fmt::Display for LogSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => path.display().fmt(f),
            Self::Journal { unit: Some(unit), .. } => write!(f, "{unit} (journal)"),
            Self::Journal { unit: None, .. } => f.write_str("journal"),
        }
    }
}

/// The name under which the position of a followed file is stored.
pub(crate) fn file_key(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// The name under which the position of a followed journal is stored.
pub(crate) fn journal_key(unit: Option<&str>) -> String {
    format!("journal:{}", unit.unwrap_or_default())
}
