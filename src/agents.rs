//! Runs other people's programs, and owns every process that they start.
//!
//! Each run has a supervisor of its own: our binary under a hidden subcommand, a child subreaper with its own session,
//! which holds a pipe to the server. It ends the whole tree on order, at a limit, and when the pipe ends because the
//! server is gone, by kill -9 too: INT to the program, which then tells what it has cost, TERM to the whole tree, then KILL in
//! a loop until it has no children left. Only then it reports.
//!
//! *Invariants:* processes are started in `agents/command.rs` only. A signal goes only to a process that is proven to
//! be of the run: by its number and start time, and by descent from the supervisor or by the run's marker in its
//! environment. Nothing is ever ended by name.
//!
//! On Linux only: elsewhere no run can be started.

#[cfg(target_os = "linux")]
mod acl;
#[cfg(target_os = "linux")]
pub(crate) mod broom;
#[cfg(not(target_os = "linux"))]
#[path = "agents/no_broom.rs"]
pub(crate) mod broom;
pub mod claude;
mod command;
#[cfg(target_os = "linux")]
mod course;
pub mod door;
mod folder;
mod launcher;
#[cfg(target_os = "linux")]
pub(crate) mod loan;
#[cfg(not(target_os = "linux"))]
#[path = "agents/no_loan.rs"]
pub(crate) mod loan;
#[cfg(target_os = "linux")]
mod making;
mod mounts;
mod pipes;
mod run;
mod sandbox;
mod spec;
#[cfg(target_os = "linux")]
mod supervise;
mod sweep;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod tree;
mod user;
pub mod wall;
#[cfg(target_os = "linux")]
mod watch;
mod wire;
mod words;

pub(crate) use command::find_program;
#[cfg(feature = "cli")]
pub(crate) use command::ourselves;
pub use folder::FolderId;
pub use launcher::{GRACE, Launcher, Sandboxing};
pub(crate) use mounts::Mounts;
pub use run::{Chunk, Run, Stopper};
pub(crate) use sandbox::is_needed;
pub use sandbox::{Sandbox, View};
pub use spec::{Isolation, Limits, MAX_STDIN, Marker, Spec, create_job_dir};
#[cfg(target_os = "linux")]
pub use supervise::supervise;
pub use sweep::{Swept, Trace, sweep};
pub use user::{AGENT_USER, AgentUser};
pub(crate) use user::{ENTER, READ};
pub use wire::{Ended, Exit, Reason, Stream};

/// In the environment of every process of a run: the run's [`Marker`].
pub const RUN_VARIABLE: &str = "LAMPLIGHTER_RUN";
/// In the environment of a supervisor: the marker of its run.
const SUPERVISOR_VARIABLE: &str = "LAMPLIGHTER_SUPERVISES";

/// Says that this system has no way to own a tree of processes.
#[cfg(not(target_os = "linux"))]
pub async fn supervise() -> crate::Result<()> {
    Err(crate::Error::new(crate::Code::AgentStart, "supervise a program: only Linux can"))
}
