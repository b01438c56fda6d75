//! `lamplighter prompts`: lists prompt files; shows the prompt of scans, changes it, and has the shipped one again.

use super::{Cli, input, output};
use crate::actions::Call;
use crate::actions::prompts::{self, PromptName};
use crate::error::Result;
use crate::monitor::prompt;
use crate::wire;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the prompt files by which sessions can be asked
    List,
    /// Print a prompt
    Show {
        /// Its name: `self_monitoring`
        prompt: String,
    },
    /// Replace a prompt; the next run uses it
    Set {
        /// Its name: `self_monitoring`
        prompt: String,
        /// The file with its new text; `-` reads it from standard input
        file: String,
    },
    /// Go back to the prompt that comes with the program
    Reset {
        /// Its name: `self_monitoring`
        prompt: String,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let call = Call::by_owner(cli.now());
    match command {
        Command::List => list(cli),
        Command::Show { prompt } => show(cli, prompts::parse_name(&prompt)?).await,
        Command::Set { prompt, file } => {
            let (name, text) = (prompts::parse_name(&prompt)?, input::of_file(&file)?);
            cli.say(&prompts::save(&cli.existing_store()?, &call, name, Some(&text)).await?)
        }
        Command::Reset { prompt } => {
            let name = prompts::parse_name(&prompt)?;
            cli.say(&prompts::save(&cli.existing_store()?, &call, name, None).await?)
        }
    }
}

/// The prompt files, one line each.
fn list(cli: &Cli) -> Result<()> {
    let files = prompts::files(&cli.existing_store()?)?;
    if cli.json {
        return files.iter().try_for_each(output::json);
    }
    let row = |file: &wire::PromptFile| {
        let path = file.path.as_ref().map(|path| output::plain(&path.display().to_string(), 200));
        let parameters = output::plain(&file.parameters.join(", "), 200);
        vec![
            output::plain(&file.prompt_file, 100),
            if parameters.is_empty() { "-".to_owned() } else { parameters },
            path.unwrap_or_else(|| "comes with the program".to_owned()),
            output::plain(file.problem.as_deref().unwrap_or_default(), 200),
        ]
    };
    let rows: Vec<_> = files.iter().map(row).collect();
    output::table(&["NAME", "PARAMETERS", "FILE", "PROBLEM"], &rows)
}

async fn show(cli: &Cli, name: PromptName) -> Result<()> {
    let template = match name {
        PromptName::SelfMonitoring => prompt::load(&cli.existing_store()?).await?,
    };
    if cli.json {
        return output::json(&wire::Prompt::from(&template));
    }
    output::line(template.text.trim_end())
}
