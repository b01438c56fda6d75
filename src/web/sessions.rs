//! The list of sessions, and what they cost.

use super::App;
use super::access::SignedIn;
use super::caller::Caller;
use super::page::{self, Frame, LivePart, Tab};
use super::respond::Problem;
use super::spend::{self, usd};
use super::ui::{self, badge, elapsed, when_known};
use crate::model::{JobId, Session, SessionRequest, Timestamp, Trigger};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

pub(super) const PATH: &str = "/sessions";
/// With a hyphen, which no session's id has.
pub(super) const PART_PATH: &str = "/sessions/list-part";
/// Sessions on a page unless the address says otherwise.
const ROWS: u64 = 20;
/// Highest page number that is looked up; beyond it the list is over anyway.
const MAX_PAGE: u64 = 1_000_000;
/// Characters of a prompt in a row.
const HEAD: usize = 100;

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

/// GET `/sessions` and `/sessions/list-part`.
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
    let now = app.web.clock.now();
    let skip = (page - 1) * size;
    let (sessions, total) = app.web.store.sessions(skip, size as usize).await?;
    // Those that the engine has not looked at yet are in no count.
    let total = if sessions.is_empty() { total } else { total.max(skip + sessions.len() as u64) };
    let figures = spend::figures(&app.web.store, now).await?;
    let link = |page, size| {
        page::link(PATH, &Asked { page: Some(page), size: Some(size), ..Asked::default() })
    };
    let content = html! {
        div.row.row-cards {
            div."col-12" { section.card { (table(&sessions, now)) @if total > 0 { (ui::numbered_pager("sessions", page, size, total, link)) } } }
            div."col-12" { (figures.card()) }
        }
    };
    let states: Vec<_> = sessions.iter().map(state).collect();
    let part = LivePart {
        id: "session-list",
        path: &page::link(PART_PATH, &asked),
        version: page::version(&(states, total, figures.state())),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&signed_in)).at(Tab::Sessions);
    let face = (caller.face, asked.v.as_deref());
    Ok(page::live_page(&frame, Tab::Sessions.title(), &part, |part| part, face))
}

/// Where a session's own page is.
pub(super) fn link(id: JobId) -> String {
    format!("{PATH}/{id}")
}

/// What of a session can change.
pub(super) fn state(session: &Session) -> impl std::hash::Hash + use<> {
    let run = session.run.as_ref();
    let ended = run.is_some_and(|run| run.ended_at.is_some());
    let began = run.map(|run| (run.began_at, run.isolation.is_some(), run.model.clone()));
    let asked_to_stop = session.cancel_requested_at.is_some();
    (session.id, session.status, asked_to_stop, session.progress.clone(), began, ended)
}

fn table(sessions: &[Session], now: Timestamp) -> Markup {
    if sessions.is_empty() {
        let next = html! {
            "Ask for one with the form on the " a href=(Tab::Dashboard.path()) { "dashboard" }
            ", or let a schedule run a prompt file."
        };
        return ui::empty("No sessions here", &next);
    }
    let columns = [
        "Trigger", "Id", "Prompt", "Tier", "Model", "Status", "Started", "Duration", "Turns",
        "Cost",
    ];
    let rows: Vec<_> = sessions.iter().map(|session| row(session, now)).collect();
    ui::table("Sessions", &columns, &rows)
}

fn row(session: &Session, now: Timestamp) -> Markup {
    let run = session.run.as_ref();
    html! {
        tr {
            td { (trigger_badge(session.trigger)) }
            td { a id={ "session-" (session.id) } href=(link(session.id)) { (session.id) } }
            td.note { (headline(session)) }
            td data-label="Tier" { (tier(session)) }
            td.source data-label="Model" { (model(session).unwrap_or("–")) }
            td { (badge(session.status)) }
            td data-label="Started" { (when_known(session.started_at, now)) }
            td data-label="Took" { (elapsed(session.started_at, session.finished_at, now)) }
            td data-label="Turns" { (known(run.and_then(|run| run.num_turns))) }
            td data-label="Cost" { (cost(session)) }
        }
    }
}

/// What made a session, as a word in its colour.
pub(super) fn trigger_badge(trigger: Trigger) -> Markup {
    html! { span class={ "badge trigger-badge-" (trigger) } { (trigger) } }
}

/// The beginning of its prompt, or the name of the file that holds it.
pub(super) fn headline(session: &Session) -> String {
    let Some(request) = &session.request else { return format!("the job {}", session.id) };
    if let Some(file) = &request.prompt_file {
        return format!("{file}.md");
    }
    let prompt = request.prompt.as_deref().unwrap_or_default().trim();
    let first = prompt.lines().next().unwrap_or_default();
    let head: String = first.chars().take(HEAD).collect();
    if head.len() < prompt.len() { format!("{head}…") } else { head }
}

pub(super) fn tier(session: &Session) -> u8 {
    let asked = || session.request.as_ref().map_or(1, SessionRequest::tier);
    session.run.as_ref().map_or_else(asked, |run| run.tier)
}

pub(super) fn model(session: &Session) -> Option<&str> {
    let asked = session.request.as_ref().and_then(|request| request.model.as_deref());
    session.run.as_ref().and_then(|run| run.model.as_deref()).or(asked)
}

/// A number that the program tells at its end.
pub(super) fn known(number: Option<i64>) -> String {
    number.map_or_else(|| "–".to_owned(), |number| number.to_string())
}

pub(super) fn cost(session: &Session) -> String {
    let cost = session.run.as_ref().and_then(|run| run.cost_usd);
    cost.map_or_else(|| "–".to_owned(), usd)
}
