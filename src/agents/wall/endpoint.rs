//! Where a server of HTTP is: its host and port, and whether it is reached by TLS.

use crate::model::bare_host;
use hyper::Uri;
use hyper::http::uri::Scheme;

/// The place of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) is_encrypted: bool,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Endpoint {
    /// The place that an address names; `None` if it is not one of HTTP.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let is_encrypted = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(_) | None => return None,
        };
        let authority = uri.authority()?;
        let host = bare_host(authority.host()).to_owned();
        let port = authority.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        Some(Self { is_encrypted, host, port })
    }
}
