//! The form that changes the configuration: it sets all of what it names, or nothing.

use super::super::answer::see_other;
use super::super::app::App;
use super::super::base::link;
use super::super::caller::Signed;
use super::super::extract::Form;
use super::super::face::Face;
use super::super::problem::Problem;
use super::super::setting::{self, Said, Sent};
use super::configuration::{self, is_shown};
use super::settings_page::{self, Forms};
use crate::model::settings;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};

/// POST `/admin/self-monitoring/settings`: sets all of what the form names, or nothing.
pub(in crate::web) async fn change(
    State(app): State<App>,
    who: Signed,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let offered: Vec<_> = settings::ALL.iter().filter(|setting| is_shown(setting)).collect();
    let mut changes = setting::wishes(&offered, &sent)?;
    // A field that the form sends back as it was shown asks for no change.
    let before = app.web.store.all_settings().await?;
    changes.retain(|change| {
        !before.iter().any(|state| state.setting.key == change.key && state.text() == change.text)
    });
    let outcome = setting::change(&app.web, &who.call(app.web.clock.now()), &changes).await?;
    let said = outcome.said;
    match who.face() {
        Face::Json => Ok(outcome.json),
        Face::Page if !said.is_refusal() => {
            let page = link(configuration::PATH).with(&[("saved", "settings")]);
            Ok(see_other(&page.at("configuration")))
        }
        Face::Page => {
            let forms = Forms { configuration: &said, prompt: &Said::default() };
            let page = settings_page::whole(&app, &who, forms).await?;
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
