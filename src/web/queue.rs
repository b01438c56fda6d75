//! A queue that is paused, and the button that lets it go on.

use super::App;
use super::access::SignedIn;
use super::caller::Caller;
use super::page;
use super::respond::{self, Face, Problem};
use super::ui::{when, when_known};
use crate::error::Code;
use crate::model::{Pause, Queue, Role, Timestamp};
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

pub(super) const RESUME_PATH: &str = "/queues/{name}/resume";

/// What a button's address says besides the queue.
#[derive(Deserialize)]
pub(super) struct Pressed {
    /// `queues` if the button is on their page.
    on: Option<String>,
}

/// POST `/queues/{name}/resume`.
pub(super) async fn resume(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    name: Result<Path<String>, PathRejection>,
    query: Result<Query<Pressed>, QueryRejection>,
) -> Result<Response, Problem> {
    let unknown = || Problem::of(Code::QueueUnknown);
    let on = page::query(query)?.on;
    let Path(name) = name.map_err(|_| unknown())?;
    let queue = Queue::parse(name).map_err(|_| unknown())?;
    let (actor, now) = (caller.acting_as(&signed_in.account.username), app.web.clock.now());
    let resumed = app.web.store.resume_queue(queue.clone(), actor, now).await?;
    Ok(match caller.face {
        Face::Json => Json(json!({"queue": queue.as_str(), "resumed": resumed})).into_response(),
        Face::Page | Face::Fragment if on.as_deref() == Some("queues") => {
            respond::see_other(super::queues::PATH)
        }
        Face::Page | Face::Fragment => respond::see_other(super::dashboard::PATH),
    })
}

/// Says why nothing of a queue starts, and until when.
pub(super) fn paused(queue: &Queue, pause: &Pause, role: Role, now: Timestamp) -> Markup {
    html! {
        div.alert.alert-warning.paused role="status" {
            div {
                strong { "The queue " (queue) " is paused." } " "
                (pause.reason) " "
                span { "By " (pause.by) " " (when(pause.at, now)) }
                @if pause.resume_at.is_some() { ", until " (when_known(pause.resume_at, now)) } "."
            }
            @if role >= Role::Operator {
                form method="post" action={ "/queues/" (queue) "/resume" } {
                    button.btn.btn-sm type="submit" { "Resume" }
                }
            }
        }
    }
}
