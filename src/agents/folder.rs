//! A folder that was looked at, known again by its number, whatever lies at its path later.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which folder of the machine it is: its disk, and its number there.
///
/// Between the look at a folder and the start of a run in it, something else may be put at its path. Our own program, inside
/// of the run's sandbox, knows the folder again by this before the run's program begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderId {
    disk: u64,
    inode: u64,
}

impl FolderId {
    /// The folder that a path leads to, and its own path, without links.
    ///
    /// # Errors
    /// Those of the system, if it is no folder too.
    #[cfg(target_os = "linux")]
    pub fn open(path: &Path) -> io::Result<(Self, PathBuf)> {
        use rustix::fs::{Mode, OFlags};
        use std::os::fd::AsRawFd as _;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let held = rustix::fs::open(path, flags, Mode::empty())?;
        let found = rustix::fs::fstat(&held)?;
        // The kernel says where that very folder is: both answers are about the same one.
        let path = std::fs::read_link(format!("/proc/self/fd/{}", held.as_raw_fd()))?;
        Ok((Self { disk: found.st_dev, inode: found.st_ino }, path))
    }

    /// The folder that a path leads to, and its own path, without links.
    ///
    /// # Errors
    /// Those of the system.
    #[cfg(not(target_os = "linux"))]
    pub fn open(path: &Path) -> io::Result<(Self, PathBuf)> {
        use std::os::unix::fs::MetadataExt as _;
        let path = path.canonicalize()?;
        let found = path.metadata()?;
        Ok((Self { disk: found.dev(), inode: found.ino() }, path))
    }

    /// Refuses another folder than this.
    #[cfg(target_os = "linux")]
    pub(super) fn recognise(self, path: &Path) -> io::Result<()> {
        if Self::open(path)?.0 == self {
            return Ok(());
        }
        Err(io::Error::other("another folder has taken the place of the working directory"))
    }
}

impl fmt::Display for FolderId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.disk, self.inode)
    }
}

impl FromStr for FolderId {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        let numbers = text.split_once('.').and_then(|(disk, inode)| {
            Some(Self { disk: disk.parse().ok()?, inode: inode.parse().ok()? })
        });
        numbers.ok_or_else(|| io::Error::other(format!("{text} names no folder")))
    }
}
