//! Why a job is not running: each gate in the order in which a job passes them, open or shut, with what opens it.

use super::super::icon::{Icon, icon};
use super::super::nav::{self, Tab};
use super::time::when;
use crate::actions::queues;
use crate::model::{Gate, Job, Role, Timestamp, Why, Zone};
use maud::{Markup, html};

/// The gates of a waiting job.
pub(in crate::web) fn gates(job: &Job, why: &Why, role: Role, now: Timestamp) -> Markup {
    let shut = |name: &'static str| why.gates.iter().filter(move |gate| place(gate) == name);
    html! {
        ul.gates {
            @for name in PLACES {
                @let mut those = shut(name).peekable();
                @if those.peek().is_some() {
                    @for gate in those {
                        li.shut {
                            (icon(Icon::Lock))
                            b { (name) span.visually-hidden { ": shut" } }
                            span.said { (said(gate, why.zone, now)) }
                            (opener(gate, role))
                        }
                    }
                } @else if let Some(said) = open(name, job) {
                    li { (icon(Icon::CircleCheck)) b { (name) span.visually-hidden { ": open" } } span.said { (said) } }
                }
            }
        }
    }
}

/// The names of the gates, in the order in which a job passes them.
const PLACES: [&str; 12] = [
    "Engine",
    "Worker",
    "Start time",
    "Earlier jobs",
    "Queue",
    "Queue limit",
    "Key",
    "Rate",
    "Budget",
    "Agent",
    "Approval",
    "Database",
];

const fn place(gate: &Gate) -> &'static str {
    match gate {
        Gate::NoEngine { .. } | Gate::Stopped(_) | Gate::NotAdmitted => "Engine",
        Gate::NoHandler { .. } => "Worker",
        Gate::Time { .. } => "Start time",
        Gate::After { .. } => "Earlier jobs",
        Gate::QueuePaused(..) | Gate::UsageLimit { .. } => "Queue",
        Gate::QueueFull { .. } => "Queue limit",
        Gate::KeyHeld { .. } | Gate::FolderHeld { .. } => "Key",
        Gate::RateReached { .. } => "Rate",
        Gate::OverBudget(_) | Gate::SetAside { .. } => "Budget",
        Gate::AgentMissing { .. } => "Agent",
        Gate::Approval { .. } => "Approval",
        Gate::Refused { .. } => "Database",
    }
}

fn said(gate: &Gate, zone: Zone, now: Timestamp) -> Markup {
    html! {
        (gate.sentence(zone))
        @for id in gate.holders() { " " a href=(nav::job(*id)) { "#" (id) } }
        @if let Some(until) = gate.until() { " Opens " (when(until, now)) "." }
    }
}

/// What an open gate says. Those that stand in the way of few jobs are named only when they do.
fn open(name: &str, job: &Job) -> Option<Markup> {
    let queue = job.queue.as_ref();
    Some(match name {
        "Engine" => html! { "runs" },
        "Worker" => html! { "a process handles " code { (job.kind) } },
        "Start time" => html! { "has come" },
        "Queue" => {
            html! { @if let Some(queue) = queue { code { (queue) } " is open" } @else { "open" } }
        }
        "Queue limit" => html! { "there is room" },
        "Key" => html! {
            @if let Some(key) = &job.concurrency_key { code { (key.as_str()) } " is free" } @else { "it has none" }
        },
        "Rate" => html! { "there is room" },
        _ => return None,
    })
}

/// The button that opens a gate, where one click can. That of a time to come is beside the job's status.
fn opener(gate: &Gate, role: Role) -> Markup {
    let form = |action: super::super::base::Link, word: &str, name: &str| {
        html! { form method="post" action=(action) { button.btn.btn-sm type="submit" { (word) " " (name) } } }
    };
    let queue = |name: &crate::model::Queue| Tab::Queues.link().under(name);
    html! {
        @if queues::may_act(role) {
            @match gate {
                Gate::QueuePaused(name, _) | Gate::UsageLimit { queue: name, .. } => (form(queue(name).under("resume"), "Resume", name.as_str())),
                Gate::QueueFull { .. } => a.btn.btn-sm href=(Tab::Queues.link()) { "Queues" },
                _ => {},
            }
        }
    }
}
