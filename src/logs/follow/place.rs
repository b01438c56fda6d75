//! The place where reading of a followed log goes on, also when the file was renamed, copied, emptied or replaced.

use crate::files;
use crate::model::sha256_hex;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Bytes at the beginning of a file by which it is known: a few lines with their times.
pub(super) const MAX_HEAD: usize = 1_024;
/// The fewest of these bytes by which a copy is recognised.
const MIN_HEAD: u64 = 32;
/// Most rotated files of one log that are looked at.
const MAX_SIBLINGS: usize = 100;
/// The endings of a rotated file's name, besides numbers and dates.
const ROTATED: [&str; 5] = [".old", ".bak", ".prev", ".orig", "~"];

/// How far which file was read, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Bytes of the file that are in stored rows.
    pub(super) offset: u64,
    /// Bytes of the beginning that `head` is of; at most `offset`.
    pub(super) head_length: u64,
    /// SHA-256 of the beginning, replacement characters for what is not UTF-8.
    pub(super) head: String,
}

impl Position {
    /// The start of a file.
    pub(super) fn start_of(file: &Metadata) -> Self {
        Self::new(id(file), 0, b"")
    }

    pub(super) fn new((device, inode): (u64, u64), offset: u64, head: &[u8]) -> Self {
        Self { device, inode, offset, head_length: head.len() as u64, head: digest(head) }
    }

    /// Reads a stored position; a text that is no position counts as not stored.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn to_text(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// Whether a file begins as the one of this position did.
    fn begins(&self, file: &Path) -> io::Result<bool> {
        let mut head = Vec::new();
        files::open_owned(file)?
            .take(self.head_length.min(MAX_HEAD as u64))
            .read_to_end(&mut head)?;
        Ok(head.len() as u64 == self.head_length && digest(&head) == self.head)
    }
}

fn digest(head: &[u8]) -> String {
    sha256_hex(&String::from_utf8_lossy(head))
}

/// Which file a file is.
pub(super) fn id(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Whether an open file still begins with these bytes.
pub(super) fn begins_with(file: &File, head: &[u8]) -> io::Result<bool> {
    let mut now = [0; MAX_HEAD];
    let now = &mut now[..head.len()];
    match file.read_exact_at(now, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        done => done.map(|()| now == head),
    }
}

/// The file at a path, if there is one.
pub(super) fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

/// The file to read and the position in it: the rest of the file that was read last, else the log from its start.
pub(super) fn find(path: &Path, stored: Option<&Position>) -> io::Result<Option<(PathBuf, u64)>> {
    let here = metadata(path)?;
    let Some(stored) = stored else {
        return Ok(here.map(|_| (path.to_owned(), 0)));
    };
    let is_it = |file: &Metadata| id(file) == (stored.device, stored.inode);
    if let Some(file) = &here
        && is_it(file)
        && file.len() >= stored.offset
        && stored.begins(path)?
    {
        return Ok(Some((path.to_owned(), stored.offset)));
    }
    // A file with the same number comes first, because a copy begins with the same bytes.
    let mut siblings = siblings(path)?;
    siblings.sort_by_key(|(_, file)| !is_it(file));
    for (sibling, file) in siblings {
        let known = is_it(&file) || stored.head_length >= MIN_HEAD;
        // A file that cannot be read or is gone by now is another one.
        if known && file.len() > stored.offset && stored.begins(&sibling).unwrap_or(false) {
            return Ok(Some((sibling, stored.offset)));
        }
    }
    Ok(here.map(|_| (path.to_owned(), 0)))
}

/// The file that was begun after `last` had been renamed or deleted: the log, or one that was rotated away since.
pub(super) fn successor(path: &Path, last: &Metadata) -> io::Result<Option<Metadata>> {
    let mut siblings = siblings(path)?;
    siblings.retain(|(_, file)| id(file) != id(last) && changed(file) > changed(last));
    siblings.sort_by_key(|(_, file)| changed(file));
    Ok(match siblings.into_iter().next() {
        Some((_, file)) => Some(file),
        None => metadata(path)?,
    })
}

fn changed(file: &Metadata) -> (i64, i64) {
    (file.mtime(), file.mtime_nsec())
}

/// The rotated files of a log, the latest first.
fn siblings(path: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Vec::new());
    };
    let entries = match std::fs::read_dir(if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if is_rotated(name, &entry.file_name())
            && let Ok(Some(file)) = metadata(&entry.path())
        {
            found.push((entry.path(), file));
        }
    }
    found.sort_by_key(|(path, file)| (std::cmp::Reverse(changed(file)), path.clone()));
    found.truncate(MAX_SIBLINGS);
    Ok(found)
}

/// `app.log.1`, `app.log-20261121`, `app.log.old`, but neither `app.log.audit` nor what was compressed.
fn is_rotated(log: &OsStr, name: &OsStr) -> bool {
    let (log, name) = (log.to_string_lossy(), name.to_string_lossy());
    let Some(rest) = name.strip_prefix(&*log) else {
        return false;
    };
    let dated = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_' | b':' | b'T' | b'Z');
    ROTATED.contains(&rest)
        || (rest.starts_with(['.', '-', '_'])
            && rest.bytes().all(dated)
            && rest.bytes().any(|b| b.is_ascii_digit()))
}
