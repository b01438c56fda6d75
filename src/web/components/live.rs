//! A part of a page that replaces itself.

use maud::{Markup, html};

/// A part of a page that replaces itself when something has changed: `path` answers it anew, or 204 while `version`
/// is still what it would show.
pub(in crate::web) fn live(id: &str, path: &str, version: &str, content: &Markup) -> Markup {
    let sign = if path.contains('?') { '&' } else { '?' };
    html! {
        div id=(id) hx-get={ (path) (sign) "v=" (version) } hx-trigger="sse:change" hx-swap="outerHTML" {
            (content)
        }
    }
}
