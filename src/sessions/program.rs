//! The agent program: whether it is there, and which version it is.

use super::own_files::program_files;
use crate::agents::claude::Version;
use crate::agents::find_program;
use crate::agents::{Exit, Isolation, Launcher, Limits, Marker, Sandbox, Sandboxing, Spec};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::files::FileStamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};

/// The most that is shown of what a program says that tells no version, in bytes.
const MAX_WORDS: usize = 300;
/// How long the program may take to tell its version; it takes less than a second.
const TELL: Duration = Duration::from_secs(20);
/// How long the finding holds that the program is missing or too old; then it is looked for again.
const BELIEVED: Duration = Duration::from_secs(30);

/// The agent program of a server. Clones share what is known of it.
#[derive(Clone, Debug)]
pub struct AgentProgram {
    command: String,
    launcher: Arc<Launcher>,
    clock: Clock,
    known: Arc<Mutex<Option<Known>>>,
    changes: Arc<watch::Sender<u64>>,
}

/// What the last look has found, when, and of which file.
#[derive(Debug)]
struct Known {
    state: AgentState,
    at: Duration,
    file: Option<FileStamp>,
}

/// Whether sessions can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentState {
    /// They can.
    Ready {
        /// The program's file.
        path: PathBuf,
        /// Its version.
        version: Version,
    },
    /// They cannot.
    Missing {
        /// Why, and what to do, for people.
        reason: String,
    },
}

impl AgentProgram {
    /// The program of this name, found on `PATH`, or at this path.
    pub fn new(command: impl Into<String>, launcher: Arc<Launcher>, clock: Clock) -> Self {
        Self {
            command: command.into(),
            launcher,
            clock,
            known: Arc::default(),
            changes: Arc::default(),
        }
    }

    /// Whether the program can be run. It is looked for again when the file that its name leads to has changed, and a
    /// program that was missing after 30 s.
    pub async fn state(&self) -> AgentState {
        let mut known = self.known.lock().await;
        let now = self.clock.uptime();
        let file = find(&self.command).and_then(|path| FileStamp::of(&path));
        if let Some(Known { state, at, file: before }) = known.as_ref() {
            let fresh = now.saturating_sub(*at) < BELIEVED;
            match state {
                AgentState::Ready { .. } if file.is_some() && file == *before => {
                    return state.clone();
                }
                AgentState::Missing { .. } if fresh && file == *before => return state.clone(),
                AgentState::Ready { .. } | AgentState::Missing { .. } => {}
            }
        }
        let state = self.look().await;
        if known.as_ref().is_none_or(|before| before.state != state) {
            self.changes.send_modify(|number| *number += 1);
        }
        known.insert(Known { state, at: now, file }).state.clone()
    }

    /// A receiver that sees a new number when a look finds another state than the look before.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The program's file and version.
    ///
    /// # Errors
    /// `AGENT-START-003` if it cannot be run, with the reason.
    pub async fn ready(&self) -> Result<(PathBuf, Version)> {
        match self.state().await {
            AgentState::Ready { path, version } => Ok((path, version)),
            AgentState::Missing { reason } => {
                Err(Error::new(Code::AgentMissing, "use the agent program").because(reason))
            }
        }
    }

    /// The path by which it is found, which may be a link.
    pub(super) fn path(&self) -> Option<PathBuf> {
        find_here(&self.command)
    }

    async fn look(&self) -> AgentState {
        let name = &self.command;
        let Some(path) = find(name) else {
            if name.contains('/') && Path::new(name).is_file() {
                let reason = format!("{name} is no file that may be run: its mode has no x");
                return AgentState::Missing { reason };
            }
            let reason = format!("{name} is not on the server's PATH");
            return AgentState::Missing { reason };
        };
        let reason = match self.version(&path).await {
            Ok(Ok(version)) if version >= Version::OLDEST => {
                return AgentState::Ready { path, version };
            }
            Ok(Ok(version)) => {
                format!("{name} is version {version}; {} or newer is needed", Version::OLDEST)
            }
            Ok(Err(why)) => format!("{} --version {why}", path.display()),
            Err(error) => error.text(),
        };
        AgentState::Missing { reason }
    }

    /// The version that the program at this path tells, or what it does in place of that.
    async fn version(&self, path: &Path) -> Result<Result<Version, String>> {
        let folder = std::env::temp_dir();
        let path_variable = std::env::var("PATH").unwrap_or_default();
        let home = folder.to_string_lossy().into_owned();
        // The program may belong to the user of agents, who could have changed it: nobody else runs it.
        let isolation = match (self.launcher.user(), self.launcher.sandboxing().await) {
            (Some(user), Sandboxing::Usable { .. }) => {
                let readable = program_files(path);
                let hidden = readable.iter().filter_map(|path| user.closed_above(path)).collect();
                Isolation::Bwrap(Sandbox { hidden, readable, ..Sandbox::default() })
            }
            (None, _) | (_, Sandboxing::Unusable { .. }) => Isolation::None,
        };
        let spec = Spec {
            argv: vec![path.to_string_lossy().into_owned(), "--version".to_owned()],
            env: BTreeMap::from([("PATH".to_owned(), path_variable), ("HOME".to_owned(), home)]),
            working_dir: folder,
            folder: None,
            stdin: Vec::new(),
            limits: Limits { wall: TELL, ..Limits::default() },
            isolation,
            marker: Marker::random(),
        };
        let mut run = self.launcher.start(spec).await?;
        let mut said = Vec::new();
        while let Some(chunk) = run.next().await {
            said.extend(chunk.bytes);
        }
        let ended = run.ended().await?;
        let said = String::from_utf8_lossy(&said);
        let words = said.trim();
        let words = &words[..words.floor_char_boundary(MAX_WORDS)];
        Ok(match ended.exit {
            Some(Exit::Code(0)) => {
                Version::parse(&said).ok_or_else(|| "tells no version".to_owned())
            }
            Some(Exit::Code(code)) => Err(format!("ended with exit code {code}: {words}")),
            Some(Exit::Signal(_)) | None => Err(format!("was killed: {words}")),
        })
    }
}

/// The file of a command. Links are followed, because the sandbox shows the file but not the folder of the link.
fn find(command: &str) -> Option<PathBuf> {
    find_here(command)?.canonicalize().ok()
}

/// Where a command is found, which may be a link.
fn find_here(command: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH");
    find_program(command, path.as_deref())
}
