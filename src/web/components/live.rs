//! A part of a page that replaces itself.

use super::super::base::Link;
use maud::{Markup, html};

/// A part of a page that replaces itself when something has changed. `link` answers with the new part, or with 204 while
/// its version is still `version`.
pub(in crate::web) fn live(id: &str, link: &Link, version: &str, content: &Markup) -> Markup {
    html! {
        div id=(id) hx-get=(link.with(&[("v", version)])) hx-trigger="sse:change" hx-swap="outerHTML" {
            (content)
        }
    }
}
