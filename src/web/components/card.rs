//! Cards, dialogs, and buttons that unfold a confirmation.

use super::super::base::Link;
use super::super::icon::{Icon, icon};
use maud::{Markup, html};

/// A card: a titled section of a page.
pub(in crate::web) fn card(id: &str, title: &str, aside: &Markup, content: &Markup) -> Markup {
    html! {
        section.card id=(id) {
            div.card-header { h2.card-title { (title) } div.card-actions { (aside) } }
            (content)
        }
    }
}

/// The text in place of an empty list: it says that there is nothing, and what to do next.
pub(in crate::web) fn empty(title: &str, next: &Markup) -> Markup {
    html! {
        div.empty {
            div.empty-img { (icon(Icon::Inbox)) }
            p.empty-title { (title) }
            p.empty-subtitle.text-secondary { (next) }
        }
    }
}

/// A dialog. A button whose `data-dialog` is its id opens it; Escape or its own button closes it.
pub(in crate::web) fn dialog(id: &str, title: &str, content: &Markup) -> Markup {
    html! {
        dialog id=(id) aria-labelledby={ (id) "-title" } {
            form method="dialog" {
                div.dialog-head {
                    h2.card-title id={ (id) "-title" } { (title) }
                    button.btn.btn-sm type="submit" { "Close" }
                }
            }
            (content)
        }
    }
}

/// A button that first unfolds the consequence of a deed. The button that does it is in `form`. It works without scripts
/// too.
pub(in crate::web) fn confirm(id: &str, word: &str, consequence: &Markup, form: &Markup) -> Markup {
    html! {
        details.confirm id=(id) {
            summary.btn.btn-sm { (word) "…" }
            div { p { (consequence) } (form) }
        }
    }
}

/// A card with a text, shown exactly as it is.
pub(in crate::web) fn text_card(id: &str, title: &str, text: &str) -> Markup {
    card(id, title, &html! {}, &html! { pre.card-body tabindex="0" { (text) } })
}

/// The button that makes a job at once. That of a session without a sandbox is red, says so, and is the confirmation. `of`
/// names the thing where the page has several.
pub(in crate::web) fn run_form(
    action: &Link,
    word: &str,
    of: Option<&str>,
    is_full: bool,
) -> Markup {
    let word = if is_full { format!("{word}, without a sandbox") } else { word.to_owned() };
    let label = of.map(|of| format!("{word} {of}"));
    html! {
        form method="post" action=(action.with(&[("confirm", is_full.then_some("full"))])) {
            button.btn.btn-sm.btn-stop[is_full] type="submit" aria-label=[label] { (word) }
        }
    }
}
