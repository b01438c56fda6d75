//! The sender of a request: what is known of every sender, and what is known of one that is signed in.

use super::app::Options;
use super::choices::Choices;
use super::clocks::Clocks;
use super::counts::NavCounts;
use super::face::Face;
use super::host::Person;
use super::secret;
use crate::actions::{Call, Proof, Who};
use crate::model::{Actor, Role, Timestamp, browser_words};
use axum::extract::ConnectInfo;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The address of a peer that is not known, as in an in-process call. No proxy has this address.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// How much of a `User-Agent` is read, in bytes: browsers say who they are in far less.
const MAX_USER_AGENT: usize = 512;

/// Who sends a request, and which kind of answer they want.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The browser's address: the peer's own, or the one that a trusted proxy names.
    pub(super) remote: IpAddr,
    /// Whether the browser talks HTTPS to a trusted proxy.
    pub(super) https: bool,
    /// The kind of answer that the request wants.
    pub(super) face: Face,
    /// The browser, as it calls itself, in a few words.
    pub(super) browser: String,
    /// An id that ties together the log lines of this request and of the jobs that it makes.
    pub(super) correlation_id: String,
    /// What the person chose for the pages.
    pub(super) choices: Choices,
}

impl Caller {
    /// Reads who sends the request.
    pub(super) fn of(request: &Parts, options: &Options) -> Self {
        let peer = peer(&request.extensions);
        let trusted = options.trusted_proxies.contains(&peer);
        let forwarded = |name| request.headers.get(name).filter(|_| trusted);
        let proto = forwarded("x-forwarded-proto");
        Self {
            remote: if trusted {
                forwarded_for(&request.headers, options).unwrap_or(peer)
            } else {
                peer
            },
            https: proto.is_some_and(says_https),
            face: Face::wanted(&request.headers),
            browser: browser(&request.headers),
            correlation_id: secret::correlation_id(),
            choices: Choices::of(&request.headers),
        }
    }

    /// This caller as the actor of a change, under an account's name.
    pub(super) fn acting_as(&self, name: &str) -> Actor {
        Actor { name: name.to_owned(), remote: Some(self.remote.to_string()) }
    }
}

/// A caller who is known. A request that carries it has passed the login check. An answer that carries it lets an
/// error page show the navigation.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    /// The person, of an account or as the host names them.
    pub(super) person: Person,
    /// The login. `None` if the host says who it is.
    pub(super) login: Option<CallersLogin>,
    /// The request's sender.
    pub(super) caller: Caller,
    /// What the navigation counts, in the answer that has one.
    pub(super) counts: NavCounts,
}

/// The login by which the pages know a caller.
#[derive(Clone, Debug)]
pub(super) struct CallersLogin {
    /// Its number, by which people name it.
    pub(super) id: i64,
    /// The stored hash of what the cookie holds.
    pub(super) hash: String,
    /// When the password was given.
    pub(super) began_at: Timestamp,
}

impl Signed {
    /// What the person may do.
    pub(super) fn role(&self) -> Role {
        self.person.role
    }

    /// The kind of answer that the request wants.
    pub(super) fn face(&self) -> Face {
        self.caller.face
    }

    /// The clocks by which times are told.
    pub(super) fn clocks(&self) -> Clocks {
        Clocks { zone: self.caller.choices.zone }
    }

    /// Who this is to an action.
    pub(super) fn proven(&self) -> Who {
        let Actor { name, remote } = self.actor();
        let proof = self.login.as_ref().map_or(Proof::Host, |login| Proof::Login(login.began_at));
        Who { name, role: self.role(), proof, remote }
    }

    /// The call of an action by this person.
    pub(super) fn call(&self, now: Timestamp) -> Call {
        let correlation_id = Some(self.caller.correlation_id.clone());
        Call { who: self.proven(), now, zone: self.clocks().zone_or_utc(), correlation_id }
    }

    /// The person as the actor of a change.
    pub(super) fn actor(&self) -> Actor {
        self.caller.acting_as(&self.person.name)
    }
}

/// The browser by its header `User-Agent`.
fn browser(headers: &HeaderMap) -> String {
    let said = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    browser_words(said.get(..MAX_USER_AGENT).unwrap_or(said))
}

/// Whether the outermost of the proxies, which the browser talks to, speaks HTTPS with it.
fn says_https(proto: &HeaderValue) -> bool {
    let outermost = proto.as_bytes().split(|byte| *byte == b',').next().unwrap_or_default();
    outermost.trim_ascii().eq_ignore_ascii_case(b"https")
}

/// Whether the peer is a named proxy or this machine. Where no proxy is named, everybody may ask.
pub(super) fn may_ask(request: &Parts, options: &Options) -> bool {
    let peer = peer(&request.extensions);
    let proxies = &options.trusted_proxies;
    proxies.is_empty() || proxies.contains(&peer) || peer.is_loopback() || peer == UNKNOWN
}

fn peer(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(UNKNOWN, |ConnectInfo(address)| address.ip().to_canonical())
}

/// The last address in the header that is not a trusted proxy's. The addresses before it are not believed: the sender of
/// the request can have written them.
fn forwarded_for(headers: &HeaderMap, options: &Options) -> Option<IpAddr> {
    let values: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|value| value.to_str().ok())
        .collect::<Option<_>>()?;
    let mut hops = values.iter().rev().flat_map(|value| value.rsplit(','));
    hops.find_map(|hop| match hop.trim().parse::<IpAddr>() {
        Ok(address) if options.trusted_proxies.contains(&address.to_canonical()) => None,
        Ok(address) => Some(Some(address.to_canonical())),
        Err(_) => Some(None),
    })
    .flatten()
}
