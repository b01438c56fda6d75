//! A text in Markdown, rendered, with a switch that shows it as it is sent.

use super::super::markdown::markdown;
use maud::{Markup, html};

/// The text. `id` names the switch, which stays open while the page changes; `label` says what the text is. A title is sent
/// with it and is shown above it as it is sent.
pub(in crate::web) fn rendered(
    id: &str,
    label: &str,
    (title, text): (Option<&str>, &str),
) -> Markup {
    html! {
        // The text has headings of its own, which are below this one.
        h3.visually-hidden { (label) }
        div.rendered { (markdown(text)) }
        details.raw id=(id) {
            summary { "Raw text, as it is sent" }
            pre tabindex="0" aria-label=(label) { @if let Some(title) = title { (title) "\n\n" } (text) }
        }
    }
}
