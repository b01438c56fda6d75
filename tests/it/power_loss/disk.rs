//! A disk as it is at an instant: what it surely holds of each file, and what is still on its way to it.

use crate::support::recorder::{Done, Step};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What a disk writes at once: a part of a write that is this long is on it whole or not at all.
const SECTOR: usize = 512;
/// One write in so many that is lost although it was synced, on a disk that lies.
const LOST: u32 = 20;
/// The numbers that the files of one record may have.
pub(super) const NUMBERS: u8 = 100;

/// What a crash leaves of the writes that no sync covers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Left {
    Nothing,
    Everything,
    /// The first ones, in their order.
    Prefix,
    /// Any of them, some in parts, some parts with junk.
    Pieces,
}

impl Left {
    pub(super) const ALL: [Self; 4] = [Self::Nothing, Self::Everything, Self::Prefix, Self::Pieces];
}

/// Every recorded file.
pub(super) struct Disk {
    names: BTreeMap<u8, String>,
    files: BTreeMap<u8, File>,
    random: Rng,
    /// Whether it loses some of what was synced.
    lies: bool,
}

/// `None` where there is no such file.
type Content = Option<Vec<u8>>;

#[derive(Clone, Default)]
struct File {
    synced: Content,
    /// In their order.
    unsynced: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Create,
    Write {
        offset: usize,
        bytes: Vec<u8>,
    },
    Length(usize),
    Remove,
    /// It is another file too, which was so when it got this name.
    Become(File),
}

impl Disk {
    /// A disk that holds the files of a folder, all synced.
    pub(super) fn of(folder: &Path, names: &[&str], seed: u64) -> Self {
        let mut disk = Self {
            names: BTreeMap::new(),
            files: BTreeMap::new(),
            random: Rng::with_seed(seed),
            lies: false,
        };
        for (name, number) in names.iter().zip((1..=u8::MAX).rev()) {
            let synced = fs::read(folder.join(name)).ok();
            disk.names.insert(number, (*name).to_owned());
            disk.files.insert(number, File { synced, unsynced: Vec::new() });
        }
        disk
    }

    /// The same, but one of twenty synced writes does not get to it.
    pub(super) fn that_lies(self) -> Self {
        Self { lies: true, ..self }
    }

    /// Takes a step.
    pub(super) fn take(&mut self, step: &Step) {
        if let Done::Name(name) = &step.done {
            let known =
                self.names.iter().find(|(_, known)| *known == name).map(|(number, _)| *number);
            let file = known.and_then(|number| self.files.remove(&number)).unwrap_or_default();
            self.names.retain(|_, known| known != name);
            self.names.insert(step.file, name.clone());
            self.files.insert(step.file, file);
            return;
        }
        if matches!(step.done, Done::FolderSync) {
            self.files.values_mut().for_each(File::sync_name);
            return;
        }
        if let Done::Link(old) = step.done {
            // Both are numbers of one record.
            let old = self.files[&(step.file / NUMBERS * NUMBERS + old)].clone();
            self.files.get_mut(&step.file).unwrap().unsynced.push(Change::Become(old));
            return;
        }
        let file = self.files.get_mut(&step.file).unwrap();
        match &step.done {
            Done::Name(_) | Done::Refused | Done::Link(_) | Done::FolderSync | Done::Killed(_) => {}
            Done::Create => file.unsynced.push(Change::Create),
            Done::Write { offset, bytes } => {
                file.unsynced.push(Change::Write { offset: *offset, bytes: bytes.clone() });
            }
            Done::Length(length) => file.unsynced.push(Change::Length(*length)),
            Done::Remove => file.unsynced.push(Change::Remove),
            Done::Sync => {
                let lies = self.lies;
                for change in std::mem::take(&mut file.unsynced) {
                    let is_write = matches!(change, Change::Write { .. });
                    if !(lies && is_write && self.random.u32(..LOST) == 0) {
                        apply(&mut file.synced, &change);
                    }
                }
            }
            // Some of it may have got there. The rest is gone from memory too as far as a later sync is concerned.
            Done::FailedSync => {
                let unsynced = std::mem::take(&mut file.unsynced);
                file.synced = crash(file.synced.clone(), &unsynced, Left::Pieces, &mut self.random);
            }
        }
    }

    /// Fills an empty folder with what a crash leaves now of all files but one.
    pub(super) fn crash_into(&mut self, folder: &Path, but: &str, left: Left) {
        for (number, name) in self.names.iter().filter(|(_, name)| *name != but) {
            let file = &self.files[number];
            let content = crash(file.synced.clone(), &file.unsynced, left, &mut self.random);
            if let Some(content) = content {
                fs::write(folder.join(name), content).unwrap();
            }
        }
    }
}

impl File {
    /// A sync of the folder: whether the file is there, and as which, is on the disk.
    fn sync_name(&mut self) {
        let Some(last) = self.unsynced.iter().rposition(Change::is_of_the_folder) else { return };
        let mut changes = self.unsynced.split_off(last).into_iter();
        *self = match changes.next() {
            Some(Change::Become(file)) => file,
            Some(Change::Create) => Self { synced: Some(Vec::new()), unsynced: Vec::new() },
            _ => Self::default(),
        };
        self.unsynced.extend(changes);
    }
}

impl Change {
    fn is_of_the_folder(&self) -> bool {
        matches!(self, Self::Create | Self::Remove | Self::Become(_))
    }
}

fn apply(content: &mut Content, change: &Change) {
    match change {
        Change::Create => *content = Some(Vec::new()),
        Change::Remove => *content = None,
        Change::Length(length) => content.get_or_insert_default().resize(*length, 0),
        Change::Write { offset, bytes } => write(content.get_or_insert_default(), *offset, bytes),
        Change::Become(file) => {
            content.clone_from(&file.synced);
            file.unsynced.iter().for_each(|change| apply(content, change));
        }
    }
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

/// What is left of a file.
fn crash(mut content: Content, unsynced: &[Change], left: Left, random: &mut Rng) -> Content {
    let reached = match left {
        Left::Nothing => 0,
        Left::Everything => unsynced.len(),
        Left::Prefix | Left::Pieces => random.usize(..=unsynced.len()),
    };
    for (at, change) in unsynced.iter().enumerate() {
        match (left, change) {
            // Which files there are changes in its order; what is written to one that is not there is nowhere.
            (Left::Pieces, change) if change.is_of_the_folder() && at >= reached => break,
            // The name is there, and of what the file had not synced then there is what a crash leaves.
            (_, Change::Become(file)) if at < reached => {
                content = crash(file.synced.clone(), &file.unsynced, left, random);
            }
            (Left::Pieces, change) if change.is_of_the_folder() => apply(&mut content, change),
            (Left::Pieces, Change::Write { offset, bytes }) => {
                pieces(content.get_or_insert_default(), *offset, bytes, random);
            }
            (Left::Pieces, change) if random.bool() => apply(&mut content, change),
            (Left::Pieces, _) => {}
            (_, change) if at < reached => apply(&mut content, change),
            _ => {}
        }
    }
    content
}

/// Writes all of it, nothing, or some of its sectors, of which some hold junk.
fn pieces(content: &mut Vec<u8>, offset: usize, bytes: &[u8], random: &mut Rng) {
    let share = match random.u8(..4) {
        0 => return,
        1 => return write(content, offset, bytes),
        _ => random.f64(),
    };
    let end = offset + bytes.len();
    let mut from = offset;
    while from < end {
        let to = (from / SECTOR + 1) * SECTOR;
        let to = to.min(end);
        let piece = &bytes[from - offset..to - offset];
        // What stands there already stays, however the power fails: a disk that breaks that breaks what was synced.
        let stands = content.get(from..to) == Some(piece);
        if random.f64() < share && !stands {
            if random.u8(..16) == 0 {
                let junk: Vec<u8> = piece.iter().map(|_| random.u8(..)).collect();
                write(content, from, &junk);
            } else {
                write(content, from, piece);
            }
        }
        from = to;
    }
}
