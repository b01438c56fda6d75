//! The list of jobs, and the query that says which jobs it shows.

use super::answer::see_other;
use super::app::App;
use super::base::{Link, link, query_text};
use super::caller::Signed;
use super::components::{
    QueryBox, empty, facets, job_rows, pager, problem_notice, query_box, tabs,
};
#[cfg(feature = "monitor")]
use super::components::{folded, table};
use super::extract::{Query, given};
use super::face::Face;
use super::icon::{Icon, icon};
use super::job_ways::JobWays;
use super::nav::{self, Tab};
use super::page::{Frame, page};
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use crate::actions::jobs::{self, JobsAsk};
use crate::model::{Filter, Found, Job, JobId, Status, Timestamp};
#[cfg(feature = "monitor")]
use crate::store::Store;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) const PATH: &str = Tab::Jobs.path();
pub(super) const PART_PATH: &str = "/jobs/part";
/// How many jobs a page shows: a little more than one screen.
const ROWS: usize = 50;

/// The address's query.
#[derive(Clone, Default, Deserialize)]
pub(super) struct JobsQuery {
    q: Option<String>,
    status: Option<String>,
    kind: Option<String>,
    queue: Option<String>,
    trigger: Option<String>,
    /// A job's id to go to.
    id: Option<String>,
    before: Option<i64>,
    v: Option<String>,
}

/// The request for a list, as the links of the page carry it.
#[derive(Clone, Serialize)]
struct Asked {
    #[serde(skip_serializing_if = "String::is_empty")]
    q: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
}

impl JobsQuery {
    /// The job that the parameter `id` names.
    fn named_job(&self) -> Option<JobId> {
        let id = self.id.as_deref()?.trim().trim_start_matches('#');
        id.parse().ok().map(JobId)
    }

    /// The request for a list, with all parameters put into one query: those beside `q` become terms of it.
    fn asked(self) -> Asked {
        let word = |name: &str, value: Option<String>| {
            given(value).map(|value| format!("{name}:{}", quoted(&value)))
        };
        let words = [
            given(self.q),
            word("status", self.status),
            word("kind", self.kind),
            word("queue", self.queue),
            word("trigger", self.trigger),
            given(self.id).map(|text| quoted(&text)),
        ];
        Asked { q: words.into_iter().flatten().collect::<Vec<_>>().join(" "), before: self.before }
    }
}

/// A value as the query language writes it: in quotes if it is more than a word.
fn quoted(value: &str) -> String {
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Asked {
    fn link(&self, path: &str) -> Link {
        link(path).with(self)
    }

    fn is_empty(&self) -> bool {
        query_text(self).is_empty()
    }
}

/// GET `/jobs` and `/jobs/part`: the newest jobs that fit.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(query): Query<JobsQuery>,
) -> Result<Response, Problem> {
    if let Some(id) = query.named_job() {
        return Ok(see_other(&nav::job(id)));
    }
    let (shown, asked) = (query.v.clone(), query.asked());
    let (store, now) = (&app.web.store, app.web.clock.now());
    let new = html! { a.btn href=(link(nav::NEW_JOB)) { (icon(Icon::Plus)) "New job" } };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Jobs).acting(new);
    let ask = JobsAsk { query: asked.q.clone(), before: asked.before, rows: ROWS };
    let found = match jobs::find(store, ask, now).await.map_err(Problem::from) {
        Ok(found) => found,
        Err(problem) if who.face() == Face::Page && problem.status().is_client_error() => {
            let content = html! {
                (problem_notice(&problem))
                (search(&asked, true))
            };
            let page = page(&frame, Tab::Jobs.title(), &content);
            return Ok((problem.status(), page).into_response());
        }
        Err(problem) => return Err(problem),
    };
    let filter = Filter::parse(&asked.q).unwrap_or_default();
    let named = match filter.named_job() {
        Some(id) => store.job(id).await?.map(|job| job.id),
        None => None,
    };
    let waits = jobs::waits(store, &found.rows, now).await?;
    #[cfg(feature = "monitor")]
    let problems = problems(store, &filter, now).await?;
    // Without scans nothing groups texts.
    #[cfg(not(feature = "monitor"))]
    let problems = html! {};
    let content = html! {
        @if let Some(id) = named { p.card-footer { a href=(nav::job(id)) { "Job " (id) } " has this id." } }
        (problems)
        (rows(&found, &asked, &waits, (app.web.has_program(), now)))
        (more(&found, &asked))
    };
    let counts = store.job_counts().await?;
    let ways = JobWays::new(&asked.q, &filter, &counts);
    let around = |part| {
        html! {
            (search(&asked, false))
            div.cols.with-rail {
                (facets(&ways.facets()))
                section.card { (tabs("Statuses", &ways.statuses())) (part) }
            }
        }
    };
    let states: Vec<_> = found.rows.iter().map(|job| state(job, &waits)).collect();
    let part = LivePart {
        id: "job-list",
        link: &asked.link(PART_PATH),
        version: version(&states),
        content: &content,
    };
    Ok(live_page(&frame, Tab::Jobs.title(), &part, around, (who.face(), shown.as_deref())))
}

/// What the failed jobs that fit have in common, where only failed jobs are asked for.
#[cfg(feature = "monitor")]
async fn problems(store: &Store, filter: &Filter, now: Timestamp) -> Result<Markup, Problem> {
    if filter.asked_status() != Some(Status::Failed) {
        return Ok(html! {});
    }
    let found = jobs::problems(store, &filter.to_string(), now).await?;
    let row = |problem: &jobs::JobProblem| {
        html! {
            tr {
                td data-label="Jobs" { (problem.count) }
                td { (problem.kind) }
                td { @if let Some(code) = &problem.code { code { (code) } } }
                td data-label="Last" { a href=(nav::job(problem.last)) { (problem.last) } }
                td.note { (folded(&format!("problem-{}", problem.last), &problem.template)) }
            }
        }
    };
    let rows: Vec<_> = found.problems.iter().take(ROWS).map(row).collect();
    let older = if found.more { " The newest of them were looked at." } else { "" };
    Ok(html! {
        @if found.jobs > 1 {
            details.card-body id="job-problems" {
                summary { "By problem: " (found.problems.len()) " in " (found.jobs) " failed jobs" }
                p.soft { "Equal errors are one problem; " code { "<*>" } " stands for what differs." (older) }
                (table("Problems", &["Jobs", "Kind", "Code", "Last", "Error"], &rows))
            }
        }
    })
}

/// The part of a row that can change.
fn state<'a>(job: &Job, waits: &'a Waits) -> (i64, Status, u32, Option<&'a String>) {
    (job.id.0, job.status, job.attempt, waits.get(&job.id))
}

/// What the waiting jobs of a list wait for.
type Waits = BTreeMap<JobId, String>;

fn search(asked: &Asked, wrong: bool) -> Markup {
    let action = link(PATH);
    let query = QueryBox {
        action: &action,
        name: "q",
        label: "Search jobs",
        example: "status:failed kind:send_email since:24h",
        typed: &asked.q,
        is_wrong: wrong,
        has_facets: true,
    };
    query_box(&query, &html! { a.btn href=(link(nav::BATCHES)) { "Batches" } })
}

fn rows(
    found: &Found<Job>,
    asked: &Asked,
    waits: &Waits,
    (has_program, now): (bool, Timestamp),
) -> Markup {
    if !found.rows.is_empty() {
        return job_rows(&found.rows, waits, now);
    }
    let filtered = !asked.is_empty();
    let next = html! {
        @if filtered {
            "No job fits this query. " a href=(link(PATH)) { "Show all jobs" }
        } @else if !has_program {
            "Jobs that the program makes appear here."
        } @else {
            "Press Run Now on " a href=(Tab::SelfMonitoring.link()) { "Self-Monitoring" }
            ", or insert a row into " code { "jobs" } " from any program."
        }
    };
    empty(if filtered { "No jobs match" } else { "No jobs yet" }, &next)
}

fn more(found: &Found<Job>, asked: &Asked) -> Markup {
    let first = asked.before.map(|_| Asked { before: None, ..asked.clone() }.link(PATH));
    let next = found.next.map(|id| Asked { before: Some(id), ..asked.clone() }.link(PATH));
    let text = if found.cut_short { "100,000 jobs were looked through: go on" } else { "Older" };
    pager(first.as_ref(), next.as_ref().map(|next| (next, text)))
}
