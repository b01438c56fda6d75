//! Notices over the content of a page: what went wrong, and what stands still.

use super::super::base::link;
use super::super::nav::{self, Tab};
use super::super::problem::Problem;
use super::time::{when, when_known};
use crate::actions::Answer;
use crate::actions::queues;
use crate::error::Code;
use crate::model::{Pause, Queue, Role, Timestamp};
use maud::{Markup, html};
use serde::Serialize;

/// A problem inside a page.
pub(in crate::web) fn problem_notice(problem: &Problem) -> Markup {
    html! {
        div.alert.alert-danger role="alert" {
            strong { (problem.code().title()) } " "
            (problem.what()) " "
            (problem.code().remedy()) " "
            code { (problem.code()) }
            @if problem.code() == Code::AuthStale { (password_question()) }
        }
    }
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
    html! {
        div.alert.alert-success role="status" {
            (answer.sentence)
            @for note in &answer.notes { " " (note) }
        }
    }
}

/// Says that everything is stopped, by whom, and since when.
pub(in crate::web) fn stopped_notice(pause: &Pause, now: Timestamp) -> Markup {
    html! {
        div.alert.alert-warning role="status" {
            strong { "Everything is stopped." } " " (pause.reason) " By " (pause.by) " " (when(pause.at, now)) "."
        }
    }
}

/// Says why nothing of a queue starts, and until when.
pub(in crate::web) fn paused_notice(
    queue: &Queue,
    pause: &Pause,
    role: Role,
    now: Timestamp,
) -> Markup {
    html! {
        div.alert.alert-warning.paused role="status" {
            div {
                strong { "The queue " (queue) " is paused." } " "
                (pause.reason) " "
                span { "By " (pause.by) " " (when(pause.at, now)) }
                @if pause.resume_at.is_some() { ", until " (when_known(pause.resume_at, now)) } "."
            }
            @if queues::may_act(role) {
                form method="post" action=(Tab::Queues.link().under(queue).under("resume")) {
                    button.btn.btn-sm type="submit" { "Resume" }
                }
            }
        }
    }
}
