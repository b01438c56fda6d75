//! Starts processes: the only place of the program that does.

use super::wire::Order;
use super::words::{ALONE, HERE, SUBCOMMAND, in_folder};
use super::{Marker, RUN_VARIABLE, SUPERVISOR_VARIABLE};
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Starts a supervisor, which reads its order from its standard input and reports on its standard output.
///
/// The calling thread has to live as long as the supervisor, which is told when that thread ends.
#[expect(clippy::disallowed_methods, reason = "this is the one process module")]
pub(super) fn supervisor(program: &Path, marker: &Marker) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.arg0("lamplighter").arg(SUBCOMMAND);
    command.env_clear().env(SUPERVISOR_VARIABLE, marker.as_str());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
}

/// Starts the program of an order. The calling thread has to live as long as the program, because `bwrap` ends with it.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "this is the one process module")]
pub(super) fn child(order: &Order) -> io::Result<Running> {
    let (program, arguments) =
        order.argv.split_first().ok_or_else(|| io::Error::other("no program is named"))?;
    let mut command = if order.wrapped {
        let mut command = Command::new(program);
        // Its own group: `kill 0` in a script must not end the supervisor. Inside it has its own session.
        command.args(arguments).process_group(0);
        command
    } else {
        // Nobody would hear it if the process that is to become the program did not find it.
        let path = order.env.get("PATH").map(OsStr::new);
        find_program(program, path).ok_or(io::ErrorKind::NotFound)?;
        let mut command = Command::new("/proc/self/exe");
        let mut words = [SUBCOMMAND, ALONE, "--"].map(str::to_owned).to_vec();
        in_folder(&mut words, order.folder.as_deref());
        command.args(words).args(&order.argv);
        become_user(&mut command, order.user.as_ref().map(|user| (user.uid, user.gid)));
        command
    };
    command.current_dir(&order.working_dir);
    command.env_clear().envs(&order.env).env(RUN_VARIABLE, &order.marker);
    let (stdout, its_stdout) = UnixStream::pair()?;
    let (stderr, its_stderr) = UnixStream::pair()?;
    command
        .stdin(Stdio::piped())
        .stdout(OwnedFd::from(its_stdout))
        .stderr(OwnedFd::from(its_stderr));
    let child = command.spawn()?;
    Ok(Running { child, stdout, stderr })
}

/// A program that was started, and our ends of what it prints to.
///
/// These are sockets: a process that finds the program's own ends under `/proc` can open a pipe there, and so speak as the
/// program; it cannot open a socket.
#[cfg(target_os = "linux")]
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) stdout: UnixStream,
    pub(super) stderr: UnixStream,
}

/// Starts ourselves with these words, as a working process that a torture kills: in a group of its own, so that a Ctrl-C at
/// the terminal is its parent's alone. It reads from us and we from it; what else it says nobody hears.
#[cfg(feature = "cli")]
#[expect(clippy::disallowed_methods, reason = "this is the one process module")]
pub(crate) fn ourselves(words: &[OsString]) -> io::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("lamplighter").args(words).env_clear().process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// The file of a command that may be run: the command itself if it is a path, else the first of that name in the folders of
/// `path`.
pub(crate) fn find_program(command: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    if command.contains('/') {
        return Some(PathBuf::from(command)).filter(|path| can_run(path));
    }
    let mut places = std::env::split_paths(path?).map(|folder| folder.join(command));
    places.find(|place| place.is_absolute() && can_run(place))
}

/// Whether it is a file that somebody may run.
fn can_run(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Starts ourselves once more inside a sandbox, as the process that leads the connections of this listener out.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "this is the one process module")]
pub(super) fn leader(
    word: &str,
    listener: TcpListener,
    user: Option<(u32, u32)>,
) -> io::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command.args([SUBCOMMAND, word]).env_clear().current_dir("/").process_group(0);
    become_user(&mut command, user);
    // The listener is its standard input: a descriptor that needs no number.
    command.stdin(OwnedFd::from(listener)).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// Whether a path leads this user to the folder of this number. Asks a process of that user: inside a sandbox root may not
/// go where the user may.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "this is the one process module")]
pub(super) fn is_folder(id: &str, (uid, gid, path): (u32, u32, &Path)) -> io::Result<bool> {
    let mut command = Command::new("/proc/self/exe");
    command.args([SUBCOMMAND, HERE, id]).env_clear().current_dir(path);
    become_user(&mut command, Some((uid, gid)));
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    Ok(status.success())
}

/// Becomes a program, as another user and in a folder if they are named. Returns only if that fails.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "this is the one process module")]
pub(super) fn replace(argv: &[OsString], landing: Option<(u32, u32, &Path)>) -> io::Error {
    let Some((program, arguments)) = argv.split_first() else {
        return io::Error::other("no program is named");
    };
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some((uid, gid, folder)) = landing {
        become_user(&mut command, Some((uid, gid)));
        command.current_dir(folder);
    }
    command.exec()
}

/// Has a command run as this user and group, with no further groups; it then has no powers of root.
#[cfg(target_os = "linux")]
fn become_user(command: &mut Command, user: Option<(u32, u32)>) {
    if let Some((uid, gid)) = user {
        // Where the process is root's, `Command::uid` also takes root's further groups from it.
        command.gid(gid).uid(uid);
    }
}
