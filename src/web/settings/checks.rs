//! The set-up check. For each thing that a server needs, it shows whether the server has it, and what to do if not.

use super::super::app::{App, Web};
use super::super::base::link;
use super::super::components::{card, live, size, when};
use super::super::extract::Query;
use super::super::part::{Shown, fresh, version};
use super::super::problem::Problem;
use crate::error::Code;
use crate::model::{ProcessFacts, Readiness, ServerFacts, ServiceRun, Timestamp};
use crate::sessions::{Agents, Sandboxed};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

pub(in crate::web) const PART_PATH: &str = "/settings/part";
/// The check warns below this much free space, because the databases and the agents' folders grow.
const LITTLE_SPACE: u64 = 1 << 30;
/// The text for a thing that the server has not looked at yet.
const NOT_YET: &str = "The server has not looked yet. Look again in a moment.";

/// One thing that was looked at.
struct Check {
    name: String,
    is_good: bool,
    found: String,
    /// When the server last looked. `None` if it looks whenever this page is shown.
    at: Option<Timestamp>,
}

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
    let mut checks = ready(web, server.as_ref());
    checks.push(engine(*web.leading.borrow()));
    if let Some(agents) = &web.agents {
        checks.push(disk(agents));
    }
    let services = services(&server.map_or_else(|| web.store.says(), |server| server.says));
    let all = checks.iter().chain(&services);
    let state: Vec<_> = all.map(|check| (check.is_good, &check.found, check.at)).collect();
    let version = version(&state);
    let content = html! {
        dl.card-body.facts.checks {
            @for check in &checks { (line(check, now)) }
            dt { "Job database" }
            dd { (size(overview.database_bytes)) ", of it write-ahead log " (size(overview.wal_bytes)) }
            dt { "Log database" } dd { (size(web.logs.bytes())) }
            dt { "Version" } dd { "Lamplighter " (env!("CARGO_PKG_VERSION")) }
        }
        @if !services.is_empty() {
            div.card-header { h3.card-title { "Background services" } }
            dl.card-body.facts.checks { @for service in &services { (line(service, now)) } }
        }
    };
    let content = card("checks", "Set-up and system", &html! {}, &content);
    Ok((version.clone(), live("settings-now", &link(PART_PATH), &version, &content)))
}

fn line(check: &Check, now: Timestamp) -> Markup {
    html! {
        dt { (check.name) }
        dd {
            @if check.is_good { span.badge.badge-completed { "OK" } } @else { span.badge.badge-warning { "Attention" } }
            " " (check.found)
            @if let Some(at) = check.at { " " span.text-secondary { "(" (when(at, now)) ")" } }
        }
    }
}

/// What the server says of the agent program, the sandbox and the issue tracker, and when it last said so.
fn ready(web: &Web, server: Option<&ServerFacts>) -> Vec<Check> {
    // If no server leads, this process says what it knows itself.
    let own = web.store.says();
    let says = server.map_or(&own, |server| &server.says);
    let at = server.map(|server| server.worker.heartbeat_at);
    let of = |name: &str, fact: Option<&Readiness>, effect: &str| {
        let (is_good, found) = match fact {
            Some(Readiness::Ready { what }) => (true, what.clone()),
            Some(Readiness::NotReady { code, why }) => {
                (false, unready(code.as_deref(), why, effect))
            }
            None => (false, NOT_YET.to_owned()),
        };
        Check { name: name.to_owned(), is_good, found, at: fact.and(at) }
    };
    let mut checks = match &web.agents {
        Some(agents) => vec![
            of("Agent program", says.agent.as_ref(), "Without it no session runs."),
            of("Sandbox of agents", says.sandbox.as_ref(), without_sandbox(agents)),
        ],
        None => ["Agent program", "Sandbox of agents"].map(no_agents).into(),
    };
    checks.push(of("Issue tracker", says.tracker.as_ref(), ""));
    let answer = says.tracker_answer.as_ref();
    checks.extend(answer.map(|run| ran("Answer of the issue tracker", run)));
    checks
}

fn no_agents(name: &str) -> Check {
    let found = "This server runs no agents.".to_owned();
    Check { name: name.to_owned(), is_good: false, found, at: None }
}

/// Why something cannot be used, what follows from it, and what to do.
fn unready(code: Option<&str>, why: &str, effect: &str) -> String {
    let known = Code::ALL.iter().find(|known| Some(known.as_str()) == code);
    let remedy = known.map(|code| format!("[{code}] {}. {}", code.title(), code.remedy()));
    let texts =
        [format!("{}.", why.trim_end_matches('.')), effect.to_owned(), remedy.unwrap_or_default()];
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

const fn without_sandbox(agents: &Agents) -> &'static str {
    match agents.sandbox {
        Sandboxed::Never => "Agents see all that the server's user sees.",
        Sandboxed::Always => "No agent runs, since agent.sandbox is bwrap.",
        Sandboxed::Auto => "Agents run without it, with the program's own permissions alone.",
    }
}

/// Each background service, with how and when its last run ended.
fn services(says: &ProcessFacts) -> Vec<Check> {
    says.services.iter().map(|(name, run)| ran(name, run)).collect()
}

/// Something that ended in one way or another at some time.
fn ran(name: &str, run: &ServiceRun) -> Check {
    let (is_good, found) = match run.ended() {
        Ok(did) => (true, did),
        Err(error) => (false, error),
    };
    Check { name: name.to_owned(), is_good, found: found.to_owned(), at: Some(run.at()) }
}

fn engine(leading: bool) -> Check {
    let found = if leading {
        "This process leads and runs jobs."
    } else {
        "Another process leads; this one works too, and leads when that one ends."
    };
    Check { name: "Engine".to_owned(), is_good: true, found: found.to_owned(), at: None }
}

fn disk(agents: &Agents) -> Check {
    let folder = agents.data_dir.display();
    let (is_good, found) = match rustix::fs::statvfs(&agents.data_dir) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            (free >= LITTLE_SPACE, format!("{} free in {folder}", coarse(free)))
        }
        Err(error) => (false, format!("{folder}: {error}")),
    };
    Check { name: "Disk".to_owned(), is_good, found, at: None }
}

/// Free space in tenths of a GiB, so that the part is not sent again with each log line.
fn coarse(bytes: u64) -> String {
    const TENTH: u64 = (1 << 30) / 10;
    size(bytes / TENTH * TENTH)
}
