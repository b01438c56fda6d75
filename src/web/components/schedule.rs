//! What several pages say of a schedule, and the buttons that they offer for it.

use super::super::nav;
use super::card::run_form;
use super::time::exact;
use crate::actions::schedules;
use crate::model::{PastDecision, Role, Schedule, Verdict};
use maud::{Markup, html};

/// How many of the next occurrences are shown.
pub(in crate::web) const UPCOMING: usize = 5;

/// How many decisions a schedule's strip shows.
pub(in crate::web) const STRIP: usize = 20;

/// The part of a schedule that can change.
pub(in crate::web) fn schedule_state(schedule: &Schedule) -> impl std::hash::Hash + use<> {
    let Schedule { id, cursor_at, next_at, paused_at, updated_at, .. } = *schedule;
    (id, cursor_at, next_at, paused_at, updated_at)
}

/// The last decisions, at most 20, with the newest at the end.
pub(in crate::web) fn decision_strip(decisions: &[PastDecision]) -> Markup {
    if decisions.is_empty() {
        return html! { span.soft { "none yet" } };
    }
    let decisions = &decisions[..decisions.len().min(STRIP)];
    let made = decisions.iter().filter(|decision| decision.job_id.is_some()).count();
    let label = format!("The last decisions: {}, of which {made} made a job", decisions.len());
    let first = STRIP - decisions.len();
    html! {
        svg.strip width=(STRIP * STEP) height="20" role="img" aria-label=(label) {
            @for (nth, decision) in decisions.iter().rev().enumerate() {
                rect class=(mark(decision.decision)) x=((first + nth) * STEP) y="2" width=(STEP - 2) height="16" rx="1" {
                    title { (exact(decision.occurrence_at)) ": " (decision_word(decision.decision)) " " (decision.detail) }
                }
            }
        }
    }
}

/// The width of a decision in the strip, with the space beside it.
const STEP: usize = 7;

/// The look of a decision. That a job was made is no success: how the job ended is not known here.
const fn mark(decision: Verdict) -> &'static str {
    match decision {
        Verdict::Fired | Verdict::CaughtUp => "d-made",
        Verdict::Merged | Verdict::Skipped => "d-none",
        Verdict::OverBudget => "d-kept",
    }
}

/// A decision as people read it.
pub(in crate::web) fn decision_word(decision: Verdict) -> &'static str {
    match decision {
        Verdict::Fired => "Fired",
        Verdict::CaughtUp => "Caught up",
        Verdict::Merged => "Merged",
        Verdict::Skipped => "Skipped",
        Verdict::OverBudget => "Over budget",
    }
}

/// A badge that says whether the schedule makes jobs.
pub(in crate::web) fn schedule_badge(schedule: &Schedule) -> Markup {
    let (class, word) = match schedule {
        Schedule { plan: Err(_), .. } => ("badge tag-bad", "Unreadable"),
        Schedule { paused_at: Some(_), reserved: true, .. } => ("badge", "Off"),
        Schedule { paused_at: Some(_), .. } => ("badge tag-warn", "Paused"),
        Schedule { next_at: None, .. } => ("badge", "Over"),
        _ => ("badge tag-ok", "Active"),
    };
    html! { span class=(class) { (word) } }
}

/// The buttons for what an operator may do to the schedule, whose sessions have no sandbox if `is_full`. `on_list` says that
/// the buttons are on the list of schedules.
pub(in crate::web) fn schedule_buttons(
    schedule: &Schedule,
    is_full: bool,
    role: Role,
    on_list: bool,
) -> Markup {
    let action = |deed: &str| {
        nav::schedule(&schedule.name).under(deed).with(&[("on", on_list.then_some("list"))])
    };
    let form = |deed: &str, word: &str| {
        html! {
            form method="post" action=(action(deed)) {
                button.btn.btn-sm type="submit" aria-label={ (word) " " (schedule.name) } { (word) }
            }
        }
    };
    html! {
        @if schedules::may_act(role) {
            div.row-actions {
                @if schedule.plan.is_ok() {
                    (run_form(&action("run-now"), "Run now", Some(schedule.name.as_str()), is_full))
                }
                @if !schedule.reserved {
                    @if schedule.paused_at.is_some() { (form("resume", "Resume")) }
                    @else if schedule.plan.is_ok() { (form("pause", "Pause")) }
                }
            }
        }
    }
}
