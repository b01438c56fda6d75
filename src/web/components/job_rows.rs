//! The rows of a list of jobs: what a job is and what it is about in the first line, its id and its reason in the second.

use super::super::nav;
use super::job::attempts;
use super::list::{picked_table, table};
use super::status::status_icon;
use super::time::{elapsed, when};
use crate::model::{Job, JobId, Retry, Short, Status, Timestamp};
use maud::{Markup, html};
use serde_json::Value;
use std::collections::BTreeMap;

/// How much of a payload a row shows: so many members, each with so many characters.
const MEMBERS: usize = 3;
const CHARS: usize = 40;

/// What is said of a job beside what it holds itself.
#[derive(Default)]
pub(in crate::web) struct RowFacts {
    /// What those that wait are waiting for.
    pub(in crate::web) waits: BTreeMap<JobId, Short>,
    /// The jobs that run those again that are over.
    pub(in crate::web) retries: BTreeMap<JobId, Retry>,
    /// The status that all of them have, if one was asked for.
    pub(in crate::web) of_status: Option<Status>,
    /// Whether the page tells the error that all of them met.
    pub(in crate::web) are_of_one_error: bool,
}

/// The table of jobs. `form` is the one that selected rows belong to.
pub(in crate::web) fn job_rows(
    jobs: &[Job],
    facts: &RowFacts,
    form: Option<&str>,
    now: Timestamp,
) -> Markup {
    let rows: Vec<_> = jobs.iter().map(|job| row(job, facts, form, now)).collect();
    let columns = ["Job", "Queue", "Attempt", "Took", time_head(facts.of_status)];
    html! {
        div.jobs {
            @if form.is_some() { (picked_table("Jobs", &columns, &rows)) } @else { (table("Jobs", &columns, &rows)) }
        }
    }
}

/// Which time the last column tells.
const fn time_head(status: Option<Status>) -> &'static str {
    match status {
        None => "When",
        Some(Status::Completed) => "Completed",
        Some(Status::Failed) => "Failed",
        Some(Status::Cancelled) => "Cancelled",
        Some(Status::Running) => "Started",
        Some(Status::Scheduled) => "Starts",
        Some(Status::Queued) => "Queued",
    }
}

/// What a waiting job waits for.
fn waiting(short: &Short, now: Timestamp) -> Markup {
    html! {
        " · " (short.holds)
        @if let Some((goes_on, at)) = short.until { " · " (goes_on) " " (when(at, now)) }
        @if short.more > 0 { " · " (short.more) " more" }
    }
}

fn row(job: &Job, facts: &RowFacts, form: Option<&str>, now: Timestamp) -> Markup {
    let waits = &facts.waits;
    let error = job.error.as_deref().filter(|_| !facts.are_of_one_error);
    let reason = error.map(|error| error.lines().next().unwrap_or_default());
    html! {
        tr id={ "row-" (job.id) } {
            @if let Some(form) = form {
                td.pick {
                    input.form-check-input type="checkbox" name="pick" value=(job.id) form=(form) data-pick
                        aria-label={ "Select job " (job.id) };
                }
            }
            td.main {
                div.first {
                    (status_icon(job.status))
                    a id={ "job-" (job.id) } href=(nav::job(job.id)) { (job.kind) }
                    @let about = about(&job.payload);
                    @if !about.is_empty() { span.rest.mono title=(about) { (about) } }
                }
                div.sub.under title=[error.or(waits.get(&job.id).map(|short| short.whole.as_str())).or(job.progress.as_deref())] {
                    span.mono { "#" (job.id) }
                    @if let Some(retry) = facts.retries.get(&job.id) {
                        " · retried as " a.mono href=(nav::job(retry.id)) { "#" (retry.id) } ", " (retry.status)
                    }
                    @if let Some(short) = waits.get(&job.id) { (waiting(short, now)) }
                    @if let Some(reason) = reason { " · " span.bad[job.status == Status::Failed] { (reason) } }
                    @else if let Some(progress) = job.progress.as_ref().filter(|_| job.status == Status::Running) { " · " (progress) }
                }
            }
            td data-label="" { @if let Some(queue) = &job.queue { (queue) } }
            td.num data-label="attempt" { (attempts(job)) }
            td.num data-label="took" { (elapsed(job.started_at, job.finished_at, now)) }
            td.num { (when(own_time(job), now)) }
        }
    }
}

/// The time that counts for a job as it stands: when it ended, began, or is to begin.
fn own_time(job: &Job) -> Timestamp {
    match job.status {
        Status::Completed | Status::Failed | Status::Cancelled => {
            job.finished_at.unwrap_or(job.created_at)
        }
        Status::Running => job.started_at.unwrap_or(job.created_at),
        Status::Scheduled => job.run_at,
        Status::Queued => job.created_at,
    }
}

/// The first members of a payload, as a person tells one job from another by them.
fn about(payload: &str) -> String {
    let Ok(Value::Object(members)) = serde_json::from_str(payload) else { return String::new() };
    let plain = members.iter().filter_map(|(name, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        let mut cut: String =
            text.chars().take(CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if cut.len() < text.len() {
            cut.push('…');
        }
        Some(format!("{name} {cut}"))
    });
    plain.take(MEMBERS).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::about;

    #[test]
    fn a_row_says_what_a_job_is_about() {
        let payload = r#"{"customer_id":1207,"tags":["a"],"to":"ann","note":null,"text":"one\ntwo","more":1}"#;
        let told = about(payload);
        assert_eq!(told.split(" · ").count(), 3, "{told}");
        assert!(told.contains("customer_id 1207") && !told.contains('\n'), "{told}");
        assert_eq!(about("[1]"), "");
        assert_eq!(about("no json"), "");
        let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(500));
        assert_eq!(about(&long).chars().count(), "text ".len() + 40 + 1);
    }
}
