//! What sessions and scans need of the server: the agent program, its sandbox, the issue tracker, and room on the disk.

use super::super::app::{Program, Web};
use super::super::components::size;
use super::check::Check;
use crate::error::Code;
use crate::model::{IssueHome, Readiness, ServerFacts, ServiceRun};
use crate::sessions::{Agents, Sandboxed};

/// The text for a thing that the server has not looked at yet.
const NOT_YET: &str = "The server has not looked yet. Look again in a moment.";
/// The check warns below this much free space, because the databases and the agents' folders grow.
const LITTLE_SPACE: u64 = 1 << 30;

/// Looks at everything that they need.
pub(super) fn checks(web: &Web, program: &Program, server: Option<&ServerFacts>) -> Vec<Check> {
    let mut checks = ready(web, program, server);
    checks.extend(program.agents.as_ref().map(disk));
    checks
}

/// What the server says of the agent program, the sandbox and the issue tracker, and when it last said so.
fn ready(web: &Web, program: &Program, server: Option<&ServerFacts>) -> Vec<Check> {
    // If no server leads, this process says what it knows itself.
    let own = web.store.says();
    let says = server.map_or(&own, |server| &server.says);
    let at = server.map(|server| server.worker.heartbeat_at);
    let of = |name: &str, fact: Option<&Readiness>, effect: &str| {
        let (is_good, found) = match fact {
            Some(Readiness::Ready { what }) => (Some(true), what.clone()),
            Some(Readiness::NotReady { code, why }) => {
                (Some(false), unready(code.as_deref(), why, effect))
            }
            None => (None, NOT_YET.to_owned()),
        };
        Check { name: name.to_owned(), is_good, found, at: fact.and(at) }
    };
    let mut checks = match &program.agents {
        Some(agents) => vec![
            of("Agent program", says.agent.as_ref(), "Without it no session runs."),
            of("Sandbox of agents", says.sandbox.as_ref(), without_sandbox(agents)),
        ],
        None => ["Agent program", "Sandbox of agents"].map(no_agents).into(),
    };
    let is_elsewhere =
        says.issue_home.as_deref().is_some_and(|home| home != IssueHome::local().as_str());
    checks.push(match &says.tracker {
        Some(Readiness::Ready { what }) if is_elsewhere => {
            tracker(what, says.tracker_answer.as_ref())
        }
        fact => of("Issue tracker", fact.as_ref(), ""),
    });
    checks
}

/// A tracker elsewhere, which is good if it answered when it was asked last: that it is named in the settings says nothing.
fn tracker(what: &str, answer: Option<&ServiceRun>) -> Check {
    let (is_good, found) = match answer.map(ServiceRun::ended) {
        Some(Ok(says)) => (Some(true), format!("{what}, answered. {says}")),
        Some(Err(error)) => (Some(false), format!("{what}, gave no good answer: {error}")),
        None => (None, format!("{what}, was not asked yet.")),
    };
    Check { name: "Issue tracker".to_owned(), is_good, found, at: answer.map(ServiceRun::at) }
}

fn no_agents(name: &str) -> Check {
    let found = "This server runs no agents.".to_owned();
    Check { name: name.to_owned(), is_good: Some(false), found, at: None }
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
        Sandboxed::Always => {
            "No agent runs without it, except by profile full; scans are done by the built-in analyzer."
        }
    }
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
    Check { name: "Disk".to_owned(), is_good: Some(is_good), found, at: None }
}

/// Free space in tenths of a GiB, so that the part is not sent again with each log line.
fn coarse(bytes: u64) -> String {
    const TENTH: u64 = (1 << 30) / 10;
    size(bytes / TENTH * TENTH)
}
