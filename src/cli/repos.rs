//! `lamplighter repos`: lists, adds, refreshes and removes golden repositories.

use super::{Cli, output};
use crate::actions::Call;
use crate::actions::repositories::{self, RepositoryAdd};
use crate::error::Result;
use crate::model::GoldenRepo;
use crate::wire;
use clap::Subcommand;
use std::path::{PathBuf, absolute};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Register a repository of this machine and have the agent describe it; prints the job's id
    Add {
        /// Its folder
        path: PathBuf,
        /// Its name [default: the name of its folder]
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
    },
    /// List the repositories and their descriptions
    List,
    /// Have the agent describe a repository anew; prints the job's id
    Refresh {
        /// Its name or number
        name: String,
    },
    /// Forget a repository and its description; its files are left alone
    Remove {
        /// Its name or number
        name: String,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let call = Call::by_owner(cli.now());
    match command {
        Command::Add { path, name } => {
            // A relative path is one of the shell's folder. Where there is none, the action refuses it.
            let path = absolute(&path).unwrap_or(path);
            let added =
                repositories::add(&cli.store()?, &call, RepositoryAdd { path, name }).await?;
            cli.say_id(&added, added.value.job_id)
        }
        Command::List => list(cli).await,
        Command::Refresh { name } => {
            let asked = repositories::refresh(&cli.existing_store()?, &call, &name).await?;
            cli.say_id(&asked, asked.value.job_id)
        }
        Command::Remove { name } => {
            cli.say(&repositories::remove(&cli.existing_store()?, &call, &name).await?)
        }
    }
}

async fn list(cli: &Cli) -> Result<()> {
    let repositories = cli.existing_store()?.repositories().await?;
    if cli.json {
        let mut all = repositories.iter().map(wire::Repository::from);
        return all.try_for_each(|repository| output::json(&repository));
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
