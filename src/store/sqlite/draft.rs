//! A database file under construction: it is built under a name of its own and moved into place whole.
//!
//! A process that is killed leaves its draft behind. The maker of a draft holds a lock of the operating system on it,
//! which ends with the process; so the next start knows the drafts that nobody makes any more, and removes them.

use super::stat::place;
use crate::error::{Code, Error, Result};
use crate::files;
use std::ffi::OsString;
use std::fs::{self, DirEntry, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// What SQLite keeps beside a database, by the ends of the names.
const BESIDE: [&str; 3] = ["-journal", "-wal", "-shm"];

/// A draft of the file at a path. Dropped, it is removed with everything beside it.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    /// Held from before SQLite opens the draft until after it has closed it, and let go before the file is in place: closing
    /// any descriptor of a file drops the locks that this process's SQLite has on it.
    lock: Option<File>,
}

impl Draft {
    /// An empty draft of `target`, in the same folder, for its owner only.
    pub(super) fn of(target: &Path) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let maker = std::process::id();
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = target.with_file_name(draft_name(target, &format!("{maker}-{number}")));
            let io = |e| Error::new(Code::StoreIo, format!("make {}", path.display())).because(e);
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            let lock = match made {
                // An earlier process with the same number left it; `sweep` removes it.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                made => made.map_err(io)?,
            };
            // A sweep may have come between the two.
            if files::try_lock(&lock).map_err(io)? && lock.metadata().map_err(io)?.nlink() > 0 {
                return Ok(Self { path, lock: Some(lock) });
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the finished draft the name `target`; `false` if something has that name already, which is then kept.
    pub(super) fn link(mut self, target: &Path) -> Result<bool> {
        let io = |e| Error::new(Code::StoreIo, format!("make {}", target.display())).because(e);
        drop(self.lock.take());
        match fs::hard_link(&self.path, target) {
            // Another process was quicker. It may have swept this draft since the lock was let go.
            Err(_) if target.exists() => return Ok(false),
            linked => linked.map_err(io)?,
        }
        File::open(folder_of(target)).and_then(|folder| folder.sync_all()).map_err(io)?;
        Ok(true)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // The next start removes what cannot be removed now.
        drop(remove(&self.path));
    }
}

/// Removes the drafts of `target` whose processes are gone, and what SQLite kept beside a draft that a loss of power took away.
pub(super) fn sweep(target: &Path) -> io::Result<()> {
    let taken = target.metadata().ok();
    for entry in fs::read_dir(folder_of(target))? {
        let entry = entry?;
        let name = entry.file_name();
        if is_draft(target, &name) && is_left(&entry, taken.as_ref())? {
            remove(&entry.path())?;
        } else if let Some(draft) = draft_beside(target, &name)
            && !target.with_file_name(draft).try_exists()?
        {
            // A draft goes last of all, so nobody makes this one.
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

/// Removes the file at `target` if it is empty, and never one that another process has put in its place meanwhile: a
/// process removes an empty file under a lock of the operating system, so that the name still leads to this file then.
pub(super) fn remove_empty(target: &Path) -> io::Result<()> {
    let is_empty = |data: &fs::Metadata| data.is_file() && data.len() == 0;
    // A database is not opened here: closing it would drop the locks that this process has on it.
    if !target.metadata().is_ok_and(|data| is_empty(&data)) {
        return Ok(());
    }
    let gone = |error: &io::Error| error.kind() == ErrorKind::NotFound;
    let file = match File::open(target) {
        Err(error) if gone(&error) => return Ok(()),
        file => file?,
    };
    file.lock()?;
    let held = file.metadata()?;
    let named = match target.metadata() {
        Err(error) if gone(&error) => return Ok(()),
        named => named?,
    };
    if is_empty(&named) && place(&named) == place(&held) {
        fs::remove_file(target)?;
    }
    Ok(())
}

/// A file that SQLite keeps beside a database: `-journal`, `-wal` or `-shm`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("/"),
    }
}

/// Whether nobody makes this draft any more.
fn is_left(draft: &DirEntry, target: Option<&fs::Metadata>) -> io::Result<bool> {
    let found = match draft.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    if !found.is_file() {
        return Ok(false);
    }
    // It is in place; only its second name is left. It is not opened: this process may have the database open already.
    if target.map(place) == Some(place(&found)) {
        return Ok(true);
    }
    let file = match File::open(draft.path()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    files::try_lock(&file)
}

/// Removes a draft, last of all the name by which a sweep finds it.
fn remove(draft: &Path) -> io::Result<()> {
    let files = BESIDE.map(|suffix| beside(draft, suffix));
    for file in files.iter().map(PathBuf::as_path).chain([draft]) {
        match fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn draft_name(target: &Path, maker: &str) -> OsString {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{maker}.new"));
    name
}

/// Whether a file's name is that of a draft of `target`; up to version 0.1.0 they had the maker's number alone.
fn is_draft(target: &Path, name: &std::ffi::OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let wanted = target.file_name().unwrap_or_default().as_encoded_bytes();
    let maker = name
        .strip_prefix(b".")
        .and_then(|rest| rest.strip_prefix(wanted))
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(b".new"));
    let fits = |byte: &u8| byte.is_ascii_digit() || *byte == b'-';
    maker.is_some_and(|maker| !maker.is_empty() && maker.iter().all(fits))
}

/// The draft of `target` that a file of this name lies beside.
fn draft_beside<'a>(target: &Path, name: &'a std::ffi::OsStr) -> Option<&'a std::ffi::OsStr> {
    let name = name.to_str()?;
    let drafts = BESIDE.iter().filter_map(|suffix| name.strip_suffix(suffix));
    drafts.map(std::ffi::OsStr::new).find(|draft| is_draft(target, draft))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn drafts_of_makers_that_are_gone_are_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.db");
        let kept = [
            "x.db",
            "x.db-wal",
            ".x.db.new",
            ".x.db.new-journal",
            ".x.db.mine.new",
            ".y.db.77.new",
            ".y.db.78.new-journal",
            ".x.db.77",
            "x.db.77.new",
        ];
        let left = [
            ".x.db.77.new",
            ".x.db.77.new-journal",
            ".x.db.77-3.new",
            ".x.db.77-3.new-wal",
            ".x.db.78.new-journal",
        ];
        for name in kept.iter().chain(&left) {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let draft = Draft::of(&target).unwrap();
        let made = draft.path().file_name().unwrap().to_str().unwrap().to_owned();
        sweep(&target).unwrap();
        let mut wanted: Vec<_> = kept.iter().map(ToString::to_string).chain([made]).collect();
        wanted.sort();
        assert_eq!(names(folder.path()), wanted, "whose maker lives stays");
        drop(draft);
        assert_eq!(names(folder.path()).len(), kept.len());
    }

    #[test]
    fn a_draft_that_is_in_place_already_loses_its_second_name_only() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.db");
        fs::write(&target, "mine").unwrap();
        fs::hard_link(&target, folder.path().join(".x.db.77.new")).unwrap();
        sweep(&target).unwrap();
        assert_eq!(names(folder.path()), ["x.db"]);
        assert_eq!(fs::read(&target).unwrap(), b"mine");
    }

    #[test]
    fn an_empty_file_is_removed_and_never_what_another_maker_has_put_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.db");
        remove_empty(&target).unwrap();
        fs::write(&target, "mine").unwrap();
        remove_empty(&target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"mine");
        for round in 0..200 {
            fs::write(&target, "").unwrap();
            let start = std::sync::Barrier::new(4);
            let make = || {
                start.wait();
                remove_empty(&target).unwrap();
                let draft = Draft::of(&target).unwrap();
                fs::write(draft.path(), "whole").unwrap();
                draft.link(&target).unwrap()
            };
            let placed = std::thread::scope(|scope| {
                let makers = [(); 4].map(|()| scope.spawn(make));
                makers.map(|maker| maker.join().unwrap()).iter().filter(|placed| **placed).count()
            });
            assert_eq!(placed, 1, "round {round}: each who placed one believes that it stays");
        }
    }

    #[test]
    fn a_draft_never_replaces_what_has_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.db");
        let (first, second) = (Draft::of(&target).unwrap(), Draft::of(&target).unwrap());
        fs::write(first.path(), "first").unwrap();
        assert!(first.link(&target).unwrap());
        assert!(!second.link(&target).unwrap());
        assert_eq!(names(folder.path()), ["x.db"]);
        assert_eq!(fs::read(&target).unwrap(), b"first");
    }
}
