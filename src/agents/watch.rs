//! Holds a run to its [`Resources`]: limits that the kernel keeps, and a look at what the tree takes several times a second.

use super::Reason;
use super::table::{Entry, Table};
use crate::error::ignore;
use crate::files::free_bytes;
use crate::model::Resources;
use rustix::process::{self, Pid, Resource, Rlimit};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The time between two glances at the number of all threads of the machine, which takes some 20 µs: processes that fork
/// without end are several thousand after half a second, and then leave no time to look at each of them.
const GLANCE_EVERY: Duration = Duration::from_millis(20);
/// The time between two looks; one takes a few milliseconds of a thousand processes.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The same while the run takes more than half of what it may.
const LOOK_CLOSELY: Duration = Duration::from_millis(100);
/// How much of a limit makes the looks close: a half.
const CLOSE: u64 = 2;
/// So many threads count as one process: agent programs have some twenty.
const THREADS: u64 = 16;
/// The kernel passes over a core dump of this size to a file, and to a program that takes core dumps: with 0 such a program
/// gets them all the same (`core(5)`).
const NO_CORE: u64 = 1;
/// How much sooner the kernel takes a run's process than the server when the machine has no memory left, of 1,000.
const TAKE_FIRST: &str = "500";

/// Sets the limits that the kernel keeps, for this process and all that it starts.
pub(super) fn limit(resources: Resources) -> io::Result<()> {
    for (resource, most) in [
        (Resource::Core, NO_CORE),
        (Resource::Fsize, resources.file),
        (Resource::Nofile, resources.open_files),
    ] {
        let now = process::getrlimit(resource);
        // Nobody but root may raise the higher one of the two again.
        let most = Some(now.maximum.map_or(most, |maximum| maximum.min(most)));
        process::setrlimit(resource, Rlimit { current: most, maximum: most })?;
    }
    Ok(())
}

/// Starts something that the kernel takes before this process when the machine has no memory left.
pub(super) fn first_to_go<T>(start: impl FnOnce() -> T) -> T {
    let file = "/proc/self/oom_score_adj";
    let own = std::fs::read_to_string(file);
    let why = "a system that keeps no such score takes what it will";
    ignore(std::fs::write(file, TAKE_FIRST), why);
    let started = start();
    ignore(own.and_then(|own| std::fs::write(file, own.trim())), why);
    started
}

/// What has been seen of a run, and when to look again.
pub(super) struct Watch {
    resources: Resources,
    /// Each folder in which it works, and the bytes that must stay free on its disk.
    disks: Vec<(PathBuf, u64)>,
    /// When to look.
    look: Instant,
    /// When to glance.
    glance: Instant,
    /// The threads of the machine at the last look.
    threads: u64,
}

impl Watch {
    /// The watch over a run that works in these folders and starts now.
    pub(super) fn new(resources: Resources, folders: Vec<PathBuf>, now: Instant) -> Self {
        let floor =
            |folder: &Path| free_bytes(folder).map(|free| resources.disk_left.min(free / 2));
        let disks = folders.into_iter().filter_map(|folder| Some((floor(&folder)?, folder)));
        let disks = disks.map(|(floor, folder)| (folder, floor)).collect();
        Self { resources, disks, look: now, glance: now, threads: 0 }
    }

    /// When to ask [`Watch::on_time`].
    pub(super) fn next(&self) -> Instant {
        self.look.min(self.glance)
    }

    /// Of what the run takes too much at this time, if it does.
    pub(super) fn on_time(&mut self, now: Instant) -> Option<Reason> {
        self.glance = now + GLANCE_EVERY;
        let grown = threads().saturating_sub(self.threads);
        let is_due = now >= self.look || grown > u64::from(self.resources.processes);
        if is_due { self.look(now) } else { None }
    }

    /// Looks at the processes below this one and at the disks. Answers of what the run takes too much, if it does.
    fn look(&mut self, now: Instant) -> Option<Reason> {
        self.threads = threads();
        // If `/proc` cannot be read now, the next look comes soon.
        let table = Table::read().ok();
        let tree = table.as_ref().map(|table| table.descendants([std::process::id()]));
        let tree = tree.unwrap_or_default();
        for entry in &tree {
            self.put_behind(entry);
        }
        let (processes, most) = (tree.len() as u64, u64::from(self.resources.processes));
        // The machine has a bound on all threads, and a process of many leaves others none.
        let threads: u64 = tree.iter().map(|entry| u64::from(entry.threads)).sum();
        let processes = processes.max(threads / THREADS);
        let memory = if processes > most { 0 } else { memory(&tree, self.resources.memory) };
        let room = self.disks.iter().map(|(folder, floor)| (free_bytes(folder), *floor));
        let room: Vec<_> = room.filter_map(|(free, floor)| Some((free?, floor))).collect();
        let is_close = table.is_none()
            || processes > most / CLOSE
            || memory > self.resources.memory / CLOSE
            || room.iter().any(|(free, floor)| free / CLOSE < *floor);
        self.look = now + if is_close { LOOK_CLOSELY } else { LOOK_EVERY };
        if processes > most {
            return Some(Reason::ProcessLimit);
        }
        if memory > self.resources.memory {
            return Some(Reason::MemoryLimit);
        }
        room.iter().any(|(free, floor)| free < floor).then_some(Reason::DiskLimit)
    }

    /// Puts a process behind others.
    fn put_behind(&self, entry: &Entry) {
        let Some(pid) = i32::try_from(entry.pid).ok().and_then(Pid::from_raw) else { return };
        if entry.nice < self.resources.nice.into() {
            let set = process::setpriority_process(Some(pid), self.resources.nice.into());
            ignore(set, "a process that has ended needs no place");
        }
    }
}

/// Bytes that processes have for themselves. What several of them share since one made the others is counted once, but only
/// if the plain sum, which is quicker to make, is too large.
fn memory(tree: &[&Entry], most: u64) -> u64 {
    let plain = |pid| lengths(pid, "status", &["RssAnon:", "RssShmem:", "VmSwap:"]);
    let sum: u64 = tree.iter().filter_map(|entry| plain(entry.pid)).sum();
    if sum <= most {
        return sum;
    }
    let shared = |pid| lengths(pid, "smaps_rollup", &["Pss_Anon:", "Pss_Shmem:", "SwapPss:"]);
    tree.iter().filter_map(|entry| shared(entry.pid).or_else(|| plain(entry.pid))).sum()
}

/// The sum of lengths in a file of `/proc`, in bytes; `None` without the first. `proc_pid_status(5)`, `proc_pid_smaps(5)`.
fn lengths(pid: u32, file: &str, names: &[&str]) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let length = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    };
    let (first, others) = names.split_first()?;
    Some(length(first)? + others.iter().filter_map(|name| length(name)).sum::<u64>())
}

/// The threads of the machine, or of the container that sees no others; 0 if nobody knows.
fn threads() -> u64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let running_of_all = text.split_whitespace().nth(3).and_then(|pair| pair.split_once('/'));
    running_of_all.and_then(|(_, all)| all.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_held_to_its_limits_by_what_is_seen_of_it() {
        // The test program has no children that stay, so its own tree takes nothing.
        let now = Instant::now();
        let folder = vec![std::env::temp_dir()];
        let mut watch = Watch::new(Resources::default(), folder.clone(), now);
        assert_eq!(watch.look(now), None);
        let free = free_bytes(&folder[0]).unwrap();
        let disk_left = u64::MAX;
        let mut watch = Watch::new(Resources { disk_left, ..Resources::default() }, folder, now);
        assert!(watch.disks[0].1 <= free, "a disk that is nearly full holds up no run");
        assert_eq!(watch.look(now), None);
        watch.disks[0].1 = u64::MAX;
        assert_eq!(watch.look(now), Some(Reason::DiskLimit));
        assert_eq!(watch.look, now + LOOK_CLOSELY);
    }

    #[test]
    fn the_threads_of_the_machine_are_counted() {
        let (stop, told) = std::sync::mpsc::channel::<()>();
        let told = std::sync::Arc::new(std::sync::Mutex::new(told));
        let before = threads();
        assert!(before > 1, "{before}");
        let wait = || {
            let told = std::sync::Arc::clone(&told);
            std::thread::spawn(move || assert!(told.lock().unwrap().recv().is_err()))
        };
        let waiting: Vec<_> = (0..400).map(|_| wait()).collect();
        let now = threads();
        assert!(now > before + 200, "{before}, then {now}");
        drop(stop);
        for thread in waiting {
            thread.join().unwrap();
        }
    }

    #[test]
    fn the_memory_of_a_process_is_what_it_has_for_itself() {
        let own = std::process::id();
        let shown = lengths(own, "status", &["RssAnon:", "VmSwap:"]).unwrap();
        assert!(shown > 100 * 1024, "{shown}");
        assert!(lengths(own, "smaps_rollup", &["Pss_Anon:", "Pss_Shmem:"]).unwrap() > 100 * 1024);
        assert_eq!(lengths(own, "status", &["NoSuchLine:", "RssAnon:"]), None);
    }
}
