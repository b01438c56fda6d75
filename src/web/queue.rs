//! One queue: what its jobs did over time, by kind, who runs in it; and the button that lets a paused queue go on.

use super::answer::answered;
use super::app::App;
use super::caller::Signed;
use super::components::{card, empty};
use super::errors::ranges;
use super::extract::{Id, Query};
use super::kinds::{by_kind, course, sums};
use super::named::QueueText;
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::problem::Problem;
use super::queues::{page_after, say};
use crate::actions::errors::Range;
use crate::actions::{figures, queues};
use crate::model::{FiguresOf, Kind};
use axum::extract::State;
use axum::response::{Html, Response};
use maud::html;
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
    let jobs_of = |kind: &Kind| {
        let of_kind = FiguresOf { kind: Some(kind.clone()), ..of.clone() };
        nav::jobs(&figures::jobs_in(&series, &of_kind, None))
    };
    let content = html! {
        div.stack {
            (say(&line, who.role(), now))
            div.query { (ranges(range, |range| own.with(&[("range", range.as_str())]))) }
            (sums(&of, &series, clocks))
            (card("queue-kinds", "Kinds", &html! {}, &html! {
                @if let Some(kinds) = by_kind(kinds, jobs_of) { (kinds) }
                @else { (empty("No job of this queue ended", &html! { "Kinds of which a job ended in the range appear here." })) }
            }))
            (course(&of, &series, clocks))
        }
    };
    let frame = Frame::new(&app.web, Some(&who))
        .at(Tab::Queues)
        .under(vec![(Tab::Queues.link(), Tab::Queues.title().to_owned())])
        .heading(html! { span.mono { (name) } })
        .still();
    Ok(page::page(&frame, &format!("Queue {name}"), &content))
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
