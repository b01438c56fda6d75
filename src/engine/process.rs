//! Identifies and ends processes by what the kernel says under `/proc`, so on Linux only.

use crate::model::Process;
use std::io;
use std::path::Path;

/// Where the kernel tells of processes.
const PROC: &str = "/proc";

/// This process.
pub(super) fn own() -> Process {
    let pid = std::process::id();
    Process { pid, start: start_of(pid) }
}

/// Whether a process of this machine has surely ended. A process of another container cannot be seen from here, nor, with
/// some settings of the system, one of another user: neither is taken for dead.
pub(super) fn is_gone(process: &Process) -> bool {
    is_gone_from(Path::new(PROC), process)
}

fn is_gone_from(proc: &Path, process: &Process) -> bool {
    let (Some(start), Some(machine)) = (&process.start, machine()) else { return false };
    let mut words = start.split(' ');
    if words.next() != Some(machine.boot.as_str()) {
        return true;
    }
    if words.next() != Some(machine.numbers.as_str()) {
        return false;
    }
    match look(proc, process.pid) {
        Seen::Runs(status) => machine.start(&status) != *start,
        Seen::Ended => true,
        Seen::Hidden => false,
    }
}

/// Whether a process stands still, by SIGSTOP or Ctrl-Z.
pub(super) fn is_stopped(process: &Process) -> bool {
    matches!(look(Path::new(PROC), process.pid), Seen::Runs(Status { letter: 'T', .. }))
        && process.start.is_some()
        && start_of(process.pid) == process.start
}

/// Kills exactly this process and never another one that has its number now.
#[cfg(target_os = "linux")]
pub(super) fn kill(process: &Process) -> io::Result<()> {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
    let handle = pidfd_open(pid.ok_or(io::ErrorKind::NotFound)?, PidfdFlags::empty())?;
    // The handle stays with the process that has the number now. So the check which process that is comes after it.
    if process.start.is_none() || start_of(process.pid) != process.start {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "its number belongs to another process",
        ));
    }
    Ok(pidfd_send_signal(handle, Signal::KILL)?)
}

/// Says that this system has no way to kill a process and be sure that it is the right one.
#[cfg(not(target_os = "linux"))]
pub(super) fn kill(_process: &Process) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Where process numbers mean something.
struct Machine {
    /// A name for the time since the machine was started.
    boot: String,
    /// The namespace of the numbers: containers that share a folder count their processes apart.
    numbers: String,
}

fn machine() -> Option<Machine> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let numbers = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(Machine { boot: boot.trim().to_owned(), numbers: numbers.to_str()?.to_owned() })
}

impl Machine {
    /// The words that tell a process from every other one that has or had its number.
    fn start(&self, status: &Status) -> String {
        format!("{} {} {}", self.boot, self.numbers, status.started)
    }
}

/// The words that tell a process from every other one; `None` if there is no such process, or the system does not show it.
fn start_of(pid: u32) -> Option<String> {
    match look(Path::new(PROC), pid) {
        Seen::Runs(status) => Some(machine()?.start(&status)),
        Seen::Ended | Seen::Hidden => None,
    }
}

/// What can be seen of the process that has a number.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// It is there.
    Runs(Status),
    /// There is none, or it has ended and its parent has not looked at it yet.
    Ended,
    /// There is one, of which the system tells this user nothing.
    Hidden,
}

#[derive(Debug, PartialEq, Eq)]
struct Status {
    /// R, S, D … as `ps` shows it.
    letter: char,
    /// Ticks of the kernel's clock from the boot to the start.
    started: u64,
}

fn look(proc: &Path, pid: u32) -> Seen {
    let line = std::fs::read_to_string(proc.join(pid.to_string()).join("stat"));
    match line.ok().and_then(|line| status(&line)) {
        // A dead process keeps its number until its parent has looked at it.
        Some(status) if ['Z', 'X'].contains(&status.letter) => Seen::Ended,
        Some(status) => Seen::Runs(status),
        None if has_number(pid) => Seen::Hidden,
        None => Seen::Ended,
    }
}

/// Whether some process of any user has this number.
fn has_number(pid: u32) -> bool {
    use rustix::io::Errno;
    use rustix::process::{Pid, test_kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

/// Reads a line of `/proc/<pid>/stat`, `proc_pid_stat(5)`.
fn status(line: &str) -> Option<Status> {
    // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    let mut fields = line.rsplit_once(')')?.1.split_whitespace();
    let letter = fields.next()?.chars().next()?;
    // The letter is field 3, the start field 22.
    Some(Status { letter, started: fields.nth(18)?.parse().ok()? })
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    /// A child process that waits for its input.
    #[expect(clippy::disallowed_methods, reason = "a process to look at")]
    fn child() -> (Child, Process) {
        let child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let process = Process { pid: child.id(), start: start_of(child.id()) };
        assert!(process.start.is_some());
        (child, process)
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a) b (c) T 1 42 42 0 -1 4194304 102 0 0 0 0 0 0 0 20 0 1 0 227217 313 388";
        let status = status(line).unwrap();
        assert_eq!((status.letter, status.started), ('T', 227_217));
    }

    #[test]
    fn a_process_is_gone_from_its_end_on_even_if_nobody_has_asked_for_its_exit_code() {
        let (mut child, process) = child();
        assert!(!is_gone(&process) && !is_gone(&own()));
        kill(&process).unwrap();
        drop(child.stdin.take());
        // The kernel tears the process down by itself.
        while !is_gone(&process) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(is_gone(&process));
        assert!(kill(&process).is_err());
    }

    #[test]
    fn a_process_of_which_the_system_tells_nothing_is_not_taken_for_dead() {
        let (mut child, process) = child();
        // As /proc is to another user who may not see this one's processes.
        let hidden = tempfile::tempdir().unwrap();
        assert_eq!(look(hidden.path(), process.pid), Seen::Hidden);
        assert!(!is_gone_from(hidden.path(), &process));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(look(hidden.path(), process.pid), Seen::Ended);
        assert!(is_gone_from(hidden.path(), &process), "nobody has its number any more");
    }

    #[test]
    fn a_process_that_got_the_number_of_a_dead_one_is_not_killed() {
        let (mut child, process) = child();
        let start = process.start.as_ref().unwrap();
        let ticks: u64 = start.rsplit_once(' ').unwrap().1.parse().unwrap();
        let words = start.rsplit_once(' ').unwrap().0;
        let earlier = Process { start: Some(format!("{words} {}", ticks - 1)), ..process.clone() };
        let unknown = Process { start: None, ..process.clone() };
        for other in [earlier, unknown] {
            assert_eq!(kill(&other).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "it ended by itself");
    }

    #[test]
    fn a_process_of_an_earlier_boot_is_gone_and_one_of_another_container_is_not_judged() {
        let own = own();
        let start = own.start.clone().unwrap();
        let words: Vec<_> = start.split(' ').collect();
        let with = |start| Process { start: Some(start), ..own.clone() };
        assert!(is_gone(&with(format!("another-boot {} {}", words[1], words[2]))));
        assert!(!is_gone(&with(format!("{} pid:[1] {}", words[0], words[2]))));
        assert!(is_gone(&with(format!("{} {} 1", words[0], words[1]))));
    }
}
