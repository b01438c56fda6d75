//! The first and last step of every request, whatever its route: host, origin, time limit, errors, security headers.

use super::app::{App, Options};
use super::base::{self, Base};
use super::caller::{self, Caller, Signed};
use super::error_page;
use super::face::Face;
use super::nav::Tab;
#[cfg(feature = "monitor")]
use super::otlp;
use super::page::Frame;
use super::problem::Problem;
use crate::error::Code;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use tracing::Instrument;

/// The names by which this machine calls itself. A name that was rebound to it is never among them.
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// A browser that came by HTTPS stays with it for a year.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The outermost layer: every request passes it first, and every answer last.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    Base::of(&parts).around(guarded(&app, parts, body, next)).await
}

async fn guarded(app: &App, mut parts: Parts, body: Body, next: Next) -> Response {
    let caller = Caller::of(&parts, &app.web.options);
    parts.extensions.insert(caller.clone());
    let over = Tab::over(parts.uri.path());
    #[cfg(feature = "monitor")]
    let is_protobuf = otlp::is_protobuf(&parts);
    // Which names lead here is a host's own affair: its sign-in goes by them already.
    let named = if app.access.has_accounts() {
        check_peer(&parts, &app.web.options).and_then(|()| check_host(&parts, &app.web.options))
    } else {
        Ok(())
    };
    let mut response = match named {
        Ok(()) => {
            let span = span(&caller, &parts);
            let answer = next.run(Request::from_parts(parts, body));
            in_time(app.web.options.request_limit, answer).instrument(span).await
        }
        Err(problem) => problem.into_response(),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let who = response.extensions_mut().remove::<Signed>();
        let frame = Frame::new(&app.web, who.as_ref()).still();
        let frame = over.into_iter().fold(frame, Frame::at);
        let may_load = app.access.has_accounts() || who.is_some();
        let frame = if may_load { frame } else { frame.without_files() };
        // A route for programs answers a program, whatever the request says that it wants.
        let face = response.extensions_mut().remove::<Face>().unwrap_or(caller.face);
        response = error_page::faced(&problem, face, &frame, response.headers());
        #[cfg(feature = "monitor")]
        if is_protobuf {
            response = otlp::refusal(&problem);
        }
    }
    protect(response.headers_mut());
    if caller.https {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    if let Ok(id) = HeaderValue::from_str(&caller.correlation_id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}

/// The fields that every log line of a request has. The login check adds the sender.
fn span(caller: &Caller, request: &Parts) -> tracing::Span {
    tracing::info_span!(
        "request",
        correlation_id = caller.correlation_id,
        request_path = base::original_path(request),
        user_id = tracing::field::Empty
    )
}

/// Refuses a peer that is neither a named proxy nor this machine: it would be served without TLS.
fn check_peer(request: &Parts, options: &Options) -> Result<(), Problem> {
    if caller::may_ask(request, options) { Ok(()) } else { Err(Problem::of(Code::WebPeer)) }
}

/// Refuses a request to a page that does not come from a page of this server. What a token opens needs no such check: it looks
/// at no cookie, which is all that another site can make a browser send.
pub(super) async fn require_own_page(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match check_origin(&parts, asked_host(&parts)) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => problem.into_response(),
    }
}

/// Refuses a request whose host is none of the server's names. A site that rebinds its own name to this address still sends that
/// name, and gets 421 (S2).
fn check_host(request: &Parts, options: &Options) -> Result<(), Problem> {
    let refused = || Problem::of(Code::WebHost);
    let mut hosts = request.headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(refused());
    };
    let host = host.to_str().map_err(|_| refused())?;
    // A host in the request line overrules the header, so both must be names of this server.
    let named = request.uri.authority().map(Authority::as_str);
    let known = |host: &str| is_known_host(host, &options.allowed_hosts);
    if known(host) && named.is_none_or(known) { Ok(()) } else { Err(refused()) }
}

/// The host that the request names, by HTTP/1 or HTTP/2.
fn asked_host(request: &Parts) -> &str {
    let header = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| request.uri.authority().map(Authority::as_str)).unwrap_or_default()
}

fn is_known_host(host: &str, allowed: &[String]) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => {
            if port.parse::<u16>().is_err() {
                return false;
            }
            name
        }
        _ => host,
    };
    LOOPBACK_NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
        || allowed
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known) || host.eq_ignore_ascii_case(known))
}

/// Refuses a request that another site's page makes a browser send (S11): a request that may change something must come
/// from a page of this server. The browser says where it comes from in `Sec-Fetch-Site`. If that header is missing,
/// `Origin` must be ours.
fn check_origin(request: &Parts, host: &str) -> Result<(), Problem> {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&request.method) {
        return Ok(());
    }
    let ours = match single(&request.headers, &HeaderName::from_static("sec-fetch-site")) {
        Single::One(site) => site == "same-origin" || site == "none",
        Single::Many => false,
        Single::None => match single(&request.headers, &header::ORIGIN) {
            Single::One(origin) => is_origin_of(origin, host),
            Single::None | Single::Many => false,
        },
    };
    if ours { Ok(()) } else { Err(Problem::of(Code::WebCrossSite)) }
}

enum Single<'a> {
    None,
    One(&'a str),
    Many,
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Single<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Single::None,
        (Some(value), None) => value.to_str().map_or(Single::Many, Single::One),
        (Some(_), Some(_)) => Single::Many,
    }
}

/// Whether the origin is the request's own host, with either scheme: behind a proxy we cannot always tell which one the
/// browser used.
fn is_origin_of(origin: &str, host: &str) -> bool {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    rest.is_some_and(|rest| rest.eq_ignore_ascii_case(host))
}

async fn in_time(limit: Duration, answer: impl Future<Output = Response>) -> Response {
    let late = || Problem::of(Code::WebSlow);
    let answer = tokio::time::timeout(limit, answer).await;
    answer.unwrap_or_else(|_| late().into_response())
}

fn protect(headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(no_store);
}
