//! Judges what was seen of a disk: each remark says how sure it is, and whether what is acknowledged survives a power cut there.

use super::disk::{Device, Disk};
use super::mounts::Mount;
use std::time::Duration;

/// No device is known that has written a block for good sooner.
const FASTEST: Duration = Duration::from_micros(20);
/// A plate needs longer to come round to the place of a block.
const FASTEST_PLATE: Duration = Duration::from_millis(1);
/// A sync that takes longer is told: each acknowledgement waits for one.
const SLOW: Duration = Duration::from_millis(50);
/// File systems that are in memory.
const IN_MEMORY: [&str; 3] = ["tmpfs", "ramfs", "rootfs"];
/// File systems that another machine serves.
const OVER_NETWORK: [&str; 8] =
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "afs"];
/// File systems that a host or another program serves.
const SERVED: [&str; 4] = ["9p", "virtiofs", "fuse", "fuseblk"];

/// How sure a remark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sure {
    Certain,
    Likely,
    NotKnown,
}

impl Sure {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::NotKnown => "not known",
        }
    }
}

/// A sentence about a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) sure: Sure,
    pub(crate) text: String,
    /// Whether the disk is not one on which what is acknowledged is kept.
    pub(crate) is_against: bool,
}

impl Remark {
    fn new(sure: Sure, text: impl Into<String>) -> Self {
        Self { sure, text: text.into(), is_against: false }
    }

    fn against(sure: Sure, text: impl Into<String>) -> Self {
        Self { is_against: true, ..Self::new(sure, text) }
    }
}

/// All that can be said of a disk.
pub(crate) fn remarks(disk: &Disk) -> Vec<Remark> {
    let mut said = Vec::new();
    let is_memory = disk
        .mount
        .as_ref()
        .is_some_and(|mount| IN_MEMORY.contains(&disk.upper.as_deref().unwrap_or(&mount.kind)));
    match &disk.mount {
        Some(mount) => said.extend(of_mount(mount, disk.upper.as_deref())),
        None => said.push(Remark::new(Sure::NotKnown, "On which file system the folder is.")),
    }
    if !is_memory {
        said.extend(of_syncs(disk));
        match &disk.device {
            Some(device) => said.extend(of_device(device)),
            None => said
                .push(Remark::new(Sure::NotKnown, "Which device is below: the kernel shows none.")),
        }
    }
    said.push(Remark::new(
        Sure::NotKnown,
        "What a power cut does: kills prove the program, and only a power cut proves the disk.",
    ));
    said
}

fn of_mount(mount: &Mount, upper: Option<&str>) -> Vec<Remark> {
    let kind = mount.kind.as_str();
    let mut said = Vec::new();
    if IN_MEMORY.contains(&upper.unwrap_or(kind)) {
        let what = format!(
            "{} is in memory and not on a disk: what is acknowledged is lost with the power.",
            upper.unwrap_or(kind)
        );
        said.push(Remark::against(Sure::Certain, what));
    } else if OVER_NETWORK.contains(&kind) {
        let what = format!(
            "{kind} is another machine's file system: SQLite's locks and syncs cannot be relied on there. Use a local disk."
        );
        said.push(Remark::against(Sure::Certain, what));
    } else if SERVED.contains(&kind) || kind.starts_with("fuse.") {
        let what = format!(
            "{kind} is served by a host or by another program, which may confirm a sync before anything is on a disk."
        );
        said.push(Remark::against(Sure::Likely, what));
    } else if kind == "overlay" {
        let what = "It is the layer of a container: what is in it goes when the container is removed. Use a volume.";
        said.push(Remark::new(Sure::Likely, what));
    }
    if mount.option("nobarrier").is_some() || mount.option("barrier") == Some("0") {
        let what = "Mounted without barriers: a sync leaves what it confirms in the device's cache, which a power cut empties.";
        said.push(Remark::against(Sure::Certain, what));
    }
    if mount.option("volatile").is_some() {
        said.push(Remark::against(
            Sure::Certain,
            "The overlay is volatile: it leaves out every sync.",
        ));
    }
    if mount.option("data") == Some("writeback") {
        let what = "data=writeback: a file may show old blocks after a power cut where no sync was made; what is acknowledged was synced.";
        said.push(Remark::new(Sure::Likely, what));
    }
    said
}

fn of_syncs(disk: &Disk) -> Vec<Remark> {
    let syncs = disk.syncs;
    let rotates = disk.device.as_ref().and_then(|device| device.rotates).unwrap_or(false);
    let is_virtual = disk.device.as_ref().is_some_and(|device| device.is_virtual);
    let median = shown(syncs.median);
    if syncs.median < FASTEST {
        let what = format!(
            "Implausible: half of the syncs took {median} or less, and no device is that quick: it answers before it has written."
        );
        return vec![Remark::against(Sure::Likely, what)];
    }
    // A host that keeps its disks elsewhere often calls them rotating.
    if rotates && !is_virtual && syncs.median < FASTEST_PLATE {
        let what = format!(
            "Implausible: half of the syncs took {median} or less, and a plate is not that quick: the disk answers before it has written, unless a cache with a battery stands before it."
        );
        return vec![Remark::against(Sure::Likely, what)];
    }
    let mut said = vec![Remark::new(
        Sure::Likely,
        "A sync takes as long as a device needs that writes before it answers.",
    )];
    if syncs.median > SLOW {
        let what = format!(
            "Syncs are slow, with a median of {median}: each acknowledgement waits for one."
        );
        said.push(Remark::new(Sure::Certain, what));
    }
    said
}

fn of_device(device: &Device) -> Vec<Remark> {
    let mut said = Vec::new();
    match device.write_cache.as_deref() {
        Some("write back") => said.push(Remark::new(Sure::Likely, "The device has a cache that a power cut empties, and the kernel has it written back with each sync.")),
        Some("write through") => said.push(Remark::new(Sure::Likely, "The device says that it has no cache which a power cut empties, so the kernel asks it for nothing at a sync.")),
        Some(_) | None => {}
    }
    if device.is_virtual {
        said.push(Remark::new(Sure::NotKnown, "What the host does: the disk is a virtual machine's, and the host may confirm before it has written."));
    } else if device.name.starts_with("loop")
        || device.name.starts_with("zram")
        || device.name.starts_with("ram")
    {
        let is_file = device.name.starts_with("loop");
        let what = if is_file {
            Remark::new(
                Sure::NotKnown,
                "What is below: the device is a file on another file system.",
            )
        } else {
            Remark::against(
                Sure::Certain,
                format!(
                    "{} is in memory and not on a disk: what is acknowledged is lost with the power.",
                    device.name
                ),
            )
        };
        said.push(what);
    }
    said
}

/// A length in the unit that shows it: `640 ns`, `87 µs`, `1.4 ms`, `230 ms`.
pub(crate) fn shown(length: Duration) -> String {
    let micros = length.as_micros();
    match micros {
        0 => format!("{} ns", length.as_nanos()),
        1..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ => format!("{} ms", micros / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::Syncs;
    use super::*;
    use std::path::{Path, PathBuf};

    fn disk(line: &str, micros: u64, device: Option<Device>) -> Disk {
        let mount = Mount::of(Path::new("/"), line);
        assert!(mount.is_some() || line.is_empty());
        let syncs = Syncs { count: 200, median: Duration::from_micros(micros), ..Syncs::default() };
        Disk { folder: PathBuf::from("/"), mount, upper: None, device, syncs }
    }

    fn against(disk: &Disk) -> Vec<String> {
        let said = remarks(disk).into_iter().filter(|remark| remark.is_against);
        said.map(|remark| format!("{} {}", remark.sure.as_str(), remark.text)).collect()
    }

    fn plate() -> Device {
        let write_cache = Some("write back".to_owned());
        Device { name: "sda".into(), rotates: Some(true), write_cache, is_virtual: false }
    }

    const EXT4: &str = "27 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw,data=ordered";

    #[test]
    fn a_disk_that_syncs_as_a_disk_does_has_nothing_against_it() {
        for kind in ["ext4", "xfs", "btrfs", "zfs", "overlay"] {
            let line = EXT4.replace("ext4", kind);
            assert_eq!(against(&disk(&line, 4_000, Some(plate()))), [""; 0], "{kind}");
        }
        assert_eq!(against(&disk(EXT4, 60, None)), [""; 0]);
        assert_eq!(against(&disk("", 60, None)), [""; 0]);
    }

    #[test]
    fn what_is_in_memory_or_served_by_others_is_named() {
        for (kind, begins) in [
            ("tmpfs", "certain tmpfs is in memory"),
            ("ramfs", "certain ramfs is in memory"),
            ("nfs4", "certain nfs4 is another machine's"),
            ("cifs", "certain cifs is another machine's"),
            ("9p", "likely 9p is served by"),
            ("virtiofs", "likely virtiofs is served by"),
            ("fuse.sshfs", "likely fuse.sshfs is served by"),
        ] {
            let said = against(&disk(&EXT4.replace("ext4", kind), 4_000, None));
            assert!(said[0].starts_with(begins), "{said:?}");
        }
        let over = disk(&EXT4.replace("ext4", "overlay"), 4_000, None);
        let said = against(&Disk { upper: Some("tmpfs".into()), ..over });
        assert!(said[0].starts_with("certain tmpfs is in memory"), "{said:?}");
        let packed = Device { name: "zram0".into(), ..Device::default() };
        assert!(against(&disk(EXT4, 100, Some(packed)))[0].contains("zram0 is in memory"));
    }

    #[test]
    fn options_that_leave_syncs_out_are_named() {
        for option in ["nobarrier", "barrier=0", "volatile"] {
            let said = against(&disk(&format!("{EXT4},{option}"), 4_000, Some(plate())));
            assert!(said[0].starts_with("certain "), "{option}: {said:?}");
        }
        let writeback = disk(&EXT4.replace("ordered", "writeback"), 4_000, Some(plate()));
        assert_eq!(against(&writeback), [""; 0]);
        assert!(remarks(&writeback)[0].text.starts_with("data=writeback"));
        assert_eq!(against(&disk(&format!("{EXT4},barrier=1"), 4_000, Some(plate()))), [""; 0]);
    }

    #[test]
    fn a_sync_that_is_quicker_than_the_device_can_be_is_implausible() {
        assert!(against(&disk(EXT4, 19, None))[0].starts_with("likely Implausible"));
        assert!(against(&disk(EXT4, 999, Some(plate())))[0].contains("battery"));
        let hosted = Some(Device { is_virtual: true, ..plate() });
        assert_eq!(against(&disk(EXT4, 999, hosted.clone())), [""; 0]);
        let said = remarks(&disk(EXT4, 999, hosted));
        assert!(said.iter().any(|remark| remark.text.starts_with("What the host does")));
    }

    #[test]
    fn every_disk_is_told_what_no_kill_can_prove() {
        for median in [1, 100, 5_000, 90_000] {
            let last = remarks(&disk(EXT4, median, Some(plate()))).pop().unwrap();
            assert_eq!((last.sure, last.is_against), (Sure::NotKnown, false));
            assert!(last.text.contains("only a power cut proves the disk"));
        }
        assert!(
            remarks(&disk(EXT4, 90_000, Some(plate()))).iter().any(|r| r.text.contains("are slow"))
        );
        assert_eq!(
            [87, 1_449, 230_000].map(|n| shown(Duration::from_micros(n))),
            ["87 µs", "1.4 ms", "230 ms"]
        );
    }
}
