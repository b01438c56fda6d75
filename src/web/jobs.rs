//! The list of jobs.

use super::App;
use super::access::SignedIn;
use super::page::{self, Frame, Tab, badge, duration, when};
use super::respond::Problem;
use crate::model::{BlockedBy, Job, JobId, Timestamp};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::response::Html;
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = "/jobs";
/// Jobs on a page: one screen and a bit.
const PAGE: usize = 50;
/// Characters of an error that stay in the row; the rest opens on a click.
const ERROR_HEAD: usize = 80;

#[derive(Deserialize)]
pub(super) struct Slice {
    before: Option<i64>,
}

/// GET `/jobs`: the newest jobs.
pub(super) async fn list(
    State(app): State<App>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<Slice>, QueryRejection>,
) -> Result<Html<String>, Problem> {
    let before = page::cursor(page::query(query)?.before)?;
    let jobs = app.web.store.jobs(before.map(JobId), PAGE).await?;
    let next = jobs.next.map(|id| format!("{PATH}?before={id}"));
    let content = html! {
        h1 { "Jobs" }
        section.card {
            @if jobs.rows.is_empty() {
                (nothing(before.is_some()))
            } @else {
                (table(&jobs.rows, app.web.clock.now()))
            }
            (page::pager(before.map(|_| PATH), next.as_deref()))
        }
    };
    let frame = Frame::new(&app.web, Some(&signed_in)).at(Tab::Jobs);
    Ok(page::page(&frame, Tab::Jobs.title(), &content))
}

fn nothing(beyond_the_end: bool) -> Markup {
    html! {
        p.empty {
            @if beyond_the_end {
                "There are no older jobs."
            } @else {
                "No jobs yet. Press "
                a href=(Tab::SelfMonitoring.path()) { "Run Now" }
                " on the Self-Monitoring page, or queue one with " code { "lamplighter jobs enqueue" } "."
            }
        }
    }
}

fn table(jobs: &[Job], now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Jobs" {
            table {
                thead {
                    tr {
                        th { "Id" } th { "Kind" } th { "Status" } th { "Trigger" } th { "Queue" }
                        th { "Attempt" } th { "Created" } th { "Duration" } th { "Note" }
                    }
                }
                tbody { @for job in jobs { (row(job, now)) } }
            }
        }
    }
}

fn row(job: &Job, now: Timestamp) -> Markup {
    html! {
        tr {
            td.number { (job.id) }
            td { (job.kind) }
            td { (badge(job.status)) }
            td { (job.trigger) }
            td { @if let Some(queue) = &job.queue { (queue) } @else { "–" } }
            td {
                @match job.max_attempts {
                    Some(max) => { (job.attempt) " of " (max) },
                    None => (job.attempt),
                }
            }
            td { (when(job.created_at, now)) }
            td { (duration(job.started_at, job.finished_at, now)) }
            td.note { (note(job)) }
        }
    }
}

/// Why a job waits, or why it failed.
fn note(job: &Job) -> Markup {
    html! {
        @if let Some(blocked) = job.blocked_by.filter(|_| !job.status.is_final()) {
            p { (blocked_because(blocked)) }
        }
        @if let Some(error) = &job.error {
            (error_text(error))
        }
    }
}

const fn blocked_because(blocked: BlockedBy) -> &'static str {
    match blocked {
        BlockedBy::New => "Waits for the engine to look at it.",
        BlockedBy::Kind => "No running process has a handler for this kind.",
        BlockedBy::Key => "As many jobs as its concurrency key allows run already.",
        BlockedBy::Constraint => "The database refused to start it; see the server's log.",
    }
}

/// An error: in one line if it is short, else behind its beginning.
pub(super) fn error_text(error: &str) -> Markup {
    let head: String = error.chars().take(ERROR_HEAD).collect();
    html! {
        @if head.len() == error.len() && !error.contains('\n') {
            (error)
        } @else {
            details {
                summary { (head.lines().next().unwrap_or_default()) "…" }
                pre { (error) }
            }
        }
    }
}
