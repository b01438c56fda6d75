//! `lamplighter batches`: lists batches of jobs, shows them and cancels them.

use super::{Cli, output};
use crate::actions::{self, Call, batches};
use crate::error::Result;
use crate::wire;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the newest batches
    List {
        /// Only batches with a smaller id
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// At most this many, 1 to 1000
        #[arg(long, default_value = "50", value_name = "COUNT", allow_negative_numbers = true)]
        limit: String,
    },
    /// Show a batch; `jobs list batch:ID` lists its jobs
    Show {
        /// Its id
        id: i64,
    },
    /// Close a batch, cancel its jobs that wait, and ask those that run to end
    Cancel {
        /// Its id
        id: i64,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let (store, call) = (cli.existing_store()?, Call::by_owner(cli.now()));
    match command {
        Command::List { before, limit } => {
            let found = store.batches(before, actions::rows(&limit)?).await?;
            let mut found = found.iter().map(wire::Batch::from);
            if cli.json {
                return found.try_for_each(|batch| output::json(&batch));
            }
            show(&found.collect::<Vec<_>>())
        }
        Command::Show { id } => {
            let batch = wire::Batch::from(&batches::known(&store, id).await?);
            if cli.json { output::json(&batch) } else { show(&[batch]) }
        }
        Command::Cancel { id } => cli.say(&batches::cancel(&store, &call, id).await?),
    }
}

fn show(batches: &[wire::Batch]) -> Result<()> {
    let header = [
        "ID",
        "NAME",
        "TOTAL",
        "OPEN",
        "COMPLETED",
        "FAILED",
        "CANCELLED",
        "CREATED",
        "FINISHED",
        "THEN",
    ];
    output::table(&header, &batches.iter().map(row).collect::<Vec<_>>())
}

fn row(batch: &wire::Batch) -> Vec<String> {
    let counts = [batch.total, batch.open, batch.completed, batch.failed, batch.cancelled];
    let finished = match &batch.finished_at {
        Some(at) => at.clone(),
        None if batch.held => "takes more".to_owned(),
        None => "-".to_owned(),
    };
    let mut row = vec![batch.id.to_string(), output::plain(&batch.name, 60)];
    row.extend(counts.map(|count| count.to_string()));
    row.extend([batch.created_at.clone(), finished]);
    row.push(batch.then_id.map_or_else(|| "-".to_owned(), |id| format!("job {id}")));
    row
}
