//! What several pages say of a schedule, and the buttons that they offer for it.

use super::super::clocks::Clocks;
use super::super::nav;
use super::card::run_form;
use super::status::status_word;

use crate::actions::schedules;
use crate::model::{PastDecision, Role, Schedule, Status, Verdict};
use maud::{Markup, html};

/// How many of the next occurrences are shown.
pub(in crate::web) const UPCOMING: usize = 5;

/// How many of the last runs a schedule's strip shows.
pub(in crate::web) const STRIP: usize = PastDecision::SHOWN;

/// The part of a schedule that can change.
pub(in crate::web) fn schedule_state(schedule: &Schedule) -> impl std::hash::Hash + use<> {
    let Schedule { id, cursor_at, next_at, paused_at, updated_at, .. } = *schedule;
    (id, cursor_at, next_at, paused_at, updated_at)
}

/// How the jobs of decisions are now.
pub(in crate::web) fn run_states(decisions: &[PastDecision]) -> Vec<Option<Status>> {
    decisions.iter().map(|decision| decision.job_status).collect()
}

/// How the last runs ended, at most 30, with the newest at the end. What was decided about each is told on hover.
pub(in crate::web) fn outcome_strip(decisions: &[PastDecision], clocks: Clocks) -> Markup {
    if decisions.is_empty() {
        return html! { span.soft { "none yet" } };
    }
    let decisions = &decisions[..decisions.len().min(STRIP)];
    let count =
        |status| decisions.iter().filter(|decision| decision.job_status == Some(status)).count();
    let told = [Status::Completed, Status::Failed, Status::Cancelled, Status::Running];
    let told = told.map(|status| (count(status), status_word(status).to_lowercase()));
    let told: Vec<_> = told.iter().filter(|(count, _)| *count > 0).collect();
    let told: Vec<_> = told.iter().map(|(count, word)| format!("{count} {word}")).collect();
    let told = if told.is_empty() { "no job has ended".to_owned() } else { told.join(", ") };
    let label = format!("The last runs, {}: {told}", decisions.len());
    let first = STRIP - decisions.len();
    html! {
        svg.strip width=(STRIP * STEP) height=(HEIGHT) role="img" aria-label=(label) {
            @for (nth, decision) in decisions.iter().rev().enumerate() {
                @let (class, height) = mark(decision);
                rect class=(class) x=((first + nth) * STEP) y=(HEIGHT - 1 - height) width=(STEP - 2) height=(height) rx="1" {
                    title {
                        (clocks.exact(decision.occurrence_at)) ": " (decision_word(decision.decision))
                        @if let Some(status) = decision.job_status { ", " (status_word(status).to_lowercase()) }
                        " " (decision.detail)
                    }
                }
            }
        }
    }
}

/// What the marks of the strip mean.
pub(in crate::web) fn strip_legend() -> Markup {
    html! {
        ul.legend {
            li.l-ok { "completed" } li.l-bad { "failed, taller" } li.l-run { "running" } li.l-wait { "waiting" }
            li { "skipped or cancelled, short" }
        }
    }
}

/// The width of a run in the strip, with the space beside it, and the height of the strip.
const STEP: usize = 7;
const HEIGHT: usize = 22;
/// How high the marks are. A failure is taller, so that nobody needs its colour.
const TALL: usize = 20;
const USUAL: usize = 13;
const SHORT: usize = 6;

/// The look of a run: how its job ended. That a job was made is no success.
const fn mark(decision: &PastDecision) -> (&'static str, usize) {
    match (decision.job_status, decision.decision) {
        (Some(Status::Completed), _) => ("o-o", USUAL),
        (Some(Status::Failed), _) => ("o-x", TALL),
        (Some(Status::Running), _) => ("o-r", USUAL),
        (Some(Status::Queued | Status::Scheduled), _) => ("d-made", USUAL),
        (None, Verdict::OverBudget) => ("d-kept", USUAL),
        (Some(Status::Cancelled), _) | (None, Verdict::Merged | Verdict::Skipped) => ("o-s", SHORT),
        (None, Verdict::Fired | Verdict::CaughtUp) => ("d-none", USUAL),
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

/// A badge that says whether the schedule makes jobs, and whether they fail.
pub(in crate::web) fn schedule_badge(schedule: &Schedule, decisions: &[PastDecision]) -> Markup {
    let failed = PastDecision::failed_in_a_row(decisions);
    let in_a_row = format!("{failed} failed in a row");
    let (class, word) = match schedule {
        Schedule { plan: Err(_), .. } => ("badge tag-bad", "Unreadable"),
        Schedule { paused_at: Some(_), reserved: true, .. } => ("badge", "Off"),
        Schedule { paused_at: Some(_), .. } => ("badge tag-warn", "Paused"),
        Schedule { next_at: None, .. } => ("badge", "Over"),
        _ if failed > 1 => ("badge tag-bad", in_a_row.as_str()),
        _ if failed == 1 => ("badge tag-bad", "The last run failed"),
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
