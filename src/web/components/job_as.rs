//! A job as a command, as JSON and as a request, for somebody who takes it elsewhere.

use super::super::job_body::JobBody;
use super::card::copy_button;
use super::text::pretty;
use crate::model::Job;
use crate::wire;
use maud::{Markup, html};

/// The three texts, folded.
pub(in crate::web) fn job_as(job: &Job) -> Markup {
    let told = wire::Job::from(job);
    let json = serde_json::to_string(&told).map(|text| pretty(&text)).unwrap_or_default();
    let texts = [
        ("job-as-command", "Command that queues such a job", command(job)),
        ("job-as-request", "Request that queues such a job", request(job)),
        ("job-as-json", "JSON of this job", json),
    ];
    html! {
        details #job-as .card {
            summary.card-body { "Copy as a command, a request or JSON" }
            div.card-body.stack {
                @for (id, title, text) in &texts {
                    div {
                        div.actions { b.sub { (title) } (copy_button(id, title)) }
                        pre id=(id) tabindex="0" aria-label={ (title) ", to scroll" } { (text) }
                    }
                }
            }
        }
    }
}

/// A text as a shell takes it, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn command(job: &Job) -> String {
    let limit = job.timeout.map(|length| format!("{}ms", length.as_millis()));
    let options = [
        ("queue", job.queue.as_ref().map(|queue| quoted(queue.as_str()))),
        ("priority", job.priority.map(|priority| priority.to_string())),
        ("max-attempts", job.max_attempts.map(|most| most.to_string())),
        ("timeout", limit),
        ("concurrency-key", job.concurrency_key.as_ref().map(|key| quoted(key.as_str()))),
    ];
    let tags = job.tags.iter().map(|tag| ("tag", Some(quoted(&tag.to_string()))));
    let given = options.into_iter().chain(tags);
    let given = given.filter_map(|(name, value)| Some(format!(" --{name}={}", value?)));
    let (kind, payload) = (quoted(job.kind.as_str()), quoted(&job.payload));
    ["lamplighter jobs enqueue ".to_owned(), kind, " ".to_owned(), payload]
        .into_iter()
        .chain(given)
        .collect()
}

fn request(job: &Job) -> String {
    let body = serde_json::to_string(&JobBody::of(job)).unwrap_or_default();
    format!(
        "curl -X POST \"$LAMPLIGHTER_URL/api/v1/jobs\" -H \"Authorization: Bearer $LAMPLIGHTER_TOKEN\" -H 'Content-Type: application/json' --data-raw {}",
        quoted(&body)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_a_text_whatever_it_holds() {
        assert_eq!(quoted("a'b $(c)"), r"'a'\''b $(c)'");
    }
}
