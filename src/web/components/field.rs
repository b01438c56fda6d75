//! Fields of a form, each with its label and a hint.

use maud::{Markup, html};

/// A field with its label, and a hint if there is one. The control has the id `plan-NAME` and is described by `hint-NAME`.
pub(in crate::web) fn field(name: &str, label: &str, control: &Markup, hint: &str) -> Markup {
    html! {
        div.setting {
            label.form-label for={ "plan-" (name) } { (label) }
            (control)
            small.form-hint id={ "hint-" (name) } { (hint) }
        }
    }
}

/// A field for a line of text.
pub(in crate::web) fn text_field(name: &str, label: &str, value: &str, hint: &str) -> Markup {
    let control = html! {
        input.form-control id={ "plan-" (name) } name=(name) value=(value) autocomplete="off" spellcheck="false" aria-describedby={ "hint-" (name) };
    };
    field(name, label, &control, hint)
}

/// A field of which one of some values is chosen. A value that is not offered is kept.
pub(in crate::web) fn choice_field(
    name: &str,
    label: &str,
    value: &str,
    offered: &[(String, String)],
) -> Markup {
    let is_offered = offered.iter().any(|(one, _)| one == value);
    let control = html! {
        select.form-select id={ "plan-" (name) } name=(name) aria-describedby={ "hint-" (name) } {
            @if !is_offered { option value=(value) selected { (value) } }
            @for (one, words) in offered { option value=(one) selected[one == value] { (words) } }
        }
    };
    field(name, label, &control, "")
}
