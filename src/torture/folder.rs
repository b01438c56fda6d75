//! The folder of a torture: made fresh, locked while anybody works in it, and removed at the end or by the next torture.
//!
//! A torture that was killed itself leaves its folder behind. It is known by its name, its owner and the mark in it, and
//! that nobody works there by the locks of the torture and its processes, which the system takes back from a process that ends.

use crate::error::{Code, Error, Result, ignore};
use crate::files;
use fastrand::Rng;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// How the name of such a folder begins; sixteen hexadecimal digits follow.
const PREFIX: &str = "lamplighter-torture-";
/// The file that says that everything beside it may be removed.
const MARK: &str = "everything-here-may-be-removed";
/// Names that are tried: a sweep of another torture may take one away again.
const TRIES: usize = 100;

/// A folder in which a torture works. Dropped, it is removed with all that is in it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// A fresh folder in `dir`.
    ///
    /// # Errors
    /// `STORE-IO-001`, `STORE-FULL-001`.
    pub(super) fn make(dir: &Path, chance: &mut Rng) -> Result<Self> {
        let failed = |e: io::Error| {
            Error::of_disk(Code::StoreIo, format!("make a folder in {}", dir.display()), e)
        };
        for _ in 0..TRIES {
            let path = dir.join(format!("{PREFIX}{:016x}", chance.u64(..)));
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => made.map_err(failed)?,
            }
            if let Some(lock) = locked(&path).map_err(failed)? {
                let folder = Self { path, _lock: lock };
                File::create(folder.path.join(MARK)).map_err(failed)?;
                return Ok(folder);
            }
        }
        Err(failed(io::Error::other("every name is taken")))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        ignore(remove(&self.path), "remove the folder of a torture");
    }
}

/// The lock of a new folder; `None` if a sweep came between, or the folder was there already.
fn locked(path: &Path) -> io::Result<Option<File>> {
    let lock = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if !files::try_lock(&lock)? {
        return Ok(None);
    }
    let is_there = path.symlink_metadata().is_ok_and(|there| {
        lock.metadata().is_ok_and(|held| (held.dev(), held.ino()) == (there.dev(), there.ino()))
    });
    let is_empty = is_there && fs::read_dir(path)?.next().is_none();
    Ok(is_empty.then_some(lock))
}

/// Keeps the folder above from being swept for as long as the answer lives; for a working process, which may outlive its
/// torture for a moment.
pub(super) fn keep(sub_folder: &Path) -> io::Result<File> {
    let mark = File::open(sub_folder.with_file_name(MARK))?;
    mark.lock_shared()?;
    Ok(mark)
}

/// Removes what tortures that were killed have left in `dir`; answers how many folders these were. One in which a process
/// still ends is left to the next sweep.
pub(super) fn sweep(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let named = entries.filter(|entry| is_name(&entry.file_name().to_string_lossy()));
    named.filter(|entry| swept(&entry.path())).count()
}

fn is_name(name: &str) -> bool {
    let digits = name.strip_prefix(PREFIX);
    digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|c| c.is_ascii_hexdigit()))
}

/// Removes the folder if it is ours and nobody works in it.
fn swept(path: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let is_ours = path.symlink_metadata().is_ok_and(|found| found.is_dir() && found.uid() == own);
    if !is_ours {
        return false;
    }
    let Ok(lock) = File::open(path) else { return false };
    if !files::try_lock(&lock).unwrap_or(false) {
        return false;
    }
    let mark = File::open(path.join(MARK));
    let is_kept = mark.is_ok_and(|mark| !files::try_lock(&mark).unwrap_or(false));
    !is_kept && remove(path).is_ok()
}

/// Removes the folder: one with the mark with all that is in it, the mark last; one without only if it is empty.
fn remove(path: &Path) -> io::Result<()> {
    if path.join(MARK).is_file() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_name() == MARK {
                continue;
            }
            let is_dir = entry.file_type()?.is_dir();
            let path = entry.path();
            if is_dir { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
        fs::remove_file(path.join(MARK))?;
    }
    fs::remove_dir(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_goes_with_its_torture_and_a_sweep_leaves_one_that_is_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::make(dir.path(), &mut Rng::with_seed(1)).unwrap();
        fs::create_dir(folder.path().join("series-1")).unwrap();
        fs::write(folder.path().join("series-1/lamplighter.db"), "x").unwrap();
        // The same seed wants the same name.
        let other = Folder::make(dir.path(), &mut Rng::with_seed(1)).unwrap();
        assert_ne!(folder.path(), other.path());
        assert_eq!((sweep(dir.path()), names(dir.path()).len()), (0, 2));
        drop((folder, other));
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[test]
    fn a_sweep_removes_what_was_left_and_nothing_of_others() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let (left, empty) =
            (format!("{PREFIX}0123456789abcdef"), format!("{PREFIX}0123456789abcde0"));
        let unmarked = format!("{PREFIX}0123456789abcde1");
        for name in [&left, &empty, &unmarked, "lamplighter-torture-notes", "lamplighter.db"] {
            fs::create_dir(at(name)).unwrap();
        }
        for file in [at(&left).join(MARK), at(&left).join("key-1"), at(&unmarked).join("mine")] {
            fs::write(file, "").unwrap();
        }
        let linked = format!("{PREFIX}0123456789abcde2");
        std::os::unix::fs::symlink(at("lamplighter.db"), at(&linked)).unwrap();
        let series = at(&left).join("series-1");
        let kept = keep(&series).unwrap();
        assert_eq!((sweep(dir.path()), at(&left).exists()), (1, true));
        drop(kept);
        assert_eq!(sweep(dir.path()), 1);
        let mut kept = ["lamplighter-torture-notes", "lamplighter.db", &unmarked, &linked];
        kept.sort_unstable();
        assert_eq!(names(dir.path()), kept);
    }
}
