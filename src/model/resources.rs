//! What a run may take of the machine: memory, processes, files, the disk's last room, and its place behind others.

use serde::{Deserialize, Serialize};

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// What a run may take of the machine. A run that takes more is killed at once, and its end says of what.
///
/// The kernel keeps the limits of files by itself (`setrlimit(2)`); the supervisor looks at the others several times a second.
/// No run leaves a core dump, and where the machine's memory runs out the kernel takes a run before the server.
///
/// *Source:* the memory of a run is not limited by `RLIMIT_AS`, because the engines of agent programs reserve many times
/// the addresses that they use; nor its processes by `RLIMIT_NPROC`, which counts all processes of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Bytes of memory that its processes have for themselves, together. Default 4 GiB.
    pub memory: u64,
    /// Processes at one time. Default 256.
    pub processes: u32,
    /// Bytes of the largest file that it may write. Default 1 GiB.
    pub file: u64,
    /// Files that one process of it may have open. Default 4,096.
    pub open_files: u64,
    /// Bytes that must stay free on each disk that it works on, but at most half of what was free there when it began.
    /// Default 1 GiB.
    pub disk_left: u64,
    /// How far its processes stand behind others when they want the processor, 0 to 19, see `nice(1)`. Default 5.
    pub nice: u8,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            memory: 4 * GIB,
            processes: 256,
            file: GIB,
            open_files: 4096,
            disk_left: GIB,
            nice: 5,
        }
    }
}
