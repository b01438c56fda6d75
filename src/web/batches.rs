//! The list of batches. The page of one batch is in `batch`.

use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::components::{batch_badge, batch_bar, empty, pager, table, when};
use super::extract::Query;
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use crate::model::{Batch, Timestamp};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

pub(super) const PATH: &str = nav::BATCHES;
pub(super) const PART_PATH: &str = "/batches/part";
/// How many batches a page shows.
const ROWS: usize = 50;

/// The address's query.
#[derive(Deserialize, Serialize)]
pub(super) struct BatchesQuery {
    /// Only batches with a smaller id.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
    /// The version of the list that the caller shows already.
    #[serde(skip_serializing)]
    v: Option<String>,
}

/// GET `/batches` and `/batches/part`: the newest batches.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<BatchesQuery>,
) -> Result<Response, Problem> {
    let now = app.web.clock.now();
    // One more than the page shows, to know whether older ones follow.
    let mut found = app.web.store.batches(asked.before, ROWS + 1).await?;
    let has_more = found.len() > ROWS;
    found.truncate(ROWS);
    let rows: Vec<_> = found.iter().map(|batch| row(batch, now)).collect();
    let at = |before: Option<i64>| -> Link { link(PATH).with(&BatchesQuery { before, v: None }) };
    let first = asked.before.map(|_| at(None));
    let next = found.last().filter(|_| has_more).map(|last| at(Some(last.id.0)));
    let content = html! {
        @if rows.is_empty() {
            (empty("No batches", &html! {
                "A batch counts jobs that belong together. A program makes one with " code { "jobs.batch(name)" } "."
            }))
        } @else {
            (table("Batches", &["Batch", "State", "Jobs", "Failed", "Created"], &rows))
        }
        (pager(first.as_ref(), next.as_ref().map(|next| (next, "Older"))))
    };
    let part = LivePart {
        id: "batch-list",
        link: &link(PART_PATH).with(&asked),
        version: version(&found),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Jobs);
    let around = |part| html! { section.card { (part) } };
    Ok(live_page(&frame, "Batches", &part, around, (who.face(), asked.v.as_deref())))
}

fn row(batch: &Batch, now: Timestamp) -> Markup {
    html! {
        tr {
            td.note {
                a id={ "batch-" (batch.id) } href=(nav::batch(batch.id)) { (batch.name) }
                div.soft { "batch " (batch.id) }
            }
            td { (batch_badge(batch)) }
            td { (batch_bar(batch)) }
            td data-label="Failed" { (batch.failed) }
            td data-label="Created" { (when(batch.created_at, now)) }
        }
    }
}
