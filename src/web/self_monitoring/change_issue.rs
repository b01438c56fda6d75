//! The buttons by which an operator changes an issue.

use super::super::answer::answered;
use super::super::app::App;
use super::super::caller::Signed;
use super::super::extract::{Id, Query};
use super::super::face::Face;
use super::super::named::IssueAndDeed;
use super::super::problem::Problem;
use super::lists;
use super::slices::{self, ListsQuery};
use crate::actions::issues;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};

pub(in crate::web) const PATH: &str = "/admin/self-monitoring/issues/{id}/{deed}";

/// POST `/admin/self-monitoring/issues/{id}/{deed}`: closes, opens, mutes or unmutes an issue.
pub(in crate::web) async fn change(
    State(app): State<App>,
    who: Signed,
    Id(IssueAndDeed(id, deed)): Id<IssueAndDeed>,
    Query(asked): Query<ListsQuery>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let changed = issues::change(&app.web.store, &call, id, deed.parse()?).await?;
    if who.face() == Face::Fragment {
        let lists = slices::read(&app, &who, &asked).await?;
        let section = lists::section(&lists, &asked, who.role(), call.now);
        return Ok(Html(section.into_string()).into_response());
    }
    Ok(answered(who.face(), &changed, &slices::page_with(&asked)))
}
