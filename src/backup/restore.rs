//! Puts a backup in the place of a data directory, so that a kill at any moment leaves one or the other whole.
//!
//! The backup is first copied into a draft folder. Giving that its final name is the moment from which on the backup counts:
//! its files are then moved to their places one by one, and those that were there into `replaced-…`. Each command finishes
//! that first, before it opens a database, so that a kill in its midst costs nothing.

use super::manifest::Manifest;
use super::{CONFIG, DATABASES, PROMPTS, check, copy_file, copy_own, failed, make_folder, sync};
use crate::error::{Code, Error, Result};
use crate::model::Timestamp;
use crate::store::{JOBS_FILE, LOGS_FILE, LogStore, OpenMode, Store};
use crate::store::{hold_database, lock_of, look_at_all};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The folder in a data directory whose files are to be moved to their places.
const FOLDER: &str = ".lamplighter-restored";
const DRAFT: &str = ".lamplighter-restoring";
/// A file in it: the name of the folder for what was there before, and what the backup has not.
const PLAN: &str = "plan";
/// The folders of runs, which are in no backup: those of the jobs that are replaced go with them.
const RUNS: &str = "jobs";
/// A database, which is moved first, and what SQLite keeps beside it: a log without its database is refused, a database
/// without its log is not.
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// There is no plan, or this user may not see it: opening the database says that with its own code.
const NOTHING: [ErrorKind; 3] =
    [ErrorKind::NotFound, ErrorKind::NotADirectory, ErrorKind::PermissionDenied];

/// The databases that are held, by name. While they are, they are read and written through these files alone.
type Held = BTreeMap<&'static str, File>;

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
/// `JOB-VALUE-001` for a folder of a restore itself and where a database is a link, `STORE-BUSY-002` while a process leads there
/// or has a database open, `STORE-BACKUP-001`,
/// `STORE-FILE-008` and the other refusals of a database, those of copying. Until the copy is complete nothing is changed.
pub(crate) fn restore(folder: &Path, data_dir: &Path, now: Timestamp) -> Result<Restored> {
    refuse_own(folder, data_dir)?;
    let manifest = check(folder)?;
    make_folder(data_dir)?;
    let _lock = lock(data_dir)?;
    finish_locked(data_dir)?;
    let held = hold(data_dir)?;
    let (draft, ready) = (data_dir.join(DRAFT), data_dir.join(FOLDER));
    clear(&draft)?;
    let aside = format!("replaced-{}", now.to_string().replace(':', "-"));
    if let Err(error) = fill(folder, &draft, &manifest, &aside) {
        clear(&draft)?;
        return Err(error);
    }
    fs::rename(&draft, &ready).map_err(|e| failed("rename", &draft, e))?;
    sync(data_dir)?;
    if let Some(plan) = plan_of(data_dir)? {
        take_places(data_dir, &plan, &held)?;
    }
    let aside = data_dir.join(aside);
    Ok(Restored { manifest, aside: aside.exists().then_some(aside) })
}

/// Holds the databases that are there, so that no process begins to read them before they are moved.
///
/// # Errors
/// `JOB-VALUE-001` for one that is a link, `STORE-BUSY-002` for one that a process has open.
fn hold(data_dir: &Path) -> Result<Held> {
    let doing = format!("restore into {}", data_dir.display());
    let mut held = Held::new();
    for name in DATABASES {
        let path = data_dir.join(name);
        if let Ok(place) = fs::read_link(&path) {
            // To move the link would leave the database where it is, and put the restored one on another disk.
            let why = format!(
                "{} is a link to {}; move the link away first",
                path.display(),
                place.display()
            );
            return Err(Error::new(Code::ModelInvalid, format!("{doing}: {why}")));
        }
        let file = hold_database(&path).map_err(|e| e.while_doing(&doing))?;
        held.extend(file.map(|file| (name, file)));
    }
    Ok(held)
}

/// Refuses a folder that a restore makes and clears.
///
/// # Errors
/// `JOB-VALUE-001`.
pub(super) fn refuse_own(folder: &Path, data_dir: &Path) -> Result<()> {
    let is_own = |name: &std::ffi::OsStr| name == FOLDER || name == DRAFT;
    if folder
        .parent()
        .is_some_and(|parent| parent.canonicalize().ok() == data_dir.canonicalize().ok())
        && folder.file_name().is_some_and(is_own)
    {
        let doing = format!("use {}: a restore makes and clears this folder", folder.display());
        return Err(Error::new(Code::ModelInvalid, doing));
    }
    Ok(())
}

/// Copies the backup into the draft, and looks whether this version can work with its databases.
fn fill(folder: &Path, draft: &Path, manifest: &Manifest, aside: &str) -> Result<()> {
    make_folder(draft)?;
    let has = |name: &&str| manifest.names(name);
    for name in DATABASES.into_iter().filter(has) {
        copy_file(&folder.join(name), &draft.join(name))?;
    }
    copy_own(folder, draft)?;
    manifest.compare(draft)?;
    for name in DATABASES.into_iter().filter(has) {
        look_at_all(&draft.join(name))?;
    }
    let refused = |opened: Result<()>| match opened {
        // The server that is started on it migrates it.
        Err(error) if error.code() == Code::StoreOlder => Ok(()),
        opened => opened,
    };
    refused(Store::open(&draft.join(JOBS_FILE), OpenMode::Current).map(drop))?;
    if manifest.names(LOGS_FILE) {
        refused(LogStore::open(&draft.join(LOGS_FILE), OpenMode::Current).map(drop))?;
    }
    let names = DATABASES.into_iter().chain([CONFIG, PROMPTS, RUNS]);
    let absent: Vec<_> = names.filter(|name| !draft.join(name).exists()).collect();
    let path = draft.join(PLAN);
    fs::write(&path, format!("{aside}\n{}", absent.join("\n")))
        .map_err(|e| failed("write", &path, e))?;
    sync(&path)?;
    sync(draft)
}

/// Moves the files of a restore to their places that a kill has cut off; does nothing where there was none.
///
/// # Errors
/// `STORE-BUSY-002` while a process leads there, or finishes it just now; those of moving files.
pub(crate) fn finish(data_dir: &Path) -> Result<()> {
    let plan = data_dir.join(FOLDER).join(PLAN);
    match fs::symlink_metadata(&plan) {
        Err(error) if NOTHING.contains(&error.kind()) => return Ok(()),
        found => found.map_err(|e| failed("look at", &plan, e))?,
    };
    let _lock = lock(data_dir)?;
    finish_locked(data_dir)
}

fn finish_locked(data_dir: &Path) -> Result<()> {
    match plan_of(data_dir)? {
        Some(plan) => take_places(data_dir, &plan, &hold(data_dir)?),
        // Nothing is to be done, or a kill came before the folder was removed.
        None => clear(&data_dir.join(FOLDER)),
    }
}

/// The plan of a restore whose files are not all in their places.
fn plan_of(data_dir: &Path) -> Result<Option<String>> {
    let path = data_dir.join(FOLDER).join(PLAN);
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        plan => plan.map(Some).map_err(|e| failed("read", &path, e)),
    }
}

/// Moves the files of a restore to their places.
fn take_places(data_dir: &Path, plan: &str, held: &Held) -> Result<()> {
    let ready = data_dir.join(FOLDER);
    let path = ready.join(PLAN);
    let mut lines = plan.lines();
    let aside = data_dir.join(lines.next().unwrap_or_default());
    for name in lines {
        move_aside(data_dir, &aside, name, held)?;
    }
    for name in DATABASES.into_iter().chain([CONFIG, PROMPTS]) {
        let from = ready.join(name);
        // What is not here is in its place already.
        if is_there(&from) {
            move_aside(data_dir, &aside, name, held)?;
            put(&from, &data_dir.join(name), held.get(name))?;
            sync(data_dir)?;
        }
    }
    fs::remove_file(&path).map_err(|e| failed("remove", &path, e))?;
    // Beside the plan there is what SQLite left at the look at the databases, and may just be removing itself.
    clear(&ready)
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Moves a name and what SQLite keeps beside it.
fn move_aside(data_dir: &Path, aside: &Path, name: &str, held: &Held) -> Result<()> {
    for suffix in SUFFIXES {
        let name = format!("{name}{suffix}");
        let from = data_dir.join(&name);
        if !is_there(&from) {
            continue;
        }
        make_folder(aside)?;
        match fs::rename(&from, aside.join(&name)) {
            // A file that is mounted by itself stays in its place, and its content is replaced.
            Err(error) if error.kind() == ErrorKind::ResourceBusy && from.is_file() => {
                keep_copy(&from, aside, &name, held)?;
            }
            moved => moved.map_err(|e| failed("rename", &from, e))?,
        }
    }
    Ok(())
}

/// Keeps a copy of a file that cannot be moved. Once the copy has its name it is whole, and the file may be half overwritten by a
/// restore that was killed: it is not copied again.
fn keep_copy(from: &Path, aside: &Path, name: &str, held: &Held) -> Result<()> {
    let kept = aside.join(name);
    if is_there(&kept) {
        return Ok(());
    }
    let draft = aside.join(format!("{name}{DRAFT}"));
    match held.get(name) {
        Some(database) => copy_held(database, from, &draft)?,
        None => copy_file(from, &draft)?,
    }
    fs::rename(&draft, &kept).map_err(|e| failed("rename", &draft, e))?;
    sync(aside)
}

/// Copies a database through the file that holds it: to open and close another one would end the hold.
fn copy_held(mut database: &File, from: &Path, to: &Path) -> Result<()> {
    let mut copy = || {
        let mut made =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to)?;
        database.rewind()?;
        io::copy(&mut database, &mut made)?;
        made.sync_all()
    };
    copy().map_err(|e| failed("copy", from, e))
}

/// Gives a file its name, or its content to the file that has it and is mounted by itself.
fn put(from: &Path, to: &Path, held: Option<&File>) -> Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::ResourceBusy && from.is_file() => {
            let overwrite = |mut place: &File| {
                place.rewind()?;
                place.set_len(0)?;
                io::copy(&mut File::open(from)?, &mut place)?;
                place.sync_all()
            };
            let overwritten = match held {
                Some(database) => overwrite(database),
                None => OpenOptions::new().write(true).open(to).and_then(|place| overwrite(&place)),
            };
            overwritten.map_err(|e| failed("write", to, e))?;
            fs::remove_file(from).map_err(|e| failed("remove", from, e))
        }
        moved => moved.map_err(|e| failed("rename", from, e)),
    }
}

/// Removes a folder of ours, if it is there.
fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        cleared => cleared.map_err(|e| failed("remove", folder, e)),
    }
}

/// The lock that a leading process has, so that none begins meanwhile.
///
/// # Errors
/// `STORE-BUSY-002` while a process leads.
fn lock(data_dir: &Path) -> Result<File> {
    let taken = lock_of(&data_dir.join(JOBS_FILE))?;
    taken
        .ok_or_else(|| Error::new(Code::StoreInUse, format!("restore into {}", data_dir.display())))
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    /// Whether this process has a lock of its own on the file, as SQLite takes it.
    fn is_held(path: &Path) -> bool {
        let inode = format!(":{} ", fs::metadata(path).unwrap().ino());
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|lock| lock.contains("POSIX") && lock.contains(&inode))
    }

    #[test]
    fn a_held_database_stays_held_while_it_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(JOBS_FILE);
        fs::write(&path, "rows").unwrap();
        let held = hold(folder.path()).unwrap();
        let copy = folder.path().join("copy");
        copy_held(&held[JOBS_FILE], &path, &copy).unwrap();
        assert!(is_held(&path));
        assert_eq!(fs::read_to_string(&copy).unwrap(), "rows");
        copy_file(&path, &copy).unwrap();
        assert!(!is_held(&path), "another file that is closed ends the hold");
    }

    #[test]
    fn what_is_no_database_that_can_be_held_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(hold(folder.path()).unwrap().is_empty());
        fs::create_dir(folder.path().join(JOBS_FILE)).unwrap();
        assert_eq!(hold(folder.path()).unwrap_err().code(), Code::StoreIo);
    }
}
