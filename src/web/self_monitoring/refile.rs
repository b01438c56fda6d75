//! The offer to file, where issues are filed now, what is open at another tracker or repository.

use super::super::answer::answered;
use super::super::app::App;
use super::super::base::link;
use super::super::caller::Signed;
use super::super::components::confirm;
use super::super::nav::Tab;
use super::super::problem::Problem;
use crate::actions::refile;
use crate::model::{RefileOffer, Role, problems};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

pub(in crate::web) const PATH: &str = "/admin/self-monitoring/refile";
pub(in crate::web) const LEAVE_PATH: &str = "/admin/self-monitoring/refile/leave";

/// POST `/admin/self-monitoring/refile`: has what is open elsewhere filed.
pub(in crate::web) async fn accept(
    State(app): State<App>,
    who: Signed,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let asked = refile::accept(&app.web.store, &call).await?;
    Ok(answered(who.face(), &asked, &Tab::SelfMonitoring.link()))
}

/// POST `/admin/self-monitoring/refile/leave`: leaves it where it is.
pub(in crate::web) async fn leave(
    State(app): State<App>,
    who: Signed,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let left = refile::leave(&app.web.store, &call).await?;
    Ok(answered(who.face(), &left, &Tab::SelfMonitoring.link()))
}

/// The notice with the offer.
pub(super) fn notice(offer: &RefileOffer, role: Role) -> Markup {
    html! {
        div #refile-offer .notice role="status" {
            p { (offer) }
            @if !offer.accepted && refile::may(role) { (buttons(offer)) }
        }
    }
}

fn buttons(offer: &RefileOffer) -> Markup {
    let (what, name) = (problems(offer.problems), offer.home.name());
    let consequence = html! {
        "Each becomes an issue in " (name) ", unless the same problem is known there. The limits and approvals of new issues hold; "
        "the old issues stay as they are."
    };
    html! {
        div.actions {
            (confirm("refile", &format!("File {what} in {name}"), &consequence, &html! {
                form method="post" action=(link(PATH)) {
                    button.btn.btn-sm.btn-primary type="submit" { "File now" }
                }
            }))
            form method="post" action=(link(LEAVE_PATH)) {
                button.btn.btn-sm type="submit" title="They are not offered again" { "Leave them there" }
            }
        }
    }
}
