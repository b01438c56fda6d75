//! How scans stand, and the buttons that start one.

use super::super::answer::answered;
use super::super::app::App;
use super::super::base::link;
use super::super::caller::Signed;
use super::super::clocks::Clocks;
use super::super::components::{problem_notice, said_notice, scan_lines};
use super::super::extract::Query;
use super::super::face::Face;
use super::super::icon::{Icon, icon};
use super::super::nav::Tab;
use super::super::part::{Shown, fresh, version};
use super::super::problem::Problem;
use super::super::standing::Standing;
use crate::actions::Answer;
use crate::actions::scans::{self, ScanRun};
use crate::error::Result;
use crate::model::Timestamp;
use crate::wire;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};

pub(in crate::web) const PATH: &str = "/admin/self-monitoring/status";
pub(in crate::web) const RUN_NOW_PATH: &str = "/admin/self-monitoring/run-now";
pub(in crate::web) const DRY_RUN_PATH: &str = "/admin/self-monitoring/dry-run";

/// Whether the person can run a scan, or why not.
pub(super) type MayRun = Result<(), String>;

/// What the section says of the request that it answers.
pub(super) enum Said<'a> {
    /// Nothing: the section was only looked at.
    Nothing,
    /// A scan is queued.
    Queued(&'a Answer<wire::ScanQueued>),
    /// No scan is queued, for this reason.
    Refused(&'a Problem),
}

/// GET `/admin/self-monitoring/status`: the status section alone, or 204 while the caller shows it already.
pub(in crate::web) async fn status(
    State(app): State<App>,
    who: Signed,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let now = app.web.clock.now();
    let standing = Standing::read(&app.web.store, who.clocks(), now).await?;
    let may_run = may_run(&app, &who).await?;
    let section = status_section(&standing, &may_run, &Said::Nothing, (who.clocks(), now));
    Ok(fresh(&status_version(&standing, &may_run), &section, shown.as_deref()))
}

/// POST `/admin/self-monitoring/run-now`: queues a scan, also while others run or wait.
pub(in crate::web) async fn run_now(
    State(app): State<App>,
    who: Signed,
) -> Result<Response, Problem> {
    run(&app, &who, ScanRun { dry_run: false }).await
}

/// POST `/admin/self-monitoring/dry-run`: queues a scan that only says what it would file.
pub(in crate::web) async fn dry_run(
    State(app): State<App>,
    who: Signed,
) -> Result<Response, Problem> {
    run(&app, &who, ScanRun { dry_run: true }).await
}

async fn run(app: &App, who: &Signed, request: ScanRun) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let asked = scans::run_now(&app.web.store, &call, request).await.map_err(Problem::from);
    match (who.face(), asked) {
        (Face::Fragment, Ok(queued)) => {
            let section = section_now(app, who, &Said::Queued(&queued)).await;
            Ok(section.map_err(|failure| failure.saying(unread(&queued)))?.into_response())
        }
        (Face::Fragment, Err(refusal)) => {
            let section = section_now(app, who, &Said::Refused(&refusal)).await;
            // If the section cannot be shown, the answer still says why no scan is queued.
            let section = section.map_err(|_| refusal.clone())?;
            Ok((refusal.status(), section).into_response())
        }
        (Face::Page | Face::Json, asked) => {
            Ok(answered(who.face(), &asked?, &Tab::SelfMonitoring.link()))
        }
    }
}

/// The status section as things are now, with what it says of a request.
async fn section_now(app: &App, who: &Signed, said: &Said<'_>) -> Result<Html<String>, Problem> {
    let now = app.web.clock.now();
    let standing = Standing::read(&app.web.store, who.clocks(), now).await?;
    let section = status_section(&standing, &may_run(app, who).await?, said, (who.clocks(), now));
    Ok(Html(section.into_string()))
}

/// The text where the section cannot be shown: it says that the scan is queued all the same.
fn unread(queued: &Answer<wire::ScanQueued>) -> String {
    format!("{} How scans stand could not be read.", queued.sentence)
}

/// Whether the person who is signed in can run a scan now, or why not.
pub(super) async fn may_run(app: &App, who: &Signed) -> Result<MayRun, Problem> {
    if !scans::may(who.role()) {
        let why = "Your role sees scans; running one needs the role operator.";
        return Ok(Err(why.to_owned()));
    }
    let call = who.call(app.web.clock.now());
    Ok(match scans::can_file(&app.web.store, &call).await {
        Ok(()) => Ok(()),
        Err(error) if error.class().is_refusal() => {
            let code = error.code();
            Err(format!("Not configured: {code} {}. {}", code.title(), code.remedy()))
        }
        Err(error) => return Err(Problem::from(error)),
    })
}

fn status_version(standing: &Standing, may_run: &MayRun) -> String {
    version(&(standing.state(), may_run))
}

/// The section with what goes on and the button. It asks again by itself while a scan waits or runs, and whenever
/// something has changed.
pub(super) fn status_section(
    standing: &Standing,
    may_run: &MayRun,
    said: &Said<'_>,
    (clocks, now): (Clocks, Timestamp),
) -> Markup {
    let trigger = if standing.is_active() { "sse:change, every 1s" } else { "sse:change" };
    let part = link(PATH).with(&[("v", status_version(standing, may_run))]);
    html! {
        section #scan-status .card hx-get=(part) hx-swap="outerHTML"
            hx-trigger=(trigger) {
            div.card-header { h2.card-title { "Status" } }
            div.card-body.scan-now {
                @match said {
                    Said::Nothing => {}
                    Said::Queued(answer) => (said_notice(answer)),
                    Said::Refused(problem) => (problem_notice(problem)),
                }
                div.scan-line role="status" { (scan_lines(standing, clocks, now)) }
                div.actions { (buttons(standing.scans.running.is_some(), may_run)) }
            }
        }
    }
}

fn buttons(running: bool, may_run: &MayRun) -> Markup {
    let inert = running || may_run.is_err();
    html! {
        (form(RUN_NOW_PATH, &html! {
            button #run-now .btn.btn-primary type="submit" disabled[inert] {
                @if running { "Running..." } @else { (icon(Icon::PlayerPlay)) "Run Now" }
            }
        }))
        @if running && may_run.is_ok() {
            (form(RUN_NOW_PATH, &html! { button #queue-another .btn type="submit" { "Queue another" } }))
        }
        @if may_run.is_ok() {
            (form(DRY_RUN_PATH, &html! {
                button #dry-run .btn type="submit" title="Says what would be filed, and files nothing" { "Dry run" }
            }))
        }
        @if let Err(why) = may_run {
            span.soft { (why) }
        }
    }
}

fn form(path: &str, button: &Markup) -> Markup {
    let action = link(path);
    html! {
        form method="post" action=(action)
            hx-post=(action) hx-target="#scan-status" hx-swap="outerHTML" {
            (button)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_that_is_queued_is_told_so_even_if_nothing_else_can_be_read() {
        let value = wire::ScanQueued { status: "queued", scan_id: "7".into(), ahead: None };
        let told = unread(&Answer::new(value, "Scan 7 starts now."));
        assert_eq!(told, "Scan 7 starts now. How scans stand could not be read.");
    }
}
