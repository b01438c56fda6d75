//! The Self-Monitoring page: what goes on, Run Now; its settings, its prompt and its two lists are modules of their own.

pub(super) mod configuration;
pub(super) mod issues;
pub(super) mod lists;
pub(super) mod prompt;

use super::access::SignedIn;
use super::caller::Caller;
use super::icon::{Icon, icon};
use super::page::{self, Frame, Tab};
use super::respond::{self, Face, Problem};
use super::setting::Said;
use super::ui::{self, badge, when};
use super::{App, Web};
use crate::error::{Code, Result};
use crate::model::{JobId, Role, Scan, ScanNow, Timestamp};
use crate::monitor;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use lists::Asked;
use maud::{Markup, html};
use serde_json::json;
use std::time::Duration;

pub(super) const PATH: &str = "/admin/self-monitoring";
pub(super) const STATUS_PATH: &str = "/admin/self-monitoring/status";
pub(super) const LISTS_PATH: &str = "/admin/self-monitoring/lists";
pub(super) const RUN_NOW_PATH: &str = "/admin/self-monitoring/run-now";
pub(super) const DRY_RUN_PATH: &str = "/admin/self-monitoring/dry-run";
pub(super) const SETTINGS_PATH: &str = "/admin/self-monitoring/settings";
pub(super) const CADENCE_PATH: &str = "/admin/self-monitoring/cadence";
pub(super) const PROMPT_PATH: &str = "/admin/self-monitoring/prompt";
/// How soon a browser without scripts loads the page again while a scan waits or runs.
const RELOAD: Duration = Duration::from_secs(2);

/// What a tracker lacks that is not configured.
const UNCONFIGURED: [Code; 2] = [Code::TrackerNoToken, Code::TrackerNoRepository];

/// Whether somebody can run a scan, and why not.
type MayRun = Result<(), String>;

/// GET `/admin/self-monitoring`.
pub(super) async fn page(
    State(app): State<App>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Html<String>, Problem> {
    let asked = page::query(query)?;
    whole(&app, &signed_in, &asked, &Said::saved(asked.saved.as_deref())).await
}

/// The page, with what is to be said of a form that was sent.
async fn whole(
    app: &App,
    signed_in: &SignedIn,
    asked: &Asked,
    said: &Said,
) -> Result<Html<String>, Problem> {
    // The status is read first: a scan that ends in between is then still shown as running and the page looks again.
    let scan_now = app.web.store.scan_now().await?;
    let lists = lists::read(app, asked).await?;
    let configuration = configuration::read(&app.web).await?;
    let template = monitor::prompt::load(&app.web.store).await?;
    let (role, now) = (signed_in.account.role, app.web.clock.now());
    let content = html! {
        div.row.row-cards {
            div."col-12" { (status_section(&scan_now, &may_run(app, signed_in), None, now)) }
            div."col-12" { (configuration::section(&configuration, role, said, now)) }
            div."col-12" { (prompt::section(&template, role, said)) }
            div."col-12" { (lists::section(&lists, asked, role, now)) }
        }
    };
    // Not while somebody corrects a form that was not taken: it would be gone.
    let reload = Some(RELOAD).filter(|_| is_active(&scan_now) && !said.is_refusal());
    let frame = Frame::new(&app.web, Some(signed_in)).at(Tab::SelfMonitoring).reloading(reload);
    Ok(page::page(&frame, Tab::SelfMonitoring.title(), &content))
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
    answer(&app, &caller, &signed_in, asked).await
}

/// POST `/admin/self-monitoring/dry-run`: a scan that only says what it would file.
pub(super) async fn dry_run(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
) -> Result<Response, Problem> {
    let actor = caller.acting_as(&signed_in.account.username);
    let request = Some(caller.correlation_id.clone());
    let Web { store, clock, .. } = &app.web;
    let asked = monitor::dry_run(store, actor, request, clock.now()).await;
    answer(&app, &caller, &signed_in, asked).await
}

async fn answer(
    app: &App,
    caller: &Caller,
    signed_in: &SignedIn,
    asked: Result<JobId>,
) -> Result<Response, Problem> {
    let clock = &app.web.clock;
    let queued = match asked {
        Ok(id) => Ok(id),
        Err(error) if UNCONFIGURED.contains(&error.code()) => Err(Problem::of(error.code())),
        Err(error) => Err(Problem::from(error)),
    };
    match caller.face {
        Face::Page => queued.map(|_| respond::see_other(PATH)),
        Face::Json => Ok(run_now_json(queued)),
        Face::Fragment => {
            let problem = queued.err();
            let scan_now = app.web.store.scan_now().await.unwrap_or_default();
            let may_run = may_run(app, signed_in);
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
        (form(RUN_NOW_PATH, &html! {
            button #run-now .btn.btn-primary type="submit" disabled[inert] {
                @if active { "Running..." } @else { (icon(Icon::Play)) "Run Now" }
            }
        }))
        @if active && may_run.is_ok() {
            (form(RUN_NOW_PATH, &html! { button #queue-another .btn type="submit" { "Queue another" } }))
        }
        @if may_run.is_ok() {
            (form(DRY_RUN_PATH, &html! {
                button #dry-run .btn type="submit" title="Says what would be filed, and files nothing" { "Dry run" }
            }))
        }
        @if let Err(why) = may_run {
            span.text-secondary { (why) }
        }
    }
}

fn form(path: &str, button: &Markup) -> Markup {
    html! {
        form method="post" action=(path)
            hx-post=(path) hx-target="#scan-status" hx-swap="outerHTML" {
            (button)
        }
    }
}
