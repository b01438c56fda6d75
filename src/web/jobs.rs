//! The list of jobs, with filters.

use super::answer::see_other;
use super::app::App;
use super::caller::Signed;
use super::components::{attempts, badge, elapsed, empty, folded, pager, status_word, table, when};
use super::extract::{Query, cursor, given};
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use crate::model::{BlockedBy, Filter, Found, Job, JobId, Kind, Queue, Status, Timestamp, Trigger};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

pub(super) const PATH: &str = Tab::Jobs.path();
pub(super) const PART_PATH: &str = "/jobs/part";
/// Jobs on a page: one screen and a bit.
const ROWS: usize = 50;

/// The address's query.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct JobsQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
    /// A job's id to go to.
    #[serde(skip_serializing)]
    id: Option<String>,
    #[serde(skip_serializing)]
    v: Option<String>,
}

impl JobsQuery {
    /// Without the fields that a form sends empty.
    fn tidied(self) -> Self {
        Self {
            status: given(self.status),
            kind: given(self.kind),
            queue: given(self.queue),
            trigger: given(self.trigger),
            id: given(self.id),
            ..self
        }
    }

    fn filter(&self) -> Result<Filter, Problem> {
        let input = |what: &str| Problem::input(format!("There is no such {what}."));
        let mut filter = Filter::default();
        if let Some(status) = &self.status {
            filter = filter.status(Status::from_str(status).map_err(|()| input("status"))?);
        }
        if let Some(kind) = &self.kind {
            filter = filter.kind(Kind::parse(kind.as_str()).map_err(|_| input("kind"))?);
        }
        if let Some(queue) = &self.queue {
            filter = filter.queue(Queue::parse(queue.as_str()).map_err(|_| input("queue"))?);
        }
        if let Some(trigger) = &self.trigger {
            filter = filter.trigger(Trigger::from_str(trigger).map_err(|()| input("trigger"))?);
        }
        Ok(filter)
    }

    fn link(&self, path: &str) -> String {
        nav::with_query(path, self)
    }
}

/// GET `/jobs` and `/jobs/part`: the newest jobs that fit.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<JobsQuery>,
) -> Result<Response, Problem> {
    let asked = asked.tidied();
    if let Some(id) = &asked.id {
        let id: i64 = id
            .trim_start_matches('#')
            .parse()
            .map_err(|_| Problem::input("A job's id is a number."))?;
        return Ok(see_other(&nav::job(JobId(id))));
    }
    let (filter, before) = (asked.filter()?, cursor(asked.before)?);
    let now = app.web.clock.now();
    let found = app.web.store.find_jobs(filter, before, ROWS, now).await?;
    let content = html! {
        (rows(&found, &asked, now))
        (more(&found, &asked))
    };
    let around = |part| html! { section.card { (tabs(&asked)) (filters(&asked)) (part) } };
    let part = LivePart {
        id: "job-list",
        path: &asked.link(PART_PATH),
        version: version(&found.rows.iter().map(state).collect::<Vec<_>>()),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Jobs);
    Ok(live_page(&frame, Tab::Jobs.title(), &part, around, (who.face(), asked.v.as_deref())))
}

/// What a row shows that can change.
fn state(job: &Job) -> (i64, Status, u32, Option<BlockedBy>) {
    (job.id.0, job.status, job.attempt, job.blocked_by)
}

fn tabs(asked: &JobsQuery) -> Markup {
    let tab = |status: Option<Status>, title: &str| {
        let link =
            JobsQuery { status: status.map(|s| s.to_string()), before: None, ..asked.clone() };
        let open = asked.status.as_deref() == status.map(Status::as_str);
        html! { a href=(link.link(PATH)) aria-current=[open.then_some("true")] { (title) } }
    };
    html! {
        nav.tabs aria-label="Statuses" {
            (tab(None, "All"))
            @for status in Status::ALL { (tab(Some(*status), status_word(*status))) }
        }
    }
}

fn filters(asked: &JobsQuery) -> Markup {
    let field = |name: &str, label: &str, value: &Option<String>| {
        html! {
            label { span { (label) } input.form-control type="text" name=(name) value=[value.as_deref()] maxlength="64"; }
        }
    };
    html! {
        form.filters method="get" action=(PATH) {
            @if let Some(status) = &asked.status { input type="hidden" name="status" value=(status); }
            label {
                span { "Job id" }
                input.form-control type="search" name="id" inputmode="numeric" placeholder="42" maxlength="20";
            }
            (field("kind", "Kind", &asked.kind))
            (field("queue", "Queue", &asked.queue))
            label {
                span { "Trigger" }
                select.form-select name="trigger" {
                    option value="" { "any" }
                    @for trigger in Trigger::ALL {
                        option selected[asked.trigger.as_deref() == Some(trigger.as_str())] { (trigger) }
                    }
                }
            }
            button.btn type="submit" { "Filter" }
            @if asked.kind.is_some() || asked.queue.is_some() || asked.trigger.is_some() { a.btn.btn-link href=(PATH) { "Clear" } }
        }
    }
}

fn rows(found: &Found<Job>, asked: &JobsQuery, now: Timestamp) -> Markup {
    if !found.rows.is_empty() {
        let columns =
            ["Id", "Kind", "Status", "Trigger", "Queue", "Attempt", "Created", "Duration", "Note"];
        let lines: Vec<_> = found.rows.iter().map(|job| row(job, now)).collect();
        return table("Jobs", &columns, &lines);
    }
    let filtered = !asked.link("").is_empty();
    let next = html! {
        @if filtered {
            "Nothing fits these conditions. " a href=(PATH) { "Show all jobs" }
        } @else {
            "Press Run Now on " a href=(Tab::SelfMonitoring.path()) { "Self-Monitoring" }
            ", or insert a row into " code { "jobs" } " from any program."
        }
    };
    empty(if filtered { "No such jobs" } else { "No jobs yet" }, &next)
}

fn row(job: &Job, now: Timestamp) -> Markup {
    html! {
        tr {
            td { a id={ "job-" (job.id) } href=(nav::job(job.id)) { (job.id) } }
            td { (job.kind) }
            td { (badge(job.status)) }
            td { (job.trigger) }
            td data-label="Queue" { @if let Some(queue) = &job.queue { (queue) } @else { "–" } }
            td data-label="Attempt" { (attempts(job)) }
            td data-label="Created" { (when(job.created_at, now)) }
            td data-label="Took" { (elapsed(job.started_at, job.finished_at, now)) }
            td.note {
                @if let Some(blocked) = job.blocked_by.filter(|_| !job.status.is_final()) {
                    p { (blocked_because(blocked)) }
                }
                @if let Some(error) = &job.error { (folded(&format!("error-{}", job.id), error)) }
            }
        }
    }
}

fn more(found: &Found<Job>, asked: &JobsQuery) -> Markup {
    let first = asked.before.map(|_| JobsQuery { before: None, ..asked.clone() }.link(PATH));
    let next = found.next.map(|id| JobsQuery { before: Some(id), ..asked.clone() }.link(PATH));
    let text = if found.cut_short { "100,000 jobs were looked through: go on" } else { "Older" };
    pager(first.as_deref(), next.as_deref().map(|href| (href, text)))
}

/// Why a waiting job does not start.
const fn blocked_because(blocked: BlockedBy) -> &'static str {
    match blocked {
        BlockedBy::New => "Waits for the engine to look at it.",
        BlockedBy::Kind => "No running process has a handler for this kind.",
        BlockedBy::Key => "As many jobs as its concurrency key allows run already.",
        BlockedBy::Constraint => "The database refused to start it; see its history.",
    }
}
