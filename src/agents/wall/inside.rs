//! What our own program is before a run's program: in a sandbox it opens the way to the passage, then it becomes that program.
//!
//! Outside of sandboxes it only takes a session of its own first (`supervise alone -- PROGRAM …`).
//!
//! In a sandbox it is called `supervise wall -- PROGRAM …` and mounted from our own file. It listens on a port of the sandbox's own
//! network, starts itself once more as the process that leads connections from there to the socket of the passage, and
//! then executes the program in its own place: the program keeps the process, with its number, its signals, its pipes and
//! its exit code, as if nothing stood before it.

use super::filter;
use crate::agents::words::{ALONE, ENTER, HERE, IN, INSIDE, LEAD, SOCKET};
use crate::agents::{FolderId, command, making};
use crate::error::{Code, Error, Result, ignore};
use rustix::thread;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections at one time.
const MAX_CONNECTIONS: usize = 64;
/// How long accepting pauses when there is no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);

/// What a process under our subcommand is, if it is not a supervisor.
pub(in crate::agents) enum Called {
    /// It is to become a program, with these words.
    Enter {
        /// The user and group as which the program runs, and the folder in which it starts, if they are not those of this
        /// process.
        landing: Option<(u32, u32, PathBuf)>,
        /// Which folder it has to start in.
        folder: Option<FolderId>,
        /// The program and its arguments.
        argv: Vec<OsString>,
    },
    /// It is to become a program in a session of its own, outside of any sandbox. The kernel shares the processor out among
    /// sessions first (`sched(7)`, autogroup): processes that fork without end leave their supervisor its share.
    Alone {
        /// Which folder it has to start in.
        folder: Option<FolderId>,
        /// The program and its arguments.
        argv: Vec<OsString>,
    },
    /// It leads connections.
    Lead,
    /// It says whether it is in this folder.
    Here {
        /// Which.
        folder: FolderId,
    },
}

impl Called {
    /// Reads the arguments of this process.
    pub(in crate::agents) fn of(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let word = arguments.nth(2)?;
        match word.to_str()? {
            ENTER => {}
            ALONE => {
                let first = arguments.next()?;
                let mut named = None;
                folder(&first, &mut arguments, &mut named)?;
                let folder = named;
                return Some(Self::Alone { folder, argv: arguments.collect() });
            }
            HERE => return Some(Self::Here { folder: arguments.next()?.to_str()?.parse().ok()? }),
            LEAD => return Some(Self::Lead),
            _ => return None,
        }
        let mut first = arguments.next()?;
        let landing = match first.to_str()?.split_once(':') {
            Some((uid, gid)) => {
                let user = (uid.parse().ok()?, gid.parse().ok()?);
                let path = PathBuf::from(arguments.next()?);
                first = arguments.next()?;
                Some((user.0, user.1, path))
            }
            None => None,
        };
        let mut named = None;
        folder(&first, &mut arguments, &mut named)?;
        let folder = named;
        Some(Self::Enter { landing, folder, argv: arguments.collect() })
    }

    /// Does it. Entering returns only if it fails.
    pub(in crate::agents) async fn act(self) -> Result<()> {
        let failed = |error: io::Error| {
            Error::new(Code::AgentStart, "become the program of a run").because(error)
        };
        match self {
            Self::Enter { landing, folder, argv } => {
                enter(&argv, landing.as_ref(), folder).map_err(failed)
            }
            Self::Alone { folder, argv } => alone(&argv, folder).map_err(failed),
            Self::Here { folder } => folder.recognise(Path::new(".")).map_err(failed),
            Self::Lead => lead().await.map_err(failed),
        }
    }
}

/// Puts the folder that this word names into `found`, and passes over the word behind it, which says that the program follows.
/// A word that names none is that word itself.
fn folder(
    word: &OsString,
    arguments: &mut impl Iterator<Item = OsString>,
    found: &mut Option<FolderId>,
) -> Option<()> {
    if let Some(id) = word.to_str()?.strip_prefix(IN) {
        arguments.next()?;
        *found = Some(id.parse().ok()?);
    }
    Some(())
}

fn enter(
    argv: &[OsString],
    landing: Option<&(u32, u32, PathBuf)>,
    folder: Option<FolderId>,
) -> io::Result<()> {
    // What was left open beside the run's own descriptors is for no other process.
    close_fds::set_fds_cloexec(3, &[]);
    match (folder, landing) {
        (Some(folder), None) => folder.recognise(Path::new("."))?,
        (Some(folder), Some((uid, gid, path))) => {
            if !command::is_folder(&folder.to_string(), (*uid, *gid, path))? {
                return Err(io::Error::other("the program's user is not in its working directory"));
            }
        }
        (None, _) => {}
    }
    let listener = std::net::TcpListener::bind(INSIDE)?;
    command::leader(LEAD, listener, landing.map(|(uid, gid, _)| (*uid, *gid)))?;
    filter::apply()?;
    if landing.is_some() {
        // What is left to change the user goes with the change, but for this set.
        let mut powers = thread::capabilities(None)?;
        powers.inheritable = thread::CapabilitySet::empty();
        thread::set_capabilities(None, powers)?;
    }
    let landing = landing.map(|(uid, gid, folder)| (*uid, *gid, folder.as_path()));
    making::say_made()?;
    Err(command::replace(argv, landing))
}

fn alone(argv: &[OsString], folder: Option<FolderId>) -> io::Result<()> {
    if let Some(folder) = folder {
        folder.recognise(Path::new("."))?;
    }
    rustix::process::setsid()?;
    Err(command::replace(argv, None))
}

/// Leads connections for as long as the sandbox is there. A signal that is meant for the run does not end it: the run may
/// still have something to say to the model. It ends with the sandbox.
async fn lead() -> io::Result<()> {
    let deaf = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
    let _deaf: Vec<_> = deaf.into_iter().map(signal).collect::<io::Result<_>>()?;
    let listener = io::stdin().as_fd().try_clone_to_owned()?;
    let listener = std::net::TcpListener::from(listener);
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let place = Arc::clone(&room).acquire_owned().await;
        let Ok((mut near, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        connections.spawn(async move {
            let leading = async {
                near.set_nodelay(true)?;
                let mut far = UnixStream::connect(SOCKET).await?;
                copy_bidirectional(&mut near, &mut far).await
            };
            ignore(leading.await, "either side may end a connection");
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::AgentUser;
    use crate::agents::words::{in_folder, words};

    fn called(words: &[&str]) -> Option<Called> {
        Called::of(words.iter().map(OsString::from))
    }

    #[test]
    fn the_words_before_a_program_are_read_back_and_the_program_keeps_its_own() {
        let user = AgentUser { uid: 998, gid: 997, name: None };
        let folder = Path::new("/data/jobs/1");
        for user in [None, Some((&user, folder))] {
            let mut line = words(user);
            in_folder(&mut line, user.map(|_| "66.7"));
            line.extend(["claude", "--", "-p", "--json"].map(str::to_owned));
            let line: Vec<_> = line.iter().map(String::as_str).collect();
            let Some(Called::Enter { landing, folder: named, argv }) = called(&line) else {
                panic!("{line:?}")
            };
            assert_eq!(named.map(|named| named.to_string()), user.map(|_| "66.7".to_owned()));
            assert_eq!(landing, user.map(|(user, folder)| (user.uid, user.gid, folder.into())));
            assert_eq!(argv, ["claude", "--", "-p", "--json"]);
        }
        assert!(matches!(called(&["lamplighter", "supervise", "lead"]), Some(Called::Lead)));
        for supervisor in [&["lamplighter", "supervise"][..], &["lamplighter", "supervise", "x"]] {
            assert!(called(supervisor).is_none());
        }
    }
}
