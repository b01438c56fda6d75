//! How scans stand, and the buttons that start one.

use super::super::answer::changed;
use super::super::app::{App, Web};
use super::super::caller::Signed;
use super::super::components::{problem_notice, scan_line};
use super::super::extract::Query;
use super::super::face::Face;
use super::super::icon::{Icon, icon};
use super::super::nav::Tab;
use super::super::part::{Shown, version};
use super::super::problem::Problem;
use crate::error::{Code, Result};
use crate::model::{JobId, Role, Scan, ScanNow, Timestamp};
use crate::monitor;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde_json::json;

pub(in crate::web) const PATH: &str = "/admin/self-monitoring/status";
pub(in crate::web) const RUN_NOW_PATH: &str = "/admin/self-monitoring/run-now";
pub(in crate::web) const DRY_RUN_PATH: &str = "/admin/self-monitoring/dry-run";

/// What a tracker lacks that is not configured.
const UNCONFIGURED: [Code; 2] = [Code::TrackerNoToken, Code::TrackerNoRepository];

/// Whether somebody can run a scan, and why not.
pub(super) type MayRun = Result<(), String>;

/// GET `/admin/self-monitoring/status`: the status section alone, or 204 while it is as the caller shows it.
pub(in crate::web) async fn status(
    State(app): State<App>,
    who: Signed,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let scan_now = app.web.store.scan_now().await?;
    let may_run = may_run(&app, &who);
    if shown.as_deref() == Some(status_version(&scan_now, &may_run).as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let section = status_section(&scan_now, &may_run, None, app.web.clock.now());
    Ok(Html(section.into_string()).into_response())
}

/// POST `/admin/self-monitoring/run-now`: queues a scan, whatever runs or waits already.
pub(in crate::web) async fn run_now(
    State(app): State<App>,
    who: Signed,
) -> Result<Response, Problem> {
    let (actor, request) = (who.actor(), Some(who.caller.correlation_id.clone()));
    let Web { store, tracking, clock, .. } = &app.web;
    let asked = monitor::run_now(store, tracking, actor, request, clock.now()).await;
    answer(&app, &who, asked).await
}

/// POST `/admin/self-monitoring/dry-run`: a scan that only says what it would file.
pub(in crate::web) async fn dry_run(
    State(app): State<App>,
    who: Signed,
) -> Result<Response, Problem> {
    let (actor, request) = (who.actor(), Some(who.caller.correlation_id.clone()));
    let Web { store, clock, .. } = &app.web;
    let asked = monitor::dry_run(store, actor, request, clock.now()).await;
    answer(&app, &who, asked).await
}

async fn answer(app: &App, who: &Signed, asked: Result<JobId>) -> Result<Response, Problem> {
    let queued = match asked {
        Ok(id) => Ok(id),
        Err(error) if UNCONFIGURED.contains(&error.code()) => Err(Problem::of(error.code())),
        Err(error) => Err(Problem::from(error)),
    };
    if who.face() == Face::Fragment {
        return as_fragment(app, who, queued.err()).await;
    }
    // The two fields are a contract with the programs that ask for scans; a refusal is a problem as everywhere.
    let outcome = json!({"status": "queued", "scan_id": queued?.to_string()});
    Ok(changed(who.face(), outcome, Tab::SelfMonitoring.path()))
}

/// The status section, with why nothing was queued.
async fn as_fragment(
    app: &App,
    who: &Signed,
    problem: Option<Problem>,
) -> Result<Response, Problem> {
    let scan_now = app.web.store.scan_now().await.map_err(Problem::from);
    let scan_now = scan_now.map_err(|failure| unread(failure, problem.as_ref()))?;
    let (may_run, now) = (may_run(app, who), app.web.clock.now());
    let section = status_section(&scan_now, &may_run, problem.as_ref(), now);
    let status = problem.map_or(StatusCode::OK, |problem| problem.status());
    Ok((status, Html(section.into_string())).into_response())
}

/// What is said where the section cannot be shown: why no scan is queued, or that one is.
fn unread(failure: Problem, refusal: Option<&Problem>) -> Problem {
    match refusal {
        Some(refusal) => refusal.clone(),
        None => failure.saying("The scan is queued, but how scans stand could not be read."),
    }
}

/// Whether the page looks again by itself.
pub(super) fn is_active(scan_now: &ScanNow) -> bool {
    scan_now.running.is_some() || scan_now.waiting > 0
}

/// Says why whoever is signed in cannot run a scan now.
pub(super) fn may_run(app: &App, who: &Signed) -> MayRun {
    if who.role() < Role::Operator {
        return Err("Your role sees scans; running one needs the role operator.".to_owned());
    }
    app.web.tracking.check().map_err(|error| {
        let code = error.code();
        format!("Not configured: {code} {}. {}", code.title(), code.remedy())
    })
}

fn status_version(ScanNow { running, waiting, first, last }: &ScanNow, may_run: &MayRun) -> String {
    let id = |scan: &Option<Scan>| scan.as_ref().map(|scan| scan.id);
    version(&(id(running), waiting, first, id(last), may_run))
}

/// What goes on, and the button. It asks again by itself while a scan waits or runs, and whenever something changed.
pub(super) fn status_section(
    scan_now: &ScanNow,
    may_run: &MayRun,
    problem: Option<&Problem>,
    now: Timestamp,
) -> Markup {
    let active = is_active(scan_now);
    html! {
        section #scan-status .card hx-get={ (PATH) "?v=" (status_version(scan_now, may_run)) } hx-swap="outerHTML"
            hx-trigger=(if active { "sse:change, every 1s" } else { "sse:change" }) {
            div.card-header { h2.card-title { "Status" } }
            div.card-body.scan-now {
                @if let Some(problem) = problem { (problem_notice(problem)) }
                div.scan-line role="status" { (scan_line(scan_now, now)) }
                div.actions { (buttons(active, may_run)) }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_that_is_queued_is_told_so_even_if_nothing_else_can_be_read() {
        let told = |refusal| unread(Problem::of(Code::StoreIo), refusal);
        assert!(told(None).what().starts_with("The scan is queued"));
        let refusal = Problem::of(Code::QueueFull);
        assert_eq!(told(Some(&refusal)).code(), Code::QueueFull);
    }
}
