//! The page of golden repositories: what they are about, and the forms that ask for a new description.

use super::App;
use super::access::SignedIn;
use super::caller::Caller;
use super::login::unfit;
use super::page::{self, Frame, LivePart, Tab};
use super::respond::{self, Face, Problem};
use super::ui::{self, badge, when};
use crate::error::Code;
use crate::model::{
    DescribedBy, Description, GoldenRepo, Job, JobId, Role, Status, Timestamp, Trigger,
};
use crate::repositories;
use axum::Json;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Extension, Form, Path, Query, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const PATH: &str = "/repositories";
pub(super) const PART_PATH: &str = "/repositories/list-part";
pub(super) const REFRESH_PATH: &str = "/repositories/{id}/refresh";
pub(super) const REMOVE_PATH: &str = "/repositories/{id}/remove";
/// Repositories on a page unless the address says otherwise: each takes a screen when it is unfolded.
const ROWS: u64 = 20;
/// Highest page number that is looked up: the store lists no more than fit on fewer.
const MAX_PAGE: u64 = 1_000;

/// The address's query.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Asked {
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing)]
    v: Option<String>,
}

/// The form that registers one.
#[derive(Default, Deserialize)]
pub(super) struct New {
    path: String,
    name: Option<String>,
}

/// A repository, and the job that describes it.
type Row = (GoldenRepo, Option<Job>);

/// GET `/repositories` and `/repositories/list-part`.
pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = page::query(query)?;
    shown_page(&app, &signed_in, &asked, caller.face, None).await
}

/// POST `/repositories`: registers a repository and has it described.
pub(super) async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    form: Result<Form<New>, FormRejection>,
) -> Result<Response, Problem> {
    let Form(new) = form.map_err(|rejection| unfit(&rejection))?;
    let (actor, now) = (caller.acting_as(&signed_in.account.username), app.web.clock.now());
    let (path, name) = (new.path.trim(), page::given(new.name.clone()));
    let added = if path.starts_with('/') {
        let add = repositories::add(&app.web.store, path.as_ref(), name, actor, now);
        add.await.map_err(Problem::from)
    } else {
        Err(Problem::input("The path of a repository begins with / and is one of the server's."))
    };
    match (added, caller.face) {
        (Ok(job), face) => Ok(asked_for(job, face)),
        (Err(problem), Face::Page) if problem.status().is_client_error() => {
            let again = Some((&new, &problem));
            let page = shown_page(&app, &signed_in, &Asked::default(), Face::Page, again).await?;
            Ok((problem.status(), page).into_response())
        }
        (Err(problem), _) => Err(problem),
    }
}

/// POST `/repositories/{id}/refresh`: has it described anew.
pub(super) async fn refresh(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    path: Result<Path<i64>, PathRejection>,
) -> Result<Response, Problem> {
    let name = named(&app, path).await?;
    let (actor, now) = (caller.acting_as(&signed_in.account.username), app.web.clock.now());
    let refresh = repositories::refresh(&app.web.store, name, Trigger::Manual, Some(actor), now);
    Ok(asked_for(refresh.await?, caller.face))
}

/// POST `/repositories/{id}/remove`: forgets it.
pub(super) async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    path: Result<Path<i64>, PathRejection>,
) -> Result<Response, Problem> {
    let name = named(&app, path).await?;
    let (actor, now) = (caller.acting_as(&signed_in.account.username), app.web.clock.now());
    app.web.store.remove_repository(name.clone(), actor, now).await?;
    Ok(match caller.face {
        Face::Json => Json(json!({"removed": name})).into_response(),
        Face::Page | Face::Fragment => respond::see_other(PATH),
    })
}

fn asked_for(job: JobId, face: Face) -> Response {
    match face {
        Face::Json => Json(json!({"job_id": job.to_string()})).into_response(),
        Face::Page | Face::Fragment => respond::see_other(PATH),
    }
}

/// The name of the repository that the path numbers.
async fn named(app: &App, path: Result<Path<i64>, PathRejection>) -> Result<String, Problem> {
    let unknown = || Problem::of(Code::RepositoryUnknown);
    let Path(id) = path.map_err(|_| unknown())?;
    // One may be called by a number: whose number it is counts here.
    let all = app.web.store.repositories().await?;
    Ok(all.into_iter().find(|repository| repository.id == id).ok_or_else(unknown)?.name)
}

/// The page, or its live part alone. `again` holds a form that was not taken, and why.
async fn shown_page(
    app: &App,
    signed_in: &SignedIn,
    asked: &Asked,
    face: Face,
    again: Option<(&New, &Problem)>,
) -> Result<Response, Problem> {
    let (page, size) = (asked.page.unwrap_or(1), asked.size.unwrap_or(ROWS));
    if !(1..=MAX_PAGE).contains(&page) || !ui::SIZES.contains(&size) {
        return Err(Problem::input("Pages count from 1, and have 10, 20, 50 or 100 rows."));
    }
    let (role, now) = (signed_in.account.role, app.web.clock.now());
    let all = app.web.store.repositories().await?;
    let total = all.len() as u64;
    let mut rows = Vec::new();
    for repository in all.into_iter().skip(((page - 1) * size) as usize).take(size as usize) {
        let job = match repository.job_id {
            Some(id) => app.web.store.job(id).await?,
            None => None,
        };
        rows.push((repository, job));
    }
    let link = |page, size| {
        page::link(PATH, &Asked { page: Some(page), size: Some(size), ..Asked::default() })
    };
    let content = html! {
        @if total == 0 {
            section.card { (ui::empty("No repositories yet", &html! { (what_to_do(role)) })) }
        } @else {
            div.row.row-cards { @for row in &rows { div."col-12" { (card(row, role, now)) } } }
            section.card.below { (ui::numbered_pager("repositories", page, size, total, link)) }
        }
    };
    let part = LivePart {
        id: "repository-list",
        path: &page::link(PART_PATH, asked),
        version: page::version(&(rows.iter().map(state).collect::<Vec<_>>(), total)),
        content: &content,
    };
    let around = |part| {
        html! {
            (part)
            @if role >= Role::Admin { div.below { (form(again)) } }
        }
    };
    let frame = Frame::new(&app.web, Some(signed_in)).at(Tab::Repositories);
    let title = Tab::Repositories.title();
    Ok(page::live_page(&frame, title, &part, around, (face, asked.v.as_deref())))
}

fn what_to_do(role: Role) -> &'static str {
    if role >= Role::Admin {
        "Register a git repository of this machine below: the agent reads it and says what it is about."
    } else {
        "Somebody with the role admin can register a git repository of this machine here."
    }
}

/// What of a repository can change.
fn state((repository, job): &Row) -> impl std::hash::Hash + use<> {
    let described =
        repository.description.as_ref().map(|(_, by, at)| (*by == DescribedBy::Agent, *at));
    (repository.id, described, job.as_ref().map(|job| (job.id, job.status)))
}

fn card(row: &Row, role: Role, now: Timestamp) -> Markup {
    let (repository, job) = row;
    let busy = job.as_ref().is_some_and(|job| !job.status.is_final());
    html! {
        section.card id={ "repository-" (repository.id) } {
            div.card-header {
                h2.card-title { (repository.name) }
                div.actions { (buttons(repository, busy, role)) }
            }
            div.card-body.lines {
                p { code { (repository.path.display()) } }
                (described(repository, now))
                @if let Some(job) = job { (work(job, repository, now)) }
                @if let Some((about, ..)) = &repository.description { (description(about)) }
            }
        }
    }
}

/// By whom it was described, and when.
fn described(repository: &GoldenRepo, now: Timestamp) -> Markup {
    html! {
        p.text-secondary {
            @match &repository.description {
                Some((_, DescribedBy::Agent, at)) => { "Described by the agent " (when(*at, now)) "." }
                Some((_, DescribedBy::Files, at)) => {
                    "Described plainly by its files " (when(*at, now)) "; the agent completes it when there is one."
                }
                None => { "Not described yet. Added " (when(repository.added_at, now)) "." }
            }
        }
    }
}

/// How the job is doing that describes it.
fn work(job: &Job, repository: &GoldenRepo, now: Timestamp) -> Markup {
    html! {
        @if job.status != Status::Completed || repository.description.is_none() {
            p {
                (badge(job.status)) " " a href={ "/jobs/" (job.id) } { "Job " (job.id) }
                @if let Some(at) = job.finished_at { " ended " (when(at, now)) }
                @if let Some(error) = &job.error { ": " (error.lines().next().unwrap_or_default()) }
            }
        }
    }
}

fn description(about: &Description) -> Markup {
    let list = |name: &str, items: &[String]| {
        html! {
            @if !items.is_empty() { dt { (name) } dd { ul.plain { @for item in items { li { (item) } } } } }
        }
    };
    html! {
        p { (about.summary) }
        dl.facts {
            @if !about.purpose.is_empty() { dt { "Purpose" } dd { (about.purpose) } }
            @if !about.technologies.is_empty() {
                dt { "Technologies" }
                dd { @for name in &about.technologies { span.badge { (name) } " " } }
            }
            (list("Features", &about.features))
            (list("Use cases", &about.use_cases))
        }
    }
}

fn buttons(repository: &GoldenRepo, busy: bool, role: Role) -> Markup {
    let action = |deed: &str| format!("{PATH}/{}/{deed}", repository.id);
    html! {
        @if role >= Role::Operator {
            form method="post" action=(action("refresh")) {
                button.btn.btn-sm type="submit" disabled[busy] aria-label={ "Refresh " (repository.name) } {
                    @if busy { "Describing..." } @else { "Refresh" }
                }
            }
        }
        @if role >= Role::Admin {
            (ui::confirm(&format!("remove-{}", repository.id), "Remove", &html! {
                "Lamplighter forgets " (repository.name) " and its description. Nothing in its folder is touched."
            }, &html! {
                form method="post" action=(action("remove")) {
                    button.btn.btn-sm.btn-stop type="submit" { "Remove now" }
                }
            }))
        }
    }
}

fn form(again: Option<(&New, &Problem)>) -> Markup {
    let none = New::default();
    let fields = again.map_or(&none, |(fields, _)| fields);
    let content = html! {
        form.card-body.settings-form method="post" action=(PATH) {
            @if let Some((_, problem)) = again { (respond::notice(problem)) }
            div.setting-row {
                div.setting {
                    label.form-label for="repository-path" { "Path" }
                    input #repository-path .form-control name="path" value=(fields.path) required maxlength="4000" autocomplete="off"
                        spellcheck="false" aria-describedby="repository-path-hint";
                    small.form-hint #repository-path-hint { "The folder of a git repository on the server, as /srv/shop" }
                }
                div.setting {
                    label.form-label for="repository-name" { "Name" }
                    input #repository-name .form-control name="name" value=(fields.name.as_deref().unwrap_or_default()) maxlength="64"
                        autocomplete="off" aria-describedby="repository-name-hint";
                    small.form-hint #repository-name-hint { "Empty: its folder's name" }
                }
            }
            div.actions { button.btn.btn-primary type="submit" { "Add repository" } }
        }
    };
    ui::card("repository-new", "Add a repository", &html! {}, &content)
}
