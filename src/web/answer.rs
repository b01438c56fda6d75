//! The answers to a change.

use super::face::Face;
use crate::actions::Answer;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The response to an action that was done: a program gets its value and its sentence, a browser is sent to `page`.
pub(super) fn answered<T: Serialize>(face: Face, answer: &Answer<T>, page: &str) -> Response {
    match face {
        Face::Json => Json(answer.as_wire()).into_response(),
        Face::Page | Face::Fragment => see_other(page),
    }
}

/// Sends the browser to another page of this server, with GET.
///
/// # Panics
/// If the location cannot be a header's value. Callers pass paths that this program wrote or that came in a request line.
pub(super) fn see_other(location: &str) -> Response {
    let location = HeaderValue::from_str(location).expect("a path of ours is printable");
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
