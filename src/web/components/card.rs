//! Cards, dialogs, and buttons that unfold a confirmation.

use super::super::base::Link;
use super::super::icon::{Icon, icon};
use maud::{Markup, html};

/// A card: a titled section of a page.
pub(in crate::web) fn card(id: &str, title: &str, aside: &Markup, content: &Markup) -> Markup {
    html! {
        section.card id=(id) {
            div.card-header {
                h2.card-title { (title) }
                @if !aside.0.is_empty() { div.card-actions { (aside) } }
            }
            (content)
        }
    }
}

/// The text in place of an empty list: it says that there is nothing, and what to do next.
pub(in crate::web) fn empty(title: &str, next: &Markup) -> Markup {
    html! {
        div.empty-state { (icon(Icon::Inbox)) h2 { (title) } p { (next) } }
    }
}

/// A dialog. A button whose `data-dialog` is its id opens it; Escape or the button `stay` closes it, and says what stays so.
/// `stay` comes first and has the focus, so that no key by itself does the deed. `last` is the button that does it, of a form
/// elsewhere.
pub(in crate::web) fn dialog(
    id: &str,
    title: &str,
    content: &Markup,
    (stay, last): (&str, &Markup),
) -> Markup {
    html! {
        dialog id=(id) aria-labelledby={ (id) "-title" } {
            div.dialog-head { h2 id={ (id) "-title" } { (title) } }
            div.dialog-body { (content) }
            form.dialog-foot method="dialog" { button.btn type="submit" data-safe { (stay) } (last) }
        }
    }
}

/// A button that first asks: a dialog tells the consequence of a deed. The button that does it is in `form`; the way back comes
/// before it and has the focus. Without scripts the question unfolds in its place.
pub(in crate::web) fn confirm(id: &str, word: &str, consequence: &Markup, form: &Markup) -> Markup {
    confirm_as("btn-sm", (id, word), consequence, form)
}

/// The same for what stops something that goes on: it is red wherever it stands.
pub(in crate::web) fn confirm_stop(
    id: &str,
    word: &str,
    consequence: &Markup,
    form: &Markup,
) -> Markup {
    confirm_as("btn-sm btn-danger", (id, word), consequence, form)
}

fn confirm_as(look: &str, (id, word): (&str, &str), consequence: &Markup, form: &Markup) -> Markup {
    html! {
        details.confirm id=(id) {
            summary.btn.(look) { (word) "…" }
            dialog aria-labelledby={ (id) "-title" } {
                div.dialog-head { h2 id={ (id) "-title" } { (word) "?" } }
                div.dialog-body { p { (consequence) } }
                div.dialog-foot.deed { button.btn.btn-sm.scripted type="button" data-action="fold" data-safe { "Go back" } (form) }
            }
        }
    }
}

/// A button that copies the text of an element; scripts alone can.
pub(in crate::web) fn copy_button(of: &str, what: &str) -> Markup {
    let label = format!("Copy {}", what.to_lowercase());
    html! {
        button.btn.btn-icon.btn-sm.btn-quiet.scripted type="button" data-copy=(of) aria-label=(label) title=(label) { (icon(Icon::Copy)) }
    }
}

/// A card with a text, shown exactly as it is.
pub(in crate::web) fn text_card(id: &str, title: &str, text: &str) -> Markup {
    let copy = copy_button(&format!("{id}-text"), title);
    let label = format!("{title}, to scroll");
    card(
        id,
        title,
        &copy,
        &html! { div.card-body { pre id={ (id) "-text" } tabindex="0" aria-label=(label) { (text) } } },
    )
}

/// The button that makes a job at once. That of a session without a sandbox is red, says so, and is the confirmation. `of`
/// names the thing where the page has several.
pub(in crate::web) fn run_form(
    action: &Link,
    word: &str,
    of: Option<&str>,
    is_full: bool,
) -> Markup {
    run_form_as("btn-sm", action, word, of, is_full)
}

/// The same where it is what the page is for.
pub(in crate::web) fn main_run_form(action: &Link, word: &str, is_full: bool) -> Markup {
    run_form_as(if is_full { "btn-sm" } else { "btn-sm btn-primary" }, action, word, None, is_full)
}

fn run_form_as(look: &str, action: &Link, word: &str, of: Option<&str>, is_full: bool) -> Markup {
    let word = if is_full { format!("{word} without the sandbox") } else { word.to_owned() };
    let label = of.map(|of| format!("{word} {of}"));
    html! {
        form method="post" action=(action.with(&[("confirm", is_full.then_some("full"))])) {
            button.btn.(look).btn-danger[is_full] type="submit" aria-label=[label] { (word) }
        }
    }
}
