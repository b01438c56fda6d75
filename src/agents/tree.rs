//! A walk through a folder that hostile programs may have filled.
//!
//! No link is followed, no other file system is entered, and what is found is held open, so that nothing can take its place
//! between the look and the use.

use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Uid, chownat, fstat, openat2,
};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// No link on the way, no way out of the folder, no other file system.
const WITHIN: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);
/// Holds a file without opening it: this waits for nothing and wakes no device.
const HOLD: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A file or folder that was found.
pub(super) struct Found<'a> {
    handle: &'a OwnedFd,
    /// What it is.
    pub(super) state: Stat,
}

impl Found<'_> {
    /// Whether it is a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.kind() == FileType::Directory
    }

    /// Whether it is a plain file.
    pub(super) fn is_file(&self) -> bool {
        self.kind() == FileType::RegularFile
    }

    /// Whether it is a link.
    pub(super) fn is_link(&self) -> bool {
        self.kind() == FileType::Symlink
    }

    fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.state.st_mode)
    }

    /// A path that leads to exactly this file, whatever becomes of its name. Not for links.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.handle.as_raw_fd()))
    }

    /// Gives it to a user, and to a group if one is named. The kernel takes from a program the right to run as its owner.
    pub(super) fn give(&self, uid: u32, gid: Option<u32>) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(uid), gid.map(Gid::from_raw));
        Ok(chownat(self.handle, "", Some(uid), gid, AtFlags::EMPTY_PATH)?)
    }
}

/// What a walk could not do.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    /// How many files and folders.
    pub(crate) count: u64,
    /// Why, of the first.
    pub(crate) why: Option<String>,
}

impl Missed {
    /// One more.
    pub(super) fn add(&mut self, why: &str) {
        self.count += 1;
        self.why.get_or_insert_with(|| why.to_owned());
    }
}

/// Holds the folder at a path on which there is no link.
///
/// # Errors
/// Those of the system; a link or another kind of file is one.
pub(super) fn hold(path: &Path) -> io::Result<OwnedFd> {
    let how = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = HOLD | OFlags::DIRECTORY;
    Ok(openat2(rustix::fs::CWD, path, flags, Mode::empty(), how)?)
}

/// Holds what is at a path, which may be a link itself.
///
/// # Errors
/// Those of the system.
pub(super) fn hold_any(path: &Path) -> io::Result<OwnedFd> {
    let how = ResolveFlags::NO_MAGICLINKS;
    Ok(openat2(rustix::fs::CWD, path, HOLD, Mode::empty(), how)?)
}

/// What is held.
///
/// # Errors
/// Those of the system.
pub(super) fn found(handle: &OwnedFd) -> io::Result<Found<'_>> {
    Ok(Found { handle, state: fstat(handle)? })
}

/// Shows a folder and everything below it, a folder before what is in it. What `see` answers `false` for is not entered. What
/// goes meanwhile is passed over; what cannot be reached, or what `see` cannot do, is counted.
pub(super) fn walk(
    root: &OwnedFd,
    see: &mut dyn FnMut(&Found<'_>) -> io::Result<bool>,
) -> io::Result<Missed> {
    let mut missed = Missed::default();
    if !see(&found(root)?)? {
        return Ok(missed);
    }
    let mut open = vec![PathBuf::from(".")];
    while let Some(folder) = open.pop() {
        match entries(root, &folder) {
            Ok(names) => {
                for name in names {
                    let path = folder.join(&name);
                    match look(root, &path, see) {
                        Ok(true) => open.push(path),
                        Ok(false) => {}
                        Err(error) => missed.add(&format!("{}: {error}", path.display())),
                    }
                }
            }
            Err(error) => missed.add(&format!("{}: {error}", folder.display())),
        }
    }
    Ok(missed)
}

/// Shows one; answers whether it is to be entered.
fn look(
    root: &OwnedFd,
    path: &Path,
    see: &mut dyn FnMut(&Found<'_>) -> io::Result<bool>,
) -> io::Result<bool> {
    let handle = match openat2(root, path, HOLD, Mode::empty(), WITHIN) {
        // It is gone, a link has taken the place of its folder, or another file system begins here.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => return Ok(false),
        handle => handle?,
    };
    let found = found(&handle)?;
    Ok(see(&found)? && found.is_folder())
}

fn entries(root: &OwnedFd, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match openat2(root.as_fd(), folder, flags, Mode::empty(), WITHIN) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => return Ok(Vec::new()),
        folder => folder?,
    };
    let mut names = Vec::new();
    for entry in Dir::new(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(PathBuf::from(OsStr::from_bytes(name)));
        }
    }
    Ok(names)
}
