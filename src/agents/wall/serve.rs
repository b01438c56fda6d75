//! The proxy of one run: takes its connections, and lets through what may pass.

use super::dial::{Counted, Dialer, Line, within};
use super::endpoint::Endpoint;
use super::ledger::Ledger;
use super::pass::{NoPass, Placeholder, is_served};
use super::service::{Keys, ModelService};
use super::usage::Metered;
use crate::error::{Code, ignore};
use crate::model::{AllowedHost, bare_host, is_public};
use crate::warn_coded;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{convert::Infallible, io};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixListener, lookup_host};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections of a run at one time; further ones wait.
const MAX_CONNECTIONS: usize = 64;
/// Lines of CONNECT of a run at one time; further ones are refused until one of them ends.
pub(super) const MAX_TUNNELS: usize = 64;
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// How long accepting pauses when the process has no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest host and path in a refusal, in characters.
const MAX_NAMED: usize = 100;

type Body = BoxBody<Bytes, hyper::Error>;

/// What the proxy of a run knows.
pub(super) struct Proxied {
    /// Who runs, for the log.
    pub(super) who: String,
    pub(super) placeholder: Placeholder,
    pub(super) service: ModelService,
    pub(super) keys: Keys,
    pub(super) dialer: Arc<Dialer>,
    pub(super) allowed: Vec<AllowedHost>,
    /// Whether it leads to every host: for a run whose network is open anyway, by the server's own proxy.
    pub(super) is_open: bool,
    pub(super) ledger: Arc<Ledger>,
    /// The lines that are open.
    pub(super) lines: Mutex<JoinSet<()>>,
    /// Places for those of CONNECT, which outlive their connection's.
    pub(super) tunnels: Arc<Semaphore>,
}

/// Where a run's connections come in.
pub(super) enum Entrance {
    /// A socket that is mounted into its sandbox.
    Socket(UnixListener),
    /// A port of the loopback.
    Port(TcpListener),
}

impl Entrance {
    async fn accept(&self) -> io::Result<Line> {
        Ok(match self {
            Self::Socket(listener) => Box::new(listener.accept().await?.0),
            Self::Port(listener) => {
                let (stream, _) = listener.accept().await?;
                ignore(
                    stream.set_nodelay(true),
                    "the run may have left; its line is slower without it",
                );
                Box::new(stream)
            }
        })
    }
}

/// Serves a run for ever. Dropped, it ends every connection and line.
pub(super) async fn serve(entrance: Entrance, proxied: Arc<Proxied>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut is_failing = false;
    loop {
        let place = Arc::clone(&room).acquire_owned().await;
        let line = match entrance.accept().await {
            Ok(line) => line,
            Err(error) => {
                // Once for all the tries that fail one after the other.
                if !std::mem::replace(&mut is_failing, true) {
                    warn_coded!(Code::AgentWall, "{}: take a connection: {error}", proxied.who);
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        is_failing = false;
        let proxied = Arc::clone(&proxied);
        connections.spawn(async move {
            let ended = connection(line, proxied).await;
            ignore(ended, "a run may end its connection whenever it likes");
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(line: Line, proxied: Arc<Proxied>) -> hyper::Result<()> {
    let answering = service_fn(|request| {
        let proxied = Arc::clone(&proxied);
        async move { Ok::<_, Infallible>(proxied.answer(request).await) }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(line), answering)
        .with_upgrades()
        .await
}

impl Proxied {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        if request.method() == Method::CONNECT {
            return self.tunnel(request).await;
        }
        if request.uri().authority().is_some() {
            let what = named(request.method(), &request.uri().to_string());
            let why = "plain HTTP is not forwarded; use https";
            return self.refused(StatusCode::FORBIDDEN, &what, why);
        }
        self.forward(request).await
    }

    /// Sends a request on to the model's service, with the key in the place of the placeholder.
    async fn forward(&self, request: Request<Incoming>) -> Response<Body> {
        let (mut head, body) = request.into_parts();
        let what = named(&head.method, head.uri.path());
        if let Err(no_pass) = self.placeholder.exchange(&mut head.headers, &self.keys) {
            let status = match no_pass {
                NoPass::NotTheRun => StatusCode::UNAUTHORIZED,
                NoPass::NoKey => StatusCode::FORBIDDEN,
            };
            return self.refused(status, &what, &no_pass.to_string());
        }
        if !is_served(&head.method, head.uri.path()) {
            let why = "a run may ask models and nothing else of the service";
            return self.refused(StatusCode::FORBIDDEN, &what, why);
        }
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let Ok(path) = self.service.path_of(path).parse::<Uri>() else {
            return self.refused(StatusCode::BAD_REQUEST, &what, "the path is not valid");
        };
        head.uri = path;
        let headers = &mut head.headers;
        drop_hops(headers);
        // The tokens are read from the answer, so that it must not be compressed.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let Ok(host) = HeaderValue::from_str(&self.service.authority) else {
            return failed("The host of the model's service is not valid.");
        };
        headers.insert(HOST, host);
        match self.send(Request::from_parts(head, body)).await {
            Ok(answer) => answer,
            Err(error) => failed(&format!("The model's service cannot be reached: {error}")),
        }
    }

    async fn send(&self, request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
        let line = self.dialer.service(&self.service).await?;
        let Endpoint { host, port, .. } = &self.service.at;
        let traffic = self.ledger.connect(&format!("{host}:{port}"));
        let line = TokioIo::new(Counted::new(line, traffic));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(line).await?;
        self.own(async move {
            ignore(connection.await, "the reader of the answer sees that it is cut off");
        });
        let mut answer = sender.send_request(request).await?;
        drop_hops(answer.headers_mut());
        let (head, body) = answer.into_parts();
        let body = Metered::new(body, &head.headers, &self.ledger);
        Ok(Response::from_parts(head, body.boxed()))
    }

    /// CONNECT: a line to a host that the operator has named.
    async fn tunnel(&self, request: Request<Incoming>) -> Response<Body> {
        let what = named(request.method(), &request.uri().to_string());
        if !self.placeholder.is_in_login(request.headers()) {
            let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
            let mut answer = self.refused(status, &what, &NoPass::NotTheRun.to_string());
            let ask = HeaderValue::from_static("Basic realm=\"lamplighter\"");
            answer.headers_mut().insert(PROXY_AUTHENTICATE, ask);
            return answer;
        }
        let target = request.uri().authority().map(|to| (to.host().to_owned(), to.port_u16()));
        let Some((host, Some(port))) = target else {
            return self.refused(StatusCode::BAD_REQUEST, &what, "CONNECT takes host:port");
        };
        let host = bare_host(&host).to_owned();
        if !self.is_open && !self.allowed.iter().any(|allowed| allowed.is(&host, port)) {
            let why = "agent.allow_hosts does not name it";
            return self.refused(StatusCode::FORBIDDEN, &what, why);
        }
        let Ok(place) = Arc::clone(&self.tunnels).try_acquire_owned() else {
            return failed(&format!(
                "This run has {MAX_TUNNELS} lines open, and no more are let through."
            ));
        };
        let line = match self.reach(&host, port).await {
            Ok(line) => line,
            Err(Unreachable::Private(address)) => {
                let why = format!(
                    "its address {address} is not public, and agent.allow_hosts does not name the address itself"
                );
                return self.refused(StatusCode::FORBIDDEN, &what, &why);
            }
            Err(Unreachable::Down(error)) => {
                return failed(&format!("{host}:{port} cannot be reached: {error}"));
            }
        };
        let mut line = Counted::new(line, self.ledger.connect(&format!("{host}:{port}")));
        self.own(async move {
            let copying = async {
                let upgraded = hyper::upgrade::on(request).await.map_err(io::Error::other)?;
                copy_bidirectional(&mut TokioIo::new(upgraded), &mut line).await
            };
            ignore(copying.await, "either side may end a line");
            drop(place);
        });
        Response::new(empty())
    }

    async fn reach(&self, host: &str, port: u16) -> Result<Line, Unreachable> {
        let found = match host.parse::<IpAddr>() {
            Ok(address) => Ok(vec![SocketAddr::new(address, port)]),
            Err(_) => within(lookup_host((host, port))).await.map(Iterator::collect::<Vec<_>>),
        };
        let may_reach = |address: &SocketAddr| {
            let ip = address.ip();
            self.is_open || is_public(ip) || self.allowed.iter().any(|one| one.is_address(ip, port))
        };
        if let Ok(addresses) = &found
            && let Some(private) = addresses.iter().find(|address| !may_reach(address))
        {
            return Err(Unreachable::Private(private.ip()));
        }
        if self.dialer.by_proxy(host) {
            // The server itself may know no names beyond its own network.
            return self.dialer.relayed(host, port).await.map_err(Unreachable::Down);
        }
        // The name is not looked up again: it could lead elsewhere by then.
        self.dialer.straight(&found.map_err(Unreachable::Down)?).await.map_err(Unreachable::Down)
    }

    /// Lets a line live on its own, until it ends or the run is over.
    fn own(&self, line: impl Future<Output = ()> + Send + 'static) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        while lines.try_join_next().is_some() {}
        lines.spawn(line);
    }

    fn refused(&self, status: StatusCode, what: &str, why: &str) -> Response<Body> {
        if self.ledger.refuse(&format!("{what}: {why}")) {
            warn_coded!(Code::AgentRefused, "{}: {what}: {why}", self.who);
        }
        let kind = if status == StatusCode::UNAUTHORIZED {
            "authentication_error"
        } else {
            "permission_error"
        };
        sentence(status, kind, &format!("The network wall of this run refuses {what}: {why}."))
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a host is not reached.
enum Unreachable {
    /// A name leads to this address.
    Private(IpAddr),
    Down(io::Error),
}

/// A request in a few words, without what could hold a secret.
fn named(method: &Method, target: &str) -> String {
    let target = target.split('?').next().unwrap_or_default();
    format!("{method} {}", target.chars().take(MAX_NAMED).collect::<String>())
}

/// Removes the headers that are about one connection.
fn drop_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let always = [
        CONNECTION,
        EXPECT,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    for name in named.into_iter().chain(always) {
        headers.remove(name);
    }
}

/// The service, or a host, could not be asked; the program tries again.
fn failed(why: &str) -> Response<Body> {
    sentence(StatusCode::BAD_GATEWAY, "api_error", why)
}

/// An answer in the form of the Messages API.
fn sentence(status: StatusCode, kind: &str, text: &str) -> Response<Body> {
    let body = json!({"type": "error", "error": {"type": kind, "message": text}});
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {}).boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn empty() -> Body {
    Full::default().map_err(|never| match never {}).boxed()
}
