//! The page of errors: failed attempts that say the same are one row, with how often they came and what is still failed.

use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::components::{Way, empty, error_rows, grouped, tabs};
use super::extract::Query;
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use crate::actions::errors::{self, Range};
use crate::actions::jobs;
use crate::model::{BulkAct, Filter, JobErrorGroup, Role, Timestamp};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

pub(super) const PATH: &str = Tab::Errors.path();
pub(super) const PART_PATH: &str = "/errors/part";

/// Which errors a tab of the page has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Shows {
    /// Those that nobody has muted.
    #[default]
    Active,
    /// Those that were met for the first time a short while ago.
    New,
    /// Those that somebody has muted.
    Muted,
}

impl Shows {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Active, "Active"), (Self::New, "New"), (Self::Muted, "Muted")];

    fn has(self, error: &JobErrorGroup, now: Timestamp) -> bool {
        match self {
            Self::Active => !error.is_muted(now),
            Self::New => !error.is_muted(now) && errors::is_new(error, now),
            Self::Muted => error.is_muted(now),
        }
    }
}

/// The address's query.
#[derive(Default, Deserialize)]
pub(super) struct ErrorsQuery {
    range: Option<String>,
    #[serde(default)]
    state: Shows,
    v: Option<String>,
}

/// The query of a link to the page.
#[derive(Serialize)]
struct Asked {
    range: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Shows>,
}

fn asked(range: Range, shows: Shows) -> Asked {
    let state = Some(shows).filter(|shows| *shows != Shows::Active);
    Asked { range: range.as_str(), state }
}

/// GET `/errors` and `/errors/part`.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(query): Query<ErrorsQuery>,
) -> Result<Response, Problem> {
    let range = Range::parse(query.range.as_deref())?;
    let (now, shows) = (app.web.clock.now(), query.state);
    let all = errors::list(&app.web.store, range, now).await?;
    let listed: Vec<_> = all.iter().filter(|error| shows.has(error, now)).collect();
    let content = html! {
        (state_tabs(&all, range, shows, now))
        @if listed.is_empty() { (nothing(shows, range)) }
        @else {
            (error_rows(&listed, (range.words(), range.length()), who.role(), now))
            p.card-footer.soft { (foot(&listed)) }
        }
    };
    let state = |error: &&JobErrorGroup| {
        (error.fingerprint.clone(), error.failures, error.still_failed, error.is_muted(now))
    };
    let part = LivePart {
        id: "error-list",
        link: &link(PART_PATH).with(&asked(range, shows)),
        version: version(&listed.iter().map(state).collect::<Vec<_>>()),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Errors);
    let around = |part| {
        html! {
            div.query {
                (ranges(range, |range| link(PATH).with(&asked(range, shows))))
                @if shows == Shows::Active && all.iter().any(|error| error.still_failed > 0) { (retry_all(range, who.role())) }
            }
            section.card { (part) }
        }
    };
    let faced = (who.face(), query.v.as_deref());
    Ok(live_page(&frame, Tab::Errors.title(), &part, around, faced))
}

/// The switch between ranges of time.
pub(super) fn ranges(open: Range, link: impl Fn(Range) -> Link) -> Markup {
    html! {
        div.seg role="group" aria-label="Range" {
            @for range in Range::ALL {
                a href=(link(range)) aria-current=[(range == open).then_some("true")] { (range.words()) }
            }
        }
    }
}

fn state_tabs(all: &[JobErrorGroup], range: Range, open: Shows, now: Timestamp) -> Markup {
    let way = |(shows, name): (Shows, &str)| Way {
        name: name.to_owned(),
        count: Some(all.iter().filter(|error| shows.has(error, now)).count() as u64),
        link: link(PATH).with(&asked(range, shows)),
        is_open: shows == open,
    };
    tabs("Errors by state", &Shows::ALL.map(way))
}

/// The way to the preview of a retry of everything that failed in the range and was not run again, muted errors' jobs too.
fn retry_all(range: Range, role: Role) -> Markup {
    let filter = Filter::default().still_failed().since(range.length());
    html! {
        @if jobs::may_act(role) {
            a.btn href=(nav::bulk(BulkAct::Retry, &filter)) { "Retry all failed jobs of the last " (range.words()) "…" }
        }
    }
}

fn nothing(shows: Shows, range: Range) -> Markup {
    let title = match shows {
        Shows::Active => "No errors",
        Shows::New => "No new errors",
        Shows::Muted => "No muted errors",
    };
    let wider = Range::Month;
    let next = html! {
        "No attempt of a job failed in the last " (range.words()) " with an error that is listed here. "
        @if range != wider { a href=(link(PATH).with(&asked(wider, shows))) { "Look back 30 days" } }
    };
    empty(title, &next)
}

fn foot(shown: &[&JobErrorGroup]) -> Markup {
    let failed: u64 = shown.iter().map(|error| error.still_failed).sum();
    html! {
        (grouped(shown.len() as u64)) @if shown.len() == 1 { " error, " } @else { " errors, " }
        (grouped(failed)) @if failed == 1 { " failed job. " } @else { " failed jobs. " }
        "Equal errors are one row: ‹n›, ‹id›, ‹host› and ‹…› stand for what differs."
    }
}
