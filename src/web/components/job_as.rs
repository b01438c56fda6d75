//! A job as a command, as JSON and as a request, for somebody who takes it elsewhere.

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
    let mut words = vec!["lamplighter jobs enqueue".to_owned(), quoted(job.kind.as_str())];
    words.push(format!("--payload {}", quoted(&job.payload)));
    if let Some(queue) = &job.queue {
        words.push(format!("--queue {}", quoted(queue.as_str())));
    }
    for tag in &job.tags {
        words.push(format!("--tag {}", quoted(&tag.to_string())));
    }
    words.join(" ")
}

fn request(job: &Job) -> String {
    // The payload stands as it is stored: its numbers keep their digits.
    let body = format!(r#"{{"kind":"{}","payload":{}}}"#, job.kind, job.payload);
    format!(
        "curl -X POST \"$LAMPLIGHTER_URL/api/v1/jobs\" -H \"Authorization: Bearer $LAMPLIGHTER_TOKEN\" -H 'Content-Type: application/json' --data {}",
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
