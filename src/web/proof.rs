//! The second question for the password, before what hands out power: accounts, prompts, agents, runs without a sandbox.
//!
//! The answer ends the login by which the person is known, and begins a new one, which counts as fresh for five minutes.

use super::answer::see_other;
use super::app::App;
use super::caller::Signed;
use super::components::{Tone, notice};
use super::extract::Form;
use super::face::Face;
use super::login::{self, Credentials};
use super::nav::Tab;
use super::problem::Problem;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

/// The form.
#[derive(Deserialize)]
pub(super) struct ProofForm {
    password: String,
}

/// POST `/password`: the person who is signed in gives the password anew.
pub(super) async fn prove(
    State(app): State<App>,
    who: Signed,
    headers: HeaderMap,
    Form(form): Form<ProofForm>,
) -> Result<Response, Problem> {
    let now = app.web.clock.now();
    let credentials = Credentials::of(&who.person.name, form.password);
    let (account, _) = login::authenticate(&app, &who.caller, &headers, credentials, now).await?;
    let cookie = login::renew(&app, &who, &account, now).await?;
    let answer = match who.face() {
        Face::Fragment => Html(given().into_string()).into_response(),
        Face::Page | Face::Json => see_other(&Tab::HOME.link()),
    };
    Ok(([(SET_COOKIE, cookie)], answer).into_response())
}

fn given() -> Markup {
    let text =
        html! { "Your password counts for five minutes. Now do again what you wanted to do." };
    notice(Tone::Ok, &text, &html! {})
}
