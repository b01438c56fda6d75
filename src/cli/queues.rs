//! `lamplighter queues`.

use super::{Cli, output};
use crate::clock::Clock;
use crate::error::Result;
use crate::model::{Actor, Queue, QueueState};
use clap::Subcommand;
use serde_json::json;
use std::time::Duration;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List every queue with its jobs, its limit and its pause
    List,
    /// Set how many jobs of a queue may run at once
    Limit {
        /// The queue's name
        queue: String,
        /// How many; 0 starts nothing more, `default` is what the program says
        #[arg(value_parser = limit)]
        limit: Limit,
    },
    /// Start nothing more of a queue; what runs goes on
    Pause {
        /// The queue's name
        #[arg(required_unless_present = "all")]
        queue: Option<String>,
        /// Stop every queue, and ask what runs to end
        #[arg(long, conflicts_with_all = ["queue", "length"])]
        all: bool,
        /// Why, for whoever wonders
        #[arg(long, default_value = "")]
        reason: String,
        /// Resume by itself after this long: 90s, 10m, 2h
        #[arg(long = "for", value_name = "LENGTH", value_parser = humantime::parse_duration)]
        length: Option<Duration>,
    },
    /// Let a paused queue go on
    Resume {
        /// The queue's name
        #[arg(required_unless_present = "all")]
        queue: Option<String>,
        /// End the stop of every queue; queues that were paused one by one stay so
        #[arg(long, conflicts_with = "queue")]
        all: bool,
    },
}

/// A limit as it is typed.
#[derive(Clone, Copy)]
pub(super) struct Limit(Option<u32>);

fn limit(text: &str) -> Result<Limit, String> {
    match text.parse() {
        _ if text == "default" => Ok(Limit(None)),
        Ok(limit @ 0..=10_000) => Ok(Limit(Some(limit))),
        Ok(_) | Err(_) => Err("a number from 0 to 10,000, or default".to_owned()),
    }
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let store = cli.existing_store()?;
    let (actor, now) = (Actor::cli(), Clock::system().now());
    match command {
        Command::List => {
            if let Some(stop) = store.stopped().await? {
                let why = if stop.reason.is_empty() { "no reason was given" } else { &stop.reason };
                output::note(&format!("All queues were stopped by {} ({why}).", stop.by));
            }
            list(cli, &store.queues().await?)
        }
        Command::Limit { queue, limit: Limit(limit) } => {
            store.set_queue_limit(Queue::parse(queue)?, limit, actor, now).await?;
            say(cli, "set", json!({}))
        }
        Command::Pause { queue: None, reason, .. } => {
            let asked = store.stop_all(reason, actor, now).await?;
            let words = format!("stopped; running jobs that were asked to end: {asked}");
            say(cli, &words, json!({"asked_to_end": asked}))
        }
        Command::Pause { queue: Some(queue), reason, length, .. } => {
            let resume_at = length.map(|length| now.plus(length));
            store.pause_queue(Queue::parse(queue)?, reason, resume_at, actor, now).await?;
            let until =
                resume_at.map_or_else(|| "until it is resumed".into(), |at| format!("until {at}"));
            say(cli, &format!("paused {until}"), json!({}))
        }
        Command::Resume { queue, .. } => {
            let resumed = match queue {
                Some(queue) => store.resume_queue(Queue::parse(queue)?, actor, now).await?,
                None => store.resume_all(actor, now).await?,
            };
            let words = if resumed { "resumed" } else { "nothing to do: it was not paused" };
            say(cli, words, json!({"resumed": resumed}))
        }
    }
}

/// Prints what was done, with `more` as JSON.
fn say(cli: &Cli, words: &str, mut more: serde_json::Value) -> Result<()> {
    if !cli.json {
        return output::line(words);
    }
    more["answer"] = words.into();
    output::line(more)
}

fn list(cli: &Cli, queues: &[QueueState]) -> Result<()> {
    if cli.json {
        return queues.iter().try_for_each(|queue| output::line(as_json(queue)));
    }
    let rows: Vec<_> = queues.iter().map(row).collect();
    output::table(&["QUEUE", "LIMIT", "RUNNING", "QUEUED", "SCHEDULED", "PAUSED"], &rows)
}

fn row(queue: &QueueState) -> Vec<String> {
    let paused = queue.pause.as_ref().map(|pause| {
        let until = pause.resume_at.map(|at| format!(" until {at}")).unwrap_or_default();
        format!("by {}{until} {}", pause.by, pause.reason)
    });
    vec![
        queue.name.to_string(),
        queue.limit().to_string(),
        queue.running.to_string(),
        queue.queued.to_string(),
        queue.scheduled.to_string(),
        output::plain(paused.as_deref().unwrap_or("-").trim_end(), 100),
    ]
}

fn as_json(queue: &QueueState) -> serde_json::Value {
    json!({
        "queue": queue.name.as_str(),
        "limit": queue.limit(),
        "operator_limit": queue.operator_limit,
        "running": queue.running,
        "queued": queue.queued,
        "scheduled": queue.scheduled,
        "paused": queue.pause.as_ref().map(|pause| json!({
            "at": pause.at.to_string(),
            "by": pause.by,
            "reason": pause.reason,
            "resume_at": pause.resume_at.map(|at| at.to_string()),
        })),
    })
}
