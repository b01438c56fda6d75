//! `lamplighter settings`: lists the settings and sets them.

use super::{Cli, output};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{Actor, Setting};
use crate::monitor::settings;
use clap::Subcommand;
use serde_json::json;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print one setting, or all of them
    Get {
        /// Its name
        #[arg(value_parser = setting)]
        key: Option<&'static Setting>,
    },
    /// Change a setting
    Set {
        /// Its name
        #[arg(value_parser = setting)]
        key: &'static Setting,
        /// Its value, in quotes if it has several words; `default` for what it is while nobody has set it. Behind `--` it may
        /// begin with a hyphen
        #[arg(allow_negative_numbers = true)]
        value: String,
        /// What stands behind the value; it is refused with a hint
        #[arg(hide = true)]
        further: Vec<String>,
    },
}

fn setting(key: &str) -> Result<&'static Setting, String> {
    let known = || settings::all().map(|setting| setting.key).collect::<Vec<_>>().join(", ");
    settings::named(key).ok_or_else(|| format!("the settings are {}", known()))
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    match command {
        Command::Get { key } => get(cli, key).await,
        Command::Set { key, value, further } => {
            if !further.is_empty() {
                return Err(several_words(key, &value, &further));
            }
            let text = (value != "default").then_some(value.as_str());
            let (store, now) = (cli.existing_store()?, Clock::system().now());
            settings::set(&store, key, text, Actor::cli(), now).await?;
            get(cli, Some(key)).await
        }
    }
}

fn several_words(key: &Setting, value: &str, further: &[String]) -> Error {
    let whole = format!("{value} {}", further.join(" "));
    let hint = format!(
        "a setting takes one value; quote one of several words: settings set {} '{whole}'",
        key.key
    );
    Error::new(Code::ModelInvalid, hint)
}

async fn get(cli: &Cli, wanted: Option<&'static Setting>) -> Result<()> {
    let all = settings::values(&cli.existing_store()?).await?;
    let is_wanted = |setting: &Setting| wanted.is_some_and(|wanted| wanted.key == setting.key);
    if let Some((setting, value)) = all.iter().find(|(setting, _)| is_wanted(setting)) {
        return if cli.json {
            output::line(json!({"key": setting.key, "value": value}))
        } else {
            output::line(output::plain(value, 200))
        };
    }
    if cli.json {
        let mut lines =
            all.iter().map(|(setting, value)| json!({"key": setting.key, "value": value}));
        return lines.try_for_each(output::line);
    }
    let row = |(setting, value): &(&Setting, String)| {
        vec![
            setting.key.to_owned(),
            output::plain(value, 60),
            setting.default.to_owned(),
            setting.takes.to_owned(),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    output::table(&["KEY", "VALUE", "DEFAULT", "TAKES"], &rows)
}
