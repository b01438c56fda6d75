//! A backup as programs are told of it.

use crate::backup::{Made, Manifest};
use serde::Serialize;
use std::path::Path;

/// A backup of a data directory.
#[derive(Debug, Serialize)]
pub struct Backup {
    /// The folder that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// When it was made, in UTC.
    pub made_at: String,
    /// The version that made it.
    pub lamplighter: String,
    /// Bytes of all of its files.
    pub bytes: u64,
    /// Its files.
    pub files: Vec<BackupFile>,
    /// Where a restore has put what was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced: Option<String>,
    /// What is in the folder of prompts and not in the backup.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// A file of a backup.
#[derive(Debug, Serialize)]
pub struct BackupFile {
    /// Its path in the folder.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

impl Backup {
    pub(crate) fn new(manifest: &Manifest, folder: Option<&Path>, replaced: Option<&Path>) -> Self {
        let text = |path: &Path| path.display().to_string();
        let files = manifest.files.iter().map(|file| BackupFile {
            name: file.name.clone(),
            bytes: file.bytes,
            sha256: file.sha256.clone(),
        });
        Self {
            folder: folder.map(text),
            made_at: manifest.made_at.clone(),
            lamplighter: manifest.lamplighter.clone(),
            bytes: manifest.bytes(),
            files: files.collect(),
            replaced: replaced.map(text),
            left_out: Vec::new(),
        }
    }

    /// The same of one that was just made.
    pub(crate) fn made(made: &Made, folder: &Path) -> Self {
        let left_out = made.left_out.iter().map(|path| path.display().to_string()).collect();
        Self { left_out, ..Self::new(&made.manifest, Some(folder), None) }
    }
}

/// The databases of a data directory, of which each page, index and foreign key is sound and each count of jobs right.
#[derive(Debug, Serialize)]
pub struct DatabaseCheck {
    /// The files that were looked at.
    pub files: Vec<&'static str>,
    /// Always `true`: a database that is not sound is told as an error.
    pub sound: bool,
}
