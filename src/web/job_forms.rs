//! The forms of one job: a copy of it with another payload, and a change of one that waits.

use super::answer::answered;
use super::app::App;
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{Tone, as_typed, notice, pretty, problem_notice};
use super::extract::{Form, Id, given};
use super::face::Face;
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::problem::Problem;
use super::secret::Secret;
use super::start_field::StartFields;
use crate::actions::jobs::{self, JobAdd, JobChange, parse_attempts, parse_payload};
use crate::actions::priority;
use crate::error::{Code, Result as Checked};
use crate::model::{Job, JobId, MAX_ATTEMPTS, sha256_hex};
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const COPY_PATH: &str = "/jobs/{id}/copy";
pub(super) const EDIT_PATH: &str = "/jobs/{id}/edit";
/// What the form of an edit says of a job that somebody else has changed meanwhile.
const OVERTAKEN: &str = "The job was changed since this form was opened. It is shown as it is now, \
    except where you typed something else; nothing was saved.";

/// What a form sends. A field that it does not have, and one that is left empty, changes nothing.
#[derive(Clone, Default, Deserialize)]
pub(super) struct JobFields {
    payload: Option<String>,
    #[serde(default)]
    priority: String,
    #[serde(flatten)]
    start: StartFields,
    #[serde(default)]
    attempts: String,
    /// `full` if the person confirmed that a session has no sandbox.
    confirm: Option<String>,
    // What the form of an edit showed, as [`Shown`] has it.
    was_payload: Option<String>,
    was_priority: Option<String>,
    was_start: Option<String>,
    was_attempts: Option<String>,
    /// A random text of the form of a copy, by which a form that is sent twice makes one job.
    once: Option<String>,
}

/// What the form of an edit shows of a job. It sends this back beside what is typed.
struct Shown {
    /// A digest.
    payload: String,
    priority: String,
    /// Milliseconds: the field of the start is empty while the job starts as it is.
    start: String,
    attempts: String,
}

impl Shown {
    fn of(job: &Job) -> Self {
        let JobFields { payload, priority, attempts, .. } = JobFields::of(job);
        let payload = digest(&payload.unwrap_or_default());
        Self { payload, priority, start: job.run_at.millis().to_string(), attempts }
    }

    fn inputs(&self, has_payload: bool) -> Markup {
        html! {
            @if has_payload { input type="hidden" name="was_payload" value=(self.payload); }
            input type="hidden" name="was_priority" value=(self.priority);
            input type="hidden" name="was_start" value=(self.start);
            input type="hidden" name="was_attempts" value=(self.attempts);
        }
    }
}

/// The digest of a payload as a form shows it, whatever ends of lines the browser sends.
fn digest(payload: &str) -> String {
    sha256_hex(as_typed(payload).trim())
}

/// Which form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Copy,
    Edit,
}

impl JobFields {
    /// What the form shows of a job.
    fn of(job: &Job) -> Self {
        let attempts = job.max_attempts.filter(|most| *most < MAX_ATTEMPTS);
        Self {
            payload: Some(pretty(&job.payload)),
            priority: job.priority.map(|priority| priority.to_string()).unwrap_or_default(),
            start: StartFields::default(),
            attempts: attempts.map(|most| most.to_string()).unwrap_or_default(),
            ..Self::default()
        }
    }

    fn payload(&self) -> Option<String> {
        self.payload.as_deref().map(as_typed)
    }

    fn is_confirmed(&self) -> bool {
        self.confirm.as_deref() == Some("full")
    }

    /// Whether the job is not any more as the form of its edit showed it. A start that has moved counts for a person who
    /// names another one: a job that is put off moves it by itself.
    fn is_overtaken(&self, job: &Job) -> bool {
        let now = Shown::of(job);
        let differs = |was: Option<&str>, now: &str| was.is_some_and(|was| was != now);
        differs(self.was_payload.as_deref(), &now.payload)
            || differs(self.was_priority.as_deref(), &now.priority)
            || differs(self.was_attempts.as_deref(), &now.attempts)
            || (!self.start.is_empty() && differs(self.was_start.as_deref(), &now.start))
    }

    /// What the form shows of a job that was changed meanwhile: what was typed, and the rest as it is now.
    fn anew(&self, job: &Job) -> Self {
        let now = Self::of(job);
        let kept = |typed: &str, was: Option<&str>, now: String| {
            if was == Some(typed.trim()) { now } else { typed.to_owned() }
        };
        let is_as_shown = self.payload.as_deref().map(digest) == self.was_payload;
        Self {
            payload: if is_as_shown { now.payload } else { self.payload.clone() },
            priority: kept(&self.priority, self.was_priority.as_deref(), now.priority),
            start: self.start.clone(),
            attempts: kept(&self.attempts, self.was_attempts.as_deref(), now.attempts),
            ..Self::default()
        }
    }

    /// The key under which the same form that `name` sends twice makes one job. What is typed is part of it: with
    /// something else typed, the form asks for another job.
    fn key(&self, job: &Job, name: &str) -> Option<String> {
        let once = given(self.once.clone())?;
        let (id, payload) = (job.id, self.payload().unwrap_or_default());
        let Self { priority, attempts, .. } = self;
        let start = self.start.typed();
        let asked = format!("{name}\n{once}\n{id}\n{priority}\n{start}\n{attempts}\n{payload}");
        Some(format!("copy {}", sha256_hex(&asked)))
    }

    /// The job that is to be made like this one.
    fn copy(&self, job: &Job, who: &Signed) -> Checked<JobAdd> {
        Ok(JobAdd {
            kind: job.kind.to_string(),
            payload: parse_payload(&self.payload().unwrap_or_else(|| job.payload.clone()))?,
            queue: job.queue.as_ref().map(ToString::to_string),
            priority: given(Some(self.priority.clone())).map(|text| priority(&text)).transpose()?,
            start: self.start.read(who.clocks())?,
            max_attempts: match given(Some(self.attempts.clone())) {
                Some(text) => Some(parse_attempts(&text)?),
                None => job.max_attempts,
            },
            timeout: job.timeout,
            concurrency_key: job.concurrency_key.as_ref().map(ToString::to_string),
            tags: job.tags.iter().map(ToString::to_string).collect(),
            idempotency_key: self.key(job, &who.person.name),
            confirmed: self.is_confirmed(),
            ..JobAdd::default()
        })
    }

    /// What is to be changed of the job: what is not as the form showed it.
    fn change(&self, job: &Job, clocks: Clocks) -> Checked<JobChange> {
        let shown = Self::of(job);
        let payload = self
            .payload()
            .filter(|typed| Some(typed.trim()) != shown.payload.as_deref().map(str::trim));
        let other =
            |typed: &str, shown: &str| given(Some(typed.to_owned())).filter(|typed| typed != shown);
        let to = other(&self.priority, &shown.priority).map(|text| priority(&text));
        let attempts = other(&self.attempts, &shown.attempts).map(|text| parse_attempts(&text));
        Ok(JobChange {
            id: job.id.0,
            priority: to.transpose()?,
            start: self.start.read(clocks)?,
            payload: payload.map(|text| parse_payload(&text)).transpose()?,
            max_attempts: attempts.transpose()?,
            confirmed: self.is_confirmed(),
        })
    }
}

/// GET `/jobs/{id}/copy`.
pub(super) async fn copy_form(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<JobId>,
) -> Result<Html<String>, Problem> {
    form(&app, &who, id, Deed::Copy).await
}

/// GET `/jobs/{id}/edit`.
pub(super) async fn edit_form(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<JobId>,
) -> Result<Html<String>, Problem> {
    form(&app, &who, id, Deed::Edit).await
}

/// The form as the job fills it.
async fn form(app: &App, who: &Signed, id: JobId, deed: Deed) -> Result<Html<String>, Problem> {
    let job = jobs::known(&app.web.store, id.0).await?;
    whole(app, who, &job, deed, (&JobFields::of(&job), &html! {})).await
}

/// POST `/jobs/{id}/copy`: queues a job like this one, with the payload as it was typed.
pub(super) async fn copy(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<JobId>,
    Form(fields): Form<JobFields>,
) -> Result<Response, Problem> {
    let job = jobs::known(&app.web.store, id.0).await?;
    let call = who.call(app.web.clock.now());
    let add = fields.copy(&job, &who);
    let done = async { jobs::enqueue(&app.web.store, &call, add?).await }.await;
    match done {
        Ok(answer) => Ok(answered(who.face(), &answer, &nav::job(JobId(answer.value.id)))),
        Err(error) => refused(&app, &who, &job, Deed::Copy, (&fields, error)).await,
    }
}

/// POST `/jobs/{id}/edit`: changes a job that waits.
pub(super) async fn edit(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<JobId>,
    Form(fields): Form<JobFields>,
) -> Result<Response, Problem> {
    let job = jobs::known(&app.web.store, id.0).await?;
    if jobs::may_act(who.role()) && fields.is_overtaken(&job) {
        return overtaken(&app, &who, &job, &fields).await;
    }
    let call = who.call(app.web.clock.now());
    let done =
        async { jobs::edit(&app.web.store, &call, fields.change(&job, who.clocks())?).await }.await;
    match done {
        Ok(answer) => Ok(answered(who.face(), &answer, &nav::job(id))),
        Err(error) => refused(&app, &who, &job, Deed::Edit, (&fields, error)).await,
    }
}

/// The form again with what was typed, and why it was refused.
async fn refused(
    app: &App,
    who: &Signed,
    job: &Job,
    deed: Deed,
    (fields, error): (&JobFields, crate::error::Error),
) -> Result<Response, Problem> {
    let is_refusal = error.class().is_refusal();
    let problem = Problem::from(error);
    if who.face() != Face::Page || !is_refusal {
        return Err(problem);
    }
    let page = whole(app, who, job, deed, (fields, &problem_notice(&problem))).await?;
    Ok((problem.status(), page).into_response())
}

/// The form of an edit again, of a job that somebody else has changed since it was opened.
async fn overtaken(
    app: &App,
    who: &Signed,
    job: &Job,
    fields: &JobFields,
) -> Result<Response, Problem> {
    let problem = Problem::of(Code::Overtaken).saying(OVERTAKEN);
    if who.face() != Face::Page {
        return Err(problem);
    }
    let said = notice(Tone::Bad, &html! { (OVERTAKEN) }, &html! {});
    let page = whole(app, who, job, Deed::Edit, (&fields.anew(job), &said)).await?;
    Ok((problem.status(), page).into_response())
}

async fn whole(
    app: &App,
    who: &Signed,
    job: &Job,
    deed: Deed,
    (fields, said): (&JobFields, &Markup),
) -> Result<Html<String>, Problem> {
    let is_full = jobs::is_full(&app.web.store, job).await?;
    let (id, unseen) = (job.id, unseen(job, deed, who)?);
    let (title, path, last) = match deed {
        Deed::Copy => (format!("Run a copy of job {id}"), "copy", "Run the copy"),
        Deed::Edit => (format!("Edit job {id}"), "edit", "Save"),
    };
    let content = html! {
        (said)
        section #job-form .card.narrow-page {
            form.card-body.stack method="post" action=(nav::job(id).under(path)) {
                p.soft {
                    @match deed {
                        Deed::Copy => { "A new job of kind " code { (job.kind) } " is made. What job " (id) " did stays done." },
                        Deed::Edit => "A job that waits can be changed until it starts.",
                    }
                }
                (inputs(job, deed, fields, who))
                (unseen)
                @if is_full {
                    div.profile-full { label { input type="checkbox" name="confirm" value="full"; " I want it without a sandbox" } }
                }
                div.actions {
                    a.btn href=(nav::job(id)) { "Go back" }
                    @if jobs::may_act(who.role()) { button.btn.btn-primary type="submit" { (last) } }
                    @else { p.soft { "Your role sees jobs; this needs the role operator." } }
                }
            }
        }
    };
    let above = vec![
        (Tab::Jobs.link(), Tab::Jobs.title().to_owned()),
        (nav::job(id), format!("{} #{id}", job.kind)),
    ];
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Jobs).under(above).still();
    Ok(page::page(&frame, &title, &content))
}

/// What the form sends unseen: of a copy the text that makes one job of it, of an edit what it shows.
fn unseen(job: &Job, deed: Deed, who: &Signed) -> Checked<Markup> {
    Ok(match deed {
        Deed::Copy => {
            let once = Secret::new()?.into_text();
            html! { input type="hidden" name="once" value=(once); }
        }
        Deed::Edit => Shown::of(job).inputs(jobs::may_edit_payload(who.role())),
    })
}

fn inputs(job: &Job, deed: Deed, fields: &JobFields, who: &Signed) -> Markup {
    let has_payload = deed == Deed::Copy || jobs::may_edit_payload(who.role());
    let clocks = who.clocks();
    let empty = match deed {
        Deed::Copy => "Both empty: at once.".to_owned(),
        Deed::Edit => format!("Both empty: as it is, {}.", clocks.exact(job.run_at)),
    };
    html! {
        @if has_payload {
            div {
                label.form-label for="job-form-payload" { "Payload" }
                // The line break after the tag is not part of the text.
                textarea #job-form-payload .form-control.prompt-text name="payload" rows="12" spellcheck="false" required {
                    "\n" (fields.payload.as_deref().unwrap_or_default())
                }
            }
        }
        div.fields.fields-2 {
            div {
                label.form-label for="job-form-priority" { "Priority (-100 to 100, lower starts first)" }
                input #job-form-priority .form-control name="priority" inputmode="numeric" maxlength="5" value=(fields.priority);
            }
            div {
                label.form-label for="job-form-attempts" { "Attempts (1 to 1,000,000)" }
                input #job-form-attempts .form-control name="attempts" inputmode="numeric" maxlength="9" value=(fields.attempts);
            }
        }
        div { (fields.start.inputs("job-form-start", &empty, clocks)) }
    }
}
