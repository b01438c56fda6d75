//! The list of schedules, and what operators do to them. One schedule has a page of its own in `schedule`.

use super::App;
use super::access::SignedIn;
use super::caller::Caller;
use super::page::{self, Frame, LivePart, Tab};
use super::respond::{self, Face, Problem};
use super::ui::{self, when};
use crate::error::Code;
use crate::model::{PastDecision, Role, Schedule, ScheduleName, Timestamp};
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const PATH: &str = "/schedules";
/// With a hyphen, which no schedule's name has.
pub(super) const PART_PATH: &str = "/schedules/list-part";
pub(super) const RUN_NOW_PATH: &str = "/schedules/{name}/run-now";
pub(super) const PAUSE_PATH: &str = "/schedules/{name}/pause";
pub(super) const RESUME_PATH: &str = "/schedules/{name}/resume";
/// Schedules on a page: each takes a few lines, and five occurrences to be found.
const ROWS: u64 = 20;
/// Highest page number that is looked up: 1,000 schedules are on fewer.
const MAX_PAGE: u64 = 1_000;
/// Occurrences to come that are shown.
pub(super) const NEXT: usize = 5;
/// Decisions in a schedule's strip.
const STRIP: usize = 20;

/// The address's query.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Asked {
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing)]
    v: Option<String>,
}

/// What a button's address says besides the schedule.
#[derive(Deserialize)]
pub(super) struct Pressed {
    /// `list` if the button is in the list.
    on: Option<String>,
}

/// GET `/schedules` and `/schedules/list-part`.
pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = page::query(query)?;
    let (page, size) = (asked.page.unwrap_or(1), asked.size.unwrap_or(ROWS));
    if !(1..=MAX_PAGE).contains(&page) || !ui::SIZES.contains(&size) {
        return Err(Problem::input("Pages count from 1, and have 10, 20, 50 or 100 rows."));
    }
    let store = &app.web.store;
    let (schedules, total) = store.schedules((page - 1) * size, size as usize).await?;
    let mut rows = Vec::with_capacity(schedules.len());
    let (role, now) = (signed_in.account.role, app.web.clock.now());
    for schedule in &schedules {
        let decisions = store.schedule_decisions(schedule.id, STRIP).await?;
        rows.push(row(schedule, &decisions, role, now));
    }
    let link = |page, size| {
        page::link(PATH, &Asked { page: Some(page), size: Some(size), ..Asked::default() })
    };
    let content = html! {
        @if total == 0 {
            (ui::empty("No schedules yet", &html! {
                "A schedule makes jobs by the clock. Add one with " code { "lamplighter schedules add" } "."
            }))
        } @else {
            (ui::table("Schedules", &["Schedule", "When", "Next five", "Last decisions", ""], &rows))
            (ui::numbered_pager("schedules", page, size, total, link))
        }
    };
    let part = LivePart {
        id: "schedule-list",
        path: &page::link(PART_PATH, &asked),
        version: page::version(&schedules.iter().map(state).collect::<Vec<_>>()),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&signed_in)).at(Tab::Schedules);
    let around = |part| html! { section.card { (part) } };
    let face = (caller.face, asked.v.as_deref());
    Ok(page::live_page(&frame, Tab::Schedules.title(), &part, around, face))
}

/// POST `/schedules/{name}/run-now`: stores a job as the schedule makes them, and leads to it.
pub(super) async fn run_now(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let name = name(path)?;
    let actor = caller.acting_as(&signed_in.account.username);
    let run = app.web.store.run_schedule_now(name, actor, app.web.clock.now());
    let id = run.await?;
    Ok(match caller.face {
        Face::Json => Json(json!({"job_id": id.to_string()})).into_response(),
        Face::Page | Face::Fragment => respond::see_other(&format!("/jobs/{id}")),
    })
}

/// POST `/schedules/{name}/pause`.
pub(super) async fn pause(
    state: State<App>,
    caller: Extension<Caller>,
    signed_in: Extension<SignedIn>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<Pressed>, QueryRejection>,
) -> Result<Response, Problem> {
    set_paused(true, state, (caller, signed_in), path, query).await
}

/// POST `/schedules/{name}/resume`.
pub(super) async fn resume(
    state: State<App>,
    caller: Extension<Caller>,
    signed_in: Extension<SignedIn>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<Pressed>, QueryRejection>,
) -> Result<Response, Problem> {
    set_paused(false, state, (caller, signed_in), path, query).await
}

async fn set_paused(
    paused: bool,
    State(app): State<App>,
    (Extension(caller), Extension(signed_in)): (Extension<Caller>, Extension<SignedIn>),
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<Pressed>, QueryRejection>,
) -> Result<Response, Problem> {
    let (name, shown) = (name(path)?, page::query(query)?);
    let actor = caller.acting_as(&signed_in.account.username);
    let (store, now) = (&app.web.store, app.web.clock.now());
    let done = if paused {
        store.pause_schedule(name.clone(), actor, now).await
    } else {
        store.resume_schedule(name.clone(), actor, now).await
    };
    done?;
    Ok(pressed(&name, paused, caller.face, &shown))
}

fn pressed(name: &ScheduleName, paused: bool, face: Face, pressed: &Pressed) -> Response {
    match face {
        Face::Json => Json(json!({"schedule": name.as_str(), "paused": paused})).into_response(),
        Face::Page | Face::Fragment if pressed.on.as_deref() == Some("list") => {
            respond::see_other(PATH)
        }
        Face::Page | Face::Fragment => respond::see_other(&link(name)),
    }
}

/// Where a schedule's own page is.
pub(super) fn link(name: &ScheduleName) -> String {
    format!("{PATH}/{name}")
}

/// The schedule that the path names.
pub(super) fn name(path: Result<Path<String>, PathRejection>) -> Result<ScheduleName, Problem> {
    let Path(name) = path.map_err(|_| Problem::input("This is no schedule's name."))?;
    ScheduleName::parse(name).map_err(|_| unknown())
}

/// What stands for a schedule that is not there (404).
pub(super) fn unknown() -> Problem {
    Problem::of(Code::ScheduleUnknown)
}

/// What of a schedule can change.
pub(super) fn state(schedule: &Schedule) -> impl std::hash::Hash + use<> {
    let Schedule { id, cursor_at, next_at, paused_at, updated_at, .. } = *schedule;
    (id, cursor_at, next_at, paused_at, updated_at)
}

fn row(schedule: &Schedule, decisions: &[PastDecision], role: Role, now: Timestamp) -> Markup {
    html! {
        tr {
            td {
                a id={ "schedule-" (schedule.id) } href=(link(&schedule.name)) { (schedule.name) }
                @if let Ok(plan) = &schedule.plan {
                    div.text-secondary { "makes " (plan.kind) }
                }
            }
            td.note {
                (badge(schedule)) " "
                @match &schedule.plan {
                    Ok(plan) => (plan.rule.in_words()),
                    Err(why) => span.text-danger-strong { "It cannot be read: " (why) },
                }
            }
            td data-label="Next" { (next(schedule, now)) }
            td data-label="Last" { (strip(decisions)) }
            td { (buttons(schedule, role, "?on=list")) }
        }
    }
}

/// The next five occurrences, the first to the second.
fn next(schedule: &Schedule, now: Timestamp) -> Markup {
    let Ok(plan) = &schedule.plan else { return html! { "–" } };
    let mut upcoming = schedule.upcoming(now);
    let (first, later) = (upcoming.next(), upcoming.take(NEXT - 1));
    let later: Vec<_> = later.map(|at| plan.rule.local_as(at, "%-d %b %H:%M")).collect();
    html! {
        @match (schedule.paused_at, first) {
            (Some(at), _) => span.text-secondary { "none since " (when(at, now)) },
            (None, None) => span.text-secondary { "none any more" },
            (None, Some(first)) => {
                div { (plan.rule.local(first)) ", " (when(first, now)) }
                // Two a line: a column of the table is no wider than its longest line.
                @for pair in later.chunks(2) { div.text-secondary { (pair.join(", ")) } }
            },
        }
    }
}

/// The last decisions, the newest at the end, at most 20.
pub(super) fn strip(decisions: &[PastDecision]) -> Markup {
    if decisions.is_empty() {
        return html! { span.text-secondary { "none yet" } };
    }
    let decisions = &decisions[..decisions.len().min(STRIP)];
    let made = decisions.iter().filter(|decision| decision.job_id.is_some()).count();
    let label = format!("The last decisions: {}, of which {made} made a job", decisions.len());
    html! {
        div.tracking role="img" aria-label=(label) {
            @for _ in decisions.len()..STRIP { div.tracking-block {} }
            @for decision in decisions.iter().rev() {
                div class={ "tracking-block " (colour(&decision.decision)) }
                    title={ (ui::exact(decision.occurrence_at)) ": " (word(&decision.decision)) " " (decision.detail) } {}
            }
        }
    }
}

fn colour(decision: &str) -> &'static str {
    match decision {
        "fired" => "bg-success",
        "caught_up" => "bg-info",
        "merged" => "bg-secondary",
        "skipped" => "bg-warning",
        _ => "bg-danger",
    }
}

/// A decision as people read it; other programs may write words of their own.
pub(super) fn word(decision: &str) -> &str {
    match decision {
        "fired" => "Fired",
        "caught_up" => "Caught up",
        "merged" => "Merged",
        "skipped" => "Skipped",
        "over_budget" => "Over budget",
        other => other,
    }
}

/// Whether it makes jobs.
pub(super) fn badge(schedule: &Schedule) -> Markup {
    let (class, word) = match schedule {
        Schedule { plan: Err(_), .. } => ("badge badge-failed", "Unreadable"),
        Schedule { paused_at: Some(_), reserved: true, .. } => ("badge", "Off"),
        Schedule { paused_at: Some(_), .. } => ("badge badge-warning", "Paused"),
        Schedule { next_at: None, .. } => ("badge", "Over"),
        _ => ("badge badge-completed", "Active"),
    };
    html! { span class=(class) { (word) } }
}

/// What an operator may do to it. `on` says which page the buttons are on.
pub(super) fn buttons(schedule: &Schedule, role: Role, on: &str) -> Markup {
    let action = |deed: &str| format!("{}/{deed}{on}", link(&schedule.name));
    let form = |deed: &str, word: &str| {
        html! {
            form method="post" action=(action(deed)) {
                button.btn.btn-sm type="submit" aria-label={ (word) " " (schedule.name) } { (word) }
            }
        }
    };
    html! {
        @if role >= Role::Operator {
            div.actions {
                @if schedule.plan.is_ok() { (form("run-now", "Run now")) }
                @if !schedule.reserved {
                    @if schedule.paused_at.is_some() { (form("resume", "Resume")) }
                    @else if schedule.plan.is_ok() { (form("pause", "Pause")) }
                }
            }
        }
    }
}
