//! The Self-Monitoring page: what goes on, Run Now, the history of scans, the issues they filed.

use super::access::SignedIn;
use super::caller::Caller;
use super::icon::{Icon, icon};
use super::page::{self, Frame, Tab};
use super::respond::{self, Face, Problem};
use super::ui::{self, badge, card, elapsed, when};
use super::{App, Web};
use crate::error::Code;
use crate::model::{Classification, Issue, JobId, Role, Scan, ScanNow, ScanRequest, Timestamp};
use crate::monitor;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

pub(super) const PATH: &str = "/admin/self-monitoring";
pub(super) const STATUS_PATH: &str = "/admin/self-monitoring/status";
pub(super) const LISTS_PATH: &str = "/admin/self-monitoring/lists";
pub(super) const RUN_NOW_PATH: &str = "/admin/self-monitoring/run-now";
/// Rows of each list on a page unless the address says otherwise: both lists stay in sight.
const ROWS: u64 = 20;
/// Highest page number that is looked up; beyond it the list is over anyway.
const MAX_PAGE: u64 = 1_000_000;
/// How soon a browser without scripts loads the page again while a scan waits or runs.
const RELOAD: Duration = Duration::from_secs(2);

/// What a tracker lacks that is not configured.
const UNCONFIGURED: [Code; 2] = [Code::TrackerNoToken, Code::TrackerNoRepository];

/// Whether somebody can run a scan, and why not.
type MayRun = Result<(), String>;

/// Which parts of the two lists the page shows.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Asked {
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issue_page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issue_size: Option<u64>,
    #[serde(skip_serializing)]
    v: Option<String>,
}

/// One slice of a numbered list.
#[derive(Clone, Copy)]
struct Slice {
    page: u64,
    size: u64,
}

impl Slice {
    fn of(page: Option<u64>, size: Option<u64>) -> Result<Self, Problem> {
        let (page, size) = (page.unwrap_or(1), size.unwrap_or(ROWS));
        if !(1..=MAX_PAGE).contains(&page) || !ui::SIZES.contains(&size) {
            return Err(Problem::input("Pages count from 1, and have 10, 20, 50 or 100 rows."));
        }
        Ok(Self { page, size })
    }

    fn skip(self) -> u64 {
        (self.page - 1) * self.size
    }
}

/// GET `/admin/self-monitoring`.
pub(super) async fn page(
    State(app): State<App>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Html<String>, Problem> {
    let asked = page::query(query)?;
    // The status is read first: a scan that ends in between is then still shown as running and the page looks again.
    let scan_now = app.web.store.scan_now().await?;
    let lists = read_lists(&app, &asked).await?;
    let now = app.web.clock.now();
    let content = html! {
        div.row.row-cards {
            div."col-12" { (status_section(&scan_now, &may_run(&app, &signed_in), None, now)) }
            div."col-12" { (lists_section(&lists, &asked, now)) }
        }
    };
    let frame = Frame::new(&app.web, Some(&signed_in))
        .at(Tab::SelfMonitoring)
        .reloading(is_active(&scan_now).then_some(RELOAD));
    Ok(page::page(&frame, Tab::SelfMonitoring.title(), &content))
}

/// GET `/admin/self-monitoring/lists`: history and issues alone, or 204 while they are as the caller shows them.
pub(super) async fn lists(
    State(app): State<App>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = page::query(query)?;
    let lists = read_lists(&app, &asked).await?;
    if asked.v.as_deref() == Some(lists.version().as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let section = lists_section(&lists, &asked, app.web.clock.now());
    Ok(Html(section.into_string()).into_response())
}

/// GET `/admin/self-monitoring/status`: the status section alone, or 204 while it is as the caller shows it.
pub(super) async fn status(
    State(app): State<App>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let shown = page::query(query)?.v;
    let scan_now = app.web.store.scan_now().await?;
    let may_run = may_run(&app, &signed_in);
    if shown.as_deref() == Some(status_version(&scan_now, &may_run).as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let section = status_section(&scan_now, &may_run, None, app.web.clock.now());
    Ok(Html(section.into_string()).into_response())
}

/// POST `/admin/self-monitoring/run-now`: queues a scan, whatever runs or waits already.
pub(super) async fn run_now(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
) -> Result<Response, Problem> {
    let actor = caller.acting_as(&signed_in.account.username);
    let request = Some(caller.correlation_id.clone());
    let Web { store, tracking, clock, .. } = &app.web;
    let asked = monitor::run_now(store, tracking, actor, request, clock.now()).await;
    let queued = match asked {
        Ok(ScanRequest::Queued(id)) => Ok(id),
        Ok(ScanRequest::TooMany) => {
            Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, Code::QueueFull))
        }
        Err(error) if UNCONFIGURED.contains(&error.code()) => {
            Err(Problem::new(StatusCode::CONFLICT, error.code()))
        }
        Err(error) => Err(Problem::from(error)),
    };
    match caller.face {
        Face::Page => queued.map(|_| respond::see_other(PATH)),
        Face::Json => Ok(run_now_json(queued)),
        Face::Fragment => {
            let problem = queued.err();
            let scan_now = app.web.store.scan_now().await.unwrap_or_default();
            let may_run = may_run(&app, &signed_in);
            let section = status_section(&scan_now, &may_run, problem.as_ref(), clock.now());
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

/// Says why whoever is signed in cannot run a scan now.
fn may_run(app: &App, signed_in: &SignedIn) -> MayRun {
    if signed_in.account.role < Role::Operator {
        return Err("Your role sees scans; running one needs the role operator.".to_owned());
    }
    app.web.tracking.check().map_err(|error| {
        let code = error.code();
        format!("Not configured: {code} {}. {}", code.title(), code.remedy())
    })
}

fn status_version(ScanNow { running, waiting, last }: &ScanNow, may_run: &MayRun) -> String {
    let id = |scan: &Option<Scan>| scan.as_ref().map(|scan| scan.id);
    page::version(&(id(running), waiting, id(last), may_run))
}

/// What goes on, and the button. It asks again by itself while a scan waits or runs, and whenever something changed.
fn status_section(
    scan_now: &ScanNow,
    may_run: &MayRun,
    problem: Option<&Problem>,
    now: Timestamp,
) -> Markup {
    let active = is_active(scan_now);
    html! {
        section #scan-status .card hx-get={ (STATUS_PATH) "?v=" (status_version(scan_now, may_run)) } hx-swap="outerHTML"
            hx-trigger=(if active { "sse:change, every 1s" } else { "sse:change" }) {
            div.card-header { h2.card-title { "Status" } }
            div.card-body.scan-now {
                @if let Some(problem) = problem { (respond::notice(problem)) }
                div.scan-line role="status" { (status_line(scan_now, now)) }
                div.actions { (buttons(active, may_run)) }
            }
        }
    }
}

/// What goes on, in one line.
pub(super) fn status_line(scan_now: &ScanNow, now: Timestamp) -> Markup {
    let ScanNow { running, waiting, last } = scan_now;
    html! {
        @if running.is_some() {
            p {
                span.badge.badge-running { "Running..." }
                @if *waiting > 0 { " " (queued(*waiting)) }
            }
        } @else if *waiting > 0 {
            p { (queued(waiting - 1)) }
        } @else if let Some(scan) = last {
            (last_scan(scan, now))
        } @else {
            p.text-secondary {
                "No scan has run yet. Run Now looks through the log for problems and files what it finds."
            }
        }
    }
}

/// The scan that was asked for last, and how many run or wait before it.
fn queued(ahead: u64) -> Markup {
    html! { span.badge.badge-queued { "Queued, " (ahead) " ahead" } }
}

fn last_scan(scan: &Scan, now: Timestamp) -> Markup {
    html! {
        p {
            (badge(scan.status)) " "
            @if let Some(at) = scan.finished_at {
                (ui::exact(at)) " " span.text-secondary { "(" (when(at, now)) ")" }
            }
        }
        p { "Issues created: " strong { (scan.counts.issues_created) } }
        @if let Some(error) = &scan.error {
            p.text-danger-strong { "Error: " (error) }
        }
    }
}

fn buttons(active: bool, may_run: &MayRun) -> Markup {
    let inert = active || may_run.is_err();
    html! {
        (run_now_form(&html! {
            button #run-now .btn.btn-primary type="submit" disabled[inert] {
                @if active { "Running..." } @else { (icon(Icon::Play)) "Run Now" }
            }
        }))
        @if active && may_run.is_ok() {
            (run_now_form(&html! { button #queue-another .btn type="submit" { "Queue another" } }))
        }
        @if let Err(why) = may_run {
            span.text-secondary { (why) }
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

/// What the two lists show.
struct Lists {
    scans: Vec<Scan>,
    scan_total: u64,
    scan_slice: Slice,
    issues: Vec<Issue>,
    issue_total: u64,
    issue_slice: Slice,
}

async fn read_lists(app: &App, asked: &Asked) -> Result<Lists, Problem> {
    let scan_slice = Slice::of(asked.page, asked.size)?;
    let issue_slice = Slice::of(asked.issue_page, asked.issue_size)?;
    let store = &app.web.store;
    let (scans, scan_total) =
        store.scan_history(scan_slice.skip(), scan_slice.size as usize).await?;
    let (issues, issue_total) =
        store.issue_list(issue_slice.skip(), issue_slice.size as usize).await?;
    Ok(Lists { scans, scan_total, scan_slice, issues, issue_total, issue_slice })
}

impl Lists {
    fn version(&self) -> String {
        let scans: Vec<_> = self.scans.iter().map(|scan| (scan.id, scan.status)).collect();
        let issues: Vec<_> =
            self.issues.iter().map(|issue| (issue.id, issue.occurrences)).collect();
        page::version(&(scans, self.scan_total, issues, self.issue_total))
    }
}

fn lists_section(lists: &Lists, asked: &Asked, now: Timestamp) -> Markup {
    let content = html! {
        div.row.row-cards {
            div."col-12" { (history_card(lists, asked, now)) }
            div."col-12" { (issues_card(lists, asked, now)) }
        }
    };
    let query = serde_urlencoded::to_string(asked).unwrap_or_default();
    ui::live("scan-lists", &format!("{LISTS_PATH}?{query}"), &lists.version(), &content)
}

fn link(asked: &Asked) -> String {
    format!("{PATH}?{}", serde_urlencoded::to_string(asked).unwrap_or_default())
}

fn history_card(lists: &Lists, asked: &Asked, now: Timestamp) -> Markup {
    let columns = [
        "Scan",
        "Time",
        "Trigger",
        "Status",
        "Duration",
        "Rows examined",
        "Created",
        "Skipped",
        "Commented",
        "Note",
    ];
    let rows: Vec<_> = lists.scans.iter().map(|scan| scan_row(scan, now)).collect();
    let Slice { page, size } = lists.scan_slice;
    let at = |page, size| link(&Asked { page: Some(page), size: Some(size), ..asked.clone() });
    card(
        "scan-history",
        "Scan history",
        &html! {},
        &html! {
            @if lists.scan_total == 0 {
                (ui::empty("No scans yet", &html! { "Run Now starts the first one." }))
            } @else {
                (ui::table("Scan history", &columns, &rows))
                (ui::numbered_pager("scans", page, size, lists.scan_total, at))
            }
        },
    )
}

fn scan_row(scan: &Scan, now: Timestamp) -> Markup {
    html! {
        tr {
            td { a href={ "/jobs/" (scan.id) } { (scan.id) } }
            td { (when(scan.created_at, now)) }
            td { (scan.trigger) }
            td { (badge(scan.status)) }
            td data-label="Took" { (elapsed(scan.started_at, scan.finished_at, now)) }
            td data-label="Rows" { (scan.counts.rows_examined) }
            td data-label="Created" { (scan.counts.issues_created) }
            td data-label="Skipped" { (scan.counts.duplicates_skipped) }
            td data-label="Commented" { (scan.counts.potential_duplicates_commented) }
            td.note {
                @if let Some(error) = &scan.error {
                    details id={ "scan-error-" (scan.id) } { summary { "Error" } pre { (error) } }
                }
            }
        }
    }
}

fn issues_card(lists: &Lists, asked: &Asked, now: Timestamp) -> Markup {
    let columns = ["Number", "Title", "Class", "Codes", "Seen", "Created", "Last seen"];
    let rows: Vec<_> = lists.issues.iter().map(|issue| issue_row(issue, now)).collect();
    let Slice { page, size } = lists.issue_slice;
    let at = |page, size| {
        link(&Asked { issue_page: Some(page), issue_size: Some(size), ..asked.clone() })
    };
    card(
        "issues",
        "Issues",
        &html! {},
        &html! {
            @if lists.issue_total == 0 {
                (ui::empty("No issues yet", &html! { "A scan files one for each problem it finds in the log." }))
            } @else {
                (ui::table("Issues", &columns, &rows))
                (ui::numbered_pager("issues", page, size, lists.issue_total, at))
            }
        },
    )
}

fn issue_row(issue: &Issue, now: Timestamp) -> Markup {
    html! {
        tr {
            td {
                @match issue.url.as_deref().filter(|url| is_web_link(url)) {
                    Some(url) => a href=(url) rel="noreferrer" { (number(issue)) },
                    None => { (number(issue)) },
                }
            }
            td.note {
                details id={ "issue-" (issue.id.0) } { summary.whole { (issue.title) } pre { (issue.body) } }
            }
            td { (class_badge(issue.classification)) }
            td { @for code in &issue.error_codes { a href={ "/logs?code=" (code) } { code { (code) } } " " } }
            td data-label="Seen" { (issue.occurrences) "×" }
            td data-label="Created" { (when(issue.created_at, now)) }
            td data-label="Last" { (when(issue.last_seen_at, now)) }
        }
    }
}

/// The tracker's number, if it has one yet.
fn number(issue: &Issue) -> String {
    issue.number.map_or_else(|| "to be filed".to_owned(), |number| format!("#{number}"))
}

fn class_badge(class: Classification) -> Markup {
    let word = match class {
        Classification::ServerBug => "Server bug",
        Classification::ClientMisuse => "Client misuse",
        Classification::DocumentationGap => "Documentation gap",
    };
    html! { span class={ "badge badge-" (class.as_str()) } { (word) } }
}

/// Whether a stored link may become one: nothing but the web, in particular no `javascript:` (S16).
fn is_web_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
