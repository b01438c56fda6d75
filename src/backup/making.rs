//! A folder in which a backup is being made: locked, and marked as unfinished until it is whole.
//!
//! The lock is the operating system's and ends with the process. So what a backup that was cut off has left is known by its
//! mark and its free lock, and the next backup removes it; a folder without the mark is never cleared.

use super::manifest::NAME as MANIFEST;
use super::{CONFIG, DATABASES, PROMPTS, failed};
use crate::error::{Code, Error, Result, ignore};
use crate::files;
use std::fs::{self, DirEntry, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The mark.
const UNFINISHED: &str = ".lamplighter-unfinished";
/// How the names of folders begin in which archives are made.
const ARCHIVE: &str = ".lamplighter-archive-";

/// The folder while the backup is made.
#[derive(Debug)]
pub(super) struct Making {
    mark: PathBuf,
    /// Held until this is dropped.
    _lock: File,
}

impl Making {
    /// Begins a backup in an empty folder, or in one in which a backup was cut off.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if there is anything else in it, or another backup is made there; `STORE-IO-001`.
    pub(super) fn begin(folder: &Path) -> Result<Self> {
        let refused = |why: &str| {
            Err(Error::new(Code::ModelInvalid, format!("back up into {}: {why}", folder.display())))
        };
        let Some(lock) = lock(folder).map_err(|e| failed("lock", folder, e))? else {
            return refused("another backup is made in the folder");
        };
        let mark = folder.join(UNFINISHED);
        if is_cut_off(folder) {
            clear(folder).map_err(|e| failed("clear", folder, e))?;
        }
        let others = |entry: &io::Result<DirEntry>| {
            entry.as_ref().is_ok_and(|entry| entry.file_name() != UNFINISHED)
        };
        let mut entries = fs::read_dir(folder).map_err(|e| failed("read", folder, e))?;
        if entries.any(|entry| others(&entry)) {
            return refused("the folder is not empty");
        }
        File::create(&mark).map_err(|e| failed("make", &mark, e))?;
        Ok(Self { mark, _lock: lock })
    }

    /// Says that the backup is whole. The folder stays locked.
    pub(super) fn finish(&self) -> Result<()> {
        fs::remove_file(&self.mark).map_err(|e| failed("remove", &self.mark, e))
    }
}

/// A folder in the data directory for an archive. Those that killed processes have left there are removed.
pub(super) fn for_archive(data_dir: &Path) -> Result<(TempDir, Making)> {
    ignore(sweep(data_dir), "what is left is removed by a later backup");
    let folder = tempfile::Builder::new()
        .prefix(ARCHIVE)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(data_dir)
        .map_err(|e| failed("make a folder in", data_dir, e))?;
    let making = Making::begin(folder.path())?;
    Ok((folder, making))
}

/// Removes the folders in which archives were made by processes that are gone.
pub(super) fn sweep(data_dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(data_dir)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(ARCHIVE));
        // A folder that has neither the mark nor a manifest has only just been made.
        let is_begun =
            || [UNFINISHED, MANIFEST].iter().any(|name| entry.path().join(name).exists());
        if is_ours && is_begun() && lock(&entry.path())?.is_some() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn is_cut_off(folder: &Path) -> bool {
    folder.join(UNFINISHED).exists() && !folder.join(MANIFEST).exists()
}

/// Removes what a backup makes, and the drafts of it.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_of = |database: &&str| name.strip_prefix('.').unwrap_or(name).starts_with(*database);
        if name == PROMPTS {
            fs::remove_dir_all(entry.path())?;
        } else if name == CONFIG || DATABASES.iter().any(is_of) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Locks a folder; `None` if another process has it locked.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let file = File::open(folder)?;
    Ok(files::try_lock(&file)?.then_some(file))
}
