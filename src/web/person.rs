//! The page of one account: its role, its state, its password and its logins. It is for admins.

use super::answer::led;
use super::app::App;
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{card, confirm, logins_card, password_fields, settings_tabs, when};
use super::extract::{Form, Id, Named as _, Query};
use super::named::PersonText;
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::people::{person_state, role_field};
use super::problem::Problem;
use super::setting::Said;
use crate::actions::people::{self, Password};
use crate::model::{AccountState, Timestamp, WhichLogins};
use axum::extract::State;
use axum::response::{Html, Response};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = "/users/{name}";
pub(super) const ROLE_PATH: &str = "/users/{name}/role";
pub(super) const PASSWORD_PATH: &str = "/users/{name}/password";
pub(super) const DISABLE_PATH: &str = "/users/{name}/disable";
pub(super) const ENABLE_PATH: &str = "/users/{name}/enable";
pub(super) const REMOVE_PATH: &str = "/users/{name}/remove";
pub(super) const END_PATH: &str = "/users/{name}/logins/end";
/// What the page says after something was done.
const SAVED: &[(&str, &str)] = &[
    ("added", "The user is added and can sign in."),
    ("role", "The role is as it says here."),
    ("password", "The password is set. Browsers that were signed in have to sign in again."),
    ("disabled", "The user is disabled and signed out; nobody can sign in to the account."),
    ("enabled", "The user can sign in again."),
    ("ended", "The login is ended."),
];

/// The address's query.
#[derive(Deserialize)]
pub(super) struct PersonQuery {
    saved: Option<String>,
}

/// The form that gives another role.
#[derive(Deserialize)]
pub(super) struct RoleForm {
    role: String,
}

/// The form that sets a password.
#[derive(Deserialize)]
pub(super) struct PasswordForm {
    pub(super) password: String,
    pub(super) repeat: Option<String>,
}

/// The form that ends logins.
#[derive(Deserialize)]
pub(super) struct EndForm {
    login: String,
}

impl EndForm {
    /// Which logins are to end: a number, `others`, or `all`.
    pub(super) fn which(&self, who: &Signed) -> Result<WhichLogins, Problem> {
        match (self.login.as_str(), &who.login) {
            ("all", _) => Ok(WhichLogins::All),
            ("others", Some(own)) => Ok(WhichLogins::Others(own.id)),
            (number, _) => Ok(people::parse_login(number)?),
        }
    }
}

/// GET `/users/{name}`.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Id(PersonText(name)): Id<PersonText>,
    Query(asked): Query<PersonQuery>,
) -> Result<Html<String>, Problem> {
    let now = app.web.clock.now();
    let all = app.web.store.accounts(now).await?;
    let is_last = people::is_last_admin(&all, &name);
    let found = all.into_iter().find(|state| state.account.username == name);
    let state = found.ok_or_else(PersonText::unfit)?;
    let logins = people::read_logins(&app.web.store, &who.call(now), &name).await?;
    let own = who.login.as_ref().map(|login| login.id);
    let end = nav::person(&name).under("logins").under("end");
    let content = html! {
        (settings_tabs(&who, nav::PEOPLE, app.web.has_program()))
        (Said::saved(asked.saved.as_deref(), SAVED).banner())
        div.grid {
            div.wide { (account_card(&state, is_last, (who.clocks(), now))) }
            div.wide { (logins_card(&logins, own, &end, now)) }
        }
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Settings).still();
    Ok(page::page(&frame, &format!("User {name}"), &content))
}

/// POST `/users/{name}/role`.
pub(super) async fn set_role(
    State(app): State<App>,
    who: Signed,
    Id(PersonText(name)): Id<PersonText>,
    Form(form): Form<RoleForm>,
) -> Result<Response, Problem> {
    let (call, role) = (who.call(app.web.clock.now()), people::parse_role(&form.role)?);
    let set = people::set_role(&app.web.store, &call, &name, role).await?;
    Ok(led(who.face(), &set, &nav::person(&name).with(&[("saved", "role")])))
}

/// POST `/users/{name}/password`.
pub(super) async fn set_password(
    State(app): State<App>,
    who: Signed,
    Id(PersonText(name)): Id<PersonText>,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    people::known(&app.web.store, &name).await?;
    let password = Password::read(form.password, form.repeat.as_deref())?;
    let call = who.call(app.web.clock.now());
    let set = people::set_password(&app.web.store, &call, &name, password).await?;
    Ok(led(who.face(), &set, &nav::person(&name).with(&[("saved", "password")])))
}

/// POST `/users/{name}/disable`.
pub(super) async fn disable(
    State(app): State<App>,
    who: Signed,
    Id(PersonText(name)): Id<PersonText>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let disabled = people::disable(&app.web.store, &call, &name).await?;
    Ok(led(who.face(), &disabled, &nav::person(&name).with(&[("saved", "disabled")])))
}

/// POST `/users/{name}/enable`.
pub(super) async fn enable(
    State(app): State<App>,
    who: Signed,
    Id(PersonText(name)): Id<PersonText>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let enabled = people::enable(&app.web.store, &call, &name).await?;
    Ok(led(who.face(), &enabled, &nav::person(&name).with(&[("saved", "enabled")])))
}

/// POST `/users/{name}/remove`.
pub(super) async fn remove(
    State(app): State<App>,
    who: Signed,
    Id(PersonText(name)): Id<PersonText>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let removed = people::remove(&app.web.store, &call, &name).await?;
    Ok(led(who.face(), &removed, &super::base::link(nav::PEOPLE).with(&[("saved", "removed")])))
}

/// POST `/users/{name}/logins/end`.
pub(super) async fn end_logins(
    State(app): State<App>,
    who: Signed,
    Id(PersonText(name)): Id<PersonText>,
    Form(form): Form<EndForm>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let ended = people::end_logins(&app.web.store, &call, &name, form.which(&who)?).await?;
    Ok(led(who.face(), &ended, &nav::person(&name).with(&[("saved", "ended")])))
}

/// `is_last` says that it is the only admin, who stays.
fn account_card(state: &AccountState, is_last: bool, (clocks, now): (Clocks, Timestamp)) -> Markup {
    let account = &state.account;
    let (name, action) =
        (&account.username, |deed: &str| nav::person(&account.username).under(deed));
    let role = html! {
        form.settings-form method="post" action=(action("role")) hx-post=(action("role")) hx-swap="none" {
            div.setting-row { (role_field("person-role", account.role)) }
            div.actions { button.btn type="submit" { "Save the role" } }
        }
    };
    card(
        "account",
        "Account",
        &html! { (person_state(account)) },
        &html! {
            div.card-body.lines {
                dl.facts {
                    dt { "Created" } dd { (when(state.created_at, now)) }
                    dt { "Last sign-in" }
                    dd { @match state.signed_in_at { Some(at) => (when(at, now)), None => "never" } }
                    dt { "Last seen" } dd { @match state.seen_at { Some(at) => (when(at, now)), None => "never" } }
                    @if let Some(at) = account.disabled_at { dt { "Disabled" } dd { (clocks.exact(at)) } }
                }
                (role)
                div.actions { (deeds(name, (account.disabled_at.is_some(), is_last), action)) }
            }
        },
    )
}

/// The buttons that change the account, each behind its consequence.
fn deeds(
    name: &str,
    (is_disabled, is_last): (bool, bool),
    action: impl Fn(&str) -> super::base::Link,
) -> Markup {
    let button = |deed: &str, word: &str| {
        html! {
            form method="post" action=(action(deed)) hx-post=(action(deed)) hx-swap="none" {
                button.btn.btn-sm.btn-danger type="submit" { (word) }
            }
        }
    };
    html! {
        @if is_disabled {
            form method="post" action=(action("enable")) hx-post=(action("enable")) hx-swap="none" {
                button.btn.btn-sm type="submit" { "Enable" }
            }
        } @else if !is_last {
            (confirm("disable", "Disable", &html! {
                (name) " is signed out everywhere and cannot sign in until somebody enables the account."
            }, &button("disable", "Disable now")))
        }
        (confirm("set-password", "Set the password", &html! {
            (name) " has to sign in again, with the new password."
        }, &html! {
            form.settings-form method="post" action=(action("password")) hx-post=(action("password")) hx-swap="none" {
                (password_fields("person"))
                div.actions { button.btn.btn-sm.btn-danger type="submit" { "Set the password now" } }
            }
        }))
        @if !is_last {
            (confirm("remove", "Remove", &html! {
                (name) " is signed out and gone for good. What " (name) " did stays in the audit log."
            }, &button("remove", "Remove now")))
        }
    }
}
