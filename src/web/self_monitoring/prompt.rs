//! The editor of the prompt that scans by the agent are run with.

use super::super::App;
use super::super::access::SignedIn;
use super::super::caller::Caller;
use super::super::login::unfit;
use super::super::respond::{self, Face, Problem};
use super::super::setting::{Said, not_taken};
use super::super::ui;
use super::lists::Asked;
use super::{PATH, PROMPT_PATH};
use crate::model::Role;
use crate::monitor::prompt::{self, PLACEHOLDERS, SETTING, Template};
use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Form, State};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

/// Largest body, in bytes: the longest prompt with every byte of it as `%xx`.
pub(in crate::web) const MAX_BODY_BYTES: usize = 256 * 1024;
/// What can be saved here, and what is said of it.
const SAVED: &[(&str, &str)] = &[
    ("prompt", "The prompt is saved. The next scan uses it."),
    (
        "reverted",
        "The prompt is the shipped one again, and follows it when Lamplighter is upgraded.",
    ),
];

/// The form: a text, or the wish to have the shipped one again.
#[derive(Deserialize)]
pub(in crate::web) struct Edit {
    text: Option<String>,
    revert: Option<String>,
}

/// POST `/admin/self-monitoring/prompt`.
pub(in crate::web) async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    form: Result<Form<Edit>, FormRejection>,
) -> Result<Response, Problem> {
    let Form(edit) = form.map_err(|rejection| unfit(&rejection))?;
    let text = match (&edit.revert, edit.text) {
        (Some(_), _) => None,
        (None, Some(text)) => Some(text),
        (None, None) => return Err(Problem::input("Send the prompt as text, or revert=yes.")),
    };
    let word = if text.is_none() { "reverted" } else { "prompt" };
    let actor = caller.acting_as(&signed_in.account.username);
    let done = prompt::save(&app.web.store, text.as_deref(), actor, app.web.clock.now()).await;
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
    match caller.face {
        Face::Json => said.as_json(),
        Face::Page if !said.is_refusal() => {
            Ok(respond::see_other(&format!("{PATH}?saved={word}#prompt")))
        }
        Face::Page => {
            let page = super::whole(&app, &signed_in, &Asked::default(), &said).await?;
            Ok((said.status(), page).into_response())
        }
        Face::Fragment => {
            let template = prompt::load(&app.web.store).await?;
            let section = section(&template, signed_in.account.role, &said);
            Ok((said.status(), Html(section.into_string())).into_response())
        }
    }
}

/// The editor, folded until somebody wants it; for others than admins the text.
pub(in crate::web) fn section(template: &Template, role: Role, said: &Said) -> Markup {
    let banner = said.banner(SAVED, &[SETTING]);
    let is_open = !banner.0.is_empty();
    html! {
        section #prompt .card {
            details #prompt-editor open[is_open] {
                summary.card-header {
                    h2.card-title { "Prompt" }
                    span.actions {
                        @if template.modified { span.badge.badge-warning { "Modified" } }
                        @else { span.badge { "As shipped" } }
                        span.btn.btn-sm { @if role >= Role::Admin { "Edit" } @else { "Show" } }
                    }
                }
                div.card-body.lines {
                    (banner)
                    @if role >= Role::Admin { (editor(template, said)) } @else { pre { (template.text) } }
                }
            }
        }
    }
}

fn editor(template: &Template, said: &Said) -> Markup {
    let text = said.shown(SETTING, &template.text);
    let unknown = prompt::unknown_placeholders(text);
    html! {
        form.lines method="post" action=(PROMPT_PATH) hx-post=(PROMPT_PATH) hx-target="#prompt" hx-swap="outerHTML"
            hx-disabled-elt="find button" {
            // The line break after the tag is not part of the text.
            textarea.form-control.prompt-text name="text" rows="18" spellcheck="false" aria-label="Prompt of scans"
                aria-describedby="prompt-hint prompt-wrong" { "\n" (text) }
            (not_taken("prompt", said.wrong(SETTING)))
            @if !unknown.is_empty() {
                div.alert.alert-warning role="status" {
                    "These are no placeholders, and stay in the prompt as they are:"
                    @for name in &unknown { " " code { "{" (name) "}" } }
                }
            }
            dl.facts #prompt-hint {
                @for (name, what) in PLACEHOLDERS { dt { code { (name) } } dd { (what) } }
            }
            div.actions { button.btn.btn-primary type="submit" { "Save prompt" } }
        }
        @if template.modified {
            (ui::confirm("prompt-revert", "Revert to default", &html! {
                "The edited prompt is thrown away, and the shipped one holds again."
            }, &html! {
                form method="post" action=(PROMPT_PATH) hx-post=(PROMPT_PATH) hx-target="#prompt" hx-swap="outerHTML" {
                    input type="hidden" name="revert" value="yes";
                    button.btn.btn-sm.btn-stop type="submit" { "Revert now" }
                }
            }))
        }
    }
}
