//! `lamplighter users`: the accounts, their roles, passwords and logins.

use super::{Cli, output};
use crate::actions::Call;
use crate::actions::people::{self, Password, UserAdd};
use crate::error::{Code, Error, Result};
use crate::model::{AccountState, LoginState, WhichLogins};
use crate::wire;
use clap::Subcommand;
use std::io::{IsTerminal, Read};

/// Longest password input read from a pipe, in bytes: the rule allows 128 characters.
const MAX_INPUT: u64 = 4096;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the accounts with their roles and how many browsers are signed in
    List,
    /// Add an account; its password is asked for, or read from standard input
    Add {
        /// What the person signs in with: a-z, 0-9, ., _, - and @
        name: String,
        /// What the account may do: viewer (look), operator (also run and stop), admin (everything)
        #[arg(long)]
        role: String,
    },
    /// Change what an account may do; a lower role ends its logins
    Role {
        /// The account
        name: String,
        /// viewer, operator or admin
        role: String,
    },
    /// Set an account's password (asked for, or read from standard input) and end its logins
    Passwd {
        /// The account
        name: String,
    },
    /// Disable an account: it ends its logins, and nobody signs in to it until it is enabled
    Disable {
        /// The account
        name: String,
    },
    /// Let people sign in to a disabled account again
    Enable {
        /// The account
        name: String,
    },
    /// List the browsers that are signed in to an account
    Logins {
        /// The account
        name: String,
    },
    /// End a login of an account, or all of them
    Revoke {
        /// The account
        name: String,
        /// The login's number, as `users logins` shows it
        #[arg(required_unless_present = "all")]
        login: Option<String>,
        /// End every login of the account
        #[arg(long, conflicts_with = "login")]
        all: bool,
    },
    /// Remove an account and end its logins; what the person did stays in the audit log
    Remove {
        /// The account
        name: String,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let (store, call) = (cli.existing_store()?, Call::by_owner(cli.now()));
    match command {
        Command::List => list(cli, &store.accounts(call.now).await?),
        Command::Add { name, role } => {
            let (name, role) = (people::parse_name(&name)?, people::parse_role(&role)?);
            let request = UserAdd { name, role, password: ask()? };
            cli.say(&people::add(&store, &call, request).await?)
        }
        Command::Role { name, role } => {
            let role = people::parse_role(&role)?;
            cli.say(&people::set_role(&store, &call, &name, role).await?)
        }
        Command::Passwd { name } => {
            people::known(&store, &name).await?;
            cli.say(&people::set_password(&store, &call, &name, ask()?).await?)
        }
        Command::Disable { name } => cli.say(&people::disable(&store, &call, &name).await?),
        Command::Enable { name } => cli.say(&people::enable(&store, &call, &name).await?),
        Command::Logins { name } => logins(cli, &people::read_logins(&store, &call, &name).await?),
        Command::Revoke { name, login, .. } => {
            let which = login.as_deref().map_or(Ok(WhichLogins::All), people::parse_login)?;
            cli.say(&people::end_logins(&store, &call, &name, which).await?)
        }
        Command::Remove { name } => cli.say(&people::remove(&store, &call, &name).await?),
    }
}

fn list(cli: &Cli, accounts: &[AccountState]) -> Result<()> {
    if cli.json {
        return accounts
            .iter()
            .map(wire::Person::from)
            .try_for_each(|person| output::json(&person));
    }
    let rows: Vec<_> = accounts.iter().map(row).collect();
    output::table(
        &["NAME", "ROLE", "STATE", "LOGINS", "LAST SEEN", "LAST SIGN-IN", "CREATED"],
        &rows,
    )
}

fn row(state: &AccountState) -> Vec<String> {
    vec![
        state.account.username.clone(),
        state.account.role.as_str().to_owned(),
        if state.account.disabled_at.is_some() { "disabled" } else { "enabled" }.to_owned(),
        state.logins.to_string(),
        state.seen_at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
        state.signed_in_at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
        state.created_at.to_string(),
    ]
}

fn logins(cli: &Cli, logins: &[LoginState]) -> Result<()> {
    if cli.json {
        return logins.iter().map(wire::Login::from).try_for_each(|login| output::json(&login));
    }
    let row = |login: &LoginState| {
        let (began_at, used_at) = (login.began_at.to_string(), login.used_at.to_string());
        vec![login.id.to_string(), began_at, used_at, login.remote.clone(), login.browser.clone()]
    };
    let rows: Vec<_> = logins.iter().map(row).collect();
    output::table(&["LOGIN", "SIGNED IN", "LAST SEEN", "ADDRESS", "BROWSER"], &rows)
}

/// The new password: typed twice at a terminal, else the first line of standard input.
fn ask() -> Result<Password> {
    let io = |error| Error::new(Code::WebInput, "read the new password").because(error);
    if std::io::stdin().is_terminal() {
        let prompt = format!("New password ({}): ", Password::RULE);
        let password = rpassword::prompt_password(prompt).map_err(io)?;
        let again = rpassword::prompt_password("The same again: ").map_err(io)?;
        return Password::read(password, Some(&again));
    }
    let mut text = String::new();
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut text).map_err(io)?;
    // The first line, as password managers print it; notes may follow. A repetition would be taken for such notes.
    if text.lines().skip(1).any(|line| !line.trim().is_empty()) {
        output::note("The first line is the password; the lines after it are left alone.");
    }
    Password::read(text.lines().next().unwrap_or_default(), None)
}
