//! Notices over the content of a page: what went wrong, and what stands still.

use super::super::base::link;
use super::super::icon::{Icon, icon};
use super::super::nav;
use super::super::problem::Problem;
use super::text::coded;
use super::time::when;
use crate::actions::Answer;
use crate::error::Code;
use crate::model::{Pause, Timestamp};
use maud::{Markup, html};
use serde::Serialize;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Tone {
    /// Something to know.
    Info,
    /// Something that waits for a person.
    Look,
    /// Something went wrong.
    Bad,
    /// Something was done.
    Ok,
}

/// A notice with at most one thing to do about it.
pub(in crate::web) fn notice(tone: Tone, text: &Markup, action: &Markup) -> Markup {
    let (class, shape, role) = match tone {
        Tone::Info => ("notice notice-info", Icon::InfoCircle, "status"),
        Tone::Look => ("notice", Icon::AlertTriangle, "status"),
        Tone::Bad => ("notice notice-bad", Icon::AlertCircle, "alert"),
        Tone::Ok => ("notice notice-ok", Icon::CircleCheck, "status"),
    };
    html! { div class=(class) role=(role) { (icon(shape)) p { (text) } (action) } }
}

/// A problem inside a page.
pub(in crate::web) fn problem_notice(problem: &Problem) -> Markup {
    let text = html! {
        b { (problem.code().title()) } " " (coded(problem.what())) " " (coded(problem.code().remedy())) " " code { (problem.code()) }
    };
    let question = html! { @if problem.code() == Code::AuthStale { (password_question()) } };
    notice(Tone::Bad, &text, &question)
}

/// The question for the password, inside the notice of a refusal that needs a fresh sign-in.
pub(in crate::web) fn password_question() -> Markup {
    let action = link(nav::PASSWORD);
    html! {
        form.proof method="post" action=(action) hx-post=(action) hx-target="closest [role=alert]" hx-swap="outerHTML" {
            label.form-label { "Your password "
                input.form-control name="password" type="password" autocomplete="current-password" required;
            }
            button.btn type="submit" { "Give the password" }
        }
    }
}

/// The answer of an action, inside a page.
pub(in crate::web) fn said_notice<T: Serialize>(answer: &Answer<T>) -> Markup {
    let text = html! { (answer.sentence) @for note in &answer.notes { " " (note) } };
    notice(Tone::Ok, &text, &html! {})
}

/// Says that everything is stopped, by whom, and since when.
pub(in crate::web) fn stopped_notice(pause: &Pause, now: Timestamp) -> Markup {
    let text = html! {
        b { "Everything is stopped." } " " (pause.reason) " By " (pause.by) " " (when(pause.at, now)) "."
    };
    notice(Tone::Look, &text, &html! {})
}
