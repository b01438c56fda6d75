//! The search of sessions: the newest ones whose prompt, answer or error holds the words of a query.

use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::components::{QueryBox, empty, pager, problem_notice, query_box, session_state};
use super::face::Face;
use super::nav::Tab;
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use super::session_rows::{PART_PATH, PATH, rows};
use super::views::Views;
use crate::actions::jobs::readable;
use crate::actions::sessions::{SessionsAsk, find};
use crate::error::Code;
use crate::model::{Filter, Found, ListPage, Session, Why};
use axum::response::Response;
use maud::{Markup, html};
use serde::Serialize;

/// How many sessions a page shows.
const ROWS: usize = 50;

/// The request for a search, as the links of the page carry it.
#[derive(Clone, Serialize)]
pub(super) struct Search {
    pub(super) q: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<i64>,
}

impl Search {
    fn link(&self, path: &str) -> Link {
        link(path).with(self)
    }
}

/// The page with what was found; `shown` is the version that the caller has.
pub(super) async fn found(
    app: &App,
    who: &Signed,
    search: Search,
    shown: Option<&str>,
) -> Result<Response, Problem> {
    let (store, now) = (&app.web.store, app.web.clock.now());
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Sessions);
    let ask = SessionsAsk { query: search.q.clone(), before: search.before, rows: ROWS };
    let (found, problem) = match find(store, ask.clone(), now).await.map_err(Problem::from) {
        Ok(found) => (found, None),
        // What of the query can be read is shown, and over it why the rest cannot be.
        Err(problem) if who.face() != Face::Json && problem.code() == Code::FilterInvalid => {
            let query = readable(&search.q).to_string();
            (find(store, SessionsAsk { query, ..ask }, now).await?, Some(problem))
        }
        Err(problem) => return Err(problem),
    };
    let views = Views::of(store, who, ListPage::Sessions, &search.q).await?;
    let waiting = found.rows.iter().filter(|session| !session.status.is_final());
    let whys = store.whys(waiting.map(|session| session.id).collect(), now).await?;
    let whys = Why::all_by(whys, who.clocks().zone_or_utc());
    let content = html! {
        section.card {
            @if found.rows.is_empty() { (empty("No such sessions", &nothing(&found))) }
            @else { (rows(&found.rows, &whys, now)) }
            (more(&found, &search))
        }
    };
    let why = |session: &Session| whys.get(&session.id).map(Why::headline);
    let states: Vec<_> = found.rows.iter().map(|one| (session_state(one), why(one))).collect();
    let part = LivePart {
        id: "session-list",
        link: &search.link(PART_PATH),
        version: version(&states),
        content: &content,
    };
    let around = |part| {
        html! {
            @if let Some(problem) = &problem { (problem_notice(problem)) p.soft { (instead(&readable(&search.q))) } }
            (form(&search.q, problem.is_some()))
            (views.form(problem.is_some()))
            (views.ways())
            (part)
        }
    };
    let mut response = live_page(&frame, Tab::Sessions.title(), &part, around, (who.face(), shown));
    // A part that has not changed says so by its status, whatever the query is.
    if let Some(problem) = problem.as_ref().filter(|_| who.face() == Face::Page) {
        *response.status_mut() = problem.status();
    }
    Ok(response)
}

/// What the list shows of a query that cannot be read.
fn instead(filter: &Filter) -> Markup {
    html! {
        @if filter.is_empty() { "All sessions are shown instead." }
        @else { "Sessions that match " code { (filter) } " are shown instead." }
    }
}

/// The form of the search.
pub(super) fn form(query: &str, wrong: bool) -> Markup {
    html! {
        (query_box(&QueryBox {
            action: &link(PATH),
            name: "q",
            label: "Search sessions",
            example: "words, status:failed since:24h took>5m",
            typed: query,
            is_wrong: wrong,
            has_facets: false,
        }, &html! {}))
    }
}

fn nothing(found: &Found<Session>) -> Markup {
    html! {
        (found.looked_through) " sessions were looked through. "
        a href=(link(PATH)) { "Show all sessions" }
    }
}

fn more(found: &Found<Session>, search: &Search) -> Markup {
    let first = search.before.map(|_| Search { before: None, ..search.clone() }.link(PATH));
    let next = found.next.map(|id| Search { before: Some(id), ..search.clone() }.link(PATH));
    let text = format!("{} sessions were looked through: go on", found.looked_through);
    pager(first.as_ref(), next.as_ref().map(|next| (next, text.as_str())))
}
