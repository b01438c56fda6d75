//! What a torture has found, as programs are told of it.

use crate::torture::Report;
use serde::Serialize;

/// What was acknowledged, lost and done twice, and what can be said of the disk.
#[derive(Debug, Serialize)]
pub struct Torture {
    /// `kept`, `not_proven` or `broken`.
    pub verdict: &'static str,
    /// The same as a sentence.
    pub sentence: String,
    /// The number that repeats it.
    pub seed: u64,
    /// How long it lasted, in seconds.
    pub seconds: u64,
    /// Rounds of kills.
    pub rounds: u64,
    /// Processes that were killed at work.
    pub kills: u64,
    /// Jobs that were acknowledged as stored.
    pub acknowledged: u64,
    /// Jobs that were told as completed.
    pub completed: u64,
    /// Jobs that were acknowledged as cancelled.
    pub cancelled: u64,
    /// Runs that began.
    pub runs: u64,
    /// What was acknowledged and is lost.
    pub lost: Vec<String>,
    /// What was done twice.
    pub doubled: Vec<String>,
    /// What else is wrong.
    pub broken: Vec<String>,
    /// Jobs that were acknowledged where files could not grow any more.
    pub full_disk_acknowledged: u64,
    /// Writes that were refused there.
    pub full_disk_refused: u64,
    /// Writes of which nobody knows whether they were made there.
    pub full_disk_unknown: u64,
    /// What was seen of the disk.
    pub disk: TortureDisk,
}

/// What can be seen of a disk.
#[derive(Debug, Serialize)]
pub struct TortureDisk {
    /// The folder on it.
    pub folder: String,
    /// The kind of its file system.
    pub file_system: Option<String>,
    /// What is mounted.
    pub source: Option<String>,
    /// The options of the mount.
    pub options: Vec<String>,
    /// The device, as the kernel calls it.
    pub device: Option<String>,
    /// Whether the kernel takes it for one with plates.
    pub rotates: Option<bool>,
    /// `write back` or `write through`.
    pub write_cache: Option<String>,
    /// Whether it is known as a virtual machine's.
    pub is_virtual: bool,
    /// Syncs that were measured.
    pub syncs: usize,
    /// How long half of them took at most, in microseconds.
    pub sync_median_us: u64,
    /// How long 99 of 100 took at most.
    pub sync_most_us: u64,
    /// How long the longest took.
    pub sync_worst_us: u64,
    /// What can be said of it.
    pub remarks: Vec<TortureRemark>,
}

/// A sentence about a disk.
#[derive(Debug, Serialize)]
pub struct TortureRemark {
    /// `certain`, `likely` or `not known`.
    pub sure: &'static str,
    /// The sentence.
    pub text: String,
    /// Whether the disk is for its sake none to trust.
    pub is_against: bool,
}

impl Torture {
    pub(crate) fn new(report: &Report) -> Self {
        let (all, found, full) =
            (&report.campaign, &report.campaign.findings, &report.campaign.full);
        let both = |of: fn(&crate::torture::Findings) -> &Vec<String>| {
            [of(found).clone(), of(full).clone()].concat()
        };
        Self {
            verdict: report.ruling().as_str(),
            sentence: report.sentence(),
            seed: report.seed,
            seconds: all.length.as_secs(),
            rounds: all.rounds,
            kills: all.kills,
            acknowledged: found.enqueued,
            completed: found.completed,
            cancelled: found.cancelled,
            runs: found.runs,
            lost: both(|found| &found.lost),
            doubled: both(|found| &found.doubled),
            broken: both(|found| &found.broken),
            full_disk_acknowledged: full.enqueued,
            full_disk_refused: full.refused,
            full_disk_unknown: full.unknown,
            disk: TortureDisk::new(report),
        }
    }
}

impl TortureDisk {
    fn new(report: &Report) -> Self {
        let (disk, mount) = (&report.disk, report.disk.mount.as_ref());
        let device = disk.device.as_ref();
        let micros = |length: std::time::Duration| length.as_micros() as u64;
        Self {
            folder: disk.folder.display().to_string(),
            file_system: mount.map(|mount| mount.kind.clone()),
            source: mount.map(|mount| mount.source.clone()),
            options: mount.map(|mount| mount.options.clone()).unwrap_or_default(),
            device: device.map(|device| device.name.clone()),
            rotates: device.and_then(|device| device.rotates),
            write_cache: device.and_then(|device| device.write_cache.clone()),
            is_virtual: device.is_some_and(|device| device.is_virtual),
            syncs: disk.syncs.count,
            sync_median_us: micros(disk.syncs.median),
            sync_most_us: micros(disk.syncs.most),
            sync_worst_us: micros(disk.syncs.worst),
            remarks: report
                .remarks
                .iter()
                .map(|remark| TortureRemark {
                    sure: remark.sure.as_str(),
                    text: remark.text.clone(),
                    is_against: remark.is_against,
                })
                .collect(),
        }
    }
}
