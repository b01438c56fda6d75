//! The dashboard: what goes on now and what was last, in figures.

#[cfg(feature = "monitor")]
mod program;

use super::app::{App, Web};
use super::base::link;
use super::caller::Signed;
use super::components::{card, live, size, stopped_notice, table, when_known};
use super::extract::Query;
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::part::{Shown, fresh, version};
use super::problem::Problem;
use crate::model::{Filter, Hour, Job, Overview, Role, Status, Timestamp};
use axum::extract::State;
use axum::response::{Html, Response};
use maud::{Markup, html};
use std::time::Duration;

pub(super) const PATH: &str = Tab::Dashboard.path();
pub(super) const PART_PATH: &str = "/dashboard/part";
pub(super) const LATEST_PATH: &str = "/dashboard/latest";

/// How many failed jobs the dashboard names.
const FAILURES: usize = 5;
/// How far back the figures of finished jobs reach. Their first hour is always a whole hour.
const DAY: Duration = Duration::from_hours(24);

/// GET `/`: what goes on, the form that asks for a session, and what was last. The form is outside both live parts, so
/// that no change takes away what somebody types.
pub(super) async fn page(State(app): State<App>, who: Signed) -> Result<Html<String>, Problem> {
    let role = who.role();
    let (_, going_on) = going_on(&app.web, role).await?;
    let (_, latest) = latest(&app.web).await?;
    let form = More::form(&app.web, role).await;
    let content = html! {
        (going_on)
        @if let Some(form) = form { div.below { (form) } }
        div.below { (latest) }
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Dashboard);
    Ok(page::page(&frame, Tab::Dashboard.title(), &content))
}

/// GET `/dashboard/part`: what goes on.
pub(super) async fn now_part(
    State(app): State<App>,
    who: Signed,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let (version, part) = going_on(&app.web, who.role()).await?;
    Ok(fresh(&version, &part, shown.as_deref()))
}

/// GET `/dashboard/latest`: what was last.
pub(super) async fn latest_part(
    State(app): State<App>,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let (version, part) = latest(&app.web).await?;
    Ok(fresh(&version, &part, shown.as_deref()))
}

async fn going_on(web: &Web, role: Role) -> Result<(String, Markup), Problem> {
    let (store, now) = (&web.store, web.clock.now());
    let overview = store.overview(now).await?;
    let stopped = store.stopped().await?;
    let leading = web.leading.as_ref().map(|leading| *leading.borrow());
    let more = More::now(web, role).await?;
    let content = html! {
        @if let Some(stop) = &stopped { (stopped_notice(stop, now)) }
        @if let Some(notice) = &more.notice { (notice) }
        div.row.row-cards {
            div."col-12" { (figures(&overview)) }
            @for card in &more.cards { div."col-lg-6" { (card) } }
            div."col-lg-6" { (health_card(&overview, leading, &more.facts)) }
        }
    };
    let version = version(&(
        (overview.queued, overview.scheduled, overview.running),
        overview.hours.iter().map(|hour| (hour.completed, hour.failed)).collect::<Vec<_>>(),
        (leading, stopped.map(|stop| stop.at), &more.version),
    ));
    let part = live("dashboard", &link(PART_PATH), &version, &content);
    Ok((version, part))
}

async fn latest(web: &Web) -> Result<(String, Markup), Problem> {
    let (store, now) = (&web.store, web.clock.now());
    let more = More::latest(web).await?;
    let hours = store.overview(now).await?.hours;
    let failures = Filter::default().status(Status::Failed);
    let failures = store.find_jobs(failures, None, FAILURES, now).await?.rows;
    let content = html! {
        div.row.row-cards {
            @for card in &more.cards { div."col-12" { (card) } }
            div."col-12" { (throughput_card(&hours)) }
            div."col-12" { (failures_card(&failures, now)) }
        }
    };
    let version = version(&(
        &more.version,
        hours.iter().map(|hour| (hour.completed, hour.failed)).collect::<Vec<_>>(),
        failures.iter().map(|job| job.id).collect::<Vec<_>>(),
    ));
    let part = live("dashboard-latest", &link(LATEST_PATH), &version, &content);
    Ok((version, part))
}

/// What the pages show besides the engine's own: nothing where there are no pages of sessions, scans and logs.
#[derive(Default)]
struct More {
    notice: Option<Markup>,
    cards: Vec<Markup>,
    facts: Vec<(&'static str, String)>,
    /// A digest of what can change.
    version: String,
}

#[cfg(feature = "monitor")]
impl More {
    async fn form(web: &Web, role: Role) -> Option<Markup> {
        match &web.program {
            Some(_) => Some(program::form(web, role).await),
            None => None,
        }
    }

    async fn now(web: &Web, role: Role) -> Result<Self, Problem> {
        match &web.program {
            Some(program) => program::now(web, program, role).await,
            None => Ok(Self::default()),
        }
    }

    async fn latest(web: &Web) -> Result<Self, Problem> {
        match &web.program {
            Some(_) => program::latest(web).await,
            None => Ok(Self::default()),
        }
    }
}

#[cfg(not(feature = "monitor"))]
#[expect(clippy::unused_async, reason = "with the feature `monitor` they wait for the store")]
impl More {
    async fn form(_: &Web, _: Role) -> Option<Markup> {
        None
    }

    async fn now(_: &Web, _: Role) -> Result<Self, Problem> {
        Ok(Self::default())
    }

    async fn latest(_: &Web) -> Result<Self, Problem> {
        Ok(Self::default())
    }
}

fn figures(overview: &Overview) -> Markup {
    let day = |of: fn(&Hour) -> u64| overview.hours.iter().map(of).sum::<u64>();
    let figure = |title: &str, count: u64, status: Status| {
        let jobs = Filter::default().status(status);
        let jobs = if status.is_final() { jobs.since(DAY) } else { jobs };
        html! {
            a.card.figure href=(nav::jobs(&jobs)) {
                span.subheader { (title) }
                span class={ "h1 figure-" (status) } { (count) }
            }
        }
    };
    html! {
        div.figures {
            (figure("Running", overview.running, Status::Running))
            (figure("Queued", overview.queued, Status::Queued))
            (figure("Scheduled", overview.scheduled, Status::Scheduled))
            (figure("Completed, 24 h", day(|hour| hour.completed), Status::Completed))
            (figure("Failed, 24 h", day(|hour| hour.failed), Status::Failed))
        }
    }
}

fn health_card(
    overview: &Overview,
    leading: Option<bool>,
    facts: &[(&'static str, String)],
) -> Markup {
    let engine = match leading {
        Some(true) => "runs in this process, which leads",
        Some(false) => "runs in this process; another one leads",
        None => "does not run in this process",
    };
    card(
        "health",
        "Health",
        &html! {},
        &html! {
            dl.card-body.facts {
                dt { "Engine" }
                dd { (engine) }
                dt { "Job database" }
                dd { (size(overview.database_bytes)) ", of it write-ahead log " (size(overview.wal_bytes)) }
                @for (name, fact) in facts { dt { (name) } dd { (fact) } }
                dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) }
            }
        },
    )
}

fn failures_card(failures: &[Job], now: Timestamp) -> Markup {
    let row = |job: &Job| {
        let error = job.error.as_deref().unwrap_or("No reason was given.");
        html! {
            tr {
                td { a id={ "failure-" (job.id) } href=(nav::job(job.id)) { (job.id) } }
                td { (job.kind) }
                td { (when_known(job.finished_at, now)) }
                td.note { (error.lines().next().unwrap_or_default()) }
            }
        }
    };
    let rows: Vec<_> = failures.iter().map(row).collect();
    card(
        "failures",
        "Last failures",
        &html! { a.btn.btn-sm href=(nav::jobs(&Filter::default().status(Status::Failed))) { "All failed jobs" } },
        &html! {
            @if rows.is_empty() {
                p.card-body.text-secondary { "No job has failed." }
            } @else {
                (table("Last failures", &["Id", "Kind", "When", "Error"], &rows))
            }
        },
    )
}

fn throughput_card(hours: &[Hour]) -> Markup {
    let list = |of: &dyn Fn(&Hour) -> String| hours.iter().map(of).collect::<Vec<_>>().join(" ");
    let total: u64 = hours.iter().map(|hour| hour.completed + hour.failed).sum();
    let legend = html! {
        ul.legend { li.legend-completed { "Completed" } li.legend-failed { "Failed" } }
    };
    card(
        "throughput",
        "Finished jobs by hour",
        &legend,
        &html! {
            div.card-body {
                @if total == 0 {
                    p.text-secondary { "No job has ended in the last 24 hours. Finished jobs appear here by the hour." }
                } @else {
                    div.chart role="img" aria-label={ (total) " jobs ended in the last 24 hours" }
                        data-times=(list(&|hour| (hour.begins_at.millis() / 1000).to_string()))
                        data-completed=(list(&|hour| hour.completed.to_string()))
                        data-failed=(list(&|hour| hour.failed.to_string())) {
                        noscript { (total) " jobs ended in the last 24 hours; the chart needs JavaScript." }
                    }
                }
            }
        },
    )
}
