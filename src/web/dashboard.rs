//! The dashboard: what goes on, in figures.

use super::App;
use super::access::SignedIn;
use super::caller::Caller;
use super::jobs;
use super::page::{self, Frame, LivePart, Tab};
use super::respond::Problem;
use super::self_monitoring::status_line;
use super::ui::{self, card, size, when_known};
use crate::model::{Hour, Job, JobFilter, Overview, ScanNow, Status, Timestamp};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::response::Response;
use maud::{Markup, html};

pub(super) const PATH: &str = "/";
pub(super) const PART_PATH: &str = "/dashboard/part";

/// Failed jobs that the dashboard names.
const FAILURES: usize = 5;

/// GET `/` and `/dashboard/part`.
pub(super) async fn page(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<page::Shown>, QueryRejection>,
) -> Result<Response, Problem> {
    let shown = page::query(query)?.v;
    let now = app.web.clock.now();
    let overview = app.web.store.overview(now).await?;
    let scan_now = app.web.store.scan_now().await?;
    let failures =
        JobFilter { status: Some(Status::Failed), limit: FAILURES, ..JobFilter::default() };
    let failures = app.web.store.search_jobs(failures).await?.rows;
    let leading = *app.web.leading.borrow();
    let content = html! {
        div.row.row-cards {
            div."col-12" { (figures(&overview)) }
            div."col-lg-6" { (scan_card(&scan_now, now)) }
            div."col-lg-6" { (health_card(&overview, app.web.logs.bytes(), leading)) }
            div."col-12" { (throughput_card(&overview.hours)) }
            div."col-12" { (failures_card(&failures, now)) }
        }
    };
    let part = LivePart {
        id: "dashboard",
        path: PART_PATH,
        version: page::version(&(
            overview.queued,
            overview.scheduled,
            overview.running,
            overview.hours.iter().map(|hour| (hour.completed, hour.failed)).collect::<Vec<_>>(),
            scan_now.running.as_ref().map(|scan| scan.id),
            scan_now.waiting,
            scan_now.last.as_ref().map(|scan| scan.id),
            failures.iter().map(|job| job.id.0).collect::<Vec<_>>(),
            leading,
        )),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&signed_in)).at(Tab::Dashboard);
    Ok(page::live_page(
        &frame,
        Tab::Dashboard.title(),
        &part,
        |part| part,
        (caller.face, shown.as_deref()),
    ))
}

fn figures(overview: &Overview) -> Markup {
    let day = |of: fn(&Hour) -> u64| overview.hours.iter().map(of).sum::<u64>();
    let figure = |title: &str, count: u64, status: Status| {
        html! {
            a.card.figure href={ (jobs::PATH) "?status=" (status) } {
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

fn scan_card(scan_now: &ScanNow, now: Timestamp) -> Markup {
    let link = html! { a.btn.btn-sm href=(Tab::SelfMonitoring.path()) { "Open" } };
    card(
        "last-scan",
        "Self-monitoring",
        &link,
        &html! {
            div.card-body { (status_line(scan_now, now)) }
        },
    )
}

fn health_card(overview: &Overview, log_bytes: u64, leading: bool) -> Markup {
    card(
        "health",
        "Health",
        &html! {},
        &html! {
            dl.card-body.facts {
                dt { "Engine" }
                dd { @if leading { "runs in this process" } @else { "runs in another process; this one stands by" } }
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
                td { a id={ "failure-" (job.id) } href={ (jobs::PATH) "/" (job.id) } { (job.id) } }
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
        &html! { a.btn.btn-sm href={ (jobs::PATH) "?status=failed" } { "All failed jobs" } },
        &html! {
            @if rows.is_empty() {
                p.card-body.text-secondary { "No job has failed." }
            } @else {
                (ui::table("Last failures", &["Id", "Kind", "When", "Error"], &rows))
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
