//! The form of the prompt: a text, or the shipped one again.

use super::super::answer::see_other;
use super::super::app::App;
use super::super::caller::Signed;
use super::super::extract::Form;
use super::super::face::Face;
use super::super::nav::Tab;
use super::super::problem::Problem;
use super::super::setting::Said;
use super::slices::ListsQuery;
use super::{page, prompt};
use crate::monitor;
use crate::monitor::prompt::SETTING;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

/// Largest body, in bytes: the longest prompt with every byte of it as `%xx`.
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
    let now = app.web.clock.now();
    let done = monitor::prompt::save(&app.web.store, text.as_deref(), who.actor(), now).await;
    let said = match (done.map_err(Problem::from), text) {
        (Err(problem), Some(text)) if problem.status().is_client_error() => {
            let mut said = Said::default();
            said.refuse(SETTING, text, &problem);
            said
        }
        (done, _) => {
            done?;
            Said::saved(Some(word))
        }
    };
    match who.face() {
        Face::Json => said.as_json(),
        Face::Page if !said.is_refusal() => {
            let page = Tab::SelfMonitoring.path();
            Ok(see_other(&format!("{page}?saved={word}#prompt")))
        }
        Face::Page => {
            let page = page::whole(&app, &who, &ListsQuery::default(), &said).await?;
            Ok((said.status(), page).into_response())
        }
        Face::Fragment => {
            let template = monitor::prompt::load(&app.web.store).await?;
            let section = prompt::section(&template, who.role(), &said);
            Ok((said.status(), Html(section.into_string())).into_response())
        }
    }
}
