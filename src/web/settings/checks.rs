//! The set-up check. For each thing that a server needs, it shows whether the server has it, and what to do if not.

use super::super::app::{App, Web};
use super::super::base::link;
use super::super::components::{card, live, size, when};
use super::super::extract::Query;
use super::super::part::{Shown, fresh, version};
use super::super::problem::Problem;
use super::check::Check;
#[cfg(feature = "monitor")]
use super::program;
use crate::model::{ProcessFacts, ServerFacts, Timestamp};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

pub(in crate::web) const PART_PATH: &str = "/settings/part";

/// GET `/settings/part`: the set-up check, or 204 while the caller shows it already.
pub(in crate::web) async fn part(
    State(app): State<App>,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let (version, part) = read(&app.web).await?;
    Ok(fresh(&version, &part, shown.as_deref()))
}

/// Looks at everything.
pub(super) async fn read(web: &Web) -> Result<(String, Markup), Problem> {
    let now = web.clock.now();
    let overview = web.store.overview(now).await?;
    let server = web.store.server_facts(now).await?;
    let mut checks = of_program(web, server.as_ref());
    checks.push(readiness(web.not_ready()));
    if web.leading.is_some() {
        checks.push(engine(!web.stands_by()));
    }
    let services = services(&server.map_or_else(|| web.store.says(), |server| server.says));
    let all = checks.iter().chain(&services);
    let state: Vec<_> = all.map(|check| (check.is_good, &check.found, check.at)).collect();
    let version = version(&state);
    let content = html! {
        dl.card-body.facts {
            @for check in &checks { (line(check, now)) }
            dt { "Job database" }
            dd { (size(overview.database_bytes)) ", of it write-ahead log " (size(overview.wal_bytes)) }
            @if let Some(bytes) = web.log_bytes() { dt { "Log database" } dd { (size(bytes)) } }
            dt { "Version" } dd { "Lamplighter " (env!("CARGO_PKG_VERSION")) }
        }
        @if !services.is_empty() {
            div.card-header { h3.card-title { "Background services" } }
            dl.card-body.facts { @for service in &services { (line(service, now)) } }
        }
    };
    let content = card("checks", "Set-up and system", &html! {}, &content);
    Ok((version.clone(), live("settings-now", &link(PART_PATH), &version, &content)))
}

fn line(check: &Check, now: Timestamp) -> Markup {
    html! {
        dt { (check.name) }
        dd {
            @match check.is_good {
                Some(true) => span.badge.tag-ok { "OK" },
                Some(false) => span.badge.tag-warn { "Attention" },
                None => span.badge { "Not seen yet" },
            }
            " " (check.found)
            @if let Some(at) = check.at { " " span.soft { "(" (when(at, now)) ")" } }
        }
    }
}

/// What sessions and scans need, where there are pages of them.
#[cfg(feature = "monitor")]
fn of_program(web: &Web, server: Option<&ServerFacts>) -> Vec<Check> {
    web.program.as_ref().map(|program| program::checks(web, program, server)).unwrap_or_default()
}

#[cfg(not(feature = "monitor"))]
fn of_program(_: &Web, _: Option<&ServerFacts>) -> Vec<Check> {
    Vec::new()
}

/// Each background service, with how and when its last run ended.
fn services(says: &ProcessFacts) -> Vec<Check> {
    says.services.iter().map(|(name, run)| Check::ran(name, run)).collect()
}

/// What `/readyz` answers, and why.
fn readiness(not_ready: Option<String>) -> Check {
    let is_good = Some(not_ready.is_none());
    let found = not_ready.unwrap_or_else(|| "This process takes work.".to_owned());
    Check { name: "Readiness".to_owned(), is_good, found, at: None }
}

fn engine(leading: bool) -> Check {
    let found = if leading {
        "This process leads and runs jobs."
    } else {
        "Another process leads; this one works too, and leads when that one ends."
    };
    Check { name: "Engine".to_owned(), is_good: Some(true), found: found.to_owned(), at: None }
}
