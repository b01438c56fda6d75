//! `lamplighter repos`: lists, adds, refreshes and removes golden repositories.

use super::{Cli, output};
use crate::clock::Clock;
use crate::error::Result;
use crate::model::{Actor, GoldenRepo, Trigger};
use crate::repositories;
use clap::Subcommand;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Register a repository of this machine and have the agent describe it; prints the job's id
    Add {
        /// Its folder
        path: PathBuf,
        /// What to call it [default: its folder's name]
        #[arg(long)]
        name: Option<String>,
    },
    /// List the repositories and their descriptions
    List,
    /// Have the agent describe a repository anew; prints the job's id
    Refresh {
        /// Its name or number
        name: String,
    },
    /// Forget a repository and its description; nothing of it is touched
    Remove {
        /// Its name or number
        name: String,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let now = Clock::system().now();
    match command {
        Command::Add { path, name } => {
            let store = cli.store()?;
            let job = repositories::add(&store, &path, name, Actor::cli(), now).await?;
            print_job(cli, job)
        }
        Command::List => list(cli).await,
        Command::Refresh { name } => {
            let (store, actor) = (cli.existing_store()?, Some(Actor::cli()));
            let job = repositories::refresh(&store, name, Trigger::Manual, actor, now).await?;
            print_job(cli, job)
        }
        Command::Remove { name } => {
            cli.existing_store()?.remove_repository(name.clone(), Actor::cli(), now).await?;
            if cli.json {
                output::line(json!({"repository": name, "answer": "removed"}))
            } else {
                output::line("removed")
            }
        }
    }
}

fn print_job(cli: &Cli, job: crate::model::JobId) -> Result<()> {
    if cli.json { output::line(json!({"job_id": job.to_string()})) } else { output::line(job) }
}

async fn list(cli: &Cli) -> Result<()> {
    let repositories = cli.existing_store()?.repositories().await?;
    if cli.json {
        return repositories.iter().try_for_each(|repository| output::line(as_json(repository)));
    }
    let rows: Vec<_> = repositories.iter().map(row).collect();
    output::table(&["ID", "NAME", "BY", "TECHNOLOGIES", "SUMMARY"], &rows)
}

fn row(repository: &GoldenRepo) -> Vec<String> {
    let described = repository.description.as_ref();
    let of = |text: fn(&crate::model::Description) -> String, most| {
        described.map_or_else(|| "-".to_owned(), |(about, ..)| output::plain(&text(about), most))
    };
    vec![
        repository.id.to_string(),
        output::plain(&repository.name, 40),
        described.map_or("-", |(_, by, _)| by.as_str()).to_owned(),
        of(|about| about.technologies.join(", "), 40),
        of(|about| about.summary.clone(), 80),
    ]
}

fn as_json(repository: &GoldenRepo) -> Value {
    let described = repository.description.as_ref();
    json!({
        "id": repository.id,
        "name": repository.name,
        "path": repository.path,
        "description": described.map(|(description, ..)| description),
        "described_by": described.map(|(_, by, _)| by.as_str()),
        "described_at": described.map(|(.., at)| at.to_string()),
        "job_id": repository.job_id.map(|id| id.0),
        "added_at": repository.added_at.to_string(),
    })
}
