//! What the demo's agent says and does: scripts that read the figures of the demo's own database.
//!
//! *Invariant:* no session repeats another, and each tells what is so.

use super::shop;
use crate::error::Result;
use crate::model::{FiguresOf, JobErrorGroup, Kind, QueueState, Status, Timestamp};
use crate::store::Store;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// Errors that a session looks at.
const ERRORS: usize = 3;
/// How every session begins.
const HONEST: &str = "This is the demo's scripted agent: nothing is run, and nothing is spent. The numbers are those of this demo.";

/// What a step of the script does: a word of the agent, or a tool with what it answered.
pub(super) enum Step {
    Says(String),
    Uses(&'static str, String, String),
}

/// A session's steps, and what it answers.
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) answer: String,
}

fn says(words: impl Into<String>) -> Step {
    Step::Says(words.into())
}

fn lists(query: &str, answer: String) -> Step {
    Step::Uses("Bash", format!("lamplighter jobs list '{query}'"), answer)
}

/// How many things, in words.
fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The look of a morning: what failed in the day before, and what a person should do first.
pub(super) async fn morning(store: &Store, now: Timestamp) -> Result<Script> {
    let (errors, range) = (errors(store, now).await?, (now.minus(DAY), now));
    let (mut ended, mut failed) = (0, 0);
    for row in store.job_figures(FiguresOf::default(), range).await? {
        ended += row.figures.completed + row.figures.failed;
        failed += row.figures.failed;
    }
    let day = now.to_utc().format("%A, %-d %B");
    let mut steps = vec![
        says(HONEST),
        says(format!("It is the morning of {day}. I begin with what ended since yesterday.")),
        lists(
            "status:completed,failed since:24h",
            format!("{ended} jobs, {failed} of them failed"),
        ),
    ];
    for error in &errors {
        let (kind, met) = (&error.kind, error.in_range());
        steps.push(lists(
            &format!("kind:{kind} status:failed since:24h"),
            format!(
                "{}, {} still failed: {}",
                counted(met, "failed attempt"),
                counted(error.still_failed, "job"),
                error.title
            ),
        ));
        steps.push(says(verdict(error)));
    }
    steps.push(Step::Uses("Bash", "lamplighter queues list".to_owned(), queues(store).await?));
    let answer = match errors.first() {
        Some(error) => format!(
            "{day}: of {ended} jobs since yesterday {failed} failed for good. Most often, with {}: {} ({}). {}",
            counted(error.in_range(), "attempt"),
            error.title,
            error.kind,
            verdict(error)
        ),
        None => {
            format!("{day}: all {ended} jobs since yesterday completed. Nobody has to do anything.")
        }
    };
    steps.push(says("That is all that failed. I write the answer."));
    Ok(Script { steps, answer })
}

/// The look that goes on while the demo is open: each of what waits for a person.
pub(super) async fn now(store: &Store, now: Timestamp) -> Result<Script> {
    let errors = errors(store, now).await?;
    let mut steps =
        vec![says(HONEST), says("I go through what waits for a person, one after the other.")];
    let mut found = Vec::new();
    for error in &errors {
        let (kind, met) = (&error.kind, error.in_range());
        steps.push(says(format!(
            "The next is {kind}: {} since yesterday.",
            counted(met, "failed attempt")
        )));
        steps.push(lists(
            &format!("kind:{kind} status:failed since:24h"),
            format!("{} still failed: {}", counted(error.still_failed, "job"), error.title),
        ));
        let hours = error.hours.values().filter(|failures| **failures > 0).count() as u64;
        steps.push(Step::Uses(
            "Grep",
            format!("{kind} failed"),
            format!("{} of the last 24 have such lines", counted(hours, "hour")),
        ));
        steps.push(says(verdict(error)));
        if error.still_failed > 0 {
            found.push(format!("{kind}: {}", verdict(error)));
        }
    }
    steps.push(says("Now what waits and does not start."));
    steps.push(Step::Uses("Bash", "lamplighter queues list".to_owned(), queues(store).await?));
    for queue in store.queues().await?.iter().filter(|queue| queue.pause.is_some()) {
        let waits = counted(queue.queued.max(0).unsigned_abs(), "job");
        let why = queue.pause.as_ref().map(|pause| pause.reason.clone()).unwrap_or_default();
        steps.push(says(format!(
            "Queue {} is paused ({why}), and {waits} in it can wait.",
            queue.name
        )));
        found.push(format!("Queue {}: {waits} wait until it goes on.", queue.name));
    }
    let unhandled = waiting(store, &shop::CRM).await?;
    if unhandled > 0 {
        let jobs = counted(unhandled, "job");
        steps.push(lists(
            "kind:crm_sync status:queued",
            format!("{jobs}, no process has the handler"),
        ));
        steps.push(says("No program with the handler of crm_sync is running. That is a deployment, not an error."));
        found
            .push(format!("crm_sync: start the program that has its handler; {jobs} wait for it."));
    }
    steps.push(says("That is all. I write the answer."));
    let answer = if found.is_empty() {
        "Nothing waits for a person.".to_owned()
    } else {
        format!("What a person should do:\n\n- {}", found.join("\n- "))
    };
    Ok(Script { steps, answer })
}

/// The errors of the last 24 hours, the most frequent first.
async fn errors(store: &Store, now: Timestamp) -> Result<Vec<JobErrorGroup>> {
    store.job_errors((now.minus(DAY), now.plus(Duration::from_millis(1))), ERRORS).await
}

/// What an operator would think of it.
fn verdict(error: &JobErrorGroup) -> &'static str {
    if error.still_failed == 0 {
        return "A later attempt of each of these jobs went through: nobody has to do anything.";
    }
    match error.kind.as_str() {
        "send_email" => {
            "The mail server refused these mails for an hour. It takes mail again, so retry them."
        }
        "charge_card" => "A declined card is the customer's matter: another attempt cannot help.",
        "resize_image" => "The picture is cut off: the article needs another file.",
        "export_orders" => "The disk of the exports is full: make room first, then run one export.",
        _ => "One look at its newest job should tell more.",
    }
}

/// The queues as a command lists them.
async fn queues(store: &Store) -> Result<String> {
    let line = |queue: &QueueState| {
        let paused = if queue.pause.is_some() { ", paused" } else { "" };
        format!("{}: {} running, {} waiting{paused}", queue.name, queue.running, queue.queued)
    };
    Ok(store.queues().await?.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// How many jobs of a kind wait.
async fn waiting(store: &Store, kind: &Kind) -> Result<u64> {
    let counts = store.job_counts().await?;
    let of = counts.iter().filter(|count| count.kind == *kind && count.status == Status::Queued);
    Ok(of.map(|count| count.count.max(0).unsigned_abs()).sum())
}
