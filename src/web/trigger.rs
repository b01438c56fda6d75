//! The handler of the forms that ask for a session.

use super::answer::answered;
use super::app::App;
use super::caller::Signed;
use super::components::password_question;
use super::extract::{Form, given};
use super::face::Face;
use super::nav;
use super::problem::Problem;
use crate::actions::Answer;
use crate::actions::sessions::{
    SessionTrigger, parse_budget, parse_id, parse_tier, trigger as trigger_session,
};
use crate::error::{Code, Result};
use crate::model::{JobId, SessionRequest};
use crate::wire::SessionQueued;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = nav::TRIGGER;
/// The largest body, in bytes: the longest prompt with every byte written as `%xx`, and the other fields.
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
    /// `full` if the person confirmed that the profile full has no sandbox.
    confirm: Option<String>,
    /// The session that this one continues.
    continues: Option<String>,
    /// `crlf` if the form is one of these pages: HTML ends every line with CR LF, whatever was typed.
    line_ends: Option<String>,
}

/// POST `/sessions/trigger`: queues a session, also while others run or wait, and does not wait for it.
pub(super) async fn trigger(
    State(app): State<App>,
    who: Signed,
    form: Result<Form<SessionForm>, Problem>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let asked = form.and_then(|Form(form)| Ok(form.request()?));
    let answer = match asked {
        Ok(asked) => trigger_session(&app.web.store, &call, asked).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    if who.face() == Face::Fragment {
        return Ok(as_fragment(answer));
    }
    // A refusal is answered as everywhere. The members of a success are those that the first programs of this form read.
    let answer = answer?;
    Ok(answered(who.face(), &answer, &nav::session(JobId(answer.value.id))))
}

impl SessionForm {
    fn request(self) -> Result<SessionTrigger> {
        let prompt = match self.line_ends.as_deref() {
            Some("crlf") => self.prompt.replace("\r\n", "\n"),
            Some(_) | None => self.prompt,
        };
        let request = SessionRequest {
            prompt: Some(prompt),
            tier: given(self.tier).as_deref().map(parse_tier).transpose()?,
            model: given(self.model),
            profile: given(self.profile),
            working_dir: given(self.working_dir).map(Into::into),
            budget_usd: given(self.budget_usd).as_deref().map(parse_budget).transpose()?,
            continues: given(self.continues).as_deref().map(parse_id).transpose()?,
            ..SessionRequest::default()
        };
        let confirmed = self.confirm.as_deref() == Some("full");
        Ok(SessionTrigger { request, confirmed, idempotency_key: None })
    }
}

fn as_fragment(answer: Result<Answer<SessionQueued>, Problem>) -> Response {
    match answer {
        Ok(answer) => Html(success(&answer).into_string()).into_response(),
        Err(problem) => {
            let is_stale = problem.code() == Code::AuthStale;
            let fragment = html! {
                div.trigger-result.trigger-error role=[is_stale.then_some("alert")] {
                    (problem.what())
                    @if is_stale { (password_question()) }
                }
            };
            (problem.status(), Html(fragment.into_string())).into_response()
        }
    }
}

/// The sentence of the answer, with its first words as a link to the session.
fn success(answer: &Answer<SessionQueued>) -> Markup {
    let id = answer.value.id;
    let name = format!("Session {id}");
    let rest = answer.sentence.strip_prefix(&name).unwrap_or(&answer.sentence);
    html! {
        div.trigger-result.trigger-success {
            a href=(nav::session(JobId(id))) { (name) } (rest)
            @for note in &answer.notes { " " (note) }
        }
    }
}
