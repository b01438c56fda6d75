//! The set-up check: what a server needs, whether it is there, and what to do if not.

use super::super::agent::LOOK;
use super::super::app::{App, Web};
use super::super::components::{card, live, size};
use super::super::extract::Query;
use super::super::part::{Shown, fresh, version};
use super::super::problem::Problem;
use crate::agents::Sandboxing;
use crate::monitor::Tracking;
use crate::sessions::{AgentState, Agents, Sandboxed};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use tokio::time::timeout;

pub(in crate::web) const PART_PATH: &str = "/settings/part";
/// Less free space than this is worth a look: the databases and the agents' folders grow.
const LITTLE_SPACE: u64 = 1 << 30;
/// What stands for an answer that takes longer than a page waits.
const NOT_YET: &str = "It has not answered yet. Look again in a moment.";

/// One thing that was looked at.
struct Check {
    name: &'static str,
    is_good: bool,
    found: String,
}

/// GET `/settings/part`: the set-up check, or 204 while it is as the caller shows it.
pub(in crate::web) async fn part(
    State(app): State<App>,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let (version, part) = read(&app.web).await?;
    Ok(fresh(&version, &part, shown.as_deref()))
}

/// Looks at everything.
pub(super) async fn read(web: &Web) -> Result<(String, Markup), Problem> {
    let overview = web.store.overview(web.clock.now()).await?;
    let (program, sandbox) = if let Some(agents) = &web.agents {
        tokio::join!(program(agents), sandbox(agents))
    } else {
        let none = || (false, "This server runs no agents.".to_owned());
        (none(), none())
    };
    let check = |name, (is_good, found)| Check { name, is_good, found };
    let mut checks = vec![
        check("Agent program", program),
        check("Sandbox of agents", sandbox),
        check("Issue tracker", tracker(web)),
        check("Engine", engine(*web.leading.borrow())),
    ];
    if let Some(agents) = &web.agents {
        checks.push(check("Disk", disk(agents)));
    }
    let state: Vec<_> = checks.iter().map(|check| (check.is_good, &check.found)).collect();
    let version = version(&state);
    let content = html! {
        dl.card-body.facts.checks {
            @for check in &checks {
                dt { (check.name) }
                dd {
                    @if check.is_good { span.badge.badge-completed { "OK" } } @else { span.badge.badge-warning { "Attention" } }
                    " " (check.found)
                }
            }
            dt { "Job database" }
            dd { (size(overview.database_bytes)) ", of it write-ahead log " (size(overview.wal_bytes)) }
            dt { "Log database" } dd { (size(web.logs.bytes())) }
            dt { "Version" } dd { "Lamplighter " (env!("CARGO_PKG_VERSION")) }
        }
    };
    let content = card("checks", "Set-up and system", &html! {}, &content);
    Ok((version.clone(), live("settings-now", PART_PATH, &version, &content)))
}

async fn program(agents: &Agents) -> (bool, String) {
    match timeout(LOOK, agents.program.state()).await {
        Ok(AgentState::Ready { path, version }) => {
            (true, format!("{}, version {version}", path.display()))
        }
        Ok(AgentState::Missing { reason }) => {
            (false, format!("{reason}. Without it no session runs."))
        }
        Err(_) => (false, NOT_YET.to_owned()),
    }
}

async fn sandbox(agents: &Agents) -> (bool, String) {
    if agents.sandbox == Sandboxed::Never {
        return (
            false,
            "Switched off: agent.sandbox is none, so agents see all that the server's user sees."
                .to_owned(),
        );
    }
    match timeout(LOOK, agents.launcher.sandboxing()).await {
        Ok(Sandboxing::Usable { bwrap }) => (true, format!("{} works", bwrap.display())),
        Ok(Sandboxing::Unusable { reason }) => {
            let effect = if agents.sandbox == Sandboxed::Always {
                "no agent runs, since agent.sandbox is bwrap"
            } else {
                "agents run without it, with the program's own permissions alone"
            };
            (false, format!("{reason}; {effect}."))
        }
        Err(_) => (false, NOT_YET.to_owned()),
    }
}

fn engine(leading: bool) -> (bool, String) {
    let found = if leading {
        "This process leads and runs the jobs."
    } else {
        "Another process leads; this one stands by and takes over when that one ends."
    };
    (true, found.to_owned())
}

fn disk(agents: &Agents) -> (bool, String) {
    match rustix::fs::statvfs(&agents.data_dir) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let folder = agents.data_dir.display();
            (free >= LITTLE_SPACE, format!("{} free in {folder}", coarse(free)))
        }
        Err(error) => (false, format!("{}: {error}", agents.data_dir.display())),
    }
}

/// Free space in tenths of a GiB, so that the part is not sent anew with each log line.
fn coarse(bytes: u64) -> String {
    const TENTH: u64 = (1 << 30) / 10;
    size(bytes / TENTH * TENTH)
}

/// Where issues go, and what is missing for it.
fn tracker(web: &Web) -> (bool, String) {
    match (web.tracking.check(), &web.tracking) {
        (Err(error), _) => (false, format!("{error}. {}", error.code().remedy())),
        (Ok(()), Tracking::Local) => (true, "local: issues are kept in this database.".to_owned()),
        (Ok(()), Tracking::Github(_)) => (true, "GitHub, configured.".to_owned()),
    }
}
