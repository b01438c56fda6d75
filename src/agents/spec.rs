//! The description of a run: which program, with what, and within which limits.

use super::{FolderId, Sandbox};
use crate::error::{Code, Error, Result};
use crate::files;
use crate::model::Resources;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most bytes that a run gets on its standard input: many times the largest prompt.
pub const MAX_STDIN: usize = 8 * 1024 * 1024;

/// The bytes of chance in a marker: enough that no two runs of a machine ever share one.
const MARKER_BYTES: usize = 16;

/// One run of a program.
///
/// It has no `Debug`: its environment holds keys, and its input what an operator typed.
#[derive(Clone)]
pub struct Spec {
    /// The program, a path or a name to be found on the `PATH` of `env`, and its arguments. No shell reads them.
    pub argv: Vec<String>,
    /// The whole environment except the marker, which is added. No variable of the server gets in by itself.
    pub env: BTreeMap<String, String>,
    /// Where it starts, an absolute path: the folder of its job, which only the server's user may enter (0700).
    pub working_dir: PathBuf,
    /// Which folder that is, if it was looked at before: in another one nothing runs.
    pub folder: Option<FolderId>,
    /// What it reads; its standard input ends after that.
    pub stdin: Vec<u8>,
    /// When it is ended although nobody asked.
    pub limits: Limits,
    /// What keeps it from the rest of the machine.
    pub isolation: Isolation,
    /// The name of the run, stored before the start: after a crash it leads to the processes that are left.
    pub marker: Marker,
}

/// When a run is ended although nobody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For all of it. Default 30 minutes.
    pub wall: Duration,
    /// The longest time without a byte of output. Time in which nobody takes the output does not count. Default 5 minutes.
    pub idle: Duration,
    /// A line of output that holds one of these texts is no sign of life: the program writes it by the clock while it waits.
    /// Default none.
    pub heartbeats: &'static [&'static str],
    /// Bytes on standard output and standard error together; what comes after them is not delivered. Default 64 MiB.
    pub output: u64,
    /// What it may take of the machine.
    pub resources: Resources,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_mins(30),
            idle: Duration::from_mins(5),
            heartbeats: &[],
            output: 64 * 1024 * 1024,
            resources: Resources::default(),
        }
    }
}

/// What keeps a run from the rest of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// The sandbox, or no run at all.
    Bwrap(Sandbox),
    /// The supervisor alone: the run sees and may do what the server's user may.
    None,
}

/// The name of a run, in the environment of every process of it: 32 random hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Marker(String);

impl Marker {
    /// A name that no other run has.
    ///
    /// # Panics
    /// On a system that has no randomness to give.
    pub fn random() -> Self {
        let mut bytes = [0; MARKER_BYTES];
        getrandom::fill(&mut bytes).expect("the system gives random bytes");
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// The marker of these words, as [`Marker::as_str`] gave them.
    pub fn parse(text: &str) -> Result<Self> {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 2 * MARKER_BYTES && text.bytes().all(digits) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::new(Code::ModelInvalid, "read a run's marker: it is not 32 hexadecimal digits"))
    }

    /// The marker as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes the folder of a job, which only the server's user may enter, and the folders above it.
pub fn create_job_dir(path: &Path) -> Result<()> {
    files::make_private_folder(path).map_err(|error| {
        Error::of_disk(Code::AgentStart, format!("make the folder {}", path.display()), error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_random_and_reads_back_and_nothing_else_is_one() {
        let marker = Marker::random();
        assert_ne!(marker, Marker::random());
        assert_eq!(Marker::parse(marker.as_str()).unwrap(), marker);
        let long = "0".repeat(33);
        let upper = "A".repeat(32);
        for bad in ["", "abc", &long, &upper, "LAMPLIGHTER_RUN=0000000000000000"] {
            assert!(Marker::parse(bad).is_err(), "{bad}");
        }
    }
}
