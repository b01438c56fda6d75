//! `lamplighter settings`: lists the settings and sets them.

use super::{Cli, output};
use crate::actions::Call;
use crate::actions::settings::{self, SettingChange};
use crate::error::Result;
use crate::model::SettingState;
use crate::wire;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List every setting with its value, its default and what it takes
    List,
    /// Print one setting, or all of them
    Get {
        /// Its name
        key: Option<String>,
    },
    /// Change settings, all of them or none: KEY VALUE, or KEY=VALUE for each of several
    Set {
        /// KEY VALUE, or KEY=VALUE for each setting. Put a value of several words in quotes, and a value that begins with a
        /// hyphen after `--`. The value `default` takes a setting back to its default
        #[arg(required = true, value_name = "KEY=VALUE", allow_negative_numbers = true)]
        words: Vec<String>,
    },
    /// Take settings back to their defaults
    Reset {
        /// Their names
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    match command {
        Command::List | Command::Get { key: None } => list(cli).await,
        Command::Get { key: Some(key) } => get(cli, &key).await,
        Command::Set { words } => change(cli, &settings::parse_changes(&words)?).await,
        Command::Reset { keys } => {
            let changes: Vec<_> = keys.into_iter().map(SettingChange::reset).collect();
            change(cli, &changes).await
        }
    }
}

async fn change(cli: &Cli, changes: &[SettingChange]) -> Result<()> {
    let (store, call) = (cli.existing_store()?, Call::by_owner(cli.now()));
    let answer = settings::change(&store, &call, changes).await?;
    match answer.value.settings.as_slice() {
        [one] => {
            let one = one.clone();
            cli.say(&answer.map(|_| one))
        }
        _ => cli.say(&answer),
    }
}

async fn get(cli: &Cli, key: &str) -> Result<()> {
    let setting = settings::named(key)?;
    let all = cli.existing_store()?.all_settings().await?;
    let mut found = all.iter().filter(|state| state.setting.key == setting.key);
    found.try_for_each(|state| {
        if cli.json {
            return output::json(&wire::Setting::from(state));
        }
        output::line(output::plain(&state.text(), 200))
    })
}

async fn list(cli: &Cli) -> Result<()> {
    let all = cli.existing_store()?.all_settings().await?;
    if cli.json {
        return all.iter().map(wire::Setting::from).try_for_each(|setting| output::json(&setting));
    }
    let row = |state: &SettingState| {
        vec![
            state.setting.key.to_owned(),
            output::plain(&state.text(), 60),
            state.setting.default_words().to_owned(),
            state.setting.takes(),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    output::table(&["KEY", "VALUE", "DEFAULT", "TAKES"], &rows)
}
