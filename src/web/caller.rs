//! The sender of a request: what is known of every sender, and of those who are signed in.

use super::app::Options;
use super::face::Face;
use super::secret;
use crate::actions::{Call, Proof, Who};
use crate::model::{Account, Actor, Role, Timestamp};
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Stands for a peer that is not known, as in an in-process call. No proxy has this address.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Who sends a request, and what kind of answer they want.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The browser's address: the peer's, or what a trusted proxy says.
    pub(super) remote: IpAddr,
    /// Whether the browser talks HTTPS to a trusted proxy.
    pub(super) https: bool,
    /// The kind of answer.
    pub(super) face: Face,
    /// Ties the log lines of this request together, and those of the jobs it makes.
    pub(super) correlation_id: String,
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
            https: proto.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"https")),
            face: Face::wanted(&request.headers),
            correlation_id: secret::correlation_id(),
        }
    }

    /// This caller as the one who acts, under an account's name.
    pub(super) fn acting_as(&self, name: &str) -> Actor {
        Actor { name: name.to_owned(), remote: Some(self.remote.to_string()) }
    }
}

/// Somebody who is signed in. On the request it means that the login check has passed; on the answer it lets an error
/// page show the navigation.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    /// The account.
    pub(super) account: Account,
    /// The stored hash of the login's id.
    pub(super) login_hash: String,
    /// When the password was given.
    pub(super) began_at: Timestamp,
    /// The request's sender.
    pub(super) caller: Caller,
}

impl Signed {
    /// What the account may do.
    pub(super) fn role(&self) -> Role {
        self.account.role
    }

    /// The kind of answer that is wanted.
    pub(super) fn face(&self) -> Face {
        self.caller.face
    }

    /// The call of an action by this account.
    pub(super) fn call(&self, now: Timestamp) -> Call {
        let Actor { name, remote } = self.actor();
        let who = Who { name, role: self.role(), proof: Proof::Login(self.began_at), remote };
        Call { who, now, correlation_id: Some(self.caller.correlation_id.clone()) }
    }

    /// The account as the one who acts.
    pub(super) fn actor(&self) -> Actor {
        self.caller.acting_as(&self.account.username)
    }
}

fn peer(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(UNKNOWN, |ConnectInfo(address)| address.ip().to_canonical())
}

/// The last address that is no trusted proxy: what stands before it was written by whoever sent the request.
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
