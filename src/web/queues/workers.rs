//! The processes that run the jobs.

use super::super::components::{card, empty, table, when};
use crate::model::{Kind, RegisteredKind, Timestamp, Worker, differing};
use maud::{Markup, html};

/// The processes with an engine: what each does, and the kinds that it has handlers for.
pub(super) fn workers_card(workers: &[Worker], kinds: &[RegisteredKind], now: Timestamp) -> Markup {
    let row = |worker: &Worker| {
        let names = kinds.iter().filter(|kind| kind.worker == worker.id);
        let mut names: Vec<_> = names.map(|kind| kind.rules.kind.as_str()).collect();
        names.sort_unstable();
        html! {
            tr id={ "worker-" (worker.id.as_str()) } {
                td.main {
                    div.first {
                        span.title { "process " (worker.process.pid) }
                        @if worker.lost_at.is_some() { span.badge.tag-bad { "lost" } }
                        @else if worker.leads { span.badge.tag-ok { "leads" } }
                        @else { span.badge { "works" } }
                    }
                    div.sub { @if names.is_empty() { "no kinds" } @else { (names.join(", ")) } }
                }
                td.num data-label="slots" { (worker.slots) }
                td data-label="version" { (worker.version) }
                td.num data-label="started" { (when(worker.started_at, now)) }
                td.num data-label="heartbeat" { (when(worker.heartbeat_at, now)) }
            }
        }
    };
    let rows: Vec<_> = workers.iter().map(row).collect();
    let differing = differing(kinds);
    let differing: Vec<_> = differing.iter().map(Kind::as_str).collect();
    card(
        "workers",
        "Workers",
        &html! {},
        &html! {
            @if rows.is_empty() {
                (empty("No worker", &html! { "No engine is running, so no job starts. Start one: " code { "lamplighter serve" } ", or the program that has the handlers." }))
            } @else {
                (table("Workers", &["Process", "Slots", "Version", "Started", "Heartbeat"], &rows))
            }
            @if !differing.is_empty() {
                p.card-body {
                    "Two processes have different rules for " (differing.join(", "))
                    ": those of the process that registered last hold."
                }
            }
        },
    )
}
