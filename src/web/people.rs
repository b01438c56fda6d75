//! The page of accounts: who may sign in, with which role, and the form that adds one. It is for admins.

use super::answer::led;
use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{card, password_fields, settings_tabs, table, when};
use super::extract::{Form, Query};
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::problem::Problem;
use super::setting::Said;
use crate::actions::people::{self, Password, UserAdd};
use crate::model::{Account, AccountState, Role, Timestamp};
use axum::extract::State;
use axum::response::{Html, Response};
use maud::{Markup, html};
use serde::Deserialize;

/// What the page says after something was done.
const SAVED: &[(&str, &str)] = &[("removed", "The user is removed and signed out.")];

/// The address's query.
#[derive(Deserialize)]
pub(super) struct PeopleQuery {
    saved: Option<String>,
}

/// The form that adds an account.
#[derive(Deserialize)]
pub(super) struct PersonForm {
    name: String,
    role: String,
    password: String,
    repeat: Option<String>,
}

/// GET `/users`.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<PeopleQuery>,
) -> Result<Html<String>, Problem> {
    let now = app.web.clock.now();
    let all = app.web.store.accounts(now).await?;
    let rows: Vec<_> = all.iter().map(|state| row(state, &who, now)).collect();
    let columns = ["Name", "Role", "State", "Browsers", "Last seen", "Last sign-in", "Created"];
    let content = html! {
        (settings_tabs(&who, nav::PEOPLE, app.web.has_program()))
        (Said::saved(asked.saved.as_deref(), SAVED).banner())
        div.grid {
            div.wide { (card("users", "Users", &html! {}, &table("Users", &columns, &rows))) }
            div.wide { (card("user-new", "Add a user", &html! {}, &form())) }
        }
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Settings).still();
    Ok(page::page(&frame, "Users", &content))
}

/// POST `/users`: adds an account.
pub(super) async fn add(
    State(app): State<App>,
    who: Signed,
    Form(new): Form<PersonForm>,
) -> Result<Response, Problem> {
    let request = UserAdd {
        name: people::parse_name(&new.name)?,
        role: people::parse_role(&new.role)?,
        password: Password::read(new.password, new.repeat.as_deref())?,
    };
    let call = who.call(app.web.clock.now());
    let added = people::add(&app.web.store, &call, request).await?;
    let page = nav::person(&added.value.name).with(&[("saved", "added")]);
    Ok(led(who.face(), &added, &page))
}

fn row(state: &AccountState, who: &Signed, now: Timestamp) -> Markup {
    let AccountState { account, created_at, logins, seen_at, signed_in_at } = state;
    let (name, is_own) = (&account.username, account.username == who.person.name);
    html! {
        tr {
            td.note { a href=(nav::person(name)) { (name) } @if is_own { " " span.badge { "you" } } }
            td data-label="Role" { (account.role.as_str()) }
            td { (person_state(account)) }
            td data-label="Browsers" { (logins) }
            td data-label="Last seen" { @match seen_at { Some(at) => (when(*at, now)), None => "never" } }
            td data-label="Last sign-in" { @match signed_in_at { Some(at) => (when(*at, now)), None => "never" } }
            td data-label="Created" { (when(*created_at, now)) }
        }
    }
}

/// Whether people can sign in to the account, as a badge.
pub(super) fn person_state(account: &Account) -> Markup {
    html! {
        @if account.disabled_at.is_some() { span.badge.tag-bad { "disabled" } }
        @else { span.badge.tag-ok { "enabled" } }
    }
}

/// The choice of a role. `id` tells it from that of another form of the page.
pub(super) fn role_field(id: &str, chosen: Role) -> Markup {
    html! {
        div.setting {
            label.form-label for=(id) { "Role" }
            select .form-select id=(id) name="role" {
                @for role in people::ROLES {
                    option value=(role.as_str()) selected[role == chosen] { (role.as_str()) ": " (role.may()) }
                }
            }
        }
    }
}

fn form() -> Markup {
    let action = link(nav::PEOPLE);
    html! {
        form.card-body.settings-form method="post" action=(action) hx-post=(action) hx-swap="none" {
            div.setting-row {
                div.setting {
                    label.form-label for="user-name" { "Name" }
                    input #user-name .form-control name="name" required maxlength="64" autocomplete="off" spellcheck="false"
                        autocapitalize="none" aria-describedby="user-name-hint";
                    small.form-hint #user-name-hint { "The person signs in with it: a-z, 0-9, ., _, - and @" }
                }
                (role_field("user-role", people::ROLES[0]))
                (password_fields("user"))
            }
            div.actions { button.btn.btn-primary type="submit" { "Add user" } }
            p.form-hint { "Tell the person the password; they can set another one under Your account." }
        }
    }
}
