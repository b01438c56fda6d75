//! Which kinds of sockets a run in the sandbox may make, and that it has no keyrings.
//!
//! A network namespace does not hold back every kind: a socket in the file system is reached by its path wherever the path
//! can be seen, read-only or not, and `vsock` leads to the machine that hosts this one. So the run gets the internet's
//! kinds, which lead into its own empty network. No list of the machine's sockets could do that: they come, go and are
//! renamed while a run goes on. Pairs of connected sockets, by which programs speak with their children, lead nowhere else.
//!
//! The kernel's keyrings belong to a user and to a login, whatever namespaces there are: a run would find the keys of the
//! server there, and leave something for another run.
//!
//! *Source:* `keyrings(7)`, `seccomp(2)`, `unix(7)`, `vsock(7)`, `io_uring(7)`: a ring makes sockets without the calls that a filter sees.

use numbers::{ADD_KEY, IO_URING_SETUP, KEYCTL, REQUEST_KEY, SOCKET, SOCKETPAIR, X32};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::collections::BTreeMap;
use std::io;

/// Kinds of sockets, from the kernel's `socket.h`.
const INTERNET: [u64; 2] = [2, 10];
/// How programs ask for the addresses of this machine.
const NETLINK: u64 = 16;
/// A socket of datagrams, and the bits of a type that say so.
const DATAGRAM: u64 = 2;
const TYPE: u64 = 0xf;
/// "Operation not permitted", "address family not supported", "function not implemented".
const NOT_PERMITTED: u32 = 1;
const NO_FAMILY: u32 = 97;
const NO_CALL: u32 = 38;

/// The numbers of the system calls.
mod numbers {
    #[cfg(target_arch = "x86_64")]
    pub(super) const SOCKET: i64 = 41;
    #[cfg(target_arch = "x86_64")]
    pub(super) const SOCKETPAIR: i64 = 53;
    #[cfg(target_arch = "x86_64")]
    pub(super) const ADD_KEY: i64 = 248;
    #[cfg(target_arch = "x86_64")]
    pub(super) const REQUEST_KEY: i64 = 249;
    #[cfg(target_arch = "x86_64")]
    pub(super) const KEYCTL: i64 = 250;
    /// The bit that makes the second set of numbers that this machine has for the same calls, if it has one.
    #[cfg(target_arch = "x86_64")]
    pub(super) const X32: Option<i64> = Some(0x4000_0000);
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) const SOCKET: i64 = 198;
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) const SOCKETPAIR: i64 = 199;
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) const ADD_KEY: i64 = 217;
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) const REQUEST_KEY: i64 = 218;
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) const KEYCTL: i64 = 219;
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) const X32: Option<i64> = None;
    pub(super) const IO_URING_SETUP: i64 = 425;
}

/// Holds this process, and every process that it starts, to these kinds. There is no way back.
pub(super) fn apply() -> io::Result<()> {
    for program in [kinds()?, rings()?, keyrings()?] {
        seccompiler::apply_filter(&program).map_err(io::Error::other)?;
    }
    Ok(())
}

fn kinds() -> io::Result<BpfProgram> {
    let allowed = INTERNET.into_iter().chain([NETLINK]);
    let other = allowed.map(|kind| is(0, SeccompCmpOp::Ne, kind)).collect::<io::Result<_>>()?;
    // One of a pair of such sockets can be led to another path afterwards.
    let pair = vec![is(1, SeccompCmpOp::MaskedEq(TYPE), DATAGRAM)?];
    let rules = BTreeMap::from([(SOCKET, vec![rule(other)?]), (SOCKETPAIR, vec![rule(pair)?])]);
    program(rules, NO_FAMILY)
}

fn rings() -> io::Result<BpfProgram> {
    program(BTreeMap::from([(IO_URING_SETUP, Vec::new())]), NO_CALL)
}

fn keyrings() -> io::Result<BpfProgram> {
    let calls = [ADD_KEY, REQUEST_KEY, KEYCTL];
    program(calls.map(|call| (call, Vec::new())).into(), NOT_PERMITTED)
}

fn is(argument: u8, op: SeccompCmpOp, value: u64) -> io::Result<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value).map_err(io::Error::other)
}

fn rule(conditions: Vec<SeccompCondition>) -> io::Result<SeccompRule> {
    SeccompRule::new(conditions).map_err(io::Error::other)
}

/// A program that answers this error to what a rule matches, and lets everything else pass.
fn program(mut rules: BTreeMap<i64, Vec<SeccompRule>>, error: u32) -> io::Result<BpfProgram> {
    if let Some(second) = X32 {
        let again: Vec<_> = rules.iter().map(|(call, of)| (call | second, of.clone())).collect();
        rules.extend(again);
    }
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(error), arch);
    filter.and_then(TryInto::try_into).map_err(io::Error::other)
}
