//! The button that lets a paused queue go on.

use super::answer::answered;
use super::app::App;
use super::caller::Signed;
use super::extract::{Id, Query};
use super::named::QueueText;
use super::nav::Tab;
use super::problem::Problem;
use super::queues::page_after;
use crate::actions::queues;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

pub(super) const RESUME_PATH: &str = "/queues/{name}/resume";

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
