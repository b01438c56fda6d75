//! The page of one batch: how far it is, how its jobs ended, what follows it, and the button that cancels it.

use super::answer::answered;
use super::app::App;
use super::base::Link;
use super::base::link;
use super::caller::Signed;
use super::components::{batch_badge, batch_bar, card, confirm, status_word, table, when};
use super::extract::{Id, Query};
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, Shown, live_page, version};
use super::problem::Problem;
use crate::actions::batches;
use crate::model::{Batch, BatchId, Filter, Role, Status, Timestamp};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

pub(super) const PATH: &str = "/batches/{id}";
pub(super) const PART_PATH: &str = "/batches/{id}/part";
pub(super) const CANCEL_PATH: &str = "/batches/{id}/cancel";

/// POST `/batches/{id}/cancel`: closes a batch, cancels its jobs that wait, and asks those that run to end.
pub(super) async fn cancel(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<BatchId>,
) -> Result<Response, Problem> {
    let answer = batches::cancel(&app.web.store, &who.call(app.web.clock.now()), id.0).await?;
    Ok(answered(who.face(), &answer, &nav::batch(id)))
}

/// GET `/batches/{id}` and `/batches/{id}/part`.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<BatchId>,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let batch = batches::known(&app.web.store, id.0).await?;
    let now = app.web.clock.now();
    let content = html! {
        div.grid {
            div.wide { (summary(&batch, who.role(), now)) }
            div { (counts(&batch)) }
            div { (facts(&batch, now)) }
        }
    };
    let part = LivePart {
        id: "batch",
        link: &nav::batch(id).under("part"),
        version: version(&batch),
        content: &content,
    };
    let above = [(Tab::Jobs.link(), Tab::Jobs.title()), (link(nav::BATCHES), "Batches")];
    let above = above.map(|(link, name)| (link, name.to_owned())).into();
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Jobs).under(above);
    let title = format!("Batch {id}");
    Ok(live_page(&frame, &title, &part, |part| part, (who.face(), shown.as_deref())))
}

fn summary(batch: &Batch, role: Role, now: Timestamp) -> Markup {
    html! {
        section.card.say {
            (batch_badge(batch)) p { (sentence(batch, now)) }
            @if batches::may_cancel(role) && batch.finished_at.is_none() {
                div.page-actions { (cancel_button(batch)) }
            }
        }
    }
}

/// How far the batch is, and what happens next.
fn sentence(batch: &Batch, now: Timestamp) -> Markup {
    html! {
        @match (batch.finished_at, batch.held, batch.open) {
            (Some(at), _, _) => { "The batch was finished " (when(at, now)) "." },
            (None, true, _) => "A program may add jobs until it closes the batch. The batch is finished when it is closed and none of its jobs is open.",
            (None, false, 1) => "The batch is finished when its last job is over.",
            (None, false, open) => { "The batch is finished when its " (open) " open jobs are over." },
        }
        @if batch.has_then && batch.finished_at.is_none() { " Then a further job is made." }
    }
}

fn cancel_button(batch: &Batch) -> Markup {
    let consequence = html! {
        "Jobs that wait are cancelled, jobs that run are asked to end, and the batch takes no more jobs."
        @if batch.has_then { " The job that follows the batch is made nevertheless." }
    };
    let form = html! {
        form method="post" action=(nav::batch(batch.id).under("cancel")) {
            button.btn.btn-sm.btn-danger type="submit" { "Cancel its jobs" }
        }
    };
    confirm("cancel-batch", "Cancel", &consequence, &form)
}

/// How many jobs are in which state, each with the list of them.
fn counts(batch: &Batch) -> Markup {
    let all = Filter::default().batch(batch.id);
    let row = |word: &str, count: u64, jobs: Link| {
        html! {
            tr {
                td { a href=(jobs) { (word) } }
                td data-label="Jobs" { (count) }
            }
        }
    };
    let ended = [
        (Status::Completed, batch.completed),
        (Status::Failed, batch.failed),
        (Status::Cancelled, batch.cancelled),
    ];
    let open = format!("{all} status:scheduled,queued,running");
    let mut rows = vec![row("Open", batch.open, Tab::Jobs.link().with(&[("q", open)]))];
    let ended = ended.map(|(status, count)| {
        row(status_word(status), count, nav::jobs(&all.clone().status(status)))
    });
    rows.extend(ended);
    rows.push(row("All", batch.total, nav::jobs(&all)));
    let content = html! {
        div.card-body { (batch_bar(batch)) }
        (table("Jobs of the batch", &["State", "Jobs"], &rows))
    };
    card("batch-jobs", "Jobs", &html! {}, &content)
}

fn facts(batch: &Batch, now: Timestamp) -> Markup {
    let content = html! {
        dl.card-body.facts {
            dt { "Name" } dd { (batch.name) }
            dt { "Created" } dd { (when(batch.created_at, now)) }
            dt { "Finished" } dd { @if let Some(at) = batch.finished_at { (when(at, now)) } @else { "not yet" } }
            dt { "Followed by" }
            dd {
                @match batch.then_id {
                    Some(id) => a href=(nav::job(id)) { "job " (id) },
                    None if batch.has_then => "a job that is made when the batch is finished",
                    None => "no job",
                }
            }
        }
    };
    card("batch-facts", "Facts", &html! {}, &content)
}
