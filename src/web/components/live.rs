//! A part of a page that replaces itself.

use maud::{Markup, html};

/// A part of a page that replaces itself when something has changed. `path` answers with the new part, or with 204 while
/// its version is still `version`.
pub(in crate::web) fn live(id: &str, path: &str, version: &str, content: &Markup) -> Markup {
    let sign = if path.contains('?') { '&' } else { '?' };
    html! {
        div id=(id) hx-get={ (path) (sign) "v=" (version) } hx-trigger="sse:change" hx-swap="outerHTML" {
            (content)
        }
    }
}
