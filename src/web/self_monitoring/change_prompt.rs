//! The form that changes the prompt: it saves a text, or goes back to the shipped one.

use super::super::answer::see_other;
use super::super::app::App;
use super::super::base::link;
use super::super::caller::Signed;
use super::super::extract::Form;
use super::super::face::Face;
use super::super::problem::Problem;
use super::super::setting::Said;
use super::settings_page::{self, Forms};
use super::{configuration, prompt};
use crate::actions::prompts::{self, PromptName, TEXT_FIELD};
use crate::monitor;
use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

/// The largest body, in bytes: the longest prompt with every byte written as `%xx`.
pub(in crate::web) const MAX_BODY_BYTES: usize = 256 * 1024;

/// The form: a text, or the wish to have the shipped one again.
#[derive(Deserialize)]
pub(in crate::web) struct PromptForm {
    text: Option<String>,
    revert: Option<String>,
}

/// POST `/admin/self-monitoring/prompt`.
pub(in crate::web) async fn change(
    State(app): State<App>,
    who: Signed,
    Form(edit): Form<PromptForm>,
) -> Result<Response, Problem> {
    let text = match (&edit.revert, edit.text) {
        (Some(_), _) => None,
        (None, Some(text)) => Some(text),
        (None, None) => return Err(Problem::input("Send the prompt as text, or revert=yes.")),
    };
    let word = if text.is_none() { "reverted" } else { "prompt" };
    let (store, call) = (&app.web.store, who.call(app.web.clock.now()));
    let name = PromptName::SelfMonitoring;
    let (said, json) = match prompts::save(store, &call, name, text.as_deref()).await {
        Ok(answer) => {
            let json = Json(answer.as_wire()).into_response();
            // The editor names the unknown placeholders itself.
            (Said::done(answer.sentence, Vec::new()), json)
        }
        Err(error) if !error.fields().is_empty() => {
            let typed = text.map(|text| (TEXT_FIELD.to_owned(), text));
            let problem = Problem::from(error);
            (Said::refused(typed, &problem), problem.into_response())
        }
        Err(error) => return Err(error.into()),
    };
    match who.face() {
        Face::Json => Ok(json),
        Face::Page if !said.is_refusal() => {
            let page = link(configuration::PATH).with(&[("saved", word)]);
            Ok(see_other(&page.at("prompt")))
        }
        Face::Page => {
            let forms = Forms { configuration: &Said::default(), prompt: &said };
            let page = settings_page::whole(&app, &who, forms).await?;
            Ok((said.status(), page).into_response())
        }
        Face::Fragment => {
            let template = monitor::prompt::load(&app.web.store).await?;
            let section = prompt::section(&template, who.role(), &said);
            Ok((said.status(), Html(section.into_string())).into_response())
        }
    }
}
