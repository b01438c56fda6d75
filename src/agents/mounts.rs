//! Where a path lies on its file system, by whatever path it is reached: a folder may be mounted at several places.
//!
//! *Source:* `proc(5)` on `/proc/self/mountinfo`: the third word of a line is the disk, the fourth the folder of the disk that is
//! mounted, the fifth where. Spaces and line breaks are written as octal numbers.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// The kernel's list.
const LIST: &str = "/proc/self/mountinfo";

/// The mounts of this process, the earliest first.
#[derive(Debug)]
pub(crate) struct Mounts(Vec<Mount>);

#[derive(Debug, PartialEq, Eq)]
struct Mount {
    disk: Vec<u8>,
    /// The folder of the disk that is mounted.
    root: PathBuf,
    /// Where.
    at: PathBuf,
}

impl Mounts {
    /// Reads the list; elsewhere than on Linux it is empty.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn read() -> io::Result<Self> {
        if cfg!(not(target_os = "linux")) {
            return Ok(Self(Vec::new()));
        }
        let list = std::fs::read(LIST)?;
        Ok(Self(list.split(|byte| *byte == b'\n').filter_map(mount).collect()))
    }

    /// Whether a file or folder can be reached by a folder or what is mounted in it, by another path than its own. Both paths
    /// have no links.
    pub(crate) fn lead_to(&self, folder: &Path, file: &Path) -> bool {
        let Some((disk, place)) = self.place(file) else { return false };
        let shows = |on: &[u8], root: &Path| on == disk && place.starts_with(root);
        let own = self.place(folder).is_some_and(|(disk, root)| shows(disk, &root));
        own || self.0.iter().any(|it| it.at.starts_with(folder) && shows(&it.disk, &it.root))
    }

    /// The disk and the path on it to which a path leads.
    fn place(&self, path: &Path) -> Option<(&[u8], PathBuf)> {
        // Of several mounts at one place the last one is seen.
        let above = self.0.iter().filter(|mount| path.starts_with(&mount.at));
        let mount = above.max_by_key(|mount| mount.at.components().count())?;
        let rest = path.strip_prefix(&mount.at).ok()?;
        Some((&mount.disk, mount.root.join(rest)))
    }
}

fn mount(line: &[u8]) -> Option<Mount> {
    let mut words = line.split(|byte| *byte == b' ').skip(2);
    let disk = words.next()?.to_vec();
    let (root, at) = (path(words.next()?), path(words.next()?));
    Some(Mount { disk, root, at })
}

fn path(word: &[u8]) -> PathBuf {
    let (mut bytes, mut rest) = (Vec::with_capacity(word.len()), word);
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let number = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = number.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(byte);
            rest = &after[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_twice_is_reached_by_both_paths() {
        let list = "22 1 254:0 / / rw - ext4 /dev/vda rw\n\
            30 22 254:0 /opt/tools /home/ann/shop\\040one/bin rw - ext4 /dev/vda rw\n\
            31 22 0:44 / /tmp rw - tmpfs tmpfs rw\n\
            32 22 254:0 /home/ann /mnt/ann rw - ext4 /dev/vda rw";
        let mounts = Mounts(list.as_bytes().split(|b| *b == b'\n').filter_map(mount).collect());
        let leads = |folder: &str, file: &str| mounts.lead_to(Path::new(folder), Path::new(file));
        assert!(leads("/home/ann/shop one", "/opt/tools/claude"));
        assert!(leads("/home/ann/shop one/bin", "/opt/tools/deep/claude"));
        assert!(leads("/mnt/ann", "/home/ann/.config/x"));
        assert!(leads("/home/ann", "/mnt/ann/.config/x"));
        assert!(leads("/opt", "/opt/tools/claude"), "by its own path too");
        assert!(!leads("/home/ann/shop one", "/opt/other/claude"));
        assert!(!leads("/tmp", "/opt/tools/claude"));
        assert!(!leads("/tmp/opt", "/opt/tools/claude"));
        assert!(Mounts::read().unwrap().place(Path::new("/proc/self")).is_some());
    }
}
