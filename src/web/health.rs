//! The answers for programs that watch from outside: whether the server is alive, and whether it takes work.
//!
//! Both are for everybody who reaches the server, and neither waits for a file or for the database.

use super::app::App;
use axum::extract::State;
use axum::http::StatusCode;

/// Answers `ok` and looks at nothing.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Answers `ready` if this process takes work, else 503. Why not is on the page of settings and in the log.
pub(super) async fn readyz(State(app): State<App>) -> (StatusCode, &'static str) {
    match app.web.not_ready() {
        None => (StatusCode::OK, "ready\n"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "unready\n"),
    }
}
