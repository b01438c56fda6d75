//! The network wall: the only way of a run to the network is a proxy of ours, in the server's process.
//!
//! A run in the sandbox has a network of its own, in which there is nothing. Into it a socket of the [`Passage`] is mounted,
//! and a small process of ours inside (`wall/inside.rs`) leads a port of that network to the socket. Other runs reach
//! their passage by a port of the loopback. The passage sends requests to the model's service and puts the key in; by
//! CONNECT it leads to the hosts that the operator has named, and to no other.
//!
//! *Invariants:* no run holds a key of the server: not in its environment, not in a file, not in an argument. A passage
//! takes requests of its own run alone. An address that is not public is reached only if the operator named the address.

mod dial;
mod endpoint;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
pub(super) mod inside;
mod ledger;
mod pass;
mod serve;
mod service;
mod usage;

pub(crate) use service::API_KEY;

use super::words::INSIDE;
use crate::agents::claude::Served;
use crate::error::{Code, Error, Result, ignore};
use crate::files;
use crate::model::{AllowedHost, Refusal};
use crate::redact::redactor;
use dial::Dialer;
use ledger::Ledger;
use pass::{Placeholder, USER};
use serde_json::Value;
use serve::{Entrance, MAX_TUNNELS, Proxied, serve};
use service::{AUTH_TOKEN, BASE_URL, Keys, ModelService, OAUTH_TOKEN};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Hosts that a run reaches without the proxy: its own network.
const OWN: &str = "127.0.0.1,localhost,::1";
/// How old a socket without a server must be before it is removed: a younger one may be about to be served.
const STALE: Duration = Duration::from_mins(1);
/// Variables of the server that are the wall's, and that no run gets as they are.
const OWN_VARIABLES: [&str; 7] =
    [API_KEY, AUTH_TOKEN, OAUTH_TOKEN, BASE_URL, "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];

/// The wall of a server: where the model's service is, with which key it is asked, and which hosts runs may reach besides.
/// Clones are the same wall.
#[derive(Clone)]
pub struct Wall(Arc<Parts>);

struct Parts {
    service: ModelService,
    keys: Keys,
    dialer: Arc<Dialer>,
    allowed: Vec<AllowedHost>,
}

/// How a run reaches its passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// By a socket in this folder, which is mounted into its sandbox. The folder is made if it is not there.
    Socket(&'a Path),
    /// By a port of the loopback, for a run without a sandbox.
    Port {
        /// Whether its whole network is its own affair. It then goes by the proxy of the server, if there is one.
        is_open: bool,
    },
}

impl Wall {
    /// The wall that an environment describes: `ANTHROPIC_BASE_URL`, `ANTHROPIC_API_KEY`, `ANTHROPIC_AUTH_TOKEN`,
    /// `CLAUDE_CODE_OAUTH_TOKEN`, `HTTPS_PROXY`, `NO_PROXY`, and files of certificates in `SSL_CERT_FILE` or
    /// `NODE_EXTRA_CA_CERTS`. Each of them may be missing.
    ///
    /// # Errors
    /// `CONFIG-VALUE-001` for a value that cannot be used.
    pub fn of_environment(
        env: impl Fn(&str) -> Option<String>,
        allowed: Vec<AllowedHost>,
    ) -> Result<Self> {
        let (service, keys) = (ModelService::of(&env)?, Keys::of(&env)?);
        let dialer = Arc::new(Dialer::of(&env)?);
        Ok(Self(Arc::new(Parts { service, keys, dialer, allowed })))
    }

    /// Whether a variable of the server is the wall's: no run gets its value.
    pub fn owns(variable: &str) -> bool {
        let variable = variable.to_ascii_uppercase();
        OWN_VARIABLES.contains(&variable.as_str())
    }

    /// Opens the way of one run, which is closed when the passage is dropped. `who` names the run in the log.
    ///
    /// # Errors
    /// `AGENT-WALL-001` if the socket or the port cannot be made.
    pub fn open(&self, entry: Entry<'_>, who: String) -> Result<Passage> {
        let failed = |error| {
            let doing = format!("open the way of {who} to the model's service");
            Error::new(Code::AgentWall, doing).because(error)
        };
        let placeholder = Placeholder::random();
        let (entrance, address, is_open) = match entry {
            Entry::Socket(folder) => {
                let at = |error: io::Error| {
                    io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
                };
                let (listener, socket) = socket(folder).map_err(at).map_err(failed)?;
                (Entrance::Socket(listener), Address::Socket(socket), false)
            }
            Entry::Port { is_open } => {
                let (listener, address) = port().map_err(failed)?;
                (Entrance::Port(listener), Address::Port(address), is_open)
            }
        };
        let Parts { service, keys, dialer, allowed } = &*self.0;
        let ledger = Arc::<Ledger>::default();
        let proxied = Proxied {
            who: who.clone(),
            placeholder: placeholder.clone(),
            service: service.clone(),
            keys: keys.clone(),
            dialer: Arc::clone(dialer),
            allowed: allowed.clone(),
            is_open,
            ledger: Arc::clone(&ledger),
            lines: Mutex::default(),
            tunnels: Arc::new(Semaphore::new(MAX_TUNNELS)),
        };
        let mut serving = JoinSet::new();
        serving.spawn(serve(entrance, Arc::new(proxied)));
        let environment = self.environment(&placeholder, &address, is_open);
        Ok(Passage { who, address, environment, ledger, _serving: serving })
    }

    /// What a run has to know of its passage.
    fn environment(
        &self,
        placeholder: &Placeholder,
        address: &Address,
        is_open: bool,
    ) -> BTreeMap<String, String> {
        let at = match address {
            Address::Socket(_) => INSIDE,
            Address::Port(address) => *address,
        };
        let mut env = BTreeMap::from([(BASE_URL.to_owned(), format!("http://{at}"))]);
        for name in self.0.keys.variables() {
            env.insert(name.to_owned(), placeholder.as_str().to_owned());
        }
        // Where the network is open and the server has no proxy, there is nothing to go by.
        if !is_open || self.0.dialer.has_proxy() {
            let proxy = format!("http://{USER}:{}@{at}", placeholder.as_str());
            for (name, value) in
                [("HTTPS_PROXY", proxy.as_str()), ("HTTP_PROXY", &proxy), ("NO_PROXY", OWN)]
            {
                // Programs differ in which of the two spellings they read.
                for name in [name.to_owned(), name.to_ascii_lowercase()] {
                    env.insert(name, value.to_owned());
                }
            }
        }
        env
    }
}

impl Default for Wall {
    /// The public service without a key: what runs ask there is refused.
    fn default() -> Self {
        Self::of_environment(|_| None, Vec::new()).expect("an empty environment is valid")
    }
}

impl fmt::Debug for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { service, allowed, .. } = &*self.0;
        write!(f, "Wall({service:?}, {allowed:?})")
    }
}

/// The way of one run to the model's service. Dropped, it is closed, and what passes then is cut off.
#[derive(Debug)]
pub struct Passage {
    who: String,
    address: Address,
    environment: BTreeMap<String, String>,
    ledger: Arc<Ledger>,
    /// Ends with the passage.
    _serving: JoinSet<()>,
}

#[derive(Debug)]
enum Address {
    Socket(PathBuf),
    Port(SocketAddr),
}

impl Passage {
    /// The variables of the run: where the service is for it, and a placeholder in the place of each key.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The socket that is to be mounted into the sandbox of the run, if it has one.
    pub fn socket(&self) -> Option<&Path> {
        match &self.address {
            Address::Socket(path) => Some(path),
            Address::Port(_) => None,
        }
    }

    /// What the answers of models to the run have cost at least so far, in dollars, by the prices that are known here; 0 if one
    /// of them is not.
    pub fn cost(&self) -> f64 {
        self.ledger.usd()
    }

    /// What the answers of models to the run have cost, where a model whose price is not known costs as much as the dearest; `None`
    /// if none of them has told its tokens.
    pub fn counted(&self) -> Option<f64> {
        self.ledger.most_usd()
    }

    /// The answers of models to the run that told their tokens.
    pub fn served(&self) -> Served {
        self.ledger.served()
    }

    /// What was refused, each with how often; secrets removed, because a run chooses what it asks for.
    pub fn refused(&self) -> Vec<Refusal> {
        let mut refused = self.ledger.refused();
        for one in &mut refused {
            redactor().clean(&mut one.what);
        }
        refused
    }

    /// What passed and what was refused, as a line of the transcript; `None` if the run asked for nothing.
    pub fn account(&self) -> Option<Value> {
        self.ledger.line()
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if let Some(passed) = self.ledger.summary() {
            tracing::info!("{}: by the network wall: {passed}", self.who);
        }
        if let Address::Socket(path) = &self.address {
            ignore(std::fs::remove_file(path), "a later passage removes a socket without a server");
        }
    }
}

/// A socket in a folder that only the server's user may enter.
///
/// It is bound by the number of the open folder, because a socket's own path may have no more than 107 bytes.
fn socket(folder: &Path) -> io::Result<(UnixListener, PathBuf)> {
    files::make_private_folder(folder)?;
    if !folder.symlink_metadata()?.is_dir() {
        return Err(io::Error::other(format!("{} is no folder", folder.display())));
    }
    let opened = File::open(folder)?;
    let near = Path::new("/proc/self/fd").join(opened.as_raw_fd().to_string());
    clear(&near);
    let name = super::Marker::random().to_string();
    let listener = UnixListener::bind(near.join(&name))?;
    Ok((listener, folder.join(name)))
}

/// Removes the sockets that a killed server has left.
fn clear(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let age = entry.metadata().and_then(|found| found.modified()).map(|at| at.elapsed());
        let is_old = age.is_ok_and(|age| age.is_ok_and(|age| age > STALE));
        let served = || std::os::unix::net::UnixStream::connect(entry.path());
        if is_old && served().is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
            ignore(std::fs::remove_file(entry.path()), "another server may have removed it");
        }
    }
}

fn port() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, address))
}
