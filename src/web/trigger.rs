//! The request for a session: what its forms post to.

use super::agent;
use super::answer::changed;
use super::app::{App, Web};
use super::caller::Signed;
use super::extract::{Form, given};
use super::face::Face;
use super::named::SessionId;
use super::nav;
use super::problem::{Problem, logged};
use crate::agents::claude::Model;
use crate::error::{Code, Result};
use crate::model::{
    JobId, MAX_PAYLOAD_BYTES, MAX_PROMPT_BYTES, Pause, Profile, Session, SessionRequest, Trigger,
};
use crate::sessions::{Asked, request, wishes};
use crate::store::Store;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

pub(super) const PATH: &str = nav::TRIGGER;
/// Largest body, in bytes: the longest prompt with every byte of it as `%xx`, and the other fields.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The form.
#[derive(Deserialize)]
pub(super) struct SessionForm {
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

/// A wish that is queued.
struct Queued {
    id: JobId,
    /// What stands before it; `None` if that could not be read, which is no reason to say that it is not queued.
    line: Option<Line>,
}

/// What stands before a session.
struct Line {
    ahead: u64,
    paused: Option<Pause>,
}

/// POST `/sessions/trigger`: queues a session, whatever runs or waits already, and does not wait for it.
pub(super) async fn trigger(
    State(app): State<App>,
    who: Signed,
    form: Result<Form<SessionForm>, Problem>,
) -> Result<Response, Problem> {
    let queued = match form {
        Ok(Form(form)) => queue(&app.web, form, &who).await,
        Err(problem) if problem.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large()),
        Err(problem) => Err(problem),
    };
    if who.face() == Face::Fragment {
        return Ok(as_fragment(queued));
    }
    let Queued { id, line } = queued?;
    let ahead = line.map(|line| line.ahead);
    // The three fields are a contract with the programs that ask for sessions; a refusal is a problem as everywhere.
    let outcome = json!({"status": "queued", "session_id": id.to_string(), "ahead": ahead});
    Ok(changed(who.face(), outcome, &nav::session(id)))
}

async fn queue(web: &Web, form: SessionForm, who: &Signed) -> Result<Queued, Problem> {
    let confirmed = form.confirm.as_deref() == Some("full");
    let request_of = form.request()?;
    let asked_for = match request_of.continues {
        Some(id) => continued(web, JobId(id), request_of).await?,
        None => request_of,
    };
    check(web, &asked_for, confirmed).await?;
    if let Some(reason) = agent::unready(web).await {
        return Err(Problem::of(Code::AgentMissing).saying(reason));
    }
    let asked = Asked {
        trigger: Trigger::Manual,
        actor: who.actor(),
        correlation_id: Some(who.caller.correlation_id.clone()),
        idempotency_key: None,
    };
    let id = request(&web.store, asked_for, asked, web.clock.now()).await?;
    Ok(Queued { id, line: logged(line_before(&web.store, id).await) })
}

async fn line_before(store: &Store, id: JobId) -> Result<Line> {
    let ahead = store.sessions_ahead(id).await?;
    let paused = agent::queue(store).await?.and_then(|queue| queue.pause);
    Ok(Line { ahead, paused })
}

impl SessionForm {
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
async fn continued(
    web: &Web,
    id: JobId,
    request: SessionRequest,
) -> Result<SessionRequest, Problem> {
    let session = web.store.session(id).await?.ok_or_else(|| SessionId::unknown(id))?;
    if !may_continue(&session) {
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

/// Whether a further prompt can go on where a session ended.
pub(super) fn may_continue(session: &Session) -> bool {
    let known = session.run.as_ref().is_some_and(|run| run.cli_session_id.is_some());
    session.status.is_final() && known
}

/// Refuses what no session could be made of, and a run without a sandbox that was not confirmed.
async fn check(web: &Web, request: &SessionRequest, confirmed: bool) -> Result<(), Problem> {
    let prompt = request.prompt.as_deref().unwrap_or_default();
    let payload = serde_json::to_string(request).map_or(0, |text| text.len());
    if prompt.len() > MAX_PROMPT_BYTES || payload > MAX_PAYLOAD_BYTES {
        return Err(too_large());
    }
    request.check()?;
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

fn as_fragment(queued: Result<Queued, Problem>) -> Response {
    match queued {
        Ok(queued) => Html(success(&queued).into_string()).into_response(),
        Err(problem) => {
            let fragment = html! { div.trigger-result.trigger-error { (problem.what()) } };
            (problem.status(), Html(fragment.into_string())).into_response()
        }
    }
}

fn success(Queued { id, line }: &Queued) -> Markup {
    let session = html! { a href=(nav::session(*id)) { "Session " (id) } };
    html! {
        div.trigger-result.trigger-success {
            @match line {
                None => { (session) " is queued." }
                Some(Line { ahead, paused: Some(pause) }) => {
                    (session) " is queued, " (ahead) " ahead; the queue is paused: " (pause.reason)
                }
                Some(Line { ahead: ahead @ 1.., paused: None }) => { (session) " is queued, " (ahead) " ahead." }
                Some(Line { ahead: 0, paused: None }) => { (session) " starts now." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: Option<Line>) -> String {
        success(&Queued { id: JobId(7), line }).into_string()
    }

    #[test]
    fn a_session_starts_now_only_if_its_line_was_read_and_is_empty() {
        assert!(told(Some(Line { ahead: 0, paused: None })).contains("starts now"));
        assert!(told(Some(Line { ahead: 2, paused: None })).contains("is queued, 2 ahead"));
        let unread = told(None);
        assert!(unread.contains("is queued.") && !unread.contains("now"), "{unread}");
    }
}
