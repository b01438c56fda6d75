//! Cards, and what folds, opens and asks before it does.

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

/// What stands where a list would, and what to do next.
pub(in crate::web) fn empty(title: &str, next: &Markup) -> Markup {
    html! {
        div.empty {
            div.empty-img { (icon(Icon::Inbox)) }
            p.empty-title { (title) }
            p.empty-subtitle.text-secondary { (next) }
        }
    }
}

/// A dialog that a button with `data-dialog` names opens, and that closes by Escape or its own button.
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

/// A deed behind its consequence: the button is in `form`, which unfolds, with or without scripts.
pub(in crate::web) fn confirm(id: &str, word: &str, consequence: &Markup, form: &Markup) -> Markup {
    html! {
        details.confirm id=(id) {
            summary.btn.btn-sm { (word) "…" }
            div { p { (consequence) } (form) }
        }
    }
}

/// A card with a text as it is.
pub(in crate::web) fn text_card(id: &str, title: &str, text: &str) -> Markup {
    card(id, title, &html! {}, &html! { pre.card-body tabindex="0" { (text) } })
}
