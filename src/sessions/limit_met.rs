//! Which limit of the machine a run has met, in a sentence with its setting and its number.

use crate::agents::Exit;
use crate::model::{Resources, RunEnding};
use rustix::process::Signal;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// What a run took too much of, if that ended it.
pub(super) fn limit_met(
    ending: RunEnding,
    exit: Option<Exit>,
    limits: &Resources,
) -> Option<String> {
    let Resources { memory, processes, file, disk_left, .. } = *limits;
    let (what, setting) = if ending == RunEnding::MemoryLimit {
        (format!("took more memory than {}", size(memory)), "memory")
    } else if ending == RunEnding::ProcessLimit {
        (format!("started more processes than {processes}"), "processes")
    } else if ending != RunEnding::DiskLimit {
        return None;
    } else if wrote_too_large_a_file(exit) {
        (format!("wrote a file of more than {}", size(file)), "file")
    } else {
        let room = size(disk_left);
        let text = format!(
            "left too little room on a disk: {room} must stay free, or half of what was free at its start"
        );
        (text, "disk_free")
    };
    Some(format!("The agent {what} (agent.limits.{setting})"))
}

/// Whether the kernel refused to let a file of the program grow; in the sandbox `bwrap` tells it as a shell does.
fn wrote_too_large_a_file(exit: Option<Exit>) -> bool {
    let signal = Signal::XFSZ.as_raw();
    exit == Some(Exit::Signal(signal)) || exit == Some(Exit::Code(128 + signal))
}

fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes > 0 && bytes.is_multiple_of(GIB) => format!("{} GiB", bytes / GIB),
        bytes if bytes > 0 && bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        bytes => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_that_a_run_met_is_named_with_its_number() {
        let limits =
            Resources { processes: 20, file: 3 * MIB, disk_left: 5, ..Resources::default() };
        let met = |ending, exit| limit_met(ending, exit, &limits).unwrap_or_default();
        let killed = Some(Exit::Signal(9));
        assert_eq!(
            met(RunEnding::ProcessLimit, killed),
            "The agent started more processes than 20 (agent.limits.processes)"
        );
        assert_eq!(
            met(RunEnding::MemoryLimit, killed),
            "The agent took more memory than 4 GiB (agent.limits.memory)"
        );
        for exit in [Exit::Signal(25), Exit::Code(153)] {
            assert_eq!(
                met(RunEnding::DiskLimit, Some(exit)),
                "The agent wrote a file of more than 3 MiB (agent.limits.file)"
            );
        }
        assert_eq!(
            met(RunEnding::DiskLimit, killed),
            "The agent left too little room on a disk: 5 bytes must stay free, or half of what was free at its start (agent.limits.disk_free)"
        );
        assert_eq!(met(RunEnding::TimedOut, killed), "");
    }
}
