//! Puts a backup in the place of a data directory, so that a kill at any moment leaves one or the other whole.
//!
//! The backup is first copied into `restoring`. Renaming that to `restored` is the moment from which on the backup counts: the
//! files of `restored` are then moved to their places one by one, and those that were there into `replaced-…`. Each command
//! finishes that first, before it opens a database, so that a kill in its midst costs nothing.

use super::manifest::Manifest;
use super::{CONFIG, DATABASES, PROMPTS, check, copy_own, failed, make_folder, sync};
use crate::error::{Code, Error, Result};
use crate::model::Timestamp;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The folder in a data directory whose files are to be moved to their places.
const FOLDER: &str = "restored";
const DRAFT: &str = "restoring";
/// A file in it: the name of the folder for what was there before.
const ASIDE: &str = "aside";
/// The file whose lock is the leadership of a server.
const LOCK: &str = "lamplighter.lock";
/// What SQLite keeps beside a database.
const BESIDE: [&str; 4] = ["-wal", "-shm", "-journal", ""];

/// There is no such folder, or this user may not see it: opening the database says that with its own code.
const NOTHING: [ErrorKind; 3] =
    [ErrorKind::NotFound, ErrorKind::NotADirectory, ErrorKind::PermissionDenied];

/// What a restore has done.
#[derive(Debug)]
pub(crate) struct Restored {
    /// What the backup has.
    pub(crate) manifest: Manifest,
    /// Where the files are that were there before; `None` if there were none.
    pub(crate) aside: Option<PathBuf>,
}

/// Puts the backup in `folder` in the place of what is in `data_dir`. Blocks.
///
/// # Errors
/// `STORE-BUSY-002` while a process leads there, `STORE-BACKUP-001`, `STORE-FILE-008`, those of copying. Until the copy is
/// complete nothing is changed.
pub(crate) fn restore(folder: &Path, data_dir: &Path, now: Timestamp) -> Result<Restored> {
    make_folder(data_dir)?;
    let _lock = lock(data_dir)?;
    finish(data_dir)?;
    let manifest = check(folder)?;
    let (draft, ready) = (data_dir.join(DRAFT), data_dir.join(FOLDER));
    clear(&draft)?;
    make_folder(&draft)?;
    for name in DATABASES.into_iter().filter(|name| folder.join(name).exists()) {
        let (from, to) = (folder.join(name), draft.join(name));
        fs::copy(&from, &to).map_err(|e| failed("copy", &from, e))?;
        sync(&to)?;
    }
    copy_own(folder, &draft)?;
    manifest.compare(&draft)?;
    let aside = format!("replaced-{}", now.to_string().replace(':', "-"));
    let path = draft.join(ASIDE);
    fs::write(&path, &aside).map_err(|e| failed("write", &path, e))?;
    sync(&path)?;
    sync(&draft)?;
    fs::rename(&draft, &ready).map_err(|e| failed("rename", &draft, e))?;
    sync(data_dir)?;
    finish(data_dir)?;
    let aside = data_dir.join(aside);
    Ok(Restored { manifest, aside: aside.exists().then_some(aside) })
}

/// Moves the files of a restore to their places that a kill has cut off; does nothing where there was none. Blocks while
/// another process does it.
///
/// # Errors
/// Those of moving files.
pub(crate) fn finish(data_dir: &Path) -> Result<()> {
    let ready = data_dir.join(FOLDER);
    let folder = match File::open(&ready) {
        Err(error) if NOTHING.contains(&error.kind()) => return Ok(()),
        folder => folder.map_err(|e| failed("open", &ready, e))?,
    };
    folder.lock().map_err(|e| failed("lock", &ready, e))?;
    let path = ready.join(ASIDE);
    let aside = match fs::read_to_string(&path) {
        // Another process has finished it meanwhile, or was killed while it removed the empty folder.
        Err(error) if error.kind() == ErrorKind::NotFound => return clear(&ready),
        aside => data_dir.join(aside.map_err(|e| failed("read", &path, e))?),
    };
    for name in DATABASES.into_iter().chain([CONFIG, PROMPTS]) {
        let from = ready.join(name);
        // What is not here is in its place already.
        if from.exists() {
            for suffix in BESIDE {
                move_aside(data_dir, &aside, &format!("{name}{suffix}"))?;
            }
            fs::rename(&from, data_dir.join(name)).map_err(|e| failed("rename", &from, e))?;
            sync(data_dir)?;
        }
    }
    fs::remove_file(&path).map_err(|e| failed("remove", &path, e))?;
    clear(&ready)
}

fn move_aside(data_dir: &Path, aside: &Path, name: &str) -> Result<()> {
    let from = data_dir.join(name);
    if !from.exists() {
        return Ok(());
    }
    make_folder(aside)?;
    fs::rename(&from, aside.join(name)).map_err(|e| failed("rename", &from, e))
}

/// Removes a folder of ours, if it is there.
fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        cleared => cleared.map_err(|e| failed("remove", folder, e)),
    }
}

/// The lock that a leading process has, so that none begins meanwhile.
fn lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join(LOCK);
    let options = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let file = options.map_err(|e| failed("open", &path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let doing = format!("restore into {}", data_dir.display());
            Err(Error::new(Code::StoreInUse, doing))
        }
        Err(TryLockError::Error(error)) => Err(failed("lock", &path, error)),
    }
}
