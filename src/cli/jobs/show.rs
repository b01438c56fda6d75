//! How jobs are printed: a line in a list, and one job with its history.

use super::super::{Cli, output};
use crate::actions::jobs::{self, JobsAsk};
use crate::error::Result;
use crate::model::{Job, Zone, by_whom};
use crate::store::Store;
use crate::wire;

/// Characters of a note in a list.
const NOTE: usize = 80;
/// Characters of what errors say.
const ERROR: usize = 160;
/// Characters of a value of one job.
const VALUE: usize = 200;

/// The jobs of a query, one line each.
pub(super) async fn list(cli: &Cli, store: &Store, ask: JobsAsk) -> Result<()> {
    let found = jobs::find(store, ask, cli.now()).await?;
    let words = jobs::waits(store, &found.rows, Zone::default(), cli.now()).await?;
    let waits = |job: &Job| words.get(&job.id).cloned();
    if cli.json {
        let jobs = found.rows.iter();
        let listed = |job| wire::JobListed { job: wire::Job::from(job), waits: waits(job) };
        jobs.map(listed).try_for_each(|job| output::json(&job))?;
    } else {
        let rows: Vec<_> = found.rows.iter().map(|job| row(job, waits(job))).collect();
        let header = ["ID", "KIND", "STATUS", "TRIGGER", "QUEUE", "ATTEMPT", "CREATED", "NOTE"];
        output::table(&header, &rows)?;
    }
    match found.next {
        Some(next) if found.cut_short => output::note(&format!(
            "{} jobs were looked through; go on with --before {next}.",
            found.looked_through
        )),
        Some(next) => output::note(&format!("There are more: go on with --before {next}.")),
        None => {}
    }
    Ok(())
}

fn row(job: &Job, waits: Option<String>) -> Vec<String> {
    let note = waits.or_else(|| job.error.clone()).unwrap_or_default();
    vec![
        job.id.to_string(),
        job.kind.to_string(),
        job.status.to_string(),
        job.trigger.to_string(),
        job.queue.as_ref().map_or_else(|| "-".into(), ToString::to_string),
        job.max_attempts
            .map_or_else(|| job.attempt.to_string(), |most| format!("{}/{most}", job.attempt)),
        job.created_at.to_string(),
        output::plain(&note, NOTE),
    ]
}

/// The problems of failed jobs, one line each.
pub(super) async fn problems(cli: &Cli, store: &Store, query: &str) -> Result<()> {
    let found = jobs::problems(store, query, cli.now()).await?;
    if cli.json {
        let told = |problem: &jobs::JobProblem| wire::JobProblem {
            kind: problem.kind.clone(),
            error_code: problem.code.clone(),
            template: problem.template.clone(),
            count: problem.count,
            first: problem.first.0,
            last: problem.last.0,
            last_at: problem.last_at.map(|at| at.to_string()),
        };
        found.problems.iter().map(told).try_for_each(|problem| output::json(&problem))?;
    } else {
        let row = |problem: &jobs::JobProblem| {
            vec![
                problem.count.to_string(),
                problem.kind.clone(),
                problem.code.clone().unwrap_or_else(|| "-".to_owned()),
                problem.first.to_string(),
                problem.last.to_string(),
                output::plain(&problem.template, ERROR),
            ]
        };
        let rows: Vec<_> = found.problems.iter().map(row).collect();
        output::table(&["JOBS", "KIND", "CODE", "FIRST", "LAST", "ERROR"], &rows)?;
    }
    if found.more {
        output::note(&format!("The newest {} failed jobs were looked at.", found.jobs));
    }
    Ok(())
}

/// One job: how it stands first, then what it is, then its times, then its history.
pub(super) async fn one(cli: &Cli, store: &Store, id: i64) -> Result<()> {
    let told = jobs::story(store, id).await?;
    if cli.json {
        return output::json(&told);
    }
    let why = jobs::why(store, id, cli.now()).await?.sentence;
    let mut rows = fields(&told.job, why);
    rows.extend(around(&told));
    output::table(&["FIELD", "VALUE"], &rows)?;
    if !told.attempts.is_empty() {
        output::line("")?;
        let attempts: Vec<_> = told.attempts.iter().map(attempt).collect();
        output::table(&["ENDED", "ATTEMPT", "AS", "CODE", "ERROR"], &attempts)?;
    }
    if !told.events.is_empty() {
        output::line("")?;
        let mut rows: Vec<Vec<String>> = Vec::with_capacity(told.events.len());
        for (at, event) in told.events.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| told.events[before].number);
            let left_out = before.map_or(0, |before| event.number - before - 1);
            if left_out > 0 {
                let said = format!("{left_out} steps before this time are not kept");
                rows.push(vec![event.at.clone(), "-".into(), "-".into(), "-".into(), said]);
            }
            rows.push(step(event));
        }
        output::table(&["AT", "STEP", "CAUSE", "BY", "DETAIL"], &rows)?;
    }
    Ok(())
}

fn fields(job: &wire::Job, why: String) -> Vec<Vec<String>> {
    let number = |number: Option<i64>| number.map(|number| number.to_string());
    let json = |value: &Option<Box<serde_json::value::RawValue>>| {
        value.as_ref().map(|value| value.get().to_owned())
    };
    let attempts = job
        .max_attempts
        .map_or_else(|| job.attempt.to_string(), |most| format!("{} of {most}", job.attempt));
    let waits = ["scheduled", "queued"].contains(&job.status);
    let fields = [
        ("status", Some(job.status.to_owned())),
        ("why", Some(why).filter(|_| waits)),
        ("progress", job.progress.clone()),
        ("error", job.error.clone()),
        ("error_code", job.error_code.clone()),
        ("result", json(&job.result)),
        ("id", Some(job.id.to_string())),
        ("kind", Some(job.kind.clone())),
        ("payload", json(&job.payload)),
        ("queue", job.queue.clone()),
        ("priority", job.priority.map(|priority| priority.to_string())),
        ("attempt", Some(attempts)),
        ("interrupted", Some(job.interrupted.to_string()).filter(|_| job.interrupted > 0)),
        ("timeout_ms", job.timeout_ms.map(|timeout| timeout.to_string())),
        ("unique_key", job.unique_key.clone()),
        ("concurrency_key", job.concurrency_key.clone()),
        ("tags", Some(job.tags.join(", ")).filter(|tags| !tags.is_empty())),
        ("trigger", Some(job.trigger.to_owned())),
        ("parent_id", number(job.parent_id)),
        ("schedule_id", number(job.schedule_id)),
        ("occurrence_at", job.occurrence_at.clone()),
        ("created_at", Some(job.created_at.clone())),
        ("run_at", Some(job.run_at.clone())),
        ("started_at", job.started_at.clone()),
        ("cancel_requested_at", job.cancel_requested_at.clone()),
        ("finished_at", job.finished_at.clone()),
    ];
    let known = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    // What holds it is told whole: each of a dozen things may be named.
    let most = |name: &str| if name == "why" { usize::MAX } else { VALUE };
    known.map(|(name, value)| vec![name.to_owned(), output::plain(&value, most(name))]).collect()
}

/// The jobs that it runs after, each with its end, and those that run after it.
fn around(told: &wire::JobStory) -> Vec<Vec<String>> {
    let after = told.after.iter().map(|after| match after.ended_as {
        Some(ended_as) => format!("{} ({ended_as})", after.id),
        None => after.id.to_string(),
    });
    let after = after.collect::<Vec<_>>().join(", ");
    let before = told.before.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let rows = [("after", after), ("before", before)].into_iter();
    let rows = rows.filter(|(_, value)| !value.is_empty());
    rows.map(|(name, value)| vec![name.to_owned(), output::plain(&value, VALUE)]).collect()
}

fn attempt(attempt: &wire::JobAttempt) -> Vec<String> {
    vec![
        attempt.ended_at.clone(),
        attempt.attempt.to_string(),
        attempt.ended_as.clone(),
        attempt.error_code.clone().unwrap_or_default(),
        output::plain(attempt.error.as_deref().unwrap_or_default(), NOTE),
    ]
}

fn step(event: &wire::JobEvent) -> Vec<String> {
    vec![
        event.at.clone(),
        format!("{} -> {}", event.from.unwrap_or("-"), event.to),
        event.cause.clone(),
        by_whom(&event.actor).into_owned(),
        output::plain(event.detail.as_deref().unwrap_or_default(), NOTE),
    ]
}
