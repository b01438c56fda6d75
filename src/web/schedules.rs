//! The list of schedules, and what operators do to them. The page of one schedule is in `schedule`.

use super::answer::answered;
use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::components::{
    STRIP, UPCOMING, decision_strip, empty, numbered_pager, schedule_badge, schedule_buttons,
    schedule_state, table, when,
};
use super::extract::{Id, Query};
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use super::slice::SliceQuery;
use crate::actions::schedules::{self, RunScheduleNow};
use crate::model::{JobId, PastDecision, Role, Schedule, ScheduleName, Timestamp};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = Tab::Schedules.path();
/// The path has a hyphen, which no schedule's name has.
pub(super) const PART_PATH: &str = "/schedules/list-part";
pub(super) const RUN_NOW_PATH: &str = "/schedules/{name}/run-now";
pub(super) const PAUSE_PATH: &str = "/schedules/{name}/pause";
pub(super) const RESUME_PATH: &str = "/schedules/{name}/resume";
/// The highest page number that is looked up: 1,000 schedules are on fewer pages.
const MAX_PAGE: u64 = 1_000;

/// The query of a button's address.
#[derive(Deserialize)]
pub(super) struct ScheduleButton {
    /// `list` if the button is in the list.
    on: Option<String>,
}

/// The query of the address of the button that runs a schedule now.
#[derive(Deserialize)]
pub(super) struct RunNowButton {
    /// `full` if the person confirmed that the profile full has no sandbox.
    confirm: Option<String>,
}

/// GET `/schedules` and `/schedules/list-part`.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<SliceQuery>,
) -> Result<Response, Problem> {
    let slice = asked.slice(MAX_PAGE)?;
    let store = &app.web.store;
    let (schedules, total) = store.schedules(slice.skip(), slice.most()).await?;
    let mut rows = Vec::with_capacity(schedules.len());
    let (role, now) = (who.role(), app.web.clock.now());
    for schedule in &schedules {
        let decisions = store.schedule_decisions(schedule.id, STRIP).await?;
        let is_full = schedules::is_full(store, schedule).await?;
        rows.push(row(schedule, &decisions, is_full, role, now));
    }
    let at = |slice| link(PATH).with(&SliceQuery::from(slice));
    let content = html! {
        @if total == 0 {
            (empty("No schedules yet", &html! {
                "A schedule makes jobs by the clock. Add one with " code { "lamplighter schedules add" } "."
            }))
        } @else {
            (table("Schedules", &["Schedule", "When", "Next five", "Last decisions", ""], &rows))
            (numbered_pager("schedules", slice, total, at))
        }
    };
    let part = LivePart {
        id: "schedule-list",
        link: &link(PART_PATH).with(&asked),
        version: version(&schedules.iter().map(schedule_state).collect::<Vec<_>>()),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Schedules);
    let around = |part| html! { section.card { (part) } };
    let face = (who.face(), asked.v.as_deref());
    Ok(live_page(&frame, Tab::Schedules.title(), &part, around, face))
}

/// POST `/schedules/{name}/run-now`: stores a job as the schedule would, and leads to its page.
pub(super) async fn run_now(
    State(app): State<App>,
    who: Signed,
    Id(name): Id<ScheduleName>,
    Query(button): Query<RunNowButton>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let confirmed = button.confirm.as_deref() == Some("full");
    let request = RunScheduleNow { confirmed, ..RunScheduleNow::default() };
    let made = schedules::run_now(&app.web.store, &call, name.as_str(), request).await?;
    Ok(answered(who.face(), &made, &nav::job(JobId(made.value.id))))
}

/// POST `/schedules/{name}/pause`.
pub(super) async fn pause(
    State(app): State<App>,
    who: Signed,
    Id(name): Id<ScheduleName>,
    Query(button): Query<ScheduleButton>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let paused = schedules::pause(&app.web.store, &call, name.as_str()).await?;
    Ok(answered(who.face(), &paused, &page_of(&name, &button)))
}

/// POST `/schedules/{name}/resume`.
pub(super) async fn resume(
    State(app): State<App>,
    who: Signed,
    Id(name): Id<ScheduleName>,
    Query(button): Query<ScheduleButton>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let resumed = schedules::resume(&app.web.store, &call, name.as_str()).await?;
    Ok(answered(who.face(), &resumed, &page_of(&name, &button)))
}

/// The page that the button was on.
fn page_of(name: &ScheduleName, button: &ScheduleButton) -> Link {
    let in_list = button.on.as_deref() == Some("list");
    if in_list { link(PATH) } else { nav::schedule(name) }
}

fn row(
    schedule: &Schedule,
    decisions: &[PastDecision],
    is_full: bool,
    role: Role,
    now: Timestamp,
) -> Markup {
    html! {
        tr {
            td {
                a id={ "schedule-" (schedule.id) } href=(nav::schedule(&schedule.name)) { (schedule.name) }
                @if let Ok(plan) = &schedule.plan {
                    div.text-secondary { "makes " (plan.kind) }
                }
            }
            td.note {
                (schedule_badge(schedule)) " "
                @match &schedule.plan {
                    Ok(plan) => (plan.rule.in_words()),
                    Err(why) => span.text-danger-strong { "It cannot be read: " (why) },
                }
            }
            td data-label="Next" { (next(schedule, now)) }
            td data-label="Last" { (decision_strip(decisions)) }
            td { (schedule_buttons(schedule, is_full, role, true)) }
        }
    }
}

/// The next five occurrences. The first one is shown to the second.
fn next(schedule: &Schedule, now: Timestamp) -> Markup {
    let Ok(plan) = &schedule.plan else { return html! { "–" } };
    let mut upcoming = schedule.upcoming(now);
    let (first, later) = (upcoming.next(), upcoming.take(UPCOMING - 1));
    let later: Vec<_> = later.map(|at| plan.rule.local_as(at, "%-d %b %H:%M")).collect();
    html! {
        @match (schedule.paused_at, first) {
            (Some(at), _) => span.text-secondary { "paused " (when(at, now)) },
            (None, None) => span.text-secondary { "none any more" },
            (None, Some(first)) => {
                div { (plan.rule.local(first)) ", " (when(first, now)) }
                // Each line has two, because a column of the table is as wide as its longest line.
                @for pair in later.chunks(2) { div.text-secondary { (pair.join(", ")) } }
            },
        }
    }
}
