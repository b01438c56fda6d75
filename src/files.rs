//! Files and folders that other people may reach: folders are made private, and plain files are opened without waiting.
//!
//! A FIFO makes an ordinary open wait for ever, a device never ends, and a link in somebody else's folder leads to what
//! its owner may not read. What was opened is looked at, never what a path was a moment before.

#[cfg(feature = "agents")]
use std::fs::Metadata;
use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
#[cfg(feature = "agents")]
use std::path::PathBuf;

/// Opens a plain file for reading, also behind links. Use it where nobody but the operator writes into the folder.
///
/// # Errors
/// Those of the system, and `InvalidInput` for a folder, a FIFO, a socket or a device.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    plain(system::open(path)?)
}

/// Opens a plain file for reading and writing, and no link; makes an empty one of mode 0600 if there is none.
///
/// # Errors
/// As [`open`], and `InvalidInput` for a link.
pub(crate) fn open_or_make(path: &Path) -> io::Result<File> {
    plain(system::open_or_make(path)?)
}

/// Opens a plain file for reading, and no link.
///
/// # Errors
/// As [`open`], and `InvalidInput` for a link.
#[cfg(feature = "agents")]
pub(crate) fn open_unlinked(path: &Path) -> io::Result<File> {
    plain(system::open_unlinked(path)?)
}

/// Opens a plain file for reading. A link is followed if it is root's or our own user's, or if its owner also owns the
/// file to which it leads.
///
/// # Errors
/// As [`open`], and `PermissionDenied` for a link of another owner.
#[cfg(feature = "monitor")]
pub(crate) fn open_owned(path: &Path) -> io::Result<File> {
    plain(system::open_owned(path)?)
}

/// Opens a plain file of a folder for reading. A link is followed as long as the file lies in the folder.
///
/// # Errors
/// As [`open`], and `InvalidInput` for a file outside of the folder.
#[cfg(feature = "agents")]
pub(crate) fn open_within(folder: &Path, name: &str) -> io::Result<File> {
    plain(system::open_within(&folder.canonicalize()?, name)?)
}

/// Makes a folder that only our own user may enter, and the folders above it. One that is there stays as it is.
///
/// # Errors
/// Those of the system.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether the group or others may write to this file or folder.
#[cfg(feature = "agents")]
pub(crate) fn others_may_write(file: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.permissions().mode() & 0o022 != 0
}

/// Whether the group or others may enter this folder.
#[cfg(feature = "agents")]
pub(crate) fn others_may_enter(folder: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    folder.permissions().mode() & 0o011 != 0
}

/// Whether the group or others may read or write this file.
#[cfg(feature = "monitor")]
pub(crate) fn others_may_read(file: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.permissions().mode() & 0o077 != 0
}

/// Takes the lock of an open file, for as long as the file is open; answers whether nobody else has it.
///
/// # Errors
/// Those of the system.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A program's file as it was: an update in place changes one of these.
#[cfg(feature = "agents")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileStamp {
    path: PathBuf,
    file: (u64, u64),
    changed: (i64, i64),
    bytes: u64,
}

#[cfg(feature = "agents")]
impl FileStamp {
    /// The file at this path now, if there is one.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let found = path.metadata().ok()?;
        Some(Self {
            path: path.to_owned(),
            file: (found.dev(), found.ino()),
            changed: (found.mtime(), found.mtime_nsec()),
            bytes: found.size(),
        })
    }
}

fn plain(file: File) -> io::Result<File> {
    let found = file.metadata()?;
    if found.is_file() {
        return Ok(file);
    }
    if found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a folder"));
    }
    Err(irregular())
}

fn irregular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}

#[cfg(feature = "agents")]
fn outside() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a link that leads out of the folder")
}

/// Bytes that are free for this user on the disk of a folder; `None` where the system does not say it.
#[cfg(any(feature = "agents", feature = "web"))]
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    system::free_bytes(folder)
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::fs::{Mode, OFlags, open as open_with};
    use rustix::io::Errno;
    use std::fs::File;
    use std::io;
    use std::path::Path;

    /// Neither waits for another end nor makes a terminal ours.
    const QUIETLY: OFlags = OFlags::CLOEXEC.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

    pub(super) fn open(path: &Path) -> io::Result<File> {
        Ok(open_with(path, OFlags::RDONLY | QUIETLY, Mode::empty())?.into())
    }

    #[cfg(any(feature = "agents", feature = "web"))]
    pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    #[cfg(feature = "agents")]
    pub(super) fn open_unlinked(path: &Path) -> io::Result<File> {
        unlinked(path, OFlags::RDONLY)
    }

    /// The file is found without being opened, and looked at where it was found: a device is not touched, and nobody puts
    /// another file in its place between the look and the use.
    #[cfg(feature = "agents")]
    pub(super) fn open_within(folder: &Path, name: &str) -> io::Result<File> {
        use rustix::fs::{FileType, fstat, readlink};
        use std::ffi::OsStr;
        use std::os::fd::AsRawFd as _;
        use std::os::unix::ffi::OsStrExt as _;

        let found = open_with(folder.join(name), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let same = Path::new("/proc/self/fd").join(found.as_raw_fd().to_string());
        let place = readlink(&same, Vec::new())?;
        if !Path::new(OsStr::from_bytes(place.as_bytes())).starts_with(folder) {
            return Err(super::outside());
        }
        let kind = FileType::from_raw_mode(fstat(&found)?.st_mode);
        if [FileType::RegularFile, FileType::Directory].contains(&kind) {
            open(&same)
        } else {
            Err(super::irregular())
        }
    }

    pub(super) fn open_or_make(path: &Path) -> io::Result<File> {
        unlinked(path, OFlags::RDWR | OFlags::CREATE)
    }

    fn unlinked(path: &Path, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | QUIETLY;
        match open_with(path, flags, Mode::RUSR | Mode::WUSR) {
            Err(Errno::LOOP) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link")),
            opened => Ok(opened?.into()),
        }
    }

    /// Follows one link after the other by what was opened, so that nobody exchanges one between the look and the use.
    #[cfg(feature = "monitor")]
    pub(super) fn open_owned(path: &Path) -> io::Result<File> {
        use rustix::fs::{FileType, fstat, readlinkat};
        use rustix::process::geteuid;
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::MetadataExt as _;

        const MAX_LINKS: usize = 16;
        let (mut owners, mut place) = (Vec::new(), path.to_owned());
        while owners.len() < MAX_LINKS {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let found = open_with(&place, flags, Mode::empty())?;
            let state = fstat(&found)?;
            if FileType::from_raw_mode(state.st_mode) == FileType::Symlink {
                owners.push(state.st_uid);
                let target = readlinkat(&found, "", Vec::new())?;
                let folder = place.parent().unwrap_or(Path::new("."));
                place = folder.join(OsStr::from_bytes(target.as_bytes()));
                continue;
            }
            let file = unlinked(&place, OFlags::RDONLY)?;
            let trusted = [0, geteuid().as_raw(), file.metadata()?.uid()];
            if owners.iter().all(|owner| trusted.contains(owner)) {
                return Ok(file);
            }
            let why = "the link to it belongs to somebody who does not own the file";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        Err(io::Error::other("too many links lead to it"))
    }
}

/// Elsewhere a path is looked at before it is opened.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::{File, Metadata, OpenOptions};
    use std::io;
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::path::Path;

    pub(super) fn open(path: &Path) -> io::Result<File> {
        regular(&path.metadata()?)?;
        File::open(path)
    }

    #[cfg(any(feature = "agents", feature = "web"))]
    pub(super) fn free_bytes(_: &Path) -> Option<u64> {
        None
    }

    #[cfg(feature = "agents")]
    pub(super) fn open_unlinked(path: &Path) -> io::Result<File> {
        regular(&path.symlink_metadata()?)?;
        File::open(path)
    }

    #[cfg(feature = "agents")]
    pub(super) fn open_within(folder: &Path, name: &str) -> io::Result<File> {
        let path = folder.join(name).canonicalize()?;
        if path.starts_with(folder) { open(&path) } else { Err(super::outside()) }
    }

    #[cfg(feature = "monitor")]
    pub(super) fn open_owned(path: &Path) -> io::Result<File> {
        open(path)
    }

    pub(super) fn open_or_make(path: &Path) -> io::Result<File> {
        if let Ok(found) = path.symlink_metadata() {
            regular(&found)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
    }

    fn regular(found: &Metadata) -> io::Result<()> {
        if found.is_file() {
            return Ok(());
        }
        Err(super::irregular())
    }
}

#[cfg(all(feature = "monitor", target_os = "linux"))]
#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    pub(crate) fn make_fifo(path: &Path) {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }

    fn text(opened: io::Result<File>) -> String {
        let mut text = String::new();
        opened.unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn only_plain_files_are_opened_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        make_fifo(&path);
        for open in [open, open_unlinked, open_owned] {
            for path in [path.as_path(), folder.path(), Path::new("/dev/zero")] {
                let error = open(path).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{}", path.display());
            }
        }
    }

    #[test]
    fn a_link_is_followed_where_it_is_asked_for_and_its_owner_may() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "ours").unwrap();
        symlink("file", at("near")).unwrap();
        symlink(at("near"), at("far")).unwrap();
        assert_eq!(text(open(&at("far"))), "ours");
        assert_eq!(text(open_owned(&at("far"))), "ours");
        assert_eq!(text(open_owned(&at("file"))), "ours");
        let error = open_unlinked(&at("near")).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (io::ErrorKind::InvalidInput, "it is a link")
        );
        symlink(at("round"), at("round")).unwrap();
        assert!(open_owned(&at("round")).is_err());
        for made in ["near", "round"] {
            assert!(open_or_make(&at(made)).is_err(), "the lock of another file is nobody's");
        }
        assert_eq!(open_owned(&at("gone")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_of_a_folder_is_behind_a_link_only_if_it_lies_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir_all(inner.join("deep")).unwrap();
        fs::write(folder.path().join("secret"), "of another").unwrap();
        fs::write(inner.join("deep/file"), "its own").unwrap();
        symlink("deep/file", inner.join("near")).unwrap();
        symlink("../secret", inner.join("far")).unwrap();
        symlink("..", inner.join("deep/up")).unwrap();
        symlink("/dev/zero", inner.join("device")).unwrap();
        make_fifo(&inner.join("fifo"));
        let read = |name| open_within(&inner, name);
        for name in ["deep/file", "near", "deep/up/near"] {
            assert_eq!(text(read(name)), "its own", "{name}");
        }
        for (name, says) in [
            ("far", "leads out of the folder"),
            ("../secret", "leads out of the folder"),
            ("device", "leads out of the folder"),
            ("fifo", "not a regular file"),
            ("deep", "it is a folder"),
        ] {
            let error = read(name).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}");
            assert!(error.to_string().contains(says), "{name}: {error}");
        }
        assert_eq!(read("none").unwrap_err().kind(), io::ErrorKind::NotFound);
        let beside = folder.path().join("inner2");
        fs::create_dir(&beside).unwrap();
        fs::write(beside.join("file"), "of a neighbour").unwrap();
        symlink("../inner2/file", inner.join("beside")).unwrap();
        assert!(read("beside").is_err(), "a name that begins alike is another folder");
    }

    /// Only root can make a link that belongs to somebody else.
    #[test]
    fn a_link_of_another_owner_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("secret"), folder.path().join("app.log"));
        fs::write(&file, "of root").unwrap();
        symlink(&file, &link).unwrap();
        if std::os::unix::fs::lchown(&link, Some(65_534), None).is_err() {
            return;
        }
        assert_eq!(open_owned(&link).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        std::os::unix::fs::chown(&file, Some(65_534), None).unwrap();
        assert_eq!(text(open_owned(&link)), "of root");
    }
}
