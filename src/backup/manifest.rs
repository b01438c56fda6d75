//! `manifest.json`: what a backup has, by length and SHA-256.

use super::{CONFIG, DATABASES, PROMPTS, failed, sync};
use crate::error::{Code, Error, Result};
use crate::model::Timestamp;
use crate::store::JOBS_FILE;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

pub(super) const NAME: &str = "manifest.json";
/// The form of a backup that this version makes and reads.
const FORMAT: u32 = 1;
/// Bytes that are read at a time.
const CHUNK: usize = 1024 * 1024;

/// What a backup has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// When it was made, in UTC.
    pub(crate) made_at: String,
    /// The version that made it.
    pub(crate) lamplighter: String,
    /// Its files.
    pub(crate) files: Vec<Entry>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its path in the folder.
    pub(crate) name: String,
    /// How long it is.
    pub(crate) bytes: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub(crate) sha256: String,
}

impl Manifest {
    /// Of the files that are in a folder.
    pub(super) fn of(folder: &Path, now: Timestamp) -> Result<Self> {
        let mut names: Vec<String> = DATABASES.map(str::to_owned).into();
        names.push(CONFIG.to_owned());
        if let Ok(prompts) = fs::read_dir(folder.join(PROMPTS)) {
            let prompts = prompts.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            names.extend(prompts.map(|name| format!("{PROMPTS}/{name}")));
        }
        names.retain(|name| folder.join(name).is_file());
        names.sort();
        let files = names.into_iter().map(|name| entry(folder, name)).collect::<Result<_>>()?;
        let lamplighter = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Self { format: FORMAT, made_at: now.to_string(), lamplighter, files })
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(NAME);
        let text = serde_json::to_string_pretty(self).map_err(|e| unfit(folder).because(e))?;
        fs::write(&path, text + "\n").map_err(|e| failed("write", &path, e))?;
        sync(&path)?;
        sync(folder)
    }

    /// That of the backup in a folder.
    ///
    /// # Errors
    /// `STORE-BACKUP-001` if there is none, or if it is of another form.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let text = fs::read_to_string(&path);
        let text = text.map_err(|e| unfit(folder).because(format!("{}: {e}", path.display())))?;
        let manifest: Self = serde_json::from_str(&text)
            .map_err(|e| unfit(folder).because(format!("{NAME}: {e}")))?;
        if manifest.format != FORMAT {
            let why = format!(
                "{NAME}: it has the form {}, and this version reads {FORMAT}",
                manifest.format
            );
            return Err(unfit(folder).because(why));
        }
        if !manifest.names(JOBS_FILE) {
            return Err(unfit(folder).because(format!("{NAME}: it does not name {JOBS_FILE}")));
        }
        let stranger = manifest.files.iter().find(|file| !is_ours(&file.name));
        match stranger {
            Some(file) => Err(unfit(folder).because(format!("{NAME}: it names {:?}", file.name))),
            None => Ok(manifest),
        }
    }

    /// Compares the files with what is said of them.
    ///
    /// # Errors
    /// `STORE-BACKUP-001` with the name of one that differs.
    pub(super) fn compare(&self, folder: &Path) -> Result<()> {
        for wanted in &self.files {
            let found = entry(folder, wanted.name.clone()).map_err(|e| unfit(folder).because(e))?;
            if found != *wanted {
                let why = format!("{} is not the file that was written", wanted.name);
                return Err(unfit(folder).because(why));
            }
        }
        Ok(())
    }

    /// Whether the backup has this file.
    pub(super) fn names(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name)
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// A name that a backup may have: none that leads out of its folder.
fn is_ours(name: &str) -> bool {
    let of_prompt = name.strip_prefix(PROMPTS).and_then(|rest| rest.strip_prefix('/'));
    let is_plain = |name: &str| !name.is_empty() && !name.contains('/') && name != "..";
    DATABASES.contains(&name) || name == CONFIG || of_prompt.is_some_and(is_plain)
}

fn unfit(folder: &Path) -> Error {
    Error::new(Code::StoreBackup, format!("read the backup in {}", folder.display()))
}

fn entry(folder: &Path, name: String) -> Result<Entry> {
    let path = folder.join(&name);
    let read = || -> io::Result<(u64, String)> {
        let (mut file, mut hash, mut bytes) = (File::open(&path)?, Sha256::new(), 0);
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk)? {
                0 => break,
                read => {
                    hash.update(&chunk[..read]);
                    bytes += read as u64;
                }
            }
        }
        let mut digits = String::new();
        for byte in hash.finalize() {
            write!(digits, "{byte:02x}").map_err(io::Error::other)?;
        }
        Ok((bytes, digits))
    };
    let (bytes, sha256) = read().map_err(|e| failed("read", &path, e))?;
    Ok(Entry { name, bytes, sha256 })
}
