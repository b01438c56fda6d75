//! The two lists of the page, which keep themselves fresh: the history of scans, and the issues.

use super::super::app::App;
use super::super::base::link;
use super::super::caller::Signed;
use super::super::components::live;
use super::super::extract::Query;
use super::super::part::fresh;
use super::super::problem::Problem;
use super::slices::{self, Lists, ListsQuery};
use super::{history, issues};
use crate::model::Timestamp;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

pub(in crate::web) const PATH: &str = "/admin/self-monitoring/lists";

/// GET `/admin/self-monitoring/lists`: history and issues alone, or 204 while the caller shows them already.
pub(in crate::web) async fn lists(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<ListsQuery>,
) -> Result<Response, Problem> {
    let lists = slices::read(&app, &asked, who.clocks()).await?;
    let section = section(&lists, &asked, app.web.clock.now());
    Ok(fresh(&lists.version(), &section, asked.v.as_deref()))
}

/// Both lists, which keep themselves fresh.
pub(super) fn section(lists: &Lists, asked: &ListsQuery, now: Timestamp) -> Markup {
    let content = html! {
        div.grid {
            div.wide { (issues::list(lists, asked, now)) }
            div.wide { (history::list(lists, asked, now)) }
        }
    };
    live("scan-lists", &link(PATH).with(asked), &lists.version(), &content)
}
