//! The one-time link by which the first admin sets a password.

use super::answer::see_other;
use super::app::App;
use super::caller::Caller;
use super::components::problem_notice;
use super::extract::{Form, Id, Named as _};
use super::face::Face;
use super::login;
use super::named::SetupText;
use super::nav::Tab;
use super::page::{self, Frame};
use super::problem::Problem;
use super::secret::{self, Secret};
use crate::actions::people::{self, Password};
use crate::error::Result;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::{Html, IntoResponse, Response};
use maud::html;
use serde::Deserialize;
use std::time::Duration;

/// How long a set-up code is valid.
pub const SETUP_CODE_LIFE: Duration = Duration::from_mins(15);

/// A new set-up code. It has no `Debug`, because the code must not reach a log.
pub struct SetupCode {
    /// The text for the link, `/setup/<code>`.
    pub code: String,
    /// The hash, which is what the database stores: see [`Store::set_setup_code`](crate::store::Store::set_setup_code).
    pub hash: String,
}

/// Makes a set-up code of 256 random bits.
///
/// # Errors
/// `WEB-PAGE-001` if the system has no randomness to give.
pub fn new_setup_code() -> Result<SetupCode> {
    let secret = Secret::new()?;
    let hash = secret.hash();
    let code = secret.into_text();
    Ok(SetupCode { code, hash })
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct NewPassword {
    password: String,
    /// The password again. A program may leave it out.
    repeat: Option<String>,
}

/// GET `/setup/{code}`: shows the form and leaves the code as it is.
pub(super) async fn form(
    State(app): State<App>,
    Id(SetupText(code)): Id<SetupText>,
) -> Result<Html<String>, Problem> {
    valid_hash(&app, &code).await?;
    Ok(form_page(&app, None))
}

/// POST `/setup/{code}`: creates the account `admin`, uses the code up and signs the account in.
pub(super) async fn redeem(
    State(app): State<App>,
    caller: Caller,
    Id(SetupText(code)): Id<SetupText>,
    form: Result<Form<NewPassword>, Problem>,
) -> Result<Response, Problem> {
    let code_hash = valid_hash(&app, &code).await?;
    let Form(new) = form?;
    let password = match Password::read(new.password, new.repeat.as_deref()) {
        Ok(password) => password,
        Err(error) => {
            let problem = Problem::from(error);
            return match caller.face {
                Face::Page => {
                    Ok((problem.status(), form_page(&app, Some(&problem))).into_response())
                }
                Face::Fragment | Face::Json => Err(problem),
            };
        }
    };
    let hash = app.hasher.run(move |_| password.hash()).await?;
    let now = app.web.clock.now();
    let remote = Some(caller.remote.to_string());
    let account = people::set_up(&app.web.store, remote, code_hash, hash, now).await?;
    let cookie = login::begin(&app, &caller, &account, now).await?;
    Ok(([(SET_COOKIE, cookie)], see_other(&Tab::Dashboard.link())).into_response())
}

/// The hash of the code in the path, if the code is valid.
async fn valid_hash(app: &App, code: &str) -> Result<String, Problem> {
    let hash = secret::hash(code);
    let valid = app.web.store.setup_code_is_valid(hash.clone(), app.web.clock.now()).await?;
    if valid { Ok(hash) } else { Err(SetupText::unfit()) }
}

fn form_page(app: &App, problem: Option<&Problem>) -> Html<String> {
    let content = html! {
        div.gate {
            (page::brand())
            form.card method="post" { div.card-body {
                h1 { "Set the admin's password" }
                p { "There is no account yet. This creates the account " strong { "admin" } " and signs you in." }
                @if let Some(problem) = problem { (problem_notice(problem)) }
                input type="hidden" name="username" value="admin" autocomplete="username";
                div {
                    label.form-label for="password" { "New password, " (Password::RULE) }
                    input #password .form-control name="password" type="password" autocomplete="new-password"
                        minlength="12" maxlength="128" required autofocus;
                }
                div {
                    label.form-label for="repeat" { "The same again" }
                    input #repeat .form-control name="repeat" type="password" autocomplete="new-password" required;
                }
                button.btn.btn-primary type="submit" { "Create the admin" }
            } }
        }
    };
    page::page(&Frame::new(&app.web, None), "Set-up", &content)
}
