//! The Self-Monitoring page: what goes on, Run Now, the history of scans, the issues they filed.

use super::App;
use super::access::SignedIn;
use super::caller::Caller;
use super::page::{self, Frame, Tab, badge, duration, when, when_known};
use super::respond::{self, Face, Problem};
use crate::error::Code;
use crate::model::{
    Issue, IssueId, JobId, Page, Role, Scan, ScanNow, ScanRequest, Status, Timestamp,
};
use crate::monitor;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

pub(super) const PATH: &str = "/admin/self-monitoring";
pub(super) const STATUS_PATH: &str = "/admin/self-monitoring/status";
pub(super) const RUN_NOW_PATH: &str = "/admin/self-monitoring/run-now";
/// Rows of each list on a page: both lists stay in sight.
const ROWS: usize = 20;
/// How soon the page looks again while a scan waits or runs.
const RELOAD: Duration = Duration::from_secs(2);

/// Where the two lists of the page begin.
#[derive(Clone, Copy, Default, Deserialize)]
pub(super) struct Slices {
    before: Option<i64>,
    issues_before: Option<i64>,
}

/// GET `/admin/self-monitoring`.
pub(super) async fn page(
    State(app): State<App>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<Slices>, QueryRejection>,
) -> Result<Html<String>, Problem> {
    let asked = page::query(query)?;
    let slices = Slices {
        before: page::cursor(asked.before)?,
        issues_before: page::cursor(asked.issues_before)?,
    };
    let store = &app.web.store;
    // The status is read first: a scan that ends in between is then still shown as running and the page looks again.
    let scan_now = store.scan_now().await?;
    let scans = store.scans(slices.before.map(JobId), ROWS).await?;
    let issues = store.issues(slices.issues_before.map(IssueId), ROWS).await?;
    let now = app.web.clock.now();
    let content = html! {
        h1 { "Self-Monitoring" }
        (status_section(&scan_now, signed_in.account.role, None, now))
        (history_section(&scans, slices, now))
        (issues_section(&issues, slices, now))
    };
    let frame = Frame::new(&app.web, Some(&signed_in))
        .at(Tab::SelfMonitoring)
        .reloading(is_active(&scan_now).then_some(RELOAD));
    Ok(page::page(&frame, Tab::SelfMonitoring.title(), &content))
}

/// GET `/admin/self-monitoring/status`: the status section alone.
pub(super) async fn status(
    State(app): State<App>,
    Extension(signed_in): Extension<SignedIn>,
) -> Result<Html<String>, Problem> {
    let scan_now = app.web.store.scan_now().await?;
    let section = status_section(&scan_now, signed_in.account.role, None, app.web.clock.now());
    Ok(Html(section.into_string()))
}

/// POST `/admin/self-monitoring/run-now`: queues a scan, whatever runs or waits already.
pub(super) async fn run_now(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
) -> Result<Response, Problem> {
    let actor = caller.acting_as(&signed_in.account.username);
    let asked = monitor::run_now(&app.web.store, actor, app.web.clock.now()).await;
    let queued = match asked {
        Ok(ScanRequest::Queued(id)) => Ok(id),
        Ok(ScanRequest::TooMany) => {
            Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, Code::QueueFull))
        }
        Err(error) => Err(Problem::from(error)),
    };
    match caller.face {
        Face::Page => queued.map(|_| respond::see_other(PATH)),
        Face::Json => Ok(run_now_json(queued)),
        Face::Fragment => {
            let problem = queued.err();
            let scan_now = app.web.store.scan_now().await.unwrap_or_default();
            let role = signed_in.account.role;
            let section = status_section(&scan_now, role, problem.as_ref(), app.web.clock.now());
            let status = problem.map_or(StatusCode::OK, |problem| problem.status());
            Ok((status, Html(section.into_string())).into_response())
        }
    }
}

fn run_now_json(queued: Result<JobId, Problem>) -> Response {
    match queued {
        Ok(id) => Json(json!({"status": "queued", "scan_id": id.to_string()})).into_response(),
        Err(problem) => {
            let code = problem.code();
            let error = format!("{}. {}", code.title(), code.remedy());
            let body = json!({"status": "error", "error": error, "code": code.as_str()});
            (problem.status(), Json(body)).into_response()
        }
    }
}

fn is_active(scan_now: &ScanNow) -> bool {
    scan_now.running.is_some() || scan_now.waiting > 0
}

/// What goes on, and the button. It looks again by itself while a scan waits or runs.
fn status_section(
    scan_now: &ScanNow,
    role: Role,
    problem: Option<&Problem>,
    now: Timestamp,
) -> Markup {
    let active = is_active(scan_now);
    html! {
        section #scan-status .card
            hx-get=[active.then_some(STATUS_PATH)]
            hx-trigger=[active.then_some("every 2s")]
            hx-swap=[active.then_some("outerHTML")] {
            h2 { "Status" }
            @if let Some(problem) = problem { (respond::notice(problem)) }
            div.status role="status" { (status_line(scan_now, now)) }
            div.actions { (buttons(active, role >= Role::Operator)) }
        }
    }
}

fn status_line(scan_now: &ScanNow, now: Timestamp) -> Markup {
    let ScanNow { running, waiting, last } = scan_now;
    html! {
        @if running.is_some() {
            p { span.badge.badge-running { "Running..." } (more_waiting(*waiting)) }
        } @else if *waiting > 0 {
            p { span.badge.badge-queued { "Queued" } (more_waiting(waiting - 1)) }
        } @else if let Some(scan) = last {
            (last_scan(scan, now))
        } @else {
            p.empty { "No scan has run yet. Run Now looks through the log for problems and files what it finds." }
        }
    }
}

fn more_waiting(count: u64) -> Markup {
    html! { @if count > 0 { " " span.muted { (count) " more waiting" } } }
}

fn last_scan(scan: &Scan, now: Timestamp) -> Markup {
    html! {
        p {
            (badge(scan.status)) " " (when_known(scan.finished_at, now))
            " · Issues created: " strong { (scan.counts.issues_created) }
        }
        @if let Some(error) = &scan.error {
            p.error { (error) }
        }
    }
}

fn buttons(active: bool, may_run: bool) -> Markup {
    let inert = active || !may_run;
    html! {
        (run_now_form(&html! {
            button #run-now type="submit" disabled[inert] { @if active { "Running..." } @else { "Run Now" } }
        }))
        @if active && may_run {
            (run_now_form(&html! { button.plain #queue-another type="submit" { "Queue another" } }))
        }
        @if !may_run {
            span.muted { "Your role sees scans; running one needs the role operator." }
        }
    }
}

fn run_now_form(button: &Markup) -> Markup {
    html! {
        form method="post" action=(RUN_NOW_PATH)
            hx-post=(RUN_NOW_PATH) hx-target="#scan-status" hx-swap="outerHTML" {
            (button)
        }
    }
}

fn history_section(scans: &Page<Scan>, slices: Slices, now: Timestamp) -> Markup {
    let first = slices.before.map(|_| slices.with_before(None));
    let next = scans.next.map(|id| slices.with_before(Some(id)));
    html! {
        section #scan-history .card {
            h2 { "Scan history" }
            @if scans.rows.is_empty() {
                p.empty { "No scans here. Run Now starts the first one." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Scan history" {
                    table {
                        thead {
                            tr {
                                th { "Scan" } th { "Time" } th { "Trigger" } th { "Status" } th { "Duration" }
                                th { "Rows examined" } th { "Issues created" } th { "Skipped" }
                            }
                        }
                        tbody { @for scan in &scans.rows { (scan_row(scan, now)) } }
                    }
                }
            }
            (page::pager(first.as_deref(), next.as_deref()))
        }
    }
}

fn scan_row(scan: &Scan, now: Timestamp) -> Markup {
    html! {
        tr {
            td.number { (scan.id) }
            td { (when(scan.created_at, now)) }
            td { (scan.trigger) }
            td {
                (badge(scan.status))
                @if let Some(error) = scan.error.as_ref().filter(|_| scan.status == Status::Failed) {
                    details { summary { "Error" } pre { (error) } }
                }
            }
            td { (duration(scan.started_at, scan.finished_at, now)) }
            td.number { (scan.counts.rows_examined) }
            td.number { (scan.counts.issues_created) }
            td.number { (scan.counts.duplicates_skipped) }
        }
    }
}

fn issues_section(issues: &Page<Issue>, slices: Slices, now: Timestamp) -> Markup {
    let first = slices.issues_before.map(|_| slices.with_issues_before(None));
    let next = issues.next.map(|id| slices.with_issues_before(Some(id)));
    html! {
        section #issues .card {
            h2 { "Issues" }
            @if issues.rows.is_empty() {
                p.empty { "No issues here. A scan files one for each problem it finds in the log." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Issues" {
                    table {
                        thead {
                            tr {
                                th { "Number" } th { "Title" } th { "Classification" } th { "Codes" }
                                th { "Seen" } th { "Created" } th { "Last seen" }
                            }
                        }
                        tbody { @for issue in &issues.rows { (issue_row(issue, now)) } }
                    }
                }
            }
            (page::pager(first.as_deref(), next.as_deref()))
        }
    }
}

fn issue_row(issue: &Issue, now: Timestamp) -> Markup {
    html! {
        tr {
            td.number {
                @match issue.url.as_deref().filter(|url| is_web_link(url)) {
                    Some(url) => a href=(url) rel="noreferrer" { "#" (issue.number) },
                    None => { "#" (issue.number) },
                }
            }
            td.note { details { summary { (issue.title) } pre { (issue.body) } } }
            td { (issue.classification.as_str()) }
            td { @for code in &issue.error_codes { code { (code) } " " } }
            td.number { (issue.occurrences) }
            td { (when(issue.created_at, now)) }
            td { (when(issue.last_seen_at, now)) }
        }
    }
}

/// Whether a stored link may become one: nothing but the web, in particular no `javascript:` (S16).
fn is_web_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

impl Slices {
    fn with_before(self, before: Option<i64>) -> String {
        Self { before, ..self }.link()
    }

    fn with_issues_before(self, issues_before: Option<i64>) -> String {
        Self { issues_before, ..self }.link()
    }

    /// The page with these slices.
    fn link(self) -> String {
        let cursors = [("before", self.before), ("issues_before", self.issues_before)];
        let set = cursors.iter().filter_map(|(name, id)| Some((name, (*id)?)));
        let query: Vec<String> = set.map(|(name, id)| format!("{name}={id}")).collect();
        format!("{PATH}?{}", query.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_into_the_web_become_links() {
        for good in ["https://tracker.example/issues/1", "http://tracker.example/"] {
            assert!(is_web_link(good), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "//x.example",
            " https://x",
            "",
        ] {
            assert!(!is_web_link(bad), "{bad}");
        }
    }
}
