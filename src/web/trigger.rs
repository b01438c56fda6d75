//! The form that asks for a session, and what it posts to.

use super::access::SignedIn;
use super::caller::Caller;
use super::icon::{Icon, icon};
use super::page::given;
use super::respond::{self, Face, Problem};
use super::{App, Web, sessions};
use crate::agents::claude::Model;
use crate::error::{Code, Result};
use crate::model::{
    JobId, MAX_PAYLOAD_BYTES, MAX_PROMPT_BYTES, Pause, Profile, Queue, QueueState, Role,
    SessionRequest, Trigger,
};
use crate::sessions::{AgentState, Asked, request, wishes};
use crate::store::Store;
use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Form, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

pub(super) const PATH: &str = "/sessions/trigger";
/// Largest body, in bytes: the longest prompt with every byte of it as `%xx`, and the other fields.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How long a page waits to hear whether the agent program is there; it is asked once, and tells within a second.
pub(super) const LOOK: Duration = Duration::from_secs(3);

/// The form.
#[derive(Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    prompt: String,
    tier: Option<String>,
    model: Option<String>,
    profile: Option<String>,
    working_dir: Option<String>,
    budget_usd: Option<String>,
    /// `full` from somebody who knows what the profile of that name means.
    confirm: Option<String>,
    /// The session to go on with.
    continues: Option<String>,
    /// `crlf` from our own form: HTML sends every end of a line as CR LF, whatever was typed.
    line_ends: Option<String>,
}

/// What became of a wish.
struct Queued {
    id: JobId,
    ahead: u64,
    paused: Option<Pause>,
}

/// POST `/sessions/trigger`: queues a session, whatever runs or waits already, and does not wait for it.
pub(super) async fn trigger(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    wish: Result<Form<Wish>, FormRejection>,
) -> Result<Response, Problem> {
    let queued = match wish {
        Ok(Form(wish)) => queue(&app.web, wish, &caller, &signed_in).await,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large()),
        Err(_) => Err(Problem::input("This is no form that can be read.")),
    };
    match caller.face {
        Face::Page => Ok(respond::see_other(&sessions::link(queued?.id))),
        Face::Json => Ok(as_json(queued)),
        Face::Fragment => Ok(as_fragment(queued)),
    }
}

async fn queue(
    web: &Web,
    wish: Wish,
    caller: &Caller,
    signed_in: &SignedIn,
) -> Result<Queued, Problem> {
    let confirmed = wish.confirm.as_deref() == Some("full");
    let request_of = wish.request()?;
    let asked_for = match request_of.continues {
        Some(_) => continued(web, request_of).await?,
        None => request_of,
    };
    check(web, &asked_for, confirmed).await?;
    if let Some(reason) = unready(web).await {
        return Err(Problem::of(Code::AgentMissing).saying(reason));
    }
    let asked = Asked {
        trigger: Trigger::Manual,
        actor: caller.acting_as(&signed_in.account.username),
        correlation_id: Some(caller.correlation_id.clone()),
        idempotency_key: None,
    };
    let id = request(&web.store, asked_for, asked, web.clock.now()).await?;
    // It is queued: what is told about that is no reason to say that it is not.
    let ahead = web.store.sessions_ahead(id).await.unwrap_or_default();
    let queue = agent_queue(&web.store).await.unwrap_or_default();
    let paused = queue.and_then(|queue| queue.pause);
    Ok(Queued { id, ahead, paused })
}

impl Wish {
    fn request(self) -> Result<SessionRequest, Problem> {
        let number = |text: Option<String>, what: &str| match given(text) {
            Some(text) => text.parse().map(Some).map_err(|_| Problem::input(what)),
            None => Ok(None),
        };
        let usd = given(self.budget_usd).map(|text| text.trim_start_matches('$').parse::<f64>());
        let model = given(self.model).map(|model| Model::parse(&model)).transpose();
        let prompt = match self.line_ends.as_deref() {
            Some("crlf") => self.prompt.replace("\r\n", "\n"),
            Some(_) | None => self.prompt,
        };
        if prompt.trim().is_empty() {
            return Err(Problem::input("A prompt is required."));
        }
        Ok(SessionRequest {
            prompt: Some(prompt),
            tier: number(self.tier, "A tier is 1, 2 or 3.")?,
            model: model
                .map_err(|_| {
                    Problem::input("This is no model's name: opus, sonnet, haiku or a full name.")
                })?
                .map(|model| model.as_str().to_owned()),
            profile: given(self.profile),
            working_dir: given(self.working_dir).map(Into::into),
            budget_usd: usd
                .transpose()
                .map_err(|_| Problem::input("A budget is an amount of dollars above 0."))?,
            continues: given(self.continues)
                .map(|id| id.parse())
                .transpose()
                .map_err(|_| Problem::input("A session's id is a number."))?,
            ..SessionRequest::default()
        })
    }
}

/// The same request for a session that goes on with another one, as that one was run unless it says otherwise.
async fn continued(web: &Web, request: SessionRequest) -> Result<SessionRequest, Problem> {
    let id = JobId(request.continues.unwrap_or_default());
    let session = web.store.session(id).await?.ok_or_else(|| super::session::unknown(id))?;
    if !super::session::may_continue(&session) {
        return Err(Problem::input(format!(
            "Session {id} cannot be continued: it is not over, or its program has not told its own id of it."
        )));
    }
    let before = session.request.unwrap_or_default();
    Ok(SessionRequest {
        tier: request.tier.or(before.tier),
        model: request.model.or(before.model),
        profile: request.profile.or(before.profile),
        working_dir: request.working_dir.or(before.working_dir),
        ..request
    })
}

/// Whether somebody may have a job run again: a session is asked for by the same people, under the same conditions, as the
/// first time.
pub(super) async fn check_again(
    web: &Web,
    id: JobId,
    role: Role,
    confirmed: bool,
) -> Result<(), Problem> {
    let Some(session) = web.store.session(id).await? else { return Ok(()) };
    let Some(request) = session.request else { return Ok(()) };
    if role < Role::Admin {
        return Err(Problem::of(Code::AuthRole));
    }
    check(web, &request, confirmed).await
}

/// Refuses what no session could be made of, and a run without a sandbox that was not confirmed.
async fn check(web: &Web, request: &SessionRequest, confirmed: bool) -> Result<(), Problem> {
    let prompt = request.prompt.as_deref().unwrap_or_default();
    let payload = serde_json::to_string(request).map_or(0, |text| text.len());
    if prompt.len() > MAX_PROMPT_BYTES || payload > MAX_PAYLOAD_BYTES {
        return Err(too_large());
    }
    request.check().map_err(|error| {
        let text = error.to_string();
        let wrong = text.rsplit(": ").next().unwrap_or_default();
        Problem::input(format!("Not taken: {wrong}."))
    })?;
    let tiers = wishes(&web.store).await?.tiers;
    let of_tier = tiers[usize::from(request.tier()) - 1].profile;
    if request.profile().unwrap_or(of_tier) == Profile::Full && !confirmed {
        return Err(Problem::input(
            "The profile full has no sandbox: the agent may do whatever the server's user may. Confirm it with the box beside it, \
             or send confirm=full too.",
        ));
    }
    Ok(())
}

fn too_large() -> Problem {
    let text = format!("The prompt is too large: {} KiB at most.", MAX_PROMPT_BYTES / 1024);
    Problem::of(Code::WebInput).with_status(StatusCode::PAYLOAD_TOO_LARGE).saying(text)
}

/// Why no session can be run here, and what to do.
pub(super) async fn unready(web: &Web) -> Option<String> {
    let Some(agents) = &web.agents else {
        return Some("This server runs no agents.".to_owned());
    };
    match tokio::time::timeout(LOOK, agents.program.state()).await {
        Ok(AgentState::Ready { .. }) => None,
        Ok(AgentState::Missing { reason }) => {
            Some(format!("The agent program cannot be used: {reason}."))
        }
        Err(_) => Some(
            "The agent program has not told its version yet. Try again in a moment.".to_owned(),
        ),
    }
}

/// The queue that sessions wait in.
pub(super) async fn agent_queue(store: &Store) -> Result<Option<QueueState>> {
    Ok(store.queues().await?.into_iter().find(|queue| queue.name == Queue::AGENT))
}

fn as_json(queued: Result<Queued, Problem>) -> Response {
    match queued {
        Ok(Queued { id, ahead, .. }) => {
            let body = json!({"status": "queued", "session_id": id.to_string(), "ahead": ahead});
            Json(body).into_response()
        }
        Err(problem) => {
            let code = problem.code().as_str();
            let body = json!({"status": "error", "error": problem.what(), "code": code});
            (problem.status(), Json(body)).into_response()
        }
    }
}

fn as_fragment(queued: Result<Queued, Problem>) -> Response {
    match queued {
        Ok(queued) => Html(success(&queued).into_string()).into_response(),
        Err(problem) => {
            let fragment = html! { div.trigger-result.trigger-error { (problem.what()) } };
            (problem.status(), Html(fragment.into_string())).into_response()
        }
    }
}

fn success(Queued { id, ahead, paused }: &Queued) -> Markup {
    let session = html! { a href=(sessions::link(*id)) { "Session " (id) } };
    html! {
        div.trigger-result.trigger-success {
            @if let Some(pause) = paused {
                (session) " is queued, " (ahead) " ahead; the queue is paused: " (pause.reason)
            } @else if *ahead > 0 {
                (session) " is queued, " (ahead) " ahead."
            } @else {
                (session) " starts now."
            }
        }
    }
}

/// The form, or why there is none.
pub(super) fn form(role: Role, unready: Option<&str>) -> Markup {
    html! {
        section #ad-hoc .card {
            div.card-header { h2.card-title { "Ask Claude" } }
            div.card-body {
                @if role < Role::Admin {
                    p.text-secondary { "Your role sees sessions; asking for one needs the role admin." }
                } @else {
                    @if let Some(reason) = unready { div.alert.alert-warning role="status" { (reason) } }
                    (fields(unready.is_none()))
                }
            }
        }
    }
}

fn fields(ready: bool) -> Markup {
    let prompt = html! {
        textarea.form-control name="prompt" rows="3" aria-label="Prompt" disabled[!ready]
            placeholder="Describe what you want Claude to check or fix..." {}
    };
    html! {
        (form_around(&html! {
            (prompt)
            details #trigger-options {
                summary { "Tier, profile, model, budget" }
                div.fields {
                    label {
                        span { "Tier" }
                        select.form-select name="tier" {
                            option value="" { "1, observe" }
                            option value="2" { "2, investigate" }
                            option value="3" { "3, remediate" }
                        }
                    }
                    label { span { "Model" } input.form-control name="model" placeholder="as the tier says" maxlength="100"; }
                    label { span { "Working directory" } input.form-control name="working_dir" placeholder="a folder of its own" maxlength="4000"; }
                    label { span { "Budget, $" } input.form-control name="budget_usd" inputmode="decimal" placeholder="as set" maxlength="12"; }
                    fieldset {
                        legend { "Profile" }
                        label { input type="radio" name="profile" value="" checked; " as the tier says" }
                        @for (profile, what) in [(Profile::ReadOnly, "looks only"), (Profile::Workspace, "writes in its working directory")] {
                            label { input type="radio" name="profile" value=(profile); " " (profile) ": " (what) }
                        }
                        (full_profile())
                    }
                }
            }
            div.actions {
                button.btn.btn-primary type="submit" disabled[!ready] { (icon(Icon::Play)) "Run Now" }
            }
        }))
    }
}

/// The choice that has no sandbox, in red, and its confirmation.
fn full_profile() -> Markup {
    html! {
        div.profile-full {
            label { input type="radio" name="profile" value="full"; " full: no sandbox, whatever the server's user may" }
            (confirmation())
        }
    }
}

fn confirmation() -> Markup {
    html! { label { input type="checkbox" name="confirm" value="full"; " I want it without a sandbox" } }
}

/// The form of a session's follow-up prompt.
pub(super) fn continue_form(id: JobId, full: bool) -> Markup {
    form_around(&html! {
        input type="hidden" name="continues" value=(id);
        textarea.form-control name="prompt" rows="3" aria-label="Follow-up prompt" placeholder="What next? The agent remembers this session." {}
        @if full { div.profile-full { (confirmation()) } }
        div.actions { button.btn.btn-primary type="submit" { "Continue" } }
    })
}

fn form_around(fields: &Markup) -> Markup {
    html! {
        form.trigger-form method="post" action=(PATH) hx-post=(PATH) hx-target="#trigger-result" hx-swap="innerHTML"
            hx-disabled-elt="find button" {
            input type="hidden" name="line_ends" value="crlf";
            (fields)
        }
        div #trigger-result aria-live="polite" {}
    }
}
