//! The list of schedules, and what operators do to them. The page of one schedule is in `schedule`.

use super::answer::answered;
use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{
    AHEAD, Lane, STRIP, UPCOMING, card, empty, lanes, numbered_pager, outcome_strip, run_states,
    schedule_badge, schedule_buttons, schedule_state, strip_legend, table, when,
};
use super::extract::{Id, Query};
use super::icon::{Icon, icon};
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
use std::time::Duration;

pub(super) const PATH: &str = Tab::Schedules.path();
/// The path has a hyphen, which no schedule's name has.
pub(super) const PART_PATH: &str = "/schedules/list-part";
/// Where a schedule is asked for. This path has a hyphen, too.
pub(super) const NEW_PATH: &str = "/schedules/new-schedule";
pub(super) const RUN_NOW_PATH: &str = "/schedules/{name}/run-now";
pub(super) const PAUSE_PATH: &str = "/schedules/{name}/pause";
pub(super) const RESUME_PATH: &str = "/schedules/{name}/resume";
/// The highest page number that is looked up: 1,000 schedules are on fewer pages.
const MAX_PAGE: u64 = 1_000;
/// How far apart the dots of a schedule in the lane are at least. Closer ones would only lie upon one another.
const DOTS_APART: Duration = Duration::from_mins(5);

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
    let mut states = Vec::with_capacity(schedules.len());
    let (role, now, clocks) = (who.role(), app.web.clock.now(), who.clocks());
    for schedule in &schedules {
        let decisions = store.schedule_decisions(schedule.id, STRIP).await?;
        let is_full = schedules::is_full(store, schedule).await?;
        rows.push(row(schedule, &decisions, (is_full, role), clocks, now));
        states.push((schedule_state(schedule), run_states(&decisions)));
    }
    let at = |slice| link(PATH).with(&SliceQuery::from(slice));
    let content = html! {
        @if total == 0 {
            section.card { (empty("No schedules yet", &html! {
                "A schedule makes jobs by the clock." @if schedules::may_add(role) { " " a href=(link(NEW_PATH)) { "Make the first one" } "." }
            })) }
        } @else {
            div.stack {
                (ahead(&schedules, clocks, now))
                section.card {
                    (table("Schedules", &["Schedule", "Next run", "Last 30 runs", ""], &rows))
                    div.card-footer { (strip_legend()) }
                    (numbered_pager("schedules", slice, total, at))
                }
            }
        }
    };
    let part = LivePart {
        id: "schedule-list",
        link: &link(PART_PATH).with(&asked),
        version: version(&states),
        content: &content,
    };
    let actions = html! {
        @if schedules::may_add(role) {
            a.btn.btn-primary href=(link(NEW_PATH)) { (icon(Icon::Plus)) "New schedule" }
        }
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Schedules).acting(actions);
    let face = (who.face(), asked.v.as_deref());
    Ok(live_page(&frame, Tab::Schedules.title(), &part, |part| part, face))
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
    (is_full, role): (bool, Role),
    clocks: Clocks,
    now: Timestamp,
) -> Markup {
    html! {
        tr id={ "row-" (schedule.id) } {
            td.main {
                div.first {
                    a id={ "schedule-" (schedule.id) } href=(nav::schedule(&schedule.name)) { (schedule.name) }
                    (schedule_badge(schedule, decisions))
                }
                div.sub {
                    @match &schedule.plan {
                        Ok(plan) => {
                            span.mono { (plan.kind) } " " (plan.rule.in_words_by(clocks.zone_or_utc()))
                            @if let Some(cron) = plan.rule.crontab() { " · " span.mono { (cron) } }
                        },
                        Err(why) => span.bad { "It cannot be read: " (why) },
                    }
                }
            }
            td data-label="next" { (next(schedule, clocks, now)) }
            td { (outcome_strip(decisions, clocks)) }
            td { (schedule_buttons(schedule, is_full, role, true)) }
        }
    }
}

/// The next occurrence; the four after it on hover.
fn next(schedule: &Schedule, clocks: Clocks, now: Timestamp) -> Markup {
    let Ok(plan) = &schedule.plan else { return html! { "none" } };
    let mut upcoming = schedule.upcoming(now);
    let (first, later) = (upcoming.next(), upcoming.take(UPCOMING - 1));
    let later: Vec<_> = later.map(|at| clocks.minute(at)).collect();
    let own = |at| plan.rule.local_as(at, "%H:%M %Z");
    html! {
        @match (schedule.paused_at, first) {
            (Some(at), _) => {
                "paused " (when(at, now)) @if let Some(by) = &schedule.paused_by { div.sub { "by " (by) } }
            },
            (None, None) => span.soft { "none any more" },
            (None, Some(first)) => {
                (when(first, now))
                div.sub title={ (clocks.exact(first)) " · then " (later.join(", ")) } {
                    (clocks.minute(first)) @if clocks.clock(first) != plan.rule.local_as(first, "%H:%M") { " · " (own(first)) }
                }
            },
        }
    }
}

/// What the schedules of the list make in the next 24 hours.
fn ahead(schedules: &[Schedule], clocks: Clocks, now: Timestamp) -> Markup {
    let all: Vec<_> = schedules
        .iter()
        .map(|schedule| lane(schedule, now))
        .filter(|lane| !lane.at.is_empty())
        .collect();
    html! {
        @if !all.is_empty() {
            (card("schedule-lane", "Next 24 hours", &html! { span.sub { "Times in " (clocks.name()) span.narrow-only { ". Swipe for the later hours." } } }, &html! { div.card-body { (lanes(&all, clocks, now)) } }))
        }
    }
}

fn lane(schedule: &Schedule, now: Timestamp) -> Lane<'_> {
    let ends = now.plus(AHEAD);
    let at = schedule.upcoming_apart(now, DOTS_APART).take_while(|at| *at <= ends).collect();
    Lane { name: &schedule.name, is_paused: schedule.paused_at.is_some(), at }
}
