//! The check of an API token, before every route for programs.
//!
//! *Invariant:* such a route knows its caller by the header `Authorization: Bearer` alone. It looks at no cookie, so that no
//! page of another site can make a browser use it; and no page looks at a token.

use super::app::App;
use super::caller::Caller;
use super::face::Face;
use super::problem::Problem;
use super::throttle::{Attempt, Origin};
use crate::actions::{Call, tokens};
use crate::error::Code;
use crate::model::{Timestamp, Token};
use crate::warn_coded;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, HeaderMap};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// A caller who has shown a token that counts.
#[derive(Clone, Debug)]
pub(super) struct Bearer {
    /// The token.
    pub(super) token: Token,
    /// The call of an action by it.
    pub(super) call: Call,
}

/// Lets a request through if it brings a token that counts. Every answer, also a refusal, is for a program.
pub(super) async fn require_token(
    State(app): State<App>,
    caller: Caller,
    mut request: Request,
    next: Next,
) -> Response {
    let now = app.web.clock.now();
    let mut response = match known(&app, &caller, request.headers(), now).await {
        Ok(token) => {
            tracing::Span::current().record("user_id", token.actor_name());
            let remote = caller.remote.to_string();
            let call = tokens::call_by(&token, remote, caller.correlation_id.clone(), now);
            request.extensions_mut().insert(Bearer { token, call });
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    response.extensions_mut().insert(Face::Json);
    response
}

/// The token that the request brings. What is none is answered alike however often it comes: 256 bits are not guessed, and a
/// program whose token was revoked must be told so. What is limited, by the address, is how often it is written to the log.
async fn known(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Token, Problem> {
    let text = bearer(headers)
        .ok_or_else(|| Problem::of(Code::AuthToken).saying("No token came with the request."))?;
    if let Some(token) = tokens::prove(&app.web.store, text, now).await? {
        return Ok(token);
    }
    let stranger = Attempt::of("", None, Origin::Address(caller.remote));
    if app.strangers().attempt(&stranger, now).is_ok() {
        let remote = caller.remote;
        warn_coded!(Code::AuthToken, "a request from {remote} brought a token that there is not");
    }
    Err(Problem::of(Code::AuthToken).saying("There is no such token."))
}

/// The text after `Bearer`, if the request has one such header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;

    /// The check adds it. A request without it brought no token.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::of(Code::AuthToken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn one_bearer_header_counts_and_nothing_else() {
        let read = |values: &[&'static str]| {
            let headers: HeaderMap =
                values.iter().map(|v| (AUTHORIZATION, HeaderValue::from_static(v))).collect();
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read(&["Bearer lmp_x"]).as_deref(), Some("lmp_x"));
        assert_eq!(read(&["bearer  lmp_x "]).as_deref(), Some("lmp_x"));
        for none in [&[][..], &["lmp_x"], &["Basic lmp_x"], &["Bearer"], &["Bearer a", "Bearer b"]]
        {
            assert_eq!(read(none), None, "{none:?}");
        }
    }
}
