//! The status of jobs and the level of log rows in words and colours, and the timeline of a job.

use super::time::when;
use crate::model::{Level, Status, Timestamp};
use maud::{Markup, html};

/// A job's status as a word in its colour.
pub(in crate::web) fn badge(status: Status) -> Markup {
    html! { span class={ "badge badge-" (status) } { (status_word(status)) } }
}

/// A log level as a word in its colour.
pub(in crate::web) fn level_badge(level: Level) -> Markup {
    html! { span class={ "badge badge-" (level.as_str().to_ascii_lowercase()) } { (level) } }
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
    /// The status that the step led to; it sets the colour.
    pub(in crate::web) to: Status,
    /// When it happened.
    pub(in crate::web) at: Timestamp,
    /// What happened.
    pub(in crate::web) title: Markup,
    /// Who or what caused it, and more.
    pub(in crate::web) detail: Markup,
}

/// A timeline of steps, oldest first.
pub(in crate::web) fn timeline(steps: &[Step], now: Timestamp) -> Markup {
    html! {
        ol.trail {
            @for step in steps {
                li class={ "step-" (step.to) } {
                    div.step-title { (step.title) span.text-secondary { (when(step.at, now)) } }
                    div.text-secondary { (step.detail) }
                }
            }
        }
    }
}
