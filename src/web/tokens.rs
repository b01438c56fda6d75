//! The page of the tokens that programs show instead of a password, and the form that makes one.
//!
//! A person sees their own; an admin sees everybody's.
//!
//! *Invariant:* the text of a token is in the one answer that makes it, and in no other.

use super::answer::led;
use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{Tone, card, confirm, copy_button, notice, settings_tabs, table, when};
use super::extract::{Form, Id, Query, given};
use super::face::Face;
use super::named::TokenId;
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::problem::Problem;
use super::setting::Said;
use crate::actions::Answer;
use crate::actions::tokens::{self, TokenAdd};
use crate::model::{Role, Scope, Timestamp, Token};
use crate::wire;
use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const ROTATE_PATH: &str = "/tokens/{id}/rotate";
pub(super) const REVOKE_PATH: &str = "/tokens/{id}/revoke";
/// What the page says after something was done.
const SAVED: &[(&str, &str)] = &[("revoked", "The token is revoked and opens nothing any more.")];
/// The choice of a token without an end.
const ENDLESS: &str = "never";
/// How long a token may count, as the form offers it. The second is what is chosen unless somebody chooses.
const LIVES: [(&str, &str); 5] = [
    ("7d", "7 days"),
    ("90d", "90 days"),
    ("180d", "180 days"),
    ("365d", "365 days"),
    (ENDLESS, "without an end"),
];

/// The address's query.
#[derive(Deserialize)]
pub(super) struct TokensQuery {
    saved: Option<String>,
}

/// The form that makes a token.
#[derive(Deserialize)]
pub(super) struct TokenForm {
    name: String,
    role: Option<String>,
    scopes: Option<String>,
    kinds: Option<String>,
    queues: Option<String>,
    life: Option<String>,
}

impl TokenForm {
    fn request(self) -> Result<TokenAdd, Problem> {
        let (role, kinds, queues) = (given(self.role), given(self.kinds), given(self.queues));
        let scopes = self.scopes.unwrap_or_default();
        let endless = self.life.as_deref() == Some(ENDLESS);
        let life = given(self.life).filter(|_| !endless);
        Ok(TokenAdd {
            name: self.name,
            owner: None,
            power: tokens::parse_power(
                &scopes,
                role.as_deref(),
                kinds.as_deref(),
                queues.as_deref(),
            )?,
            life: tokens::parse_life(life.as_deref(), endless)?,
        })
    }
}

/// GET `/tokens`.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<TokensQuery>,
) -> Result<Html<String>, Problem> {
    let now = app.web.clock.now();
    let all = tokens::list(&app.web.store, &who.call(now)).await?;
    let said = Said::saved(asked.saved.as_deref(), SAVED).banner();
    Ok(page_of(&app, &who, &all, &said, now))
}

/// POST `/tokens`: makes a token, and shows its text.
pub(super) async fn create(
    State(app): State<App>,
    who: Signed,
    Form(form): Form<TokenForm>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let made = tokens::create(&app.web.store, &call, form.request()?).await?;
    shown_once(&app, &who, &made, call.now).await
}

/// POST `/tokens/{id}/rotate`: gives a token another text, and shows it.
pub(super) async fn rotate(
    State(app): State<App>,
    who: Signed,
    Id(TokenId(id)): Id<TokenId>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let made = tokens::rotate(&app.web.store, &call, &id).await?;
    shown_once(&app, &who, &made, call.now).await
}

/// POST `/tokens/{id}/revoke`.
pub(super) async fn revoke(
    State(app): State<App>,
    who: Signed,
    Id(TokenId(id)): Id<TokenId>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let revoked = tokens::revoke(&app.web.store, &call, &id).await?;
    Ok(led(who.face(), &revoked, &link(nav::TOKENS).with(&[("saved", "revoked")])))
}

/// The one answer that has the text of a token. It leads to no other page, because an address would have to hold the text.
async fn shown_once(
    app: &App,
    who: &Signed,
    made: &Answer<wire::TokenMade>,
    now: Timestamp,
) -> Result<Response, Problem> {
    if who.face() == Face::Json {
        return Ok(Json(made.as_wire()).into_response());
    }
    let all = tokens::list(&app.web.store, &who.call(now)).await?;
    let text = html! {
        (made.sentence) br; code #token-text { (made.value.token.as_str()) } " " (copy_button("token-text", "The token")) br;
        "Copy it now to the program that needs it: nobody can see it again."
    };
    let said = notice(Tone::Ok, &text, &html! {});
    Ok(match who.face() {
        Face::Fragment => Html(part(who, &all, &said, now).into_string()).into_response(),
        Face::Page | Face::Json => page_of(app, who, &all, &said, now).into_response(),
    })
}

fn page_of(app: &App, who: &Signed, all: &[Token], said: &Markup, now: Timestamp) -> Html<String> {
    let content = html! {
        (settings_tabs(who, nav::TOKENS, app.web.has_program()))
        div.grid {
            (part(who, all, said, now))
            div.wide { (card("token-new", "Make a token", &html! {}, &form(who.role()))) }
        }
    };
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Settings).still();
    page::page(&frame, "API tokens", &content)
}

/// The part of the page that is new after a token was made.
fn part(who: &Signed, all: &[Token], said: &Markup, now: Timestamp) -> Markup {
    let rows: Vec<_> = all.iter().map(|token| row(token, who, now)).collect();
    let columns = ["Name", "May do", "Ends", "Last used", "Made", ""];
    html! {
        div.wide #token-list {
            (said)
            (card("tokens", "API tokens", &html! {}, &html! {
                @if rows.is_empty() {
                    p.card-body.soft {
                        "There is no token. A program shows one instead of a password, and acts for its owner."
                    }
                } @else {
                    (table("API tokens", &columns, &rows))
                }
            }))
        }
    }
}

fn row(token: &Token, who: &Signed, now: Timestamp) -> Markup {
    let shown = wire::Token::of(token, now);
    let is_own = token.owner.username == who.person.name;
    html! {
        tr {
            td.note {
                strong { (token.name) } " " code { (token.id) }
                @if !is_own { " of " (token.owner.username) }
                @if shown.expired { " " span.badge.tag-bad { "over" } }
                @if token.owner.disabled_at.is_some() { " " span.badge.tag-bad { "owner disabled" } }
            }
            td.note data-label="May do" {
                (shown.scopes.join(", "))
                @if let Some(kinds) = &shown.kinds { "; only the kinds " (kinds.join(", ")) }
                @if let Some(queues) = &shown.queues { "; only the queues " (queues.join(", ")) }
            }
            td data-label="Ends" { @match token.expires_at { Some(at) => { (when(at, now)) div.sub { (who.clocks().minute(at)) } }, None => "never" } }
            td data-label="Last used" { @match token.used_at { Some(at) => (when(at, now)), None => "never" } }
            td data-label="Made" { (when(token.created_at, now)) }
            td { div.actions { (deeds(token)) } }
        }
    }
}

/// The buttons that change a token, each behind its consequence.
fn deeds(token: &Token) -> Markup {
    let at = |deed: &str| link(nav::TOKENS).under(&token.id).under(deed);
    let (rotate, revoke) = (at("rotate"), at("revoke"));
    html! {
        (confirm(&format!("rotate-{}", token.id), "Rotate", &html! {
            "The token gets a new text, which is shown once. The one before counts for 24 hours more."
        }, &html! {
            form method="post" action=(rotate) hx-post=(rotate) hx-target="#token-list" hx-swap="outerHTML" {
                button.btn.btn-sm type="submit" { "Rotate now" }
            }
        }))
        (confirm(&format!("revoke-{}", token.id), "Revoke", &html! {
            "Programs that show the token are refused from now on. That cannot be undone."
        }, &html! {
            form method="post" action=(revoke) hx-post=(revoke) hx-swap="none" {
                button.btn.btn-sm.btn-danger type="submit" { "Revoke now" }
            }
        }))
    }
}

fn form(role: Role) -> Markup {
    let action = link(nav::TOKENS);
    let scopes = Scope::of_role(role);
    let all = scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
    let list = |name: &str, label: &str, example: &str| {
        html! {
            div.setting {
                label.form-label for={ "token-" (name) } { (label) }
                input .form-control id={ "token-" (name) } name=(name) maxlength="2000" autocomplete="off" spellcheck="false"
                    autocapitalize="none" placeholder=(example);
            }
        }
    };
    html! {
        form.card-body.settings-form method="post" action=(action) hx-post=(action) hx-target="#token-list"
            hx-swap="outerHTML show:window:top" data-emptied {
            div.setting-row {
                div.setting {
                    label.form-label for="token-name" { "Name" }
                    input #token-name .form-control name="name" required maxlength="64" autocomplete="off" spellcheck="false"
                        autocapitalize="none" placeholder="shop-backend";
                }
                div.setting {
                    label.form-label for="token-role" { "May do" }
                    select #token-role .form-select name="role" {
                        option value="" { "only the scopes below" }
                        @for of in tokens::roles_of(role) { option value=(of.as_str()) { "all scopes of the role " (of.as_str()) } }
                    }
                }
                (list("scopes", "Scopes", "jobs:read, jobs:write"))
                (list("kinds", "Only these kinds of jobs", "all"))
                (list("queues", "Only these queues", "all"))
                div.setting {
                    label.form-label for="token-life" { "Ends after" }
                    select #token-life .form-select name="life" {
                        @for (life, words) in LIVES {
                            option value=(life) selected[life == LIVES[1].0] { (words) }
                        }
                    }
                }
            }
            div.actions { button.btn.btn-primary type="submit" { "Make token" } }
            p.form-hint { "Scopes, with commas: " (all) }
            p.form-hint { "The token acts for you, and never beyond the role that you have at that moment." }
        }
    }
}
