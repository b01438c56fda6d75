//! How handlers read a request: the form, the query, the thing that the path names, and the sender.
//!
//! *Invariant:* every part of a request that does not fit is answered with a [`Problem`], never with a rejection of the
//! framework.

use super::caller::{Caller, Signed};
use super::problem::Problem;
use crate::error::Code;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The fields of a form.
pub(super) struct Form<T>(pub(super) T);

/// The body of a program's request, which is JSON.
pub(super) struct Body<T>(pub(super) T);

/// The query of the address.
pub(super) struct Query<T>(pub(super) T);

/// The thing that the path names.
pub(super) struct Id<T>(pub(super) T);

/// A thing that a path can name.
pub(super) trait Named: Sized {
    /// The type of the path's placeholders, in their order.
    type Text: DeserializeOwned + Send;

    /// The thing that the text names, if it names one.
    fn named(text: Self::Text) -> Option<Self>;

    /// The problem for a text that names nothing.
    fn unfit() -> Problem;
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    /// Refuses a form that is too large (413), of another type (415) or incomplete (400).
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let form = axum::Form::<T>::from_request(request, state).await;
        form.map(|axum::Form(fields)| Self(fields)).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::of(Code::JobTooLarge),
            status @ StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Problem::of(Code::WebInput).with_status(status)
            }
            _ => Problem::of(Code::WebInput),
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    /// Refuses a body that is too large (413), of another type (415), no JSON, or with other members than it may have (400).
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if media_type(request.headers()) != "application/json" {
            return Err(of_another_type("The body must be of the type application/json."));
        }
        let bytes = bytes(request, state).await?;
        let body = serde_json::from_slice(&bytes);
        body.map(Self).map_err(|why| Problem::input(format!("The body does not fit: {why}.")))
    }
}

/// The media type of a body, in small letters, without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let said = headers.get(CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The problem that the body is of another type than the address takes (415).
pub(super) fn of_another_type(what: &str) -> Problem {
    Problem::input(what).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

/// The bytes of a body, unless it is too large (413) or is cut off (400).
pub(super) async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let read = Bytes::from_request(request, state).await;
    read.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::of(Code::JobTooLarge),
        _ => Problem::of(Code::WebInput),
    })
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|why| Problem::input(unfit(&why.body_text())))
    }
}

/// Which value of an address does not fit, as far as what read it tells: `…: before: invalid digit found in string`.
fn unfit(why: &str) -> String {
    let name = why.rsplit(": ").nth(1).filter(|name| name.bytes().all(|b| b.is_ascii_lowercase()));
    match name {
        Some(name) => format!("The value of {name} in the address does not fit."),
        None => "A value in the address does not fit.".to_owned(),
    }
}

impl<S: Send + Sync, T: Named> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<T::Text>::from_request_parts(parts, state).await;
        let named = text.ok().and_then(|Path(text)| T::named(text));
        named.map(Self).ok_or_else(T::unfit)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    /// The guard adds the caller to every request.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::of(Code::WebInternal))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = Problem;

    /// The login check adds it. A request without it comes from nobody who is signed in.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::of(Code::AuthRequired))
    }
}

/// The text of a field, if somebody filled it in. A form sends empty fields too.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
