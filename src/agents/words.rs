//! The words by which our own program is called for its own work, and where things are inside a sandbox.

use super::AgentUser;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

/// The subcommand under which our own binary supervises.
pub(super) const SUBCOMMAND: &str = "supervise";
/// Where the network begins inside. The port is a number of that network alone.
pub(super) const INSIDE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3128);
/// Where the socket of the passage is inside. `/dev` is a folder of the sandbox's own, on every system.
pub(super) const SOCKET: &str = "/dev/lamplighter/wall";
/// Where our own program is inside.
pub(super) const PROGRAM: &str = "/dev/lamplighter/program";
/// Behind the subcommand: become the program that follows.
pub(super) const ENTER: &str = "wall";
/// Behind the subcommand: become the program that follows, in a session of its own.
pub(super) const ALONE: &str = "alone";
/// Behind the subcommand: lead connections.
pub(super) const LEAD: &str = "lead";

/// Behind the subcommand: end well in the folder that is named next, and badly in another one.
pub(super) const HERE: &str = "here";
/// How the word begins that names the folder in which the program has to start.
pub(super) const IN: &str = "folder=";

/// Adds the folder in which the program has to start to the words before it.
pub(super) fn in_folder(words: &mut Vec<String>, folder: Option<&str>) {
    if let Some(folder) = folder {
        // The last one says that the program follows.
        words.insert(words.len().saturating_sub(1), format!("{IN}{folder}"));
    }
}

/// The words that stand before a program inside. With a user, they say as whom the program runs, and where it starts: only
/// that user may enter its folder.
pub(super) fn words(user: Option<(&AgentUser, &Path)>) -> Vec<String> {
    let mut words = [PROGRAM, SUBCOMMAND, ENTER].map(str::to_owned).to_vec();
    if let Some((user, folder)) = user {
        words.push(format!("{}:{}", user.uid, user.gid));
        words.push(folder.to_string_lossy().into_owned());
    }
    words.push("--".to_owned());
    words
}
