//! What is known of each log that is followed: whether it is there, how far it was read, and how much is left.
//!
//! The files and the log database are looked at, so that every process can tell, whether a server runs or not.

use super::follow::left;
use super::follow::pattern::{found, is_pattern};
use crate::error::Result;
use crate::heavy::heavy;
use crate::model::{LogProgress, LogRules, LogSource, Timestamp, file_key, journal_key};
use crate::store::LogStore;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// A log that is followed: a file, or a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// Its path, or whose journal it is.
    pub name: String,
    /// The pattern of the configuration that it fits, where it is one of many.
    pub pattern: Option<String>,
    /// How its lines are read, where that is said.
    pub rules: LogRules,
    /// Whether it is there, and how much of it is left.
    pub state: LogState,
    /// When the file changed last.
    pub changed_at: Option<Timestamp>,
    /// How far it was read; `None`: nothing of it is stored.
    pub progress: Option<LogProgress>,
}

/// Whether a log is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogState {
    /// No file is there, or none that fits the pattern.
    Missing,
    /// It cannot be looked at, for this reason.
    Refused(String),
    /// A file is there.
    File {
        /// Its length.
        bytes: u64,
        /// How many of these bytes are not in stored rows.
        left: u64,
    },
    /// It is a journal, of which nothing can be seen from outside.
    Journal,
}

impl LogState {
    /// The word for programs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Refused(_) => "refused",
            Self::File { left: 0, .. } => "up_to_date",
            Self::File { .. } => "behind",
            Self::Journal => "journal",
        }
    }
}

impl fmt::Display for LogState {
    /// The words for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("not there"),
            Self::Refused(why) => write!(f, "cannot be read: {why}"),
            Self::File { left: 0, .. } => f.write_str("read to its end"),
            Self::File { left, bytes } => write!(f, "{left} of {bytes} bytes to read"),
            Self::Journal => f.write_str("a journal"),
        }
    }
}

/// A file, or a pattern that no file fits.
struct Candidate {
    path: PathBuf,
    pattern: Option<String>,
}

/// What is known of the logs that a configuration names, in its order; the files of a pattern by their names.
///
/// # Errors
/// Those of reading the log database.
pub async fn log_places(sources: &[LogSource], logs: &LogStore) -> Result<Vec<LogPlace>> {
    // A file that is named by itself is followed under that name.
    let named: BTreeSet<_> = sources.iter().filter_map(named).collect();
    let (mut places, mut known) = (Vec::new(), BTreeSet::new());
    for source in sources.iter().cloned() {
        let name = source.to_string();
        match source {
            LogSource::Journal { unit, .. } => {
                let progress = logs.progress(&journal_key(unit.as_deref())).await?;
                let (state, pattern, changed_at) = (LogState::Journal, None, None);
                let rules = LogRules::default();
                places.push(LogPlace { name, pattern, rules, state, changed_at, progress });
            }
            LogSource::File { path, rules, .. } => {
                let candidates = heavy(usize::MAX, move || candidates(&path)).await;
                for candidate in candidates {
                    let is_others = candidate.pattern.is_some() && named.contains(&candidate.path);
                    if !is_others && known.insert(candidate.path.clone()) {
                        let progress = logs.progress(&file_key(&candidate.path)).await?;
                        let rules = rules.clone();
                        let look = move || look(candidate, rules, progress);
                        places.push(heavy(usize::MAX, look).await);
                    }
                }
            }
        }
    }
    Ok(places)
}

/// The file that a source names by itself.
fn named(source: &LogSource) -> Option<PathBuf> {
    match source {
        LogSource::File { path, .. } if !is_pattern(path) => Some(path.clone()),
        LogSource::File { .. } | LogSource::Journal { .. } => None,
    }
}

fn candidates(path: &Path) -> Vec<Candidate> {
    let itself = || vec![Candidate { path: path.to_owned(), pattern: None }];
    if !is_pattern(path) {
        return itself();
    }
    let one = |file| Candidate { path: file, pattern: Some(path.display().to_string()) };
    match found(path) {
        Ok((files, _)) if !files.is_empty() => files.into_iter().map(one).collect(),
        Ok(_) | Err(_) => itself(),
    }
}

fn look(candidate: Candidate, rules: LogRules, progress: Option<LogProgress>) -> LogPlace {
    let Candidate { path, pattern } = candidate;
    let stored = progress.as_ref().map(|progress| progress.position.as_str());
    let (state, changed_at) = match left(&path, stored) {
        Ok(None) => (LogState::Missing, None),
        Ok(Some((file, left))) => {
            let changed_at = Timestamp::from(file.changed_at);
            (LogState::File { bytes: file.bytes, left }, Some(changed_at))
        }
        Err(error) => (LogState::Refused(error.to_string()), None),
    };
    LogPlace { name: path.display().to_string(), pattern, rules, state, changed_at, progress }
}
