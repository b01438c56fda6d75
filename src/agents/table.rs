//! The table of processes, as the kernel shows it under `/proc`, and a signal to exactly one of them.

use crate::model::Process;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::{BTreeMap, HashSet};
use std::io;

/// Ticks of the kernel's clock in a second, as `/proc` counts: 100 on every Linux that has `/proc` (`time(7)`).
const TICKS: u64 = 100;

/// A process as it was when the table was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) pid: u32,
    pub(super) parent: u32,
    pub(super) group: u32,
    /// Ticks from the boot to its start: with the number, it names the process.
    pub(super) start: u64,
    /// Whether it has ended and waits for its parent to ask how.
    pub(super) is_over: bool,
    /// How far it stands behind others, -20 to 19.
    pub(super) nice: i32,
    /// How many threads it has.
    pub(super) threads: u32,
    /// Ticks of the processor that its children used, those that it has asked how they ended.
    children_cpu: u64,
}

/// Every process that could be seen.
pub(super) struct Table(BTreeMap<u32, Entry>);

impl Table {
    /// Reads `/proc`. A process that ends meanwhile may be missing.
    pub(super) fn read() -> io::Result<Self> {
        let mut entries = BTreeMap::new();
        for folder in std::fs::read_dir("/proc")? {
            let name = folder?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            if let Some(entry) = entry(pid) {
                entries.insert(pid, entry);
            }
        }
        Ok(Self(entries))
    }

    /// Every process.
    pub(super) fn all(&self) -> impl Iterator<Item = &Entry> {
        self.0.values()
    }

    /// Exactly this process, if it was there.
    pub(super) fn find(&self, process: &Process) -> Option<&Entry> {
        let entry = self.0.get(&process.pid)?;
        (process.start.is_some() && words(entry) == process.start).then_some(entry)
    }

    /// The children of these processes, their children, and so on, without the processes themselves.
    ///
    /// A number may have changed hands while the table was read. A link from child to parent is believed only if the
    /// parent is the older one: a process that got the number of the real parent after its end was started later.
    pub(super) fn descendants(&self, roots: impl IntoIterator<Item = u32>) -> Vec<&Entry> {
        let mut children: BTreeMap<u32, Vec<&Entry>> = BTreeMap::new();
        for entry in self.0.values() {
            let parent = self.0.get(&entry.parent);
            if parent.is_some_and(|parent| parent.start <= entry.start) {
                children.entry(entry.parent).or_default().push(entry);
            }
        }
        let mut open: Vec<u32> = roots.into_iter().collect();
        let mut seen: HashSet<u32> = open.iter().copied().collect();
        let mut found = Vec::new();
        while let Some(pid) = open.pop() {
            for child in children.get(&pid).into_iter().flatten() {
                if seen.insert(child.pid) {
                    found.push(*child);
                    open.push(child.pid);
                }
            }
        }
        found
    }
}

impl Entry {
    /// The process in words that are true for ever.
    pub(super) fn process(&self) -> Process {
        Process { pid: self.pid, start: words(self) }
    }

    /// Sends a signal to exactly this process; `false` if it is gone, even if another process has its number now.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<bool> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(false);
        };
        let sent = pidfd_open(pid, PidfdFlags::empty()).and_then(|handle| {
            // The handle stays with the process that has the number now. So the check which process that is comes after it.
            let same = entry(self.pid).is_some_and(|now| now.start == self.start);
            if same { pidfd_send_signal(handle, signal).map(|()| true) } else { Ok(false) }
        });
        match sent {
            Err(rustix::io::Errno::SRCH) => Ok(false),
            sent => Ok(sent?),
        }
    }

    /// Whether a variable of this name had this value when the process was started; `false` if that is not known.
    pub(super) fn has_variable(&self, name: &str, value: &str) -> bool {
        let Ok(bytes) = std::fs::read(format!("/proc/{}/environ", self.pid)) else { return false };
        let wanted = format!("{name}={value}");
        bytes.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    }

    /// Whether it works in a folder.
    pub(super) fn works_in(&self, folder: &std::path::Path) -> bool {
        let at = std::fs::read_link(format!("/proc/{}/cwd", self.pid));
        at.is_ok_and(|at| at.starts_with(folder))
    }
}

/// A process by its number, in words that are true for ever.
pub(super) fn process(pid: u32) -> Process {
    Process { pid, start: entry(pid).as_ref().and_then(words) }
}

/// The time of the processor that the children of this process used, of those it has asked how they ended.
pub(super) fn children_cpu() -> std::time::Duration {
    let ticks = entry(std::process::id()).map_or(0, |own| own.children_cpu);
    std::time::Duration::from_millis(ticks * 1_000 / TICKS)
}

/// The words that the engine uses too: the boot, the namespace of the numbers, and the start.
fn words(entry: &Entry) -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let numbers = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {} {}", boot.trim(), numbers.to_str()?, entry.start))
}

fn entry(pid: u32) -> Option<Entry> {
    parse(pid, &std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads a line of `/proc/<pid>/stat`, `proc_pid_stat(5)`.
fn parse(pid: u32, line: &str) -> Option<Entry> {
    // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    // The first of these is field 3 of the manual's count.
    let field = |number: usize| fields.get(number - 3).copied();
    let count = |number: usize| field(number)?.parse::<u64>().ok();
    Some(Entry {
        pid,
        parent: field(4)?.parse().ok()?,
        // Kernel threads and what is outside of this namespace have group 0.
        group: field(5)?.parse().ok()?,
        start: count(22)?,
        is_over: matches!(field(3)?, "Z" | "X"),
        nice: field(19)?.parse().ok()?,
        threads: field(20)?.parse().ok()?,
        children_cpu: count(16)? + count(17)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pid: u32, parent: u32, start: u64) -> Entry {
        Entry {
            pid,
            parent,
            group: pid,
            start,
            is_over: false,
            nice: 0,
            threads: 1,
            children_cpu: 0,
        }
    }

    fn table(entries: &[Entry]) -> Table {
        Table(entries.iter().map(|entry| (entry.pid, entry.clone())).collect())
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a) b (c) Z 7 40 42 0 -1 4194304 102 0 0 0 1 2 3 4 20 0 1 0 227217 313 388";
        let wanted = Entry { group: 40, is_over: true, children_cpu: 7, ..of(42, 7, 227_217) };
        assert_eq!(parse(42, line).unwrap(), wanted);
        assert_eq!(parse(42, "42 (half a li"), None);
    }

    #[test]
    fn descendants_are_found_at_every_depth_and_nobody_elses() {
        let table = table(&[of(1, 0, 0), of(10, 1, 5), of(11, 10, 6), of(12, 11, 7), of(20, 1, 6)]);
        let mut pids: Vec<_> = table.descendants([10]).iter().map(|entry| entry.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [11, 12]);
    }

    #[test]
    fn a_process_that_is_older_than_its_parent_is_not_its_child() {
        // 10 ended and its number went to another process, after 11 was read and before 10 was.
        let table = table(&[of(1, 0, 0), of(10, 1, 9), of(11, 10, 6)]);
        assert!(table.descendants([10]).is_empty());
    }

    #[test]
    fn a_process_that_got_the_number_of_a_dead_one_is_not_signalled() {
        let own = entry(std::process::id()).unwrap();
        let earlier = Entry { start: own.start - 1, ..own.clone() };
        assert!(!earlier.signal(Signal::TERM).unwrap(), "else this test is dead now");
        let named = own.process();
        assert!(table(&[own]).find(&named).is_some());
        assert!(table(&[earlier]).find(&named).is_none());
    }
}
