//! What several pages say of a job.

use super::time::{elapsed, when, when_known};
use crate::model::{Job, MAX_ATTEMPTS, Status, Timestamp, Why, by_whom};
use maud::{Markup, html};

/// The sentence that says how a job stands.
///
/// `ended_by` is who cancelled it.
pub(in crate::web) fn job_sentence(
    job: &Job,
    why: Option<&Why>,
    ended_by: Option<&str>,
    now: Timestamp,
) -> Markup {
    let took = elapsed(job.started_at, job.finished_at, now);
    html! {
        @match job.status {
            Status::Scheduled | Status::Queued => {
                @let why = why.map(Why::to_string).unwrap_or_default();
                (why)
                @if !job.is_due(now) { " Its time comes " (when(job.run_at, now)) "." }
                @if let Some(error) = &job.error { " Its last attempt said: " (first_line(error)) }
                // What it said when it was put off.
                @if let Some(progress) = left_out(job, &why) { " " (progress) }
            }
            Status::Running => {
                "Runs for " (took) " on attempt " (attempts(job)) "."
                @if let Some(progress) = &job.progress { " " (progress) }
            }
            Status::Completed => { "Completed " (when_known(job.finished_at, now)) " after " (took) "." }
            Status::Failed => {
                "Failed " (when_known(job.finished_at, now)) " on attempt " (attempts(job)) ": " (job.reason().map_or("no reason was given.", first_line))
            }
            Status::Cancelled => {
                @if job.started_at.is_some() { "Stopped " } @else { "Cancelled " }
                (when_known(job.finished_at, now)) @if let Some(by) = ended_by { " by " (by_whom(by)) } "."
            }
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What a job that waits said last, if `why` does not say it.
fn left_out<'a>(job: &'a Job, why: &str) -> Option<&'a str> {
    let progress = job.progress.as_deref().filter(|_| job.epoch > 0)?;
    (!why.contains(progress.trim().trim_end_matches('.'))).then_some(progress)
}

/// How many attempts have begun, and how many there may be.
pub(in crate::web) fn attempts(job: &Job) -> String {
    match job.max_attempts {
        Some(MAX_ATTEMPTS..) => format!("{}, no limit", job.attempt),
        Some(max) => format!("{} of {max}", job.attempt),
        None => job.attempt.to_string(),
    }
}
