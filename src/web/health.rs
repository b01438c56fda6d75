//! The answer for programs that watch from outside whether the server is alive.

/// Answers `ok` and looks at nothing. A program that needs to know more signs in.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}
