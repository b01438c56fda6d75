//! The status of jobs and the level of log rows in words and colours, and the timeline of a job.

use super::super::icon::{Icon, icon};
use super::time::when;
use crate::model::{Level, Status, Timestamp};
use maud::{Markup, html};

/// A status as an icon and a word, for lists.
pub(in crate::web) fn badge(status: Status) -> Markup {
    html! { span class={ "st st-" (status) } { (icon(shape(status))) (status_word(status)) } }
}

/// A status as an icon, for rows in which a tab or a heading says the word. Those who hear the page hear it.
pub(in crate::web) fn status_icon(status: Status) -> Markup {
    let word = status_word(status);
    html! {
        span class={ "st st-" (status) } title=(word) { (icon(shape(status))) span.visually-hidden { (word) } }
    }
}

/// A status as a pill, before the sentence that says how something stands.
pub(in crate::web) fn pill(status: Status) -> Markup {
    html! { span class={ "badge pill pill-" (status) } { (icon(shape(status))) (status_word(status)) } }
}

/// The shape of a status: it says the same as the colour.
pub(in crate::web) const fn shape(status: Status) -> Icon {
    match status {
        Status::Scheduled => Icon::Clock,
        Status::Queued => Icon::CircleDotted,
        Status::Running => Icon::CircleHalf2,
        Status::Completed => Icon::CircleCheck,
        Status::Failed => Icon::CircleX,
        Status::Cancelled => Icon::Ban,
    }
}

/// A log level as a word in its colour.
pub(in crate::web) fn level_badge(level: Level) -> Markup {
    html! { span class={ "lv lv-" (level) } { (level) } }
}

/// A status as people read it.
pub(in crate::web) const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Scheduled => "Scheduled",
        Status::Queued => "Queued",
        Status::Running => "Running",
        Status::Completed => "Completed",
        Status::Failed => "Failed",
        Status::Cancelled => "Cancelled",
    }
}

/// One step of a timeline.
pub(in crate::web) struct Step {
    /// The status that the step led to; it sets the shape and the colour.
    pub(in crate::web) to: Status,
    /// When it happened.
    pub(in crate::web) at: Timestamp,
    /// What happened.
    pub(in crate::web) title: Markup,
    /// Who or what caused it, and more.
    pub(in crate::web) detail: Markup,
}

/// A timeline of steps, newest first.
pub(in crate::web) fn timeline(steps: &[Step], now: Timestamp) -> Markup {
    html! {
        ol.timeline {
            @for step in steps {
                li {
                    span class={ "mark mark-" (step.to) } { (icon(shape(step.to))) }
                    div { b { (step.title) } " " (step.detail) " · " (when(step.at, now)) }
                }
            }
        }
    }
}
