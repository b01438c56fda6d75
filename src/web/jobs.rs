//! The list of jobs, and the query that says which jobs it shows.

use super::answer::see_other;
use super::app::App;
use super::base::{Link, link, query_text};
use super::bulk;
use super::caller::Signed;
use super::components::{
    QueryBox, RowFacts, empty, facets, grouped, job_rows, pager, problem_notice, query_box, tabs,
};
#[cfg(feature = "monitor")]
use super::components::{folded, table, values_marked};
use super::extract::{Query, given};
use super::face::Face;
use super::icon::{Icon, icon};
use super::job_ways::JobWays;
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use super::views::Views;
use crate::actions::jobs::{self, JobsAsk};
use crate::error::Code;
use crate::model::{
    Filter, Found, Job, JobId, JobOrder, JobPlace, ListPage, Role, Status, Timestamp,
};
use crate::store::Store;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

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
    before: Option<String>,
    v: Option<String>,
    /// What an act did to many jobs, and to how many.
    did: Option<String>,
    n: Option<u64>,
}

/// The request for a list, as the links of the page carry it.
#[derive(Clone, Serialize)]
struct Asked {
    #[serde(skip_serializing_if = "String::is_empty")]
    q: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
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
    let did = query.did.as_deref().and_then(|word| bulk::did(word, query.n.unwrap_or(0)));
    let (shown, asked) = (query.v.clone(), query.asked());
    let (store, now) = (&app.web.store, app.web.clock.now());
    let new = html! { a.btn href=(link(nav::NEW_JOB)) { (icon(Icon::Plus)) "Run a job" } };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Jobs).acting(new);
    let (listed, problem) = found(store, &asked, now, who.face()).await?;
    let Listed { filter, found } = listed;
    let named = match filter.named_job() {
        Some(id) => store.job(id).await?.map(|job| job.id),
        None => None,
    };
    let facts = RowFacts {
        waits: jobs::short_waits(store, &found.rows, who.clocks().zone_or_utc(), now).await?,
        retries: jobs::retries(store, &found.rows).await?,
        of_status: filter.asked_status(),
        ..RowFacts::default()
    };
    #[cfg(feature = "monitor")]
    let problems = problems(store, &filter, now).await?;
    // Without scans nothing groups texts.
    #[cfg(not(feature = "monitor"))]
    let problems = html! {};
    let counts = store.job_counts().await?;
    let typed = if problem.is_some() { filter.to_string() } else { asked.q.clone() };
    let ways = JobWays::new(&typed, &filter, &counts);
    let views = Views::of(store, &who, ListPage::Jobs, &asked.q).await?;
    let content = html! {
        @if let Some(id) = named { p.card-footer { a href=(nav::job(id)) { "Job " (id) } " has this id." } }
        (problems)
        (hits(&found, (&asked, &filter), ways.are_counted()))
        (run_again(&filter, facts.retries.len(), found.rows.len()))
        (rows(&found, &asked, (&facts, &ways), (who.role(), app.web.has_program(), now)))
        (more(&found, &filter, &asked))
    };
    let statuses = ways.statuses();
    let total = statuses.iter().find(|way| way.is_open).and_then(|way| way.count);
    let around = |part| {
        html! {
            @if let Some(did) = &did { (did) }
            @if let Some(problem) = &problem { (problem_notice(problem)) p.soft { (instead(&filter)) } }
            (search(&asked, problem.is_some(), &ways.suggestions()))
            (views.form(problem.is_some()))
            div.cols.with-rail {
                (facets(&views.ways(), &ways.facets()))
                div {
                    section.card { (tabs("Statuses", &statuses)) (part) }
                    (bulk::bar(&typed, filter.asked_status(), total, who.role()))
                }
            }
        }
    };
    let states: Vec<_> = found.rows.iter().map(|job| state(job, &facts)).collect();
    let part = LivePart {
        id: "job-list",
        link: &asked.link(PART_PATH),
        version: version(&states),
        content: &content,
    };
    let faced = (who.face(), shown.as_deref());
    let mut response = live_page(&frame, Tab::Jobs.title(), &part, around, faced);
    // A part that has not changed says so by its status, whatever the query is.
    if let Some(problem) = problem.as_ref().filter(|_| who.face() == Face::Page) {
        *response.status_mut() = problem.status();
    }
    Ok(response)
}

/// The jobs of a list, and the filter that they fit.
struct Listed {
    filter: Filter,
    found: Found<Job, JobPlace>,
}

/// The jobs of a query. A person whose query cannot be read sees those that fit what of it can be, and why.
async fn found(
    store: &Store,
    asked: &Asked,
    now: Timestamp,
    face: Face,
) -> Result<(Listed, Option<Problem>), Problem> {
    let before = asked.before.as_deref().map(str::parse).transpose()?;
    let find = async |query: String| {
        let ask = JobsAsk { query, before, rows: ROWS };
        jobs::find(store, ask, now).await.map_err(Problem::from)
    };
    match find(asked.q.clone()).await {
        Ok(found) => {
            let filter = Filter::parse(&asked.q).unwrap_or_default();
            Ok((Listed { filter, found }, None))
        }
        Err(problem) if face != Face::Json && problem.code() == Code::FilterInvalid => {
            let filter = jobs::readable(&asked.q);
            let found = find(filter.to_string()).await?;
            Ok((Listed { filter, found }, Some(problem)))
        }
        Err(problem) => Err(problem),
    }
}

/// What the list shows of a query that cannot be read.
fn instead(filter: &Filter) -> Markup {
    html! {
        @if filter.is_empty() { "All jobs are shown instead." }
        @else { "Jobs that match " code { (filter) } " are shown instead." }
    }
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
                td.note { (folded(&format!("problem-{}", problem.last), &values_marked(&problem.template))) }
            }
        }
    };
    let rows: Vec<_> = found.problems.iter().take(ROWS).map(row).collect();
    let older = if found.more { " The newest of them were looked at." } else { "" };
    Ok(html! {
        @if found.jobs > 1 {
            details.card-body id="job-problems" {
                summary { "By problem: " (found.problems.len()) " in " (found.jobs) " failed jobs" }
                p.soft { "Equal errors are one problem; " code { "‹…›" } " stands for what differs." (older) }
                (table("Problems", &["Jobs", "Kind", "Code", "Last", "Error"], &rows))
            }
        }
    })
}

/// How many jobs fit a query whose jobs nobody has counted, as far as the first page knows.
fn hits(
    found: &Found<Job, JobPlace>,
    (asked, filter): (&Asked, &Filter),
    are_counted: bool,
) -> Markup {
    let shown = found.rows.len();
    let is_first = asked.before.is_none() && !filter.is_empty();
    html! {
        @if is_first && !are_counted && shown > 0 {
            p #job-hits .card-body.sub {
                @if found.next.is_some() { "At least " }
                @if shown == 1 { "1 job fits" } @else { (shown) " jobs fit" }
                ". The counts beside the list need a query of statuses, kinds and queues alone."
            }
        }
    }
}

/// How many of the failed jobs that are shown were run again already, with the list of the others.
fn run_again(filter: &Filter, run_again: usize, shown: usize) -> Markup {
    let is_of_failed = filter.asked_status() == Some(Status::Failed);
    let others = filter.clone().retried(false);
    html! {
        @if is_of_failed && run_again > 0 {
            p #run-again .card-body.sub {
                (run_again) " of the " (shown) " shown " @if run_again == 1 { "was" } @else { "were" }
                " run again already. "
                a href=(nav::jobs(&others)) { "Only those that nobody has run again" }
            }
        }
    }
}

/// The part of a row that can change.
fn state<'a>(job: &Job, facts: &'a RowFacts) -> impl std::hash::Hash + use<'a> {
    let waits = facts.waits.get(&job.id);
    (job.id.0, job.status, job.attempt, waits, facts.retries.get(&job.id))
}

fn search(asked: &Asked, wrong: bool, suggestions: &[String]) -> Markup {
    let action = link(PATH);
    let query = QueryBox {
        action: &action,
        name: "q",
        label: "Search jobs",
        example: "Search jobs, e.g. status:failed",
        typed: &asked.q,
        is_wrong: wrong,
        has_facets: true,
    };
    let beside = html! {
        datalist #query-words { @for word in suggestions { option value=(word) {} } }
        a.btn href=(link(nav::KINDS)) { "Kinds" }
        a.btn href=(link(nav::BATCHES)) { "Batches" }
    };
    query_box(&query, &beside)
}

fn rows(
    found: &Found<Job, JobPlace>,
    asked: &Asked,
    (facts, ways): (&RowFacts, &JobWays<'_>),
    (role, has_program, now): (Role, bool, Timestamp),
) -> Markup {
    if !found.rows.is_empty() {
        let form = jobs::may_act(role).then_some("bulk");
        return job_rows(&found.rows, facts, form, now);
    }
    let filtered = !asked.is_empty();
    let next = html! {
        @if filtered {
            "No job fits this query. "
            @for (word, count, link) in ways.without() {
                "Without the " (word) " there " @if count == 1 { "is " } @else { "are " } a href=(link) { (grouped(count)) } ". "
            }
            a href=(link(PATH)) { "Show all jobs" }
        } @else if !has_program {
            "Jobs that the program makes appear here."
        } @else {
            "Press Run Now on " a href=(Tab::SelfMonitoring.link()) { "Self-Monitoring" }
            ", or insert a row into " code { "jobs" } " from any program."
        }
    };
    let title = match ways.asked_status() {
        Some(status) => format!("No {status} jobs match"),
        None if filtered => "No jobs match".to_owned(),
        None => "No jobs yet".to_owned(),
    };
    empty(&title, &next)
}

fn more(found: &Found<Job, JobPlace>, filter: &Filter, asked: &Asked) -> Markup {
    let first = asked.before.as_ref().map(|_| Asked { before: None, ..asked.clone() }.link(PATH));
    let next = found
        .next
        .map(|place| Asked { before: Some(place.to_string()), ..asked.clone() }.link(PATH));
    let text = match filter.order() {
        _ if found.cut_short => "100,000 jobs were looked through: go on",
        JobOrder::NextStart => "Later",
        JobOrder::Newest | JobOrder::LastStart | JobOrder::LastEnd(_) => "Older",
    };
    pager(first.as_ref(), next.as_ref().map(|next| (next, text)))
}
