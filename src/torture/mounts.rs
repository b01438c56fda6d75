//! Reads `/proc/self/mountinfo`: which file system a folder is on, and with which options.

use std::path::{Path, PathBuf};

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where it is mounted.
    pub(crate) point: PathBuf,
    /// Its kind, such as `ext4`.
    pub(crate) kind: String,
    /// What is mounted, such as `/dev/sda1`.
    pub(crate) source: String,
    /// The number of its device.
    pub(crate) device: (u32, u32),
    /// The options of the mount and of the file system, each once.
    pub(crate) options: Vec<String>,
}

impl Mount {
    /// The file system that a folder is on: the last of the mounts with the longest path above it.
    pub(crate) fn of(folder: &Path, mountinfo: &str) -> Option<Self> {
        let above = mountinfo.lines().filter_map(Self::parse);
        let above = above.filter(|mount| folder.starts_with(&mount.point));
        above.max_by_key(|mount| mount.point.components().count())
    }

    /// A line: `27 1 8:1 / /mnt rw,relatime shared:1 - ext4 /dev/sda1 rw`.
    fn parse(line: &str) -> Option<Self> {
        let (before, behind) = line.split_once(" - ")?;
        let before: Vec<&str> = before.split(' ').collect();
        let behind: Vec<&str> = behind.split(' ').collect();
        let (major, minor) = before.get(2)?.split_once(':')?;
        let mut options: Vec<String> = Vec::new();
        let all = [before.get(5).copied(), behind.get(2).copied()].into_iter().flatten();
        for option in all.flat_map(|options| options.split(',')) {
            if !options.iter().any(|known| known == option) {
                options.push(option.to_owned());
            }
        }
        Some(Self {
            point: PathBuf::from(plain(before.get(4)?)),
            kind: (*behind.first()?).to_owned(),
            source: plain(behind.get(1)?),
            device: (major.parse().ok()?, minor.parse().ok()?),
            options,
        })
    }

    /// The value of an option, as `data` of `data=ordered`; empty where it has none.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find_map(|option| {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            (key == name).then_some(value)
        })
    }
}

/// A text of the file, in which the kernel writes blanks as `\040`.
fn plain(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(code) = code.filter(u8::is_ascii) {
            out.push(char::from(code));
            out.push_str(&part[3..]);
        } else {
            out.push('\\');
            out.push_str(part);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro,data=ordered
30 27 0:25 / /dev/shm rw,nosuid - tmpfs tmpfs rw,size=64k
31 27 253:0 /vol /srv/my\\040data rw,noatime - xfs /dev/mapper/vg-data rw,nobarrier
32 27 0:40 / /srv/my\\040data/deep rw shared:3 master:2 - nfs4 host:/x rw,vers=4.2
33 27 0:41 / /srv/my\\040data/deep rw - btrfs /dev/sdb rw,ssd
a line of no form";

    #[test]
    fn the_longest_path_counts_and_of_two_at_one_place_the_later() {
        let of = |path: &str| Mount::of(Path::new(path), MOUNTS).unwrap();
        assert_eq!((of("/var/lib").kind, of("/var/lib").device), ("ext4".into(), (8, 1)));
        assert_eq!(of("/dev/shm/x").kind, "tmpfs");
        assert_eq!(of("/dev/shmoo").kind, "ext4");
        assert_eq!(of("/srv/my data").source, "/dev/mapper/vg-data");
        assert_eq!(of("/srv/my data/deep/er").kind, "btrfs");
        assert_eq!(Mount::of(Path::new("/"), "no mounts"), None);
    }

    #[test]
    fn options_of_the_mount_and_of_the_file_system_are_one_list() {
        let root = Mount::of(Path::new("/"), MOUNTS).unwrap();
        assert_eq!(root.options, ["rw", "relatime", "errors=remount-ro", "data=ordered"]);
        assert_eq!((root.option("data"), root.option("rw")), (Some("ordered"), Some("")));
        assert_eq!(root.option("nobarrier"), None);
        assert_eq!(plain(r"a\040b\134c\9"), r"a b\c\9");
    }
}
