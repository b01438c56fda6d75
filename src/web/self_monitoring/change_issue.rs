//! What an operator does to an issue.

use super::super::answer::changed;
use super::super::app::App;
use super::super::caller::Signed;
use super::super::extract::{Id, Query};
use super::super::face::Face;
use super::super::named::IssueAndDeed;
use super::super::problem::Problem;
use super::lists;
use super::slices::{self, ListsQuery};
use crate::model::{IssueChange, IssueState};
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

pub(in crate::web) const PATH: &str = "/admin/self-monitoring/issues/{id}/{deed}";

/// POST `/admin/self-monitoring/issues/{id}/{deed}`: closes, opens, mutes or unmutes an issue.
pub(in crate::web) async fn change(
    State(app): State<App>,
    who: Signed,
    Id(IssueAndDeed(id, deed)): Id<IssueAndDeed>,
    Query(asked): Query<ListsQuery>,
) -> Result<Response, Problem> {
    let now = app.web.clock.now();
    let change = match deed.as_str() {
        "close" => IssueChange::State(IssueState::Completed { closed_at: now }),
        "not-planned" => IssueChange::State(IssueState::NotPlanned { closed_at: now }),
        "reopen" => IssueChange::State(IssueState::Open),
        "mute" => IssueChange::Muted(true),
        "unmute" => IssueChange::Muted(false),
        _ => return Err(Problem::input("An issue is closed, reopened, muted or unmuted.")),
    };
    app.web.store.change_issue(id, change, who.actor(), now).await?;
    if who.face() == Face::Fragment {
        let lists = slices::read(&app, &asked).await?;
        let section = lists::section(&lists, &asked, who.role(), now);
        return Ok(Html(section.into_string()).into_response());
    }
    let outcome = json!({"issue": id.0.to_string(), "done": deed});
    Ok(changed(who.face(), outcome, &slices::link(&asked)))
}
