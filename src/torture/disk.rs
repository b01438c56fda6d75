//! Looks at the disk below a folder: the file system, the block device as far as the kernel shows it, and how long a sync takes.

use super::mounts::Mount;
use crate::error::{Code, Error, Result};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Room that a torture needs at most, with what it leaves to others.
const ROOM: u64 = 48 * 1024 * 1024;
/// Syncs that are measured.
const SYNCS: usize = 200;
/// How long syncs are measured at most: a slow disk shows itself sooner.
const MEASURED: Duration = Duration::from_secs(3);
/// Bytes of a write that is synced: a small commit.
const BLOCK: [u8; 4096] = [0x5A; 4096];
/// Devices below one another: a partition of a volume of an array.
const MAX_DEPTH: usize = 8;
/// What a device of a virtual machine calls itself.
const VIRTUAL: [&str; 10] =
    ["qemu", "vmware", "virtual", "vbox", "msft", "xen", "google", "amazon", "virtio", "bhyve"];

/// What can be seen of a disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) folder: PathBuf,
    pub(crate) mount: Option<Mount>,
    /// The kind of file system that the writable layer of an overlay is on, where it can be seen.
    pub(crate) upper: Option<String>,
    pub(crate) device: Option<Device>,
    pub(crate) syncs: Syncs,
}

/// A block device as the kernel describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) rotates: Option<bool>,
    /// `write back` or `write through`.
    pub(crate) write_cache: Option<String>,
    pub(crate) is_virtual: bool,
}

/// How long syncs of small writes took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Syncs {
    pub(crate) count: usize,
    pub(crate) median: Duration,
    pub(crate) most: Duration,
    pub(crate) worst: Duration,
}

impl Syncs {
    /// The figures of these lengths: `most` is what 99 of 100 stay below.
    pub(crate) fn of(mut lengths: Vec<Duration>) -> Self {
        lengths.sort_unstable();
        let at = |percent: usize| {
            lengths.get((lengths.len() * percent / 100).min(lengths.len().saturating_sub(1)))
        };
        Self {
            count: lengths.len(),
            median: at(50).copied().unwrap_or_default(),
            most: at(99).copied().unwrap_or_default(),
            worst: lengths.last().copied().unwrap_or_default(),
        }
    }
}

/// Refuses a folder whose file system has too little room.
///
/// # Errors
/// `STORE-FULL-001`; `STORE-IO-001` if nobody can say.
pub(crate) fn check_room(folder: &Path) -> Result<()> {
    let doing = |why: &str| format!("torture {}{why}", folder.display());
    let room = rustix::fs::statvfs(folder)
        .map_err(|e| Error::new(Code::StoreIo, doing("")).because(std::io::Error::from(e)))?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    if free >= ROOM {
        return Ok(());
    }
    let mib = |bytes: u64| bytes / (1024 * 1024);
    let why = format!(": {} MiB are free there, and it needs {} MiB", mib(free), mib(ROOM));
    Err(Error::new(Code::StoreFull, doing(&why)))
}

/// Looks at the disk below a folder, and measures syncs in it. Blocks for seconds.
///
/// # Errors
/// `STORE-IO-001`, `STORE-FULL-001`.
pub(crate) fn look(folder: &Path, scratch: &Path) -> Result<Disk> {
    let mountinfo = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mount = Mount::of(folder, &mountinfo);
    let upper = mount.as_ref().filter(|mount| mount.kind == "overlay");
    let upper = upper.and_then(|mount| mount.option("upperdir")).and_then(|path| {
        // In a container the path is of another world.
        let path = Path::new(path);
        path.exists().then(|| Mount::of(path, &mountinfo)).flatten()
    });
    let below = upper.as_ref().or(mount.as_ref());
    Ok(Disk {
        folder: folder.to_owned(),
        device: below.and_then(device),
        upper: upper.map(|mount| mount.kind),
        mount,
        syncs: measure(scratch).map_err(|e| {
            Error::of_disk(Code::StoreIo, format!("sync a file in {}", folder.display()), e)
        })?,
    })
}

/// Appends blocks to a file and syncs each, as a commit does.
fn measure(scratch: &Path) -> std::io::Result<Syncs> {
    let path = scratch.join("sync");
    let mut file = File::create_new(&path)?;
    let began = Instant::now();
    let mut lengths = Vec::with_capacity(SYNCS);
    while lengths.len() < SYNCS && began.elapsed() < MEASURED {
        file.write_all(&BLOCK)?;
        let before = Instant::now();
        file.sync_data()?;
        lengths.push(before.elapsed());
    }
    fs::remove_file(&path)?;
    Ok(Syncs::of(lengths))
}

/// The device of a mount, by its number, else by the file that is its source: btrfs has numbers of no device.
fn device(mount: &Mount) -> Option<Device> {
    let named = || {
        let number = fs::metadata(&mount.source).ok()?.rdev();
        folder_of((rustix::fs::major(number), rustix::fs::minor(number)))
    };
    let folder = folder_of(mount.device).or_else(named)?;
    Some(describe(&folder, 0))
}

/// Where the kernel describes the block device of this number.
fn folder_of((major, minor): (u32, u32)) -> Option<PathBuf> {
    fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()
}

/// What the kernel says of a device, or of those below it.
fn describe(folder: &Path, depth: usize) -> Device {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let whole =
        if folder.join("partition").exists() { folder.parent().unwrap_or(folder) } else { folder };
    let says =
        |file: &str| fs::read_to_string(whole.join(file)).ok().map(|text| text.trim().to_owned());
    let below = fs::read_dir(whole.join("slaves")).into_iter().flatten().flatten();
    let below = below.filter_map(|entry| entry.path().canonicalize().ok());
    let below: Vec<Device> =
        below.filter(|_| depth < MAX_DEPTH).map(|folder| describe(&folder, depth + 1)).collect();
    let words = [says("device/vendor"), says("device/model"), Some(name.clone())];
    let words = words.into_iter().flatten().collect::<Vec<_>>().join(" ").to_lowercase();
    let by_driver = whole.join("device/driver").canonicalize().unwrap_or_default();
    let words = format!("{words} {}", by_driver.display()).to_lowercase();
    let is_virtual = VIRTUAL.iter().any(|word| words.contains(word));
    // What stands upon several devices is as slow and as careless as the worst of them.
    let rotates =
        below.iter().filter_map(|device| device.rotates).reduce(|one, other| one || other);
    let write_cache = below.iter().filter_map(|device| device.write_cache.clone()).min();
    Device {
        rotates: rotates.or_else(|| says("queue/rotational").map(|word| word == "1")),
        write_cache: write_cache.or_else(|| says("queue/write_cache")),
        is_virtual: is_virtual || below.iter().any(|device| device.is_virtual),
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_lengths_are_those_of_the_sorted_list() {
        let millis = Duration::from_millis;
        let syncs = Syncs::of((1..=200).rev().map(millis).collect());
        assert_eq!((syncs.count, syncs.median), (200, millis(101)));
        assert_eq!((syncs.most, syncs.worst), (millis(199), millis(200)));
        assert_eq!(Syncs::of(Vec::new()), Syncs::default());
        assert_eq!(Syncs::of(vec![millis(5)]).most, millis(5));
    }

    #[test]
    fn a_volume_has_the_cache_and_the_plates_of_the_disks_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let disk = |name: &str, rotational: &str, cache: &str, model: &str| {
            let queue = folder.path().join(name).join("queue");
            fs::create_dir_all(&queue).unwrap();
            fs::create_dir_all(folder.path().join(name).join("device")).unwrap();
            fs::create_dir_all(folder.path().join(name).join("slaves")).unwrap();
            fs::write(queue.join("rotational"), rotational).unwrap();
            fs::write(queue.join("write_cache"), cache).unwrap();
            fs::write(folder.path().join(name).join("device/model"), model).unwrap();
        };
        disk("sda", "1\n", "write back\n", "WDC\n");
        disk("sdb", "0\n", "write through\n", "QEMU HARDDISK\n");
        disk("dm-0", "0\n", "write through\n", "");
        let part = folder.path().join("sda/sda1");
        fs::create_dir_all(&part).unwrap();
        fs::write(part.join("partition"), "1\n").unwrap();
        for (name, path) in [("sda1", part.clone()), ("sdb", folder.path().join("sdb"))] {
            std::os::unix::fs::symlink(path, folder.path().join("dm-0/slaves").join(name)).unwrap();
        }
        let plain = describe(&part, 0);
        assert_eq!((plain.name.as_str(), plain.rotates), ("sda1", Some(true)));
        assert!(!plain.is_virtual);
        let volume = describe(&folder.path().join("dm-0"), 0);
        assert_eq!(volume.rotates, Some(true));
        assert_eq!(volume.write_cache.as_deref(), Some("write back"));
        assert!(volume.is_virtual);
    }
}
