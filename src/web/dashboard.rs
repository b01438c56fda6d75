//! The dashboard: what goes on now and what was last, in figures.

use super::agent;
use super::app::{App, Web};
use super::base::link;
use super::caller::Signed;
use super::components::{
    badge, card, elapsed, headline, known, live, paused_notice, scan_lines, session_cost,
    session_form, session_state, size, spend_lines, stopped_notice, table, trigger_badge,
    when_known,
};
use super::extract::Query;
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::part::{Shown, fresh, version};
use super::problem::Problem;
use super::standing::Standing;
use crate::model::{
    Filter, Hour, Job, Overview, Queue, QueueState, Role, Session, Status, Timestamp,
};
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
    let unready = agent::unready(&app.web).await;
    let (_, going_on) = going_on(&app.web, role, unready.as_deref()).await?;
    let (_, latest) = latest(&app.web).await?;
    let content = html! {
        (going_on)
        div.below { (session_form(role, unready.as_deref())) }
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
    let unready = agent::unready(&app.web).await;
    let (version, part) = going_on(&app.web, who.role(), unready.as_deref()).await?;
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

async fn going_on(
    web: &Web,
    role: Role,
    unready: Option<&str>,
) -> Result<(String, Markup), Problem> {
    let (store, now) = (&web.store, web.clock.now());
    let overview = store.overview(now).await?;
    let standing = Standing::read(store, now).await?;
    let session = store.session_now().await?.0;
    let queue = agent::queue(store).await?;
    let (spent, budgets) = store.spent(None, now).await?;
    let stopped = store.stopped().await?;
    let leading = *web.leading.borrow();
    let pause = queue.as_ref().and_then(|queue| queue.pause.as_ref());
    let content = html! {
        @if let Some(stop) = &stopped { (stopped_notice(stop, now)) }
        @if let Some(pause) = pause { (paused_notice(&Queue::AGENT, pause, role, now)) }
        div.row.row-cards {
            div."col-12" { (figures(&overview)) }
            div."col-lg-6" { (session_card(session.as_ref(), queue.as_ref(), now)) }
            div."col-lg-6" {
                (card("spent", "Spend", &html! { a.btn.btn-sm href=(Tab::Sessions.link()) { "By day" } }, &html! {
                    div.card-body { (spend_lines(spent, budgets)) }
                }))
            }
            div."col-lg-6" { (scan_card(&standing, now)) }
            div."col-lg-6" { (health_card(&overview, web.logs.bytes(), leading, unready)) }
        }
    };
    let most = |most: Option<f64>| most.map(f64::to_bits);
    let version = version(&(
        (overview.queued, overview.scheduled, overview.running),
        overview.hours.iter().map(|hour| (hour.completed, hour.failed)).collect::<Vec<_>>(),
        standing.state(),
        session.as_ref().map(session_state),
        queue.as_ref().map(|queue| queue.queued + queue.scheduled),
        pause.map(|pause| (pause.at, pause.resume_at)),
        (spent.day.to_bits(), spent.month.to_bits(), most(budgets.day), most(budgets.month)),
        (leading, unready, stopped.map(|stop| stop.at)),
    ));
    let part = live("dashboard", &link(PART_PATH), &version, &content);
    Ok((version, part))
}

async fn latest(web: &Web) -> Result<(String, Markup), Problem> {
    let (store, now) = (&web.store, web.clock.now());
    let session = store.session_now().await?.1;
    let hours = store.overview(now).await?.hours;
    let failures = Filter::default().status(Status::Failed);
    let failures = store.find_jobs(failures, None, FAILURES, now).await?.rows;
    let content = html! {
        div.row.row-cards {
            @if let Some(session) = &session { div."col-12" { (latest_card(session, now)) } }
            div."col-12" { (throughput_card(&hours)) }
            div."col-12" { (failures_card(&failures, now)) }
        }
    };
    let version = version(&(
        session.as_ref().map(session_state),
        hours.iter().map(|hour| (hour.completed, hour.failed)).collect::<Vec<_>>(),
        failures.iter().map(|job| job.id).collect::<Vec<_>>(),
    ));
    let part = live("dashboard-latest", &link(LATEST_PATH), &version, &content);
    Ok((version, part))
}

/// The session that runs, with what it does.
fn session_card(session: Option<&Session>, queue: Option<&QueueState>, now: Timestamp) -> Markup {
    let waiting = queue.map_or(0, |queue| queue.queued + queue.scheduled);
    let content = html! {
        div.card-body.lines {
            @if let Some(session) = session {
                p {
                    (badge(session.status)) " "
                    a href=(nav::session(session.id)) { "Session " (session.id) } " "
                    span.text-secondary { (elapsed(session.started_at, None, now)) }
                }
                p { (headline(session)) }
                p.last-line { (session.progress.as_deref().unwrap_or("It has said nothing yet.")) }
            } @else {
                p.text-secondary { "No session runs." }
            }
            @if waiting > 0 { p { "Waiting in its queue: " (waiting) } }
        }
    };
    card(
        "session-now",
        "Agent",
        &html! { a.btn.btn-sm href=(Tab::Sessions.link()) { "Sessions" } },
        &content,
    )
}

fn latest_card(session: &Session, now: Timestamp) -> Markup {
    let run = session.run.as_ref();
    let answer = run.and_then(|run| run.response.as_deref()).unwrap_or_default();
    let said =
        session.error.as_deref().unwrap_or(answer).lines().find(|line| !line.trim().is_empty());
    let content = html! {
        div.card-body.lines {
            p {
                (badge(session.status)) " "
                a href=(nav::session(session.id)) { "Session " (session.id) } " "
                (trigger_badge(session.trigger)) " "
                span.text-secondary {
                    (when_known(session.finished_at, now)) ", "
                    (known(run.and_then(|run| run.num_turns))) " turns, " (session_cost(session))
                }
            }
            p { (headline(session)) }
            @if let Some(said) = said { p.last-line { (said) } }
        }
    };
    card("latest-session", "Latest session", &html! {}, &content)
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

fn scan_card(standing: &Standing, now: Timestamp) -> Markup {
    let open = html! { a.btn.btn-sm href=(Tab::SelfMonitoring.link()) { "Open" } };
    card(
        "last-scan",
        "Self-monitoring",
        &open,
        &html! {
            div.card-body { (scan_lines(standing, now)) }
        },
    )
}

fn health_card(
    overview: &Overview,
    log_bytes: u64,
    leading: bool,
    unready: Option<&str>,
) -> Markup {
    card(
        "health",
        "Health",
        &html! {},
        &html! {
            dl.card-body.facts {
                dt { "Engine" }
                dd { @if leading { "runs in this process, which leads" } @else { "runs in this process; another one leads" } }
                dt { "Agent program" } dd { (unready.unwrap_or("ready")) }
                dt { "Job database" }
                dd { (size(overview.database_bytes)) ", of it write-ahead log " (size(overview.wal_bytes)) }
                dt { "Log database" } dd { (size(log_bytes)) }
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
