//! The answers to a change.

use super::face::Face;
use crate::actions::Answer;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What an action answered: its value and its sentence for a program, the page to go on to for a person.
pub(super) fn answered<T: Serialize>(face: Face, answer: &Answer<T>, page: &str) -> Response {
    match face {
        Face::Json => Json(answer.as_wire()).into_response(),
        Face::Page | Face::Fragment => see_other(page),
    }
}

/// Sends the browser to another page of ours, with GET.
///
/// # Panics
/// If the location is no header value: callers pass paths that we wrote, or that came in a request line.
pub(super) fn see_other(location: &str) -> Response {
    let location = HeaderValue::from_str(location).expect("a path of ours is printable");
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
