//! A database that is gone although files beside it show that there was one.
//!
//! A new file in its place would take in what the old log holds, or hide that everything is lost; so nothing is made, and
//! the files stay as they are (P28).

use super::draft::beside;
use super::{header, peek};
use crate::error::{Code, Error, Result};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

/// A second database in the same folder, which has rows only where the first one was made before.
#[derive(Debug)]
pub(in crate::store) struct Witness {
    /// Its name in the folder.
    pub(in crate::store) name: &'static str,
    /// Its mark in the header: a file of another program is no witness.
    pub(in crate::store) application_id: i32,
    /// Answers whether it has rows.
    pub(in crate::store) has_rows: &'static str,
}

/// Refuses a file that is missing, empty or too short to be a database where its log, its journal or rows of the witness are there.
///
/// # Errors
/// `STORE-FILE-007`, with the names of these files.
pub(in crate::store) fn refuse(path: &Path, witness: Option<&Witness>) -> Result<()> {
    let Some(state) = state(path) else { return Ok(()) };
    let mut traces: Vec<PathBuf> = ["-wal", "-journal"].map(|suffix| beside(path, suffix)).into();
    traces.retain(|file| file.exists());
    if let Some(witness) = witness {
        let file = path.with_file_name(witness.name);
        if testifies(&file, witness) {
            traces.push(file);
        }
    }
    // Another process may just have made the database, and its log after it.
    if traces.is_empty() || self::state(path).is_none() {
        return Ok(());
    }
    let traces: Vec<_> = traces.iter().map(|file| file.display().to_string()).collect();
    let doing = format!(
        "open {}: it {state}, but there was a database, for beside it lies {}",
        path.display(),
        traces.join(" and ")
    );
    Err(Error::new(Code::StoreLost, doing))
}

/// What is wrong with the file; `None` if it may be a database. It is not opened.
fn state(path: &Path) -> Option<&'static str> {
    match fs::metadata(path) {
        Ok(data) if data.is_file() && data.len() == 0 => Some("is empty"),
        Ok(data) if data.is_file() && data.len() < header::LENGTH as u64 => Some("is cut off"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("is not there"),
        Ok(_) | Err(_) => None,
    }
}

/// Whether the witness is there, ours, and has rows. One that cannot be read says nothing.
fn testifies(file: &Path, witness: &Witness) -> bool {
    let ask = |conn: &Connection| -> Result<bool> {
        let id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let is_ours = id == witness.application_id;
        Ok(is_ours && conn.query_row(witness.has_rows, [], |row| row.get(0))?)
    };
    // SQLite would wait for the other end of a pipe.
    if !file.is_file() {
        return false;
    }
    // A log that is not there is not made by the look.
    let has = if beside(file, "-wal").exists() {
        peek::open(file).map_err(Error::from).and_then(|conn| ask(&conn))
    } else {
        peek::closed(file, ask)
    };
    has.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{OpenMode, Store};

    fn names(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let entry = |entry: std::io::Result<fs::DirEntry>| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        };
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(entry).collect();
        names.sort();
        names
    }

    fn refused(folder: &Path, wanted: &str) {
        let before = names(folder);
        for mode in [OpenMode::Migrate, OpenMode::Current, OpenMode::Check] {
            let error = Store::open(&folder.join("lamplighter.db"), mode).unwrap_err();
            assert_eq!(error.code(), Code::StoreLost, "{error}");
            assert!(error.to_string().contains(wanted), "{error}");
        }
        assert_eq!(names(folder), before, "nothing is made and nothing is changed");
    }

    #[test]
    fn p28_a_missing_or_empty_file_beside_its_log_or_its_journal_is_damage_and_nothing_is_made() {
        for suffix in ["-wal", "-journal"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("lamplighter.db");
            fs::write(beside(&path, suffix), "what a kill left").unwrap();
            refused(
                folder.path(),
                &format!(
                    "it is not there, but there was a database, for beside it lies {}",
                    beside(&path, suffix).display()
                ),
            );
            fs::write(&path, "").unwrap();
            refused(folder.path(), "it is empty");
            fs::write(&path, b"SQLite format 3\0 cut").unwrap();
            refused(folder.path(), "it is cut off");
        }
    }

    #[cfg(feature = "monitor")]
    #[tokio::test]
    async fn p28_a_missing_or_empty_file_beside_rows_of_the_log_database_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lamplighter.db");
        let logs = crate::store::LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate)
            .unwrap();
        // Without a row it says nothing: a server that was killed in its first start may have made it.
        drop(Store::open(&path, OpenMode::Migrate).unwrap());
        fs::remove_file(&path).unwrap();
        drop(Store::open(&path, OpenMode::Migrate).unwrap());
        fs::remove_file(&path).unwrap();
        let row = crate::monitor::demo::day(crate::model::Timestamp::from_millis(0)).remove(0);
        logs.append(vec![row]).await.unwrap();
        // The row is in the log alone, then in the file.
        let error = Store::open(&path, OpenMode::Migrate).unwrap_err();
        assert!(error.to_string().contains("logs.db"), "{error}");
        drop(logs);
        refused(folder.path(), "logs.db");
        fs::write(&path, "").unwrap();
        refused(folder.path(), "it is empty");
    }

    #[cfg(feature = "monitor")]
    #[test]
    fn a_log_database_of_another_program_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("logs.db"), "another program's").unwrap();
        Store::open(&folder.path().join("lamplighter.db"), OpenMode::Migrate).unwrap();
    }
}
