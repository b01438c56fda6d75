//! Parts of pages that keep themselves fresh: a part is answered anew only when it has changed.

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
    /// Where it is asked for again, with the page's own query.
    pub(super) path: &'a str,
    pub(super) version: String,
    pub(super) content: &'a Markup,
}

/// The query of a part: what the page shows already.
#[derive(Deserialize)]
pub(super) struct Shown {
    pub(super) v: Option<String>,
}

/// A page with one live part: the whole page for a browser, with the part inside what `around` puts around it; the part
/// for htmx, and nothing for htmx while the part is as `shown` already.
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
    let content = live(part.id, part.path, &part.version, part.content);
    match face {
        Face::Fragment => Html(content.into_string()).into_response(),
        Face::Page | Face::Json => page(frame, title, &around(content)).into_response(),
    }
}

/// A part alone, or nothing while it is as `shown` already.
pub(super) fn fresh(version: &str, part: &Markup, shown: Option<&str>) -> Response {
    if shown == Some(version) {
        return StatusCode::NO_CONTENT.into_response();
    }
    Html(part.clone().into_string()).into_response()
}

/// The version of what a part shows: a digest of the data it is made of.
pub(super) fn version(data: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    format!("{:x}", hasher.finish())
}
