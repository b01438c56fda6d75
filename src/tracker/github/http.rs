//! One request to GitHub's REST API: sent once, within limits, to the configured address alone.

use super::super::token::TokenSource;
use super::answer::{Answer, failure, said};
use crate::clock::Clock;
use crate::model::{ApiUrl, Failure, Reason};
use serde_json::Value;
use std::io;
use std::time::Duration;
use ureq::http::{Method, Request, Response, StatusCode};
use ureq::{Agent, Body, Error, Timeout};

/// Longest answer that is read, in bytes: a page of [`super::PAGE`] issues with bodies of the greatest size, in the
/// usual alphabets.
const MAX_ANSWER: u64 = 32 * 1024 * 1024;
/// Longest wait for a connection; what is not there by then is not there.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest rest of a connection that is used again: a server that hangs up meanwhile would make a write's outcome unknown.
const MAX_IDLE: Duration = Duration::from_secs(5);
/// The API's version, by its date.
const VERSION: &str = "2022-11-28";
const USER_AGENT: &str = concat!("lamplighter/", env!("CARGO_PKG_VERSION"));

/// Sends requests.
pub(super) struct Http {
    agent: Agent,
    api_url: ApiUrl,
    token: TokenSource,
    clock: Clock,
}

impl Http {
    /// A client of that address. A proxy is used if the environment names one (`HTTPS_PROXY`), and never without
    /// encryption.
    pub(super) fn new(api_url: ApiUrl, token: TokenSource, clock: Clock, limit: Duration) -> Self {
        let proxy = api_url.is_encrypted().then(ureq::Proxy::try_from_env).flatten();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(limit))
            .timeout_connect(Some(CONNECT_LIMIT))
            .max_idle_age(MAX_IDLE)
            .user_agent(USER_AGENT)
            .proxy(proxy);
        Self { agent: config.build().into(), api_url, token, clock }
    }

    /// Asks for a path below the API's address.
    pub(super) fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.get_unless(path, None)
    }

    /// The same, unless the answer is the one of this tag still.
    pub(super) fn get_unless(&self, path: &str, etag: Option<&str>) -> Result<Answer, Failure> {
        let mut request = self.request(Method::GET, path)?;
        if let Some(etag) = etag {
            request = request.header("If-None-Match", etag);
        }
        let request = request.body(());
        let answer = self.agent.run(request.map_err(|error| unsent(&error))?);
        self.taken(answer, false)
    }

    /// Tells. If nothing comes back, it may have happened all the same.
    pub(super) fn send(&self, method: Method, path: &str, body: &Value) -> Result<Answer, Failure> {
        let request = self
            .request(method, path)?
            .header("Content-Type", "application/json")
            .body(body.to_string());
        let answer = self.agent.run(request.map_err(|error| unsent(&error))?);
        self.taken(answer, true)
    }

    /// The hash of the token that would be sent now.
    pub(super) fn token_hash(&self) -> Result<String, Failure> {
        Ok(crate::model::sha256_hex(self.token.read()?.text()))
    }

    /// The path below the API's address that an address given by GitHub leads to; elsewhere it is not followed.
    pub(super) fn path_of(&self, address: &str) -> Result<String, Failure> {
        self.api_url.path_of(address).map(ToOwned::to_owned).ok_or_else(|| Failure {
            reason: Reason::Garbled,
            outcome_unknown: false,
            said: said(&format!("the next page is elsewhere: {address}")),
        })
    }

    fn request(&self, method: Method, path: &str) -> Result<ureq::http::request::Builder, Failure> {
        let token = self.token.read()?;
        Ok(Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.api_url.as_str()))
            .header("Accept", "application/vnd.github+json")
            .header("X-GitHub-Api-Version", VERSION)
            .header("Authorization", format!("Bearer {}", token.text())))
    }

    fn taken(
        &self,
        answer: Result<Response<Body>, Error>,
        is_write: bool,
    ) -> Result<Answer, Failure> {
        let lost = |error: &Error| Failure {
            reason: Reason::Network,
            outcome_unknown: is_write && !is_unsent(error),
            said: said(&error.to_string()),
        };
        let mut answer = answer.map_err(|error| lost(&error))?;
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let body = match body {
            Ok(body) => String::from_utf8_lossy(&body).into_owned(),
            // The status says that it was refused; the rest of the answer does not change that.
            Err(_) if answer.status().is_client_error() => String::new(),
            Err(error) => return Err(lost(&error)),
        };
        let is_unchanged = answer.status() == StatusCode::NOT_MODIFIED;
        if answer.status().is_success() || is_unchanged {
            let header = |name| answer.headers().get(name).and_then(|text| text.to_str().ok());
            let next = header("link").and_then(super::answer::next_page);
            let etag = header("etag").map(ToOwned::to_owned);
            return Ok(Answer { next, etag, is_unchanged, body, is_write });
        }
        Err(failure(answer.status(), answer.headers(), &body, is_write, self.clock.now()))
    }
}

fn unsent(error: &ureq::http::Error) -> Failure {
    Failure { reason: Reason::Network, outcome_unknown: false, said: said(&error.to_string()) }
}

/// Whether the error came before anything was sent.
fn is_unsent(error: &Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    let refused = |error: &io::Error| {
        matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
    };
    // The other answers may have come later.
    matches!(
        error,
        Error::HostNotFound
            | Error::ConnectionFailed
            | Error::ConnectProxyFailed(_)
            | Error::BadUri(_)
            | Error::Timeout(Timeout::Resolve | Timeout::Connect)
    ) || matches!(error, Error::Io(error) if refused(error))
}
