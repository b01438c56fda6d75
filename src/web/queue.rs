//! One queue: what its jobs did over time, by kind, who runs in it; and the button that lets a paused queue go on.

use super::answer::answered;
use super::app::App;
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{card, empty, grouped, table, when_exactly};
use super::errors::ranges;
use super::extract::{Id, Query};
use super::kinds::{by_kind, course, sums};
use super::named::QueueText;
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::problem::Problem;
use super::queues::{page_after, say};
use crate::actions::errors::Range;
use crate::actions::figures;
use crate::actions::queues::{self, QueuePast};
use crate::model::{FiguresOf, Filter, Kind, QueueState, Status, Timestamp};
use axum::extract::State;
use axum::response::{Html, Response};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = "/queues/{name}/figures";

pub(super) const RESUME_PATH: &str = "/queues/{name}/resume";

/// The query of the page's address.
#[derive(Default, Deserialize)]
pub(super) struct QueueQuery {
    range: Option<String>,
}

/// GET `/queues/{name}/figures`: what the queue does now, and what its jobs did over a range of time.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Id(QueueText(queue)): Id<QueueText>,
    Query(query): Query<QueueQuery>,
) -> Result<Html<String>, Problem> {
    let (store, now) = (&app.web.store, app.web.clock.now());
    let range = Range::parse(query.range.as_deref())?;
    let line = queues::line(store, &queue, now).await?;
    let name = line.state.name.clone();
    let of = FiguresOf { queue: Some(name.clone()), kind: None };
    let (asked, clocks) = ((of.clone(), range), who.clocks());
    let kinds = figures::of_kinds(store, asked.clone(), clocks.zone_or_utc(), now).await?;
    let series = figures::of(store, asked, clocks.zone_or_utc(), now).await?;
    let own = nav::queue(&name);
    let jobs = Filter::default().queue(name.clone());
    let pauses = queues::pauses(store, &name).await?;
    let jobs_of = |kind: &Kind| {
        let of_kind = FiguresOf { kind: Some(kind.clone()), ..of.clone() };
        nav::jobs(&figures::jobs_in(&series, &of_kind, None))
    };
    let content = html! {
        div.stack {
            (say(&line, who.role(), now))
            div.actions {
                a.btn.btn-sm href=(nav::jobs(&jobs.clone().status(Status::Queued))) { "Waiting jobs (" (grouped(line.state.queued)) ")" }
                a.btn.btn-sm href=(nav::jobs(&jobs.clone().status(Status::Running))) { "Running jobs (" (grouped(line.state.running)) ")" }
            }
            div.query { (ranges(range, |range| own.with(&[("range", range.as_str())]))) }
            (sums(&of, &series, clocks))
            (card("queue-kinds", "Kinds", &html! {}, &html! {
                @if let Some(kinds) = by_kind(kinds, jobs_of) { (kinds) }
                @else { (empty("No job of this queue ended", &html! { "Kinds of which a job ended in the range appear here." })) }
            }))
            (course(&of, &series, clocks))
            (pauses_card(&pauses, &line.state, clocks, now))
        }
    };
    let frame = Frame::new(&app.web, Some(&who))
        .at(Tab::Queues)
        .under(vec![(Tab::Queues.link(), Tab::Queues.title().to_owned())])
        .heading(html! { span.mono { (name) } })
        .still();
    Ok(page::page(&frame, &format!("Queue {name}"), &content))
}

/// The pauses of the queue, the newest first.
fn pauses_card(pauses: &[QueuePast], state: &QueueState, clocks: Clocks, now: Timestamp) -> Markup {
    let row = |past: &QueuePast| {
        let goes_on = state.pause.as_ref().is_some_and(|pause| pause.at == past.at);
        let resumes = state.pause.as_ref().and_then(|pause| pause.resume_at);
        html! { tr {
            td.main {
                div { @if past.reason.is_empty() { "No reason was given" } @else { (past.reason) } }
                div.sub { "paused by " (past.by) }
            }
            td data-label="paused" { (when_exactly(past.at, clocks, now)) }
            td data-label="ended" {
                @match &past.ended {
                    Some((at, by)) => { (when_exactly(*at, clocks, now)) " by " (by) },
                    None if goes_on => {
                        "not yet"
                        @if let Some(at) = resumes { ", resumes " (when_exactly(at, clocks, now)) }
                    },
                    None => "at its time, or by the next pause",
                }
            }
        } }
    };
    let rows: Vec<_> = pauses.iter().map(row).collect();
    let content = html! {
        @if rows.is_empty() { p.card-body.soft { "The audit log tells of no pause." } }
        @else { (table("Pauses", &["Reason", "Paused", "Ended"], &rows)) }
    };
    card("queue-pauses", "Pauses", &html! {}, &content)
}

/// The query of the button's address.
#[derive(Deserialize)]
pub(super) struct QueueButton {
    /// `queues` if the button is on the page of queues.
    on: Option<String>,
}

/// POST `/queues/{name}/resume`.
pub(super) async fn resume(
    State(app): State<App>,
    who: Signed,
    Id(QueueText(queue)): Id<QueueText>,
    Query(button): Query<QueueButton>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let answer = queues::resume(&app.web.store, &call, &queue).await?;
    let on_queues = button.on.as_deref() == Some("queues");
    let page = if on_queues { page_after(&queue, "resumed") } else { Tab::Dashboard.link() };
    Ok(answered(who.face(), &answer, &page))
}
