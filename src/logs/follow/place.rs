//! The place where reading of a followed log goes on, also when the file was renamed, copied, emptied or replaced.

use super::position::{Before, Position, id};
use crate::files;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most rotated files of one log that are looked at.
const MAX_SIBLINGS: usize = 100;
/// Most files that are held open beside the one that is read.
const MAX_UPCOMING: usize = 16;
/// The endings of a rotated file's name, besides numbers and dates.
const ROTATED: [&str; 5] = [".old", ".bak", ".prev", ".orig", "~"];

/// The file at a path, if there is one.
pub(super) fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

/// A file of a log that was opened, and where reading of it begins.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) file: File,
    pub(super) offset: u64,
    /// What was there before it was begun.
    pub(super) before: Before,
}

/// The file to read and the place in it: the rest of the file that was read last, else the log from its start. `upcoming` are
/// files that were seen under the path and are still to be read.
pub(super) fn find(
    path: &Path,
    stored: Option<&Position>,
    upcoming: &Upcoming,
) -> io::Result<Option<Found>> {
    let here = match metadata(path)? {
        Some(_) => opened(path)?,
        None => None,
    };
    let siblings = siblings(path)?;
    if let Some(stored) = stored
        && let Some(file) = rest(stored, here.as_ref(), upcoming, &siblings)?
    {
        return Ok(Some(Found { file, offset: stored.offset, before: stored.before() }));
    }
    let last = stored.map(Position::id);
    let before = Before::new(last, siblings.iter().map(|(_, file)| file));
    Ok(here.map(|file| Found { file, offset: 0, before }))
}

/// The file in which what was read last goes on: the same file, wherever it is by now, or a copy of it.
fn rest(
    stored: &Position,
    here: Option<&File>,
    upcoming: &Upcoming,
    siblings: &[(PathBuf, Metadata)],
) -> io::Result<Option<File>> {
    if let Some(file) = here
        && id(&file.metadata()?) == stored.id()
        && stored.is_in(file)?
    {
        return file.try_clone().map(Some);
    }
    if let Some(file) = upcoming.file(stored.id())?
        && stored.is_in(&file)?
    {
        return Ok(Some(file));
    }
    // A file with the same number comes first, because a copy has the same bytes.
    let (same, others): (Vec<_>, Vec<_>) =
        siblings.iter().partition(|(_, file)| id(file) == stored.id());
    let copies = others.into_iter().filter(|(_, file)| stored.may_be_copied_to(file));
    for (sibling, file) in same.into_iter().chain(copies) {
        // A file that cannot be read or is gone by now is another one.
        if file.len() > stored.offset
            && let Ok(Some(file)) = opened(sibling)
            && stored.is_in(&file).unwrap_or(false)
        {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// The file at a path, opened, if there is one.
fn opened(path: &Path) -> io::Result<Option<File>> {
    match files::open_owned(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// The start of the file that was begun after `last` had been renamed or deleted: one that was rotated or deleted since,
/// else the log.
pub(super) fn successor(
    path: &Path,
    last: &Metadata,
    upcoming: &Upcoming,
) -> io::Result<Option<Position>> {
    let here = metadata(path)?;
    let siblings: Vec<_> = siblings(path)?.into_iter().map(|(_, file)| file).collect();
    let since = siblings.iter().filter(|file| changed(file) > changed(last)).cloned();
    let is_log = |file: &Metadata| here.as_ref().is_some_and(|log| id(log) == id(file));
    let next = since
        .chain(upcoming.looks()?)
        .filter(|file| id(file) != id(last) && !is_log(file))
        .min_by_key(changed);
    let next_or_log = next.as_ref().or(here.as_ref());
    Ok(next_or_log.map(|file| {
        let older = |other: &&Metadata| {
            id(other) != id(file) && (is_log(file) || changed(other) <= changed(file))
        };
        Position::start_of(file, Before::new(Some(id(last)), siblings.iter().filter(older)))
    }))
}

fn changed(file: &Metadata) -> (i64, i64) {
    (file.mtime(), file.mtime_nsec())
}

/// Files that were seen under the path of a log while an older one was still read. They are held open: what was deleted
/// meanwhile is read all the same.
#[derive(Debug, Default)]
pub(super) struct Upcoming(Vec<File>);

impl Upcoming {
    /// Holds the file at the path too, if it is another than the one that is read; answers whether there is one that
    /// has something to read.
    pub(super) fn look(&mut self, path: &Path, reading: (u64, u64)) -> io::Result<bool> {
        let log = metadata(path)?;
        if let Some(log) = log
            && id(&log) != reading
            && self.0.len() < MAX_UPCOMING
            && self.file(id(&log))?.is_none()
            && let Some(file) = opened(path)?
        {
            self.0.push(file);
        }
        Ok(self.looks()?.iter().any(|file| file.len() > 0))
    }

    /// Lets go of a file: it is read now.
    pub(super) fn let_go(&mut self, read: (u64, u64)) {
        self.0.retain(|file| file.metadata().is_ok_and(|file| id(&file) != read));
    }

    fn file(&self, wanted: (u64, u64)) -> io::Result<Option<File>> {
        for file in &self.0 {
            if id(&file.metadata()?) == wanted {
                return file.try_clone().map(Some);
            }
        }
        Ok(None)
    }

    fn looks(&self) -> io::Result<Vec<Metadata>> {
        self.0.iter().map(File::metadata).collect()
    }
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
pub(super) fn is_rotated(log: &OsStr, name: &OsStr) -> bool {
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
