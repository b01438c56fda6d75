//! `lamplighter queues`: lists queues, sets limits, pauses and resumes them.

use super::{Cli, output};
use crate::actions::Call;
use crate::actions::queues::{self, QueueLimit, QueuePause};
use crate::error::Result;
use crate::model::{QueueState, Unplaced};
use crate::store::Store;
use crate::wire;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List every queue with its jobs, its limit and its pause
    List,
    /// Set how many jobs of a queue may run at once
    Limit {
        /// The queue's name
        queue: String,
        /// 0 to 10000; with 0 no job starts; `default` goes back to the limit of the program
        limit: String,
    },
    /// Start no more jobs of a queue; running jobs go on
    Pause {
        /// The queue's name
        #[arg(required_unless_present = "all")]
        queue: Option<String>,
        /// Stop every queue, and ask running jobs to end
        #[arg(long, conflicts_with_all = ["queue", "length"])]
        all: bool,
        /// The reason, for others to read
        #[arg(long, default_value = "")]
        reason: String,
        /// Resume the queue after this time: 90s, 10m, 2h; a number alone is minutes
        #[arg(long = "for", value_name = "LENGTH")]
        length: Option<String>,
    },
    /// Let a paused queue go on
    Resume {
        /// The queue's name
        #[arg(required_unless_present = "all")]
        queue: Option<String>,
        /// End the stop of all queues; a queue that was paused separately stays paused
        #[arg(long, conflicts_with = "queue")]
        all: bool,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let (store, call) = (cli.existing_store()?, Call::by_owner(cli.now()));
    match command {
        Command::List => list(cli, &store).await,
        Command::Limit { queue, limit } => {
            let request = QueueLimit { queue, limit: queues::parse_limit(&limit)? };
            cli.say(&queues::limit(&store, &call, request).await?)
        }
        Command::Pause { queue: None, reason, .. } => {
            cli.say(&queues::stop_all(&store, &call, &reason).await?)
        }
        Command::Pause { queue: Some(queue), reason, length, .. } => {
            let length = queues::parse_pause(length.as_deref().unwrap_or_default(), &queue)?;
            cli.say(&queues::pause(&store, &call, QueuePause { queue, reason, length }).await?)
        }
        Command::Resume { queue: Some(queue), .. } => {
            cli.say(&queues::resume(&store, &call, &queue).await?)
        }
        Command::Resume { queue: None, .. } => cli.say(&queues::resume_all(&store, &call).await?),
    }
}

async fn list(cli: &Cli, store: &Store) -> Result<()> {
    if let Some(stop) = store.stopped().await? {
        let why = if stop.reason.is_empty() { "no reason was given" } else { &stop.reason };
        output::note(&format!("All queues were stopped by {} ({why}).", stop.by));
    }
    let (queues, unplaced) = (store.queues().await?, store.unplaced().await?);
    if cli.json {
        queues.iter().map(wire::Queue::from).try_for_each(|queue| output::json(&queue))?;
        let none = (!unplaced.is_empty()).then(|| wire::QueueNone::from(unplaced));
        return none.iter().try_for_each(output::json);
    }
    let mut rows: Vec<_> = queues.iter().map(row).collect();
    if !unplaced.is_empty() {
        let (waiting, later) = (unplaced.queued.to_string(), unplaced.scheduled.to_string());
        let none = "-".to_owned();
        rows.push(vec![Unplaced::WHY.into(), none.clone(), "0".into(), waiting, later, none]);
    }
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
