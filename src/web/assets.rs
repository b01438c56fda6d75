//! Files that pages load, embedded in the binary.

use super::secret;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

const STYLESHEET: &str = include_str!("../../assets/lamplighter.css");
/// A path names its content, so a browser may keep it for good (a year is the longest it promises).
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Hex digits of the content's hash in a path: enough to tell versions apart.
const HASH_DIGITS: usize = 16;

static STYLESHEET_PATH: LazyLock<String> = LazyLock::new(|| {
    let hash = &secret::hash(STYLESHEET)[..HASH_DIGITS];
    format!("/assets/lamplighter.{hash}.css")
});

/// Where pages find the stylesheet.
pub(super) fn stylesheet_path() -> &'static str {
    &STYLESHEET_PATH
}

/// The stylesheet.
pub(super) async fn stylesheet() -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, FOREVER)];
    (headers, STYLESHEET).into_response()
}
