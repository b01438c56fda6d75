//! The buttons by which an operator changes an issue.

use super::super::answer::answered;
use super::super::app::App;
use super::super::caller::Signed;
use super::super::extract::Id;
use super::super::named::IssueAndDeed;
use super::super::nav;
use super::super::problem::Problem;
use crate::actions::issues;
use axum::extract::State;
use axum::response::Response;

pub(in crate::web) const PATH: &str = "/admin/self-monitoring/issues/{id}/{deed}";

/// POST `/admin/self-monitoring/issues/{id}/{deed}`: closes, opens, mutes or unmutes an issue.
pub(in crate::web) async fn change(
    State(app): State<App>,
    who: Signed,
    Id(IssueAndDeed(id, deed)): Id<IssueAndDeed>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let changed = issues::change(&app.web.store, &call, id, deed.parse()?).await?;
    Ok(answered(who.face(), &changed, &nav::issue(id)))
}
