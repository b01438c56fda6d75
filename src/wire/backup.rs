//! A backup as programs are told of it.

use crate::backup::Manifest;
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
        }
    }
}
