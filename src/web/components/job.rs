//! What several pages say of a job.

use super::time::{elapsed, when, when_known};
use crate::model::{Gate, Job, Status, Timestamp, Why};
use maud::{Markup, html};

/// The sentence that says how a job stands.
pub(in crate::web) fn job_sentence(job: &Job, why: Option<&Why>, now: Timestamp) -> Markup {
    let took = elapsed(job.started_at, job.finished_at, now);
    html! {
        @match job.status {
            Status::Scheduled if why.is_some_and(|why| !matches!(why.gates.as_slice(), [Gate::Time { .. }])) => {
                @if let Some(why) = why { (why.to_string()) }
            }
            Status::Scheduled if job.attempt > 0 => {
                "Attempt " (attempts(job)) " ended: " (first_line(job)) " It starts again " (when(job.run_at, now)) "."
            }
            Status::Scheduled => {
                "Starts " (when(job.run_at, now)) "."
                // What the job itself said when it was put off.
                @if let Some(progress) = job.progress.as_ref().filter(|_| job.epoch > 0) { " " (progress) }
            }
            Status::Queued => {
                @if let Some(why) = why { (why.to_string()) }
            }
            Status::Running => {
                "Runs for " (took) " on attempt " (attempts(job)) "."
                @if let Some(progress) = &job.progress { " " (progress) }
            }
            Status::Completed => { "Completed " (when_known(job.finished_at, now)) " after " (took) "." }
            Status::Failed => {
                "Failed " (when_known(job.finished_at, now)) " on attempt " (attempts(job)) ": " (first_line(job))
            }
            Status::Cancelled => { "Was cancelled " (when_known(job.finished_at, now)) "." }
        }
    }
}

fn first_line(job: &Job) -> &str {
    job.error.as_deref().and_then(|error| error.lines().next()).unwrap_or("no reason was given.")
}

/// How many attempts have begun, and how many there may be.
pub(in crate::web) fn attempts(job: &Job) -> String {
    job.max_attempts
        .map_or_else(|| job.attempt.to_string(), |max| format!("{} of {max}", job.attempt))
}
