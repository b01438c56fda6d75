//! `lamplighter jobs`: lists jobs, shows one, enqueues, cancels, and runs a job again.

use super::{Cli, output};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, Attempt, Cancelled, ConcurrencyKey, Enqueued, Event, Filter, Job, JobId, Kind, NewJob,
    Queue, Timestamp, UniqueKey,
};
use crate::store::Store;
use clap::Subcommand;
use serde_json::{Value, json};
use std::time::Duration;

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
    /// Queue a job and print its id
    Enqueue(NewArguments),
    /// Cancel a job that waits, or ask a running one to end
    Cancel {
        /// The job's id
        id: i64,
    },
    /// Run a final job again, as a new one, and print that one's id
    Retry {
        /// The job's id
        id: i64,
    },
    /// Say why a job is not running
    Why {
        /// The job's id
        id: i64,
    },
}

#[derive(clap::Args)]
pub(super) struct NewArguments {
    /// Which handler runs it
    kind: String,
    /// The handler's input, JSON
    #[arg(default_value = "{}", value_parser = |text: &str| serde_json::from_str::<Value>(text))]
    payload: Value,
    /// Where it waits, instead of its kind's queue
    #[arg(long)]
    queue: Option<String>,
    /// Lower runs first, -100 to 100
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Start it only after this long: 90s, 10m, 2h 30m, 1day
    #[arg(long, value_name = "LENGTH", value_parser = humantime::parse_duration)]
    delay: Option<Duration>,
    /// Attempts it has
    #[arg(long)]
    max_attempts: Option<u32>,
    /// How long an attempt may run
    #[arg(long, value_name = "LENGTH", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Print the id of the job that holds this key, if one does, instead of queuing another
    #[arg(long, value_name = "KEY")]
    unique_key: Option<String>,
    /// Repeating the command with this key prints the first job's id, for 24 hours
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let now = Clock::system().now();
    match command {
        Command::List { before, limit } => list(cli, before, limit).await,
        Command::Show { id } => {
            let store = cli.existing_store()?;
            let job = store.job(JobId(id)).await?.ok_or_else(|| unknown(id))?;
            let events = store.job_events(job.id).await?;
            let attempts = store.job_attempts(job.id).await?;
            show(cli, &job, &events, &attempts)
        }
        Command::Enqueue(arguments) => {
            let enqueued = cli.store()?.enqueue(new_job(arguments, now)?, now).await?;
            print_enqueued(cli, enqueued)
        }
        Command::Cancel { id } => {
            let done = cli.existing_store()?.cancel(JobId(id), Actor::cli(), now).await?;
            let words = match done {
                Cancelled::Done => "cancelled".to_owned(),
                Cancelled::Requested => "cancel requested: it runs and was asked to end".to_owned(),
                Cancelled::AlreadyFinal(status) => format!("nothing to do: it is {status}"),
            };
            say(cli, id, &words)
        }
        Command::Retry { id } => {
            let again = cli.existing_store()?.run_again(JobId(id), Actor::cli(), now).await?;
            print_enqueued(cli, again)
        }
        Command::Why { id } => {
            let why = cli.existing_store()?.why(JobId(id), now).await?;
            say(cli, id, &why.ok_or_else(|| unknown(id))?.to_string())
        }
    }
}

fn unknown(id: i64) -> Error {
    Error::new(Code::JobUnknown, format!("find job {id}"))
}

fn say(cli: &Cli, id: i64, words: &str) -> Result<()> {
    if cli.json { output::line(json!({"id": id, "answer": words})) } else { output::line(words) }
}

fn print_enqueued(cli: &Cli, enqueued: Enqueued) -> Result<()> {
    let (id, existing) = match enqueued {
        Enqueued::Inserted(id) => (id, false),
        Enqueued::Existing(id) => (id, true),
    };
    if cli.json {
        output::line(json!({"id": id.0, "existing": existing}))
    } else {
        output::line(id)
    }
}

fn new_job(arguments: NewArguments, now: Timestamp) -> Result<NewJob> {
    Ok(NewJob {
        payload: arguments.payload,
        queue: arguments.queue.map(Queue::parse).transpose()?,
        priority: arguments.priority,
        run_at: arguments.delay.map(|delay| now.plus(delay)),
        max_attempts: arguments.max_attempts,
        timeout: arguments.timeout,
        unique_key: arguments.unique_key.map(UniqueKey::parse).transpose()?,
        idempotency_key: arguments.idempotency_key,
        actor: Some(Actor::cli()),
        ..NewJob::new(Kind::parse(arguments.kind)?)
    })
}

async fn list(cli: &Cli, before: Option<i64>, limit: u16) -> Result<()> {
    let store: Store = cli.existing_store()?;
    let now = Clock::system().now();
    let page = store.find_jobs(Filter::default(), before, usize::from(limit), now).await?;
    if cli.json {
        return page.rows.iter().try_for_each(|job| output::line(as_json(job)));
    }
    let rows: Vec<_> = page.rows.iter().map(row).collect();
    output::table(
        &["ID", "KIND", "STATUS", "TRIGGER", "QUEUE", "ATTEMPT", "CREATED", "ERROR"],
        &rows,
    )
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

fn show(cli: &Cli, job: &Job, events: &[Event], attempts: &[Attempt]) -> Result<()> {
    let mut value = as_json(job);
    value["events"] = events.iter().map(event_json).collect();
    value["attempts"] = attempts.iter().map(attempt_json).collect();
    if cli.json {
        return output::line(value);
    }
    let Value::Object(fields) = value else {
        return Ok(());
    };
    let fields = fields.iter().filter(|(_, value)| !value.is_array() && !value.is_null());
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
        event.cause_word().to_owned(),
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
        "cancel_requested_at": at(job.cancel_requested_at),
        "timeout_ms": job.timeout.map(|timeout| timeout.as_millis() as u64),
        "unique_key": job.unique_key.as_ref().map(UniqueKey::as_str),
        "concurrency_key": job.concurrency_key.as_ref().map(ConcurrencyKey::as_str),
        "schedule_id": job.schedule_id,
        "occurrence_at": job.occurrence.map(|occurrence| occurrence.at.to_string()),
        "progress": job.progress,
        "parent_id": job.parent_id.map(|id| id.0),
        "result": job.result.as_deref().map(embedded),
        "error": job.error,
        "error_code": job.error_code,
    })
}

fn attempt_json(attempt: &Attempt) -> Value {
    json!({
        "epoch": attempt.epoch,
        "attempt": attempt.attempt,
        "worker_id": attempt.worker_id,
        "started_at": attempt.started_at.map(|at| at.to_string()),
        "ended_at": attempt.ended_at.to_string(),
        "ended_as": attempt.ended_as,
        "error": attempt.error,
        "error_code": attempt.error_code,
    })
}

fn event_json(event: &Event) -> Value {
    json!({
        "at": event.at.to_string(),
        "from": event.from.map(crate::model::Status::as_str),
        "to": event.to.as_str(),
        "cause": event.cause_word(),
        "actor": event.actor,
        "detail": event.detail,
    })
}
