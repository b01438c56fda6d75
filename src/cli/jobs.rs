//! `lamplighter jobs`.

use super::{Cli, output};
use crate::error::{Code, Error, Result};
use crate::model::{Event, Job, JobFilter, JobId, Queue, Timestamp};
use clap::Subcommand;
use serde_json::{Value, json};

/// Jobs that `list` prints unless it is told otherwise.
const DEFAULT_LIMIT: u16 = 50;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the newest jobs
    List {
        /// Only jobs with a smaller id
        #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
        before: Option<i64>,
        /// At most this many
        #[arg(long, default_value_t = DEFAULT_LIMIT, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Show one job and its history
    Show {
        /// The job's id
        id: i64,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let store = cli.existing_store()?;
    match command {
        Command::List { before, limit } => {
            let filter = JobFilter { before, limit: usize::from(limit), ..JobFilter::default() };
            let page = store.search_jobs(filter).await?;
            if cli.json {
                return page.rows.iter().try_for_each(|job| output::line(as_json(job)));
            }
            let rows: Vec<_> = page.rows.iter().map(row).collect();
            output::table(
                &["ID", "KIND", "STATUS", "TRIGGER", "QUEUE", "ATTEMPT", "CREATED", "ERROR"],
                &rows,
            )
        }
        Command::Show { id } => {
            let doing = || Error::new(Code::JobUnknown, format!("show job {id}"));
            let job = store.job(JobId(id)).await?.ok_or_else(doing)?;
            let events = store.job_events(job.id).await?;
            show(cli, &job, &events)
        }
    }
}

fn row(job: &Job) -> Vec<String> {
    let waits_for = job.blocked_by.map(|by| format!(" ({by})")).unwrap_or_default();
    vec![
        job.id.to_string(),
        job.kind.to_string(),
        format!("{}{waits_for}", job.status),
        job.trigger.to_string(),
        job.queue.as_ref().map_or_else(|| "-".into(), Queue::to_string),
        job.max_attempts
            .map_or_else(|| job.attempt.to_string(), |most| format!("{}/{most}", job.attempt)),
        job.created_at.to_string(),
        output::plain(job.error.as_deref().unwrap_or(""), 60),
    ]
}

fn show(cli: &Cli, job: &Job, events: &[Event]) -> Result<()> {
    let mut value = as_json(job);
    value["events"] = events.iter().map(event_json).collect();
    if cli.json {
        return output::line(value);
    }
    let Value::Object(fields) = value else {
        return Ok(());
    };
    let fields = fields.iter().filter(|(name, value)| *name != "events" && !value.is_null());
    let rows: Vec<_> = fields
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            vec![name.clone(), output::plain(&text, 200)]
        })
        .collect();
    output::table(&["FIELD", "VALUE"], &rows)?;
    let steps: Vec<_> = events.iter().map(step).collect();
    if steps.is_empty() {
        return Ok(());
    }
    output::line("")?;
    output::table(&["AT", "STEP", "CAUSE", "BY", "DETAIL"], &steps)
}

fn step(event: &Event) -> Vec<String> {
    let from = event.from.map_or("-", crate::model::Status::as_str);
    vec![
        event.at.to_string(),
        format!("{from} -> {}", event.to),
        event.cause.clone(),
        event.actor.clone(),
        output::plain(event.detail.as_deref().unwrap_or(""), 100),
    ]
}

fn as_json(job: &Job) -> Value {
    let at = |instant: Option<Timestamp>| instant.map(|at| at.to_string());
    let embedded = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    json!({
        "id": job.id.0,
        "kind": job.kind.as_str(),
        "status": job.status.as_str(),
        "blocked_by": job.blocked_by.map(crate::model::BlockedBy::as_str),
        "queue": job.queue.as_ref().map(Queue::as_str),
        "priority": job.priority,
        "trigger": job.trigger.as_str(),
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "interrupted": job.interrupted,
        "payload": embedded(&job.payload),
        "run_at": job.run_at.to_string(),
        "created_at": job.created_at.to_string(),
        "started_at": at(job.started_at),
        "finished_at": at(job.finished_at),
        "parent_id": job.parent_id.map(|id| id.0),
        "result": job.result.as_deref().map(embedded),
        "error": job.error,
        "error_code": job.error_code,
    })
}

fn event_json(event: &Event) -> Value {
    json!({
        "at": event.at.to_string(),
        "from": event.from.map(crate::model::Status::as_str),
        "to": event.to.as_str(),
        "cause": event.cause,
        "actor": event.actor,
        "detail": event.detail,
    })
}
