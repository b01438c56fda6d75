//! The answers to a change.

use super::base::Link;
use super::face::Face;
use crate::actions::Answer;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The header by which htmx is told to open a page.
pub(super) const OPENS: HeaderName = HeaderName::from_static("hx-redirect");

/// The response to an action that was done: a program gets its value and its sentence, a browser is sent to `page`.
pub(super) fn answered<T: Serialize>(face: Face, answer: &Answer<T>, page: &Link) -> Response {
    match face {
        Face::Json => Json(answer.as_wire()).into_response(),
        Face::Page | Face::Fragment => see_other(page),
    }
}

/// The same for a form that htmx sends, which a refusal leaves as it was typed: htmx is told to open the page.
pub(super) fn led<T: Serialize>(face: Face, answer: &Answer<T>, page: &Link) -> Response {
    match face {
        Face::Fragment => (StatusCode::NO_CONTENT, [(OPENS, header_value(page))]).into_response(),
        Face::Json | Face::Page => answered(face, answer, page),
    }
}

/// The answer to a program that asked for something new: 201, or 200 if it was there before, and where it is.
pub(super) fn made<T: Serialize>(existing: bool, answer: &Answer<T>, place: &Link) -> Response {
    let status = if existing { StatusCode::OK } else { StatusCode::CREATED };
    (status, [(header::LOCATION, header_value(place))], Json(answer.as_wire())).into_response()
}

/// Sends the browser to another of these pages, with GET.
pub(super) fn see_other(page: &Link) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, header_value(page))]).into_response()
}

/// An address as the value of a header.
pub(super) fn header_value(page: &Link) -> HeaderValue {
    HeaderValue::from_str(page.as_str()).expect("an address of ours is printable")
}
