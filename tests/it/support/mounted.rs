//! A file system that is mounted for a test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is mounted there goes with this value.
pub struct Mounted(pub PathBuf);

impl Mounted {
    /// Mounts a file on itself, as containers do with single files; `None` if this user may not.
    pub fn on_itself(file: &Path) -> Option<Self> {
        Self::at(file, file)
    }

    /// Mounts a file system in memory, with these options; `None` if this user may not.
    pub fn memory(options: &str, place: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "lamplighter-test"]).arg(place);
        mount.stderr(Stdio::null());
        mount.status().is_ok_and(|ended| ended.success()).then(|| Self(place.to_owned()))
    }

    /// Mounts a file or folder at a second place; `None` if this user may not.
    pub fn at(from: &Path, place: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.arg("--bind").arg(from).arg(place).stderr(Stdio::null());
        mount.status().is_ok_and(|ended| ended.success()).then(|| Self(place.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let ended = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(ended.is_ok_and(|ended| ended.success()) || std::thread::panicking());
    }
}
