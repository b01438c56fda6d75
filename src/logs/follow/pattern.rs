//! The files that one source names: a file, or all that fit a pattern.
//!
//! A pattern is looked up again and again, so that a file that comes later is followed too. What fits it but is no log that grows is passed
//! over: a rotated file of a log that is there (it is read as part of that log), what was compressed, and what is not text.

use super::LogFile;
use super::place::{self, is_rotated};
use crate::error::{Code, Error, Result};
use crate::files;
use crate::logs::read::is_text;
use crate::model::{LogRules, Service, Timestamp};
use crate::store::LogStore;
use glob::{MatchOptions, Pattern};
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Most files of a pattern that are followed at one time: each has a task and an open file.
const MAX_FILES: usize = 100;
/// Most names that are looked at.
const MAX_NAMES: usize = 10_000;
/// Bytes of a file that tell whether it is text.
const MAX_LOOK: u64 = 512;
/// The endings of compressed files.
const COMPRESSED: [&str; 8] = ["gz", "bz2", "xz", "zst", "lz4", "Z", "zip", "7z"];

/// The files of one source.
#[derive(Clone, Debug)]
pub struct LogFiles {
    path: PathBuf,
    source: Option<String>,
    rules: LogRules,
    logs: LogStore,
    data_dir: Option<PathBuf>,
}

impl LogFiles {
    /// The file at `path`, or all that fit the pattern `path`, to be followed into `logs`. `source` names rows whose lines
    /// name none; default is the file's name without its ending.
    pub fn new(path: impl Into<PathBuf>, source: Option<String>, logs: LogStore) -> Self {
        Self { path: path.into(), source, rules: LogRules::default(), logs, data_dir: None }
    }

    /// As [`LogFile::beside_runs_of`], for each of them.
    #[must_use]
    pub fn beside_runs_of(self, data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: Some(data_dir.into()), ..self }
    }

    /// As [`LogFile::with_rules`], for each of them.
    #[must_use]
    pub fn with_rules(self, rules: LogRules) -> Self {
        Self { rules, ..self }
    }

    /// The path, or the pattern.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether they are all that fit a pattern. A file that is there under this very name is meant itself.
    pub fn is_pattern(&self) -> bool {
        is_pattern(&self.path)
    }

    /// Whether a file's name fits the pattern.
    pub fn fits(&self, file: &Path) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        Pattern::new(&self.path.to_string_lossy())
            .is_ok_and(|pattern| pattern.matches_path_with(file, options))
    }

    /// One of them, to be followed.
    pub fn file(&self, path: PathBuf) -> LogFile {
        let file = LogFile::new(path, self.source.clone(), self.logs.clone())
            .with_rules(self.rules.clone());
        match &self.data_dir {
            Some(data_dir) => file.beside_runs_of(data_dir),
            None => file,
        }
    }

    /// The one that the path names, where it is no pattern.
    pub fn only(&self) -> LogFile {
        self.file(self.path.clone())
    }

    /// The logs that are there now, of more than a hundred the ones that changed last, and how many more there are.
    ///
    /// # Errors
    /// `LOGS-FOLLOW-001` for a pattern that is none.
    pub async fn found(&self) -> Result<(Vec<PathBuf>, usize)> {
        let path = self.path.clone();
        let failed = || Error::new(Code::LogFollow, format!("look for {}", self.path.display()));
        match tokio::task::spawn_blocking(move || found(&path)).await {
            Ok(found) => found.map_err(|error| failed().because(error)),
            Err(error) => Err(failed().because(error)),
        }
    }

    /// Says how a look for them ended: how many are followed.
    pub fn tell<E: fmt::Display>(&self, ended: Result<usize, E>, now: Timestamp) {
        let said = ended.map(|count| match count {
            1 => "1 file is followed".to_owned(),
            count => format!("{count} files are followed"),
        });
        self.logs.ran(&Service::Log(self.path.display().to_string()), now, said);
    }
}

impl fmt::Display for LogFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// Whether a path is a pattern of many files.
pub(in crate::logs) fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[']) && !path.exists()
}

/// The logs that fit a pattern, of too many the ones that changed last, and how many more there are.
pub(in crate::logs) fn found(pattern: &Path) -> io::Result<(Vec<PathBuf>, usize)> {
    let pattern = pattern.to_string_lossy();
    let paths = glob::glob(&pattern)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
    // A folder that cannot be read hides its files alone.
    let names: Vec<_> = paths.filter_map(Result::ok).take(MAX_NAMES).collect();
    let mut logs: Vec<_> = names
        .into_iter()
        .filter(|path| !is_rotated_log(path) && !is_compressed(path))
        .filter_map(|path| changed(&path).map(|at| (at, path)))
        .filter(|(_, path)| holds_text(path))
        .collect();
    logs.sort_by(|a, b| b.cmp(a));
    let more = logs.len().saturating_sub(MAX_FILES);
    logs.truncate(MAX_FILES);
    let mut logs: Vec<_> = logs.into_iter().map(|(_, path)| path).collect();
    logs.sort();
    Ok((logs, more))
}

/// Whether a file is a rotated one of a log that is there.
fn is_rotated_log(path: &Path) -> bool {
    let Some(name) = path.file_name() else { return false };
    let text = name.to_string_lossy();
    text.char_indices()
        .filter(|(at, c)| *at > 0 && matches!(c, '.' | '-' | '_' | '~'))
        .map(|(at, _)| &text[..at])
        .any(|log| is_rotated(log.as_ref(), name) && path.with_file_name(log).is_file())
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|ending| COMPRESSED.iter().any(|known| ending == *known))
}

fn changed(path: &Path) -> Option<SystemTime> {
    place::metadata(path).ok().flatten()?.modified().ok()
}

/// Whether a file begins as text, or is empty as yet. One that cannot be read is for the follower, which says why.
fn holds_text(path: &Path) -> bool {
    let mut head = Vec::new();
    match files::open_owned(path).map(|file| file.take(MAX_LOOK).read_to_end(&mut head)) {
        Ok(Ok(_)) => is_text(&head),
        Ok(Err(_)) | Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_logs_and_neither_their_rotated_files_nor_what_is_no_text() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        };
        let texts = ["a.log", "a.log.1", "a.log-20261129", "a.log.audit", "b.log.1", "c.log.gz"];
        for name in texts {
            write(name, b"words\n");
        }
        write("day-2026-11-29.log", b"words\n");
        write("empty.log", b"");
        write("wtmp.log", b"\x07\0\0\0\x05\x01");
        write("wide.log", b"\xff\xfew\0o\0r\0d\0");
        std::fs::create_dir(folder.path().join("folder.log")).unwrap();
        let (found, more) = found(&folder.path().join("*.log*")).unwrap();
        let names: Vec<_> =
            found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        let expected =
            ["a.log", "a.log.audit", "b.log.1", "day-2026-11-29.log", "empty.log", "wide.log"];
        assert_eq!((names.as_slice(), more), (expected.as_slice(), 0));
    }

    #[test]
    fn of_too_many_files_the_ones_that_changed_last_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let hour = std::time::Duration::from_hours(1);
        for n in 0..105 {
            let file = std::fs::File::create(folder.path().join(format!("{n:03}.log"))).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + hour * n).unwrap();
        }
        let (found, more) = found(&folder.path().join("*.log")).unwrap();
        assert_eq!((found.len(), more), (MAX_FILES, 5));
        assert!(found[0].ends_with("005.log"), "{found:?}");
    }

    #[tokio::test]
    async fn a_file_fits_the_pattern_that_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let logs = crate::store::LogStore::open(
            &folder.path().join("logs.db"),
            crate::store::OpenMode::Migrate,
        );
        let logs = logs.unwrap();
        for name in ["a/x.log", "a/.y.log", "a/b/x.log", "a/b/c/[x].log"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "words\n").unwrap();
        }
        let all = found(&folder.path().join("**/*.log")).unwrap().0;
        assert_eq!(all.len(), 4);
        for pattern in
            ["a/*.log", "*/x.log", "**/x.log", "a/**/*.log", "a/*/x.log", "a/b/c/[[]x].log"]
        {
            let files = LogFiles::new(folder.path().join(pattern), None, logs.clone());
            let fitting: Vec<_> = all.iter().filter(|path| files.fits(path)).cloned().collect();
            assert_eq!(files.found().await.unwrap().0, fitting, "{pattern}");
            assert!(!fitting.is_empty(), "{pattern}");
        }
    }

    #[test]
    fn a_file_whose_name_looks_like_a_pattern_is_meant_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app[1].log");
        assert!(is_pattern(&path));
        std::fs::write(&path, "words\n").unwrap();
        assert!(!is_pattern(&path));
    }
}
