//! The page that asks for a job: the kinds that have a handler, and the rules and the form of the one that is chosen.

use super::answer::answered;
use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{as_typed, card, empty, pretty};
use super::extract::{Form, Query};
use super::face::Face;
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::problem::Problem;
use super::setting::not_taken;
use super::start_field::StartFields;
use crate::actions::jobs::{self, JobAdd, parse_payload};
use crate::model::{JobId, Kind, KindRules, OnInterrupt, rules_in_force};
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) const PATH: &str = nav::NEW_JOB;
/// Largest body, in bytes: a payload with every byte of it as `%xx`.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// What a form sends.
#[derive(Deserialize)]
pub(super) struct JobForm {
    kind: String,
    payload: String,
    #[serde(flatten)]
    start: StartFields,
}

/// What the address of the page may say.
#[derive(Deserialize, Serialize)]
pub(super) struct NewJobQuery {
    /// The kind that is chosen.
    kind: Option<String>,
    /// Whether the payload begins empty, although the kind has an example.
    #[serde(skip_serializing_if = "Option::is_none")]
    empty: Option<String>,
}

/// GET `/jobs/new`.
pub(super) async fn form(
    State(app): State<App>,
    who: Signed,
    Query(NewJobQuery { kind, empty }): Query<NewJobQuery>,
) -> Result<Html<String>, Problem> {
    let asked = (kind.as_deref(), empty.is_some());
    whole(&app, &who, asked, None).await
}

/// POST `/jobs/new`: queues a job and leads to its page.
pub(super) async fn enqueue(
    State(app): State<App>,
    who: Signed,
    Form(form): Form<JobForm>,
) -> Result<Response, Problem> {
    let done = async {
        let request = JobAdd {
            kind: form.kind.clone(),
            payload: parse_payload(&as_typed(&form.payload))?,
            start: form.start.read(who.clocks())?,
            ..JobAdd::default()
        };
        jobs::enqueue(&app.web.store, &who.call(app.web.clock.now()), request).await
    };
    match (done.await, who.face()) {
        (Ok(answer), face) => Ok(answered(face, &answer, &nav::job(JobId(answer.value.id)))),
        (Err(error), Face::Page) if error.class().is_refusal() => {
            let problem = Problem::from(error);
            let page =
                whole(&app, &who, (Some(&form.kind), false), Some((&form, &problem))).await?;
            Ok((problem.status(), page).into_response())
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// The page. `again` has a form that was refused, and why.
async fn whole(
    app: &App,
    who: &Signed,
    (chosen, is_empty): (Option<&str>, bool),
    again: Option<(&JobForm, &Problem)>,
) -> Result<Html<String>, Problem> {
    let mut kinds = rules_in_force(&app.web.store.registered_kinds().await?);
    // The act on the jobs of a query makes these by itself.
    kinds.retain(|rules| rules.kind != Kind::BULK_ACTION);
    kinds.sort_by(|a, b| a.kind.as_str().cmp(b.kind.as_str()));
    let of_name = |name: &str| kinds.iter().find(|rules| rules.kind.as_str() == name);
    let open = chosen.and_then(of_name).or_else(|| kinds.first());
    let content = html! {
        @if let Some(open) = open {
            (kinds_nav(&kinds, open))
            (kind_card(open, is_empty, who, again))
        } @else {
            section.card { (empty("No kinds", &html! {
                "No worker handles any kind. Start the program that has them."
            })) }
        }
    };
    let above = vec![(Tab::Jobs.link(), Tab::Jobs.title().to_owned())];
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Jobs).under(above).still();
    Ok(page::page(&frame, "Run a job", &content))
}

/// The kinds to choose from.
fn kinds_nav(kinds: &[KindRules], open: &KindRules) -> Markup {
    let to = |rules: &KindRules| {
        link(PATH).with(&NewJobQuery { kind: Some(rules.kind.as_str().to_owned()), empty: None })
    };
    html! {
        nav.kinds aria-label="Kinds" {
            @for rules in kinds {
                a href=(to(rules)) aria-current=[(rules.kind == open.kind).then_some("true")] { (rules.kind) }
            }
        }
    }
}

fn kind_card(
    rules: &KindRules,
    is_empty: bool,
    who: &Signed,
    again: Option<(&JobForm, &Problem)>,
) -> Markup {
    let kind = rules.kind.as_str();
    let again = again.filter(|(form, _)| form.kind == kind);
    let typed = again.map(|(form, _)| form.payload.as_str());
    let wrong = again.map(|(_, problem)| problem.what());
    let example = rules.example.as_deref().filter(|_| !is_empty && typed.is_none());
    let begins = example.map_or_else(|| "{}".to_owned(), pretty);
    let id = format!("payload-{kind}");
    let fresh = StartFields::default();
    let start = again.map_or(&fresh, |(form, _)| &form.start);
    let content = html! {
        (facts(rules))
        @if jobs::may_act(who.role()) {
            form.card-body.lines method="post" action=(link(PATH)) {
                input type="hidden" name="kind" value=(kind);
                label.form-label for=(id) { "Payload" }
                // The line break after the tag is not part of the text.
                textarea.form-control id=(id) name="payload" rows="6" spellcheck="false" required
                    aria-describedby={ (id) "-wrong" } aria-invalid=[wrong.map(|_| "true")] { "\n" (typed.unwrap_or(&begins)) }
                @if example.is_some() {
                    small .form-hint {
                        "This is the example that the program gives for the kind. "
                        a href=(link(PATH).with(&NewJobQuery { kind: Some(kind.to_owned()), empty: Some("1".to_owned()) })) { "Begin with an empty payload" }
                    }
                }
                (start.inputs(&format!("start-{kind}"), "Both empty: at once.", who.clocks()))
                div role="alert" { (not_taken(&id, wrong)) }
                div.actions { button.btn.btn-primary type="submit" aria-label={ "Run " (kind) } { "Run a job" } }
            }
        }
    };
    card(&format!("kind-{kind}"), kind, &html! {}, &content)
}

/// What the engine fills in for a job of the kind.
fn facts(rules: &KindRules) -> Markup {
    let seconds = |length: Duration| format!("{} s", length.as_secs());
    let limit = rules.timeout.map_or_else(|| "none".to_owned(), seconds);
    let interrupted = match rules.on_interrupt {
        OnInterrupt::Retry => "runs again",
        OnInterrupt::Fail => "fails",
    };
    html! {
        dl.card-body.facts {
            dt { "Queue" } dd { (rules.queue) }
            dt { "Priority" } dd { (rules.priority) }
            dt { "Attempts" } dd { (rules.max_attempts) }
            dt { "Time limit" } dd { (limit) }
            dt { "When its process dies" } dd { (interrupted) }
            @if let Some(key) = &rules.concurrency_key {
                dt { "Concurrency key" } dd { (key.as_str()) ", " (rules.key_limit) " at once" }
            }
        }
    }
}
