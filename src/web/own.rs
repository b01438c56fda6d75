//! The page of one's own account, for everybody who signs in: the browsers that are signed in, and the password.

use super::answer::led;
use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{card, logins_card, password_fields, settings_tabs};
use super::extract::{Form, Query};
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::person::{EndForm, PasswordForm};
use super::problem::Problem;
use super::setting::Said;
use crate::actions::people::{self, Password};
use axum::extract::State;
use axum::response::{Html, Response};
use maud::html;
use serde::Deserialize;

pub(super) const END_PATH: &str = "/account/logins/end";
pub(super) const PASSWORD_PATH: &str = "/account/password";
/// What the page says after something was done.
const SAVED: &[(&str, &str)] = &[("ended", "The login is ended.")];

/// The address's query.
#[derive(Deserialize)]
pub(super) struct OwnQuery {
    saved: Option<String>,
}

/// GET `/account`.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<OwnQuery>,
) -> Result<Html<String>, Problem> {
    let (now, name) = (app.web.clock.now(), &who.person.name);
    let logins = people::read_logins(&app.web.store, &who.call(now), name).await?;
    let own = who.login.as_ref().map(|login| login.id);
    let role = who.role();
    let content = html! {
        (settings_tabs(&who, nav::OWN, app.web.has_program()))
        (Said::saved(asked.saved.as_deref(), SAVED).banner())
        p { "You are signed in as " strong { (name) } " with the role " (role.as_str()) " (" (role.may()) ")." }
        div.grid {
            div.wide { (logins_card(&logins, own, &link(END_PATH), now)) }
            div.wide { (card("password", "Set your password", &html! {}, &html! {
                form.card-body.settings-form method="post" action=(link(PASSWORD_PATH)) hx-post=(link(PASSWORD_PATH)) hx-swap="none" {
                    div.setting-row { (password_fields("own")) }
                    div.actions { button.btn.btn-primary type="submit" { "Set the password" } }
                    p.form-hint { "Every browser, this one too, has to sign in again with it." }
                }
            })) }
        }
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Settings).still();
    Ok(page::page(&frame, "Your account", &content))
}

/// POST `/account/logins/end`.
pub(super) async fn end_logins(
    State(app): State<App>,
    who: Signed,
    Form(form): Form<EndForm>,
) -> Result<Response, Problem> {
    let (call, which) = (who.call(app.web.clock.now()), form.which(&who)?);
    let ended = people::end_logins(&app.web.store, &call, &who.person.name, which).await?;
    Ok(led(who.face(), &ended, &link(nav::OWN).with(&[("saved", "ended")])))
}

/// POST `/account/password`.
pub(super) async fn set_password(
    State(app): State<App>,
    who: Signed,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let password = Password::read(form.password, form.repeat.as_deref())?;
    let call = who.call(app.web.clock.now());
    let set = people::set_password(&app.web.store, &call, &who.person.name, password).await?;
    Ok(led(who.face(), &set, &link(nav::LOGIN)))
}
