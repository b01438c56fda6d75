//! The page of golden repositories: what they are about, and the forms that register, describe and remove one.

use super::answer::answered;
use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{badge, card, confirm, empty, numbered_pager, problem_notice, when};
use super::extract::{Form, Id, Named as _, Query};
use super::face::Face;
use super::named::RepositoryId;
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use super::slice::SliceQuery;
use crate::actions::repositories::{self, RepositoryAdd};
use crate::model::{DescribedBy, Description, GoldenRepo, Job, Role, Status, Timestamp};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = Tab::Repositories.path();
pub(super) const PART_PATH: &str = "/repositories/list-part";
pub(super) const REFRESH_PATH: &str = "/repositories/{id}/refresh";
pub(super) const REMOVE_PATH: &str = "/repositories/{id}/remove";
/// The highest page number that is looked up. All repositories that the store lists are on fewer pages.
const MAX_PAGE: u64 = 1_000;

/// The form that registers a repository.
#[derive(Default, Deserialize)]
pub(super) struct RepositoryForm {
    path: String,
    name: Option<String>,
}

/// A repository, and the job that describes it.
type Row = (GoldenRepo, Option<Job>);

/// GET `/repositories` and `/repositories/list-part`.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<SliceQuery>,
) -> Result<Response, Problem> {
    shown_page(&app, &who, &asked, who.face(), None).await
}

/// POST `/repositories`: registers a repository and has it described.
pub(super) async fn add(
    State(app): State<App>,
    who: Signed,
    Form(new): Form<RepositoryForm>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let (path, name) = (new.path.trim().into(), new.name.clone().unwrap_or_default());
    let added = repositories::add(&app.web.store, &call, RepositoryAdd { path, name }).await;
    match (added, who.face()) {
        (Ok(added), face) => Ok(answered(face, &added, &link(PATH))),
        (Err(error), Face::Page) if error.class().is_refusal() => {
            let problem = Problem::from(error);
            let again = Some((&new, &problem));
            let page = shown_page(&app, &who, &SliceQuery::default(), Face::Page, again).await?;
            Ok((problem.status(), page).into_response())
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// POST `/repositories/{id}/refresh`: asks for a new description of the repository.
pub(super) async fn refresh(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<RepositoryId>,
) -> Result<Response, Problem> {
    let name = named(&app, id).await?;
    let call = who.call(app.web.clock.now());
    let asked = repositories::refresh(&app.web.store, &call, &name).await?;
    Ok(answered(who.face(), &asked, &link(PATH)))
}

/// POST `/repositories/{id}/remove`: removes the repository from the list.
pub(super) async fn remove(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<RepositoryId>,
) -> Result<Response, Problem> {
    let name = named(&app, id).await?;
    let call = who.call(app.web.clock.now());
    let removed = repositories::remove(&app.web.store, &call, &name).await?;
    Ok(answered(who.face(), &removed, &link(PATH)))
}

/// The name of the repository whose number is in the path.
async fn named(app: &App, RepositoryId(id): RepositoryId) -> Result<String, Problem> {
    // A repository may have a number as its name. Here the number counts, never the name.
    let all = app.web.store.repositories().await?;
    let found = all.into_iter().find(|repository| repository.id == id);
    Ok(found.ok_or_else(RepositoryId::unfit)?.name)
}

/// The page, or its live part alone. `again` has a form that was refused, and why.
async fn shown_page(
    app: &App,
    who: &Signed,
    asked: &SliceQuery,
    face: Face,
    again: Option<(&RepositoryForm, &Problem)>,
) -> Result<Response, Problem> {
    let slice = asked.slice(MAX_PAGE)?;
    let (role, now) = (who.role(), app.web.clock.now());
    let all = app.web.store.repositories().await?;
    let total = all.len() as u64;
    let mut rows = Vec::new();
    for repository in all.into_iter().skip(slice.skip() as usize).take(slice.most()) {
        let job = match repository.job_id {
            Some(id) => app.web.store.job(id).await?,
            None => None,
        };
        rows.push((repository, job));
    }
    let at = |slice| link(PATH).with(&SliceQuery::from(slice));
    let content = html! {
        @if total == 0 {
            section.card { (empty("No repositories yet", &html! { (what_to_do(role)) })) }
        } @else {
            div.grid { @for row in &rows { div.wide { (repository_card(row, role, now)) } } }
            section.card.below { (numbered_pager("repositories", slice, total, at)) }
        }
    };
    let part = LivePart {
        id: "repository-list",
        link: &link(PART_PATH).with(asked),
        version: version(&(rows.iter().map(state).collect::<Vec<_>>(), total)),
        content: &content,
    };
    let around = |part| {
        html! {
            (part)
            @if repositories::may_change(role) { div.below { (form(again)) } }
        }
    };
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Repositories);
    let title = Tab::Repositories.title();
    Ok(live_page(&frame, title, &part, around, (face, asked.v.as_deref())))
}

fn what_to_do(role: Role) -> &'static str {
    if repositories::may_change(role) {
        "Register a git repository of this machine below: the agent reads it and says what it is about."
    } else {
        "Somebody with the role admin can register a git repository of this machine here."
    }
}

/// The part of a repository that can change.
fn state((repository, job): &Row) -> impl std::hash::Hash + use<> {
    let described =
        repository.description.as_ref().map(|(_, by, at)| (*by == DescribedBy::Agent, *at));
    (repository.id, described, job.as_ref().map(|job| (job.id, job.status)))
}

fn repository_card(row: &Row, role: Role, now: Timestamp) -> Markup {
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

/// Who described the repository, and when.
fn described(repository: &GoldenRepo, now: Timestamp) -> Markup {
    html! {
        p.soft {
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

/// How the job that describes the repository stands.
fn work(job: &Job, repository: &GoldenRepo, now: Timestamp) -> Markup {
    html! {
        @if job.status != Status::Completed || repository.description.is_none() {
            p {
                (badge(job.status)) " " a href=(nav::job(job.id)) { "Job " (job.id) }
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
    let action = |deed: &str| link(PATH).under(repository.id).under(deed);
    html! {
        @if repositories::may_refresh(role) {
            form method="post" action=(action("refresh")) {
                button.btn.btn-sm type="submit" disabled[busy] aria-label={ "Refresh " (repository.name) } {
                    @if busy { "Describing..." } @else { "Refresh" }
                }
            }
        }
        @if repositories::may_change(role) {
            (confirm(&format!("remove-{}", repository.id), "Remove", &html! {
                "Lamplighter forgets " (repository.name) " and its description. Nothing in its folder is touched."
            }, &html! {
                form method="post" action=(action("remove")) {
                    button.btn.btn-sm.btn-danger type="submit" { "Remove now" }
                }
            }))
        }
    }
}

fn form(again: Option<(&RepositoryForm, &Problem)>) -> Markup {
    let none = RepositoryForm::default();
    let fields = again.map_or(&none, |(fields, _)| fields);
    let content = html! {
        form.card-body.settings-form method="post" action=(link(PATH)) {
            @if let Some((_, problem)) = again { (problem_notice(problem)) }
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
    card("repository-new", "Add a repository", &html! {}, &content)
}
