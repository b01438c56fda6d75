//! The form of the configuration: sets what it names, all of it or nothing.

use super::super::answer::see_other;
use super::super::app::App;
use super::super::caller::Signed;
use super::super::extract::Form;
use super::super::face::Face;
use super::super::nav::Tab;
use super::super::problem::Problem;
use super::super::setting::{self, Sent};
use super::configuration::{self, KEYS};
use super::page;
use super::slices::ListsQuery;
use crate::monitor::settings;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};

/// POST `/admin/self-monitoring/settings`: sets what the form names, all of it or nothing.
pub(in crate::web) async fn change(
    State(app): State<App>,
    who: Signed,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let offered: Vec<_> = KEYS.iter().filter_map(|key| settings::named(key)).collect();
    let said = setting::change(&app.web, &offered, &sent, &who.actor()).await?;
    match who.face() {
        Face::Json => said.as_json(),
        Face::Page if !said.is_refusal() => {
            let page = Tab::SelfMonitoring.path();
            Ok(see_other(&format!("{page}?saved=settings#configuration")))
        }
        Face::Page => {
            let page = page::whole(&app, &who, &ListsQuery::default(), &said).await?;
            Ok((said.status(), page).into_response())
        }
        Face::Fragment => {
            let (role, now) = (who.role(), app.web.clock.now());
            let section =
                configuration::section(&configuration::read(&app.web).await?, role, &said, now);
            Ok((said.status(), Html(section.into_string())).into_response())
        }
    }
}
