//! Copies of a data directory: made while the server runs, looked at, and put in the place of what is there.
//!
//! A backup is a folder: the two databases as they were at one moment, the prompts, `lamplighter.toml`, and `manifest.json`, which
//! names each file with its length and SHA-256. A restored database lies in a new file, so the next server knows it for a
//! copy: what ran when it was made counts as interrupted, and no process of the original is touched.

mod making;
mod manifest;
mod restore;

pub(crate) use manifest::Manifest;
pub(crate) use restore::{finish, restore};

use crate::error::{Code, Error, Result, ignore};
use crate::files;
use crate::model::Timestamp;
use crate::store::{DatabaseMoment, JOBS_FILE, LOGS_FILE, look_at_all};
use making::Making;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The databases, in the order in which their moments are taken: rows of the log that a job has read are in the copy too.
const DATABASES: [&str; 2] = [JOBS_FILE, LOGS_FILE];
/// What else is the operator's own in a data directory.
const CONFIG: &str = "lamplighter.toml";
const PROMPTS: &str = "prompts";

/// A backup that was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// What it has.
    pub(crate) manifest: Manifest,
    /// What is in the folder of prompts and in no backup: folders, and files whose names are no text.
    pub(crate) left_out: Vec<PathBuf>,
}

/// Makes a backup of a data directory in a new folder, in an empty one, or in one in which a backup was cut off. Other processes
/// may work on the data directory. `tell` is told the name of the file that is copied, its copied pages and how many it has.
/// Blocks.
///
/// # Errors
/// `JOB-VALUE-001` if it is no folder or not empty; those of copying.
pub(crate) fn make(
    data_dir: &Path,
    folder: &Path,
    now: Timestamp,
    tell: &mut dyn FnMut(&str, u64, u64),
) -> Result<Made> {
    restore::refuse_own(folder, data_dir)?;
    if folder.metadata().is_ok_and(|found| !found.is_dir()) {
        let doing = format!("back up into {}: it is no folder", folder.display());
        return Err(Error::new(Code::ModelInvalid, doing));
    }
    ignore(making::sweep(data_dir), "what is left is removed by a later backup");
    make_folder(folder)?;
    fill(data_dir, folder, &Making::begin(folder)?, now, tell)
}

fn fill(
    data_dir: &Path,
    folder: &Path,
    making: &Making,
    now: Timestamp,
    tell: &mut dyn FnMut(&str, u64, u64),
) -> Result<Made> {
    // A program that opened the path before there was a database leaves an empty file.
    let has_rows = |name: &&str| data_dir.join(name).metadata().is_ok_and(|data| data.len() > 0);
    let there = DATABASES.into_iter().filter(has_rows);
    let moments = there.map(|name| Ok((name, DatabaseMoment::of(&data_dir.join(name))?)));
    for (name, moment) in moments.collect::<Result<Vec<_>>>()? {
        moment.copy(&folder.join(name), &mut |done, all| tell(name, done, all))?;
    }
    let left_out = copy_own(data_dir, folder)?;
    let manifest = Manifest::of(folder, now)?;
    manifest.write(folder)?;
    making.finish()?;
    Ok(Made { manifest, left_out })
}

/// Makes a backup and writes it to `out` as a tar archive; answers what it leaves out, as [`Made`] does. Blocks.
///
/// # Errors
/// As [`make`], and `CLI-OUTPUT-001` if that fails.
pub(crate) fn archive(
    data_dir: &Path,
    now: Timestamp,
    out: impl Write,
    tell: &mut dyn FnMut(&str, u64, u64),
) -> Result<Vec<PathBuf>> {
    let (folder, making) = making::for_archive(data_dir)?;
    let made = fill(data_dir, folder.path(), &making, now, tell)?;
    let mut out = tar::Builder::new(out);
    let written = out.append_dir_all(".", folder.path()).and_then(|()| out.into_inner()?.flush());
    written.map_err(|e| Error::new(Code::CliOutput, "write to standard output").because(e))?;
    Ok(made.left_out)
}

/// Looks at a backup: that each file is what the manifest says. Each database was whole when it was copied. Blocks.
///
/// # Errors
/// `STORE-BACKUP-001`.
pub(crate) fn check(folder: &Path) -> Result<Manifest> {
    let manifest = Manifest::read(folder)?;
    manifest.compare(folder)?;
    Ok(manifest)
}

/// Looks at the databases of a data directory; answers which ones are there. Blocks.
///
/// # Errors
/// `STORE-FILE-008`.
pub(crate) fn check_databases(data_dir: &Path) -> Result<Vec<&'static str>> {
    let there = |name: &&str| data_dir.join(name).exists();
    let names: Vec<_> = DATABASES.into_iter().filter(there).collect();
    for path in names.iter().map(|name| data_dir.join(name)) {
        look_at_all(&path).map_err(|e| e.while_doing(&format!("look at {}", path.display())))?;
    }
    Ok(names)
}

/// Copies the prompts and the configuration. Answers what in the folder of prompts is none, and not copied.
fn copy_own(from: &Path, to: &Path) -> Result<Vec<PathBuf>> {
    let (config, prompts) = (from.join(CONFIG), from.join(PROMPTS));
    if config.is_file() {
        copy_file(&config, &to.join(CONFIG))?;
    }
    let mut left_out = Vec::new();
    if !prompts.is_dir() {
        return Ok(left_out);
    }
    make_folder(&to.join(PROMPTS))?;
    for entry in fs::read_dir(&prompts).map_err(|e| failed("read", &prompts, e))? {
        let path = entry.map_err(|e| failed("read", &prompts, e))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let (true, Some(name)) = (path.is_file(), name) {
            copy_file(&path, &to.join(PROMPTS).join(name))?;
        } else {
            left_out.push(path);
        }
    }
    sync(&to.join(PROMPTS))?;
    Ok(left_out)
}

/// Copies a file into one that its owner alone may read and write, whatever may be done with the copied one.
fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let copy = || {
        let mut file = File::open(from)?;
        let mut copy =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to)?;
        io::copy(&mut file, &mut copy)?;
        copy.sync_all()
    };
    copy().map_err(|e| failed("copy", from, e))
}

fn make_folder(folder: &Path) -> Result<()> {
    files::make_private_folder(folder).map_err(|e| failed("make", folder, e))
}

/// Has the system write a file, or the names in a folder, to the disk.
fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|e| failed("sync", path, e))
}

fn failed(doing: &str, path: &Path, error: io::Error) -> Error {
    Error::of_disk(Code::StoreIo, format!("{doing} {}", path.display()), error)
}
