//! Parts of pages that keep themselves fresh. A part is sent again only when it has changed.

use super::base::Link;
use super::components::live;
use super::face::Face;
use super::page::{Frame, page};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::Markup;
use serde::Deserialize;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A part of a page that keeps itself fresh.
pub(super) struct LivePart<'a> {
    pub(super) id: &'a str,
    /// The address at which the part is asked for again, with the page's own query.
    pub(super) link: &'a Link,
    pub(super) version: String,
    pub(super) content: &'a Markup,
}

/// The query of a part: the version that the page shows already.
#[derive(Deserialize)]
pub(super) struct Shown {
    pub(super) v: Option<String>,
}

/// The answer for a page with one live part. A browser gets the whole page, in which `around` adds what surrounds the
/// part. htmx gets the part alone, or nothing while `shown` is the part's version.
pub(super) fn live_page(
    frame: &Frame,
    title: &str,
    part: &LivePart<'_>,
    around: impl FnOnce(Markup) -> Markup,
    (face, shown): (Face, Option<&str>),
) -> Response {
    if face == Face::Fragment && shown == Some(part.version.as_str()) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let content = live(part.id, part.link, &part.version, part.content);
    match face {
        Face::Fragment => Html(content.into_string()).into_response(),
        Face::Page | Face::Json => page(frame, title, &around(content)).into_response(),
    }
}

/// A part alone, or nothing while `shown` is its version.
pub(super) fn fresh(version: &str, part: &Markup, shown: Option<&str>) -> Response {
    if shown == Some(version) {
        return StatusCode::NO_CONTENT.into_response();
    }
    Html(part.clone().into_string()).into_response()
}

/// The version of a part: a digest of the data that it is made of.
pub(super) fn version(data: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    format!("{:x}", hasher.finish())
}
