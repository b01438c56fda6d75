//! `lamplighter users`: sets the password of an account.

use super::{Cli, output};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::Actor;
use crate::web;
use clap::Subcommand;
use std::io::{IsTerminal, Read};

/// Longest password input read from a pipe, in bytes: the rule allows 128 characters.
const MAX_INPUT: u64 = 4096;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Set an account's password (asked for, or read from standard input) and end its logins
    Passwd {
        /// The account
        username: String,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let Command::Passwd { username } = command;
    let store = cli.existing_store()?;
    let unknown = || Error::new(Code::AuthUnknown, format!("set the password of {username}"));
    store.account(username.clone()).await?.ok_or_else(unknown)?;
    let hash = web::hash_password(&ask()?)?;
    let now = Clock::system().now();
    if store.set_password(username.clone(), hash, Actor::cli(), now).await? {
        return output::line(format_args!(
            "The password of {username} is set; its logins are ended."
        ));
    }
    Err(Error::new(Code::AuthUnknown, format!("set the password of {username}")))
}

fn ask() -> Result<String> {
    let io = |error| Error::new(Code::WebInput, "read the new password").because(error);
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("New password (12 to 128 characters): ").map_err(io);
    }
    let mut text = String::new();
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut text).map_err(io)?;
    // The first line, as password managers print it; notes may follow.
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
