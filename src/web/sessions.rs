//! The list of sessions, and what they cost.

use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{numbered_pager, session_state};
use super::extract::{Query, given};
use super::face::Face;
use super::nav::Tab;
use super::page::Frame;
use super::part::{LivePart, fresh, live_page, version};
use super::problem::Problem;
use super::session_rows::{PART_PATH, PATH, rows};
use super::session_search::{self, Search};
use super::session_tiles;
use super::slice::SliceQuery;
use super::spend;
use super::views::Views;
use crate::model::{ListPage, Session, Why};
use axum::extract::State;
use axum::response::Response;
use maud::html;
use serde::Deserialize;

/// The highest page number that is looked up. The list never has so many pages.
const MAX_PAGE: u64 = 1_000_000;

/// The address's query: a page of all sessions, or a search.
#[derive(Clone, Default, Deserialize)]
pub(super) struct ListQuery {
    page: Option<u64>,
    size: Option<u64>,
    q: Option<String>,
    before: Option<i64>,
    /// `tiles`: the figures over the list, as a part.
    of: Option<String>,
    v: Option<String>,
}

/// GET `/sessions` and `/sessions/list-part`.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<ListQuery>,
) -> Result<Response, Problem> {
    let (store, zone, now) = (&app.web.store, who.clocks().zone_or_utc(), app.web.clock.now());
    if who.face() == Face::Fragment && asked.of.as_deref() == Some(session_tiles::TILES) {
        let figures = spend::figures(store, now).await?;
        let (version, tiles) = session_tiles::part(store, &figures, zone, now).await?;
        return Ok(fresh(&version, &tiles, asked.v.as_deref()));
    }
    if let Some(query) = given(asked.q.clone()) {
        return session_search::found(
            &app,
            &who,
            Search { q: query, before: asked.before },
            asked.v.as_deref(),
        )
        .await;
    }
    let asked = SliceQuery { page: asked.page, size: asked.size, v: asked.v };
    let slice = asked.slice(MAX_PAGE)?;
    let (sessions, total) = store.sessions(slice.skip(), slice.most()).await?;
    // The total leaves out sessions that the engine has not looked at yet.
    let total =
        if sessions.is_empty() { total } else { total.max(slice.skip() + sessions.len() as u64) };
    let waiting = sessions.iter().filter(|session| !session.status.is_final()).map(|one| one.id);
    let whys = Why::all_by(store.whys(waiting.collect(), now).await?, zone);
    let figures = spend::figures(store, now).await?;
    let at = |slice| link(PATH).with(&SliceQuery::from(slice));
    let content = html! {
        div.stack {
            div { section.card { (rows(&sessions, &whys, now)) @if total > 0 { (numbered_pager("sessions", slice, total, at)) } } }
            (figures.card())
        }
    };
    let why = |session: &Session| whys.get(&session.id).map(Why::headline);
    let states: Vec<_> = sessions.iter().map(|one| (session_state(one), why(one))).collect();
    let part = LivePart {
        id: "session-list",
        link: &link(PART_PATH).with(&asked),
        version: version(&(states, total, figures.state())),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Sessions);
    let face = (who.face(), asked.v.as_deref());
    let views = Views::of(store, &who, ListPage::Sessions, "").await?;
    let tiles = match who.face() {
        Face::Page => session_tiles::part(store, &figures, zone, now).await?.1,
        Face::Fragment | Face::Json => html! {},
    };
    let around = |part| {
        html! {
            div.stack {
                (tiles)
                div { (session_search::form("", false)) (views.ways()) (part) }
            }
        }
    };
    Ok(live_page(&frame, Tab::Sessions.title(), &part, around, face))
}
