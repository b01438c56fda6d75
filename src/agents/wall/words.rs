//! The words by which our own program is called inside a sandbox, and where things are there.

use crate::agents::command::SUBCOMMAND;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where the network begins inside. The port is a number of that network alone.
pub(super) const INSIDE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3128);
/// Where the socket of the passage is inside. `/dev` is a folder of the sandbox's own, on every system.
pub(in crate::agents) const SOCKET: &str = "/dev/lamplighter/wall";
/// Where our own program is inside.
pub(in crate::agents) const PROGRAM: &str = "/dev/lamplighter/program";
/// Behind the subcommand: become the program that follows.
pub(super) const ENTER: &str = "wall";
/// The same where the run may use sockets in the file system.
pub(super) const ENTER_WITH_SOCKETS: &str = "wall-with-sockets";
/// Behind the subcommand: lead connections.
pub(super) const LEAD: &str = "lead";

/// The words that stand before a program inside.
pub(in crate::agents) fn words(sockets: bool) -> [String; 4] {
    let enter = if sockets { ENTER_WITH_SOCKETS } else { ENTER };
    [PROGRAM, SUBCOMMAND, enter, "--"].map(str::to_owned)
}
