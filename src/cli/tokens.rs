//! `lamplighter tokens`: what programs show instead of a password.

use super::{Cli, output};
use crate::actions::Call;
use crate::actions::tokens::{self, TokenAdd};
use crate::error::Result;
use crate::model::{Timestamp, Token};
use crate::wire;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a token and print its text, which is never shown again
    Create {
        /// What it is called: the program that will show it
        name: String,
        /// The user for whom it acts [default: the only admin]
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
        /// What it may do, with commas: jobs:read, jobs:write, sessions:read, …, metrics:read, hooks:send, admin
        #[arg(long, value_name = "SCOPES", required_unless_present = "role")]
        scopes: Option<String>,
        /// Short for all scopes of this role: viewer, operator or admin
        #[arg(long, conflicts_with = "scopes")]
        role: Option<String>,
        /// The only kinds of jobs that it may make and see, with commas
        #[arg(long)]
        kinds: Option<String>,
        /// The only queues whose jobs it may make and see, with commas
        #[arg(long)]
        queues: Option<String>,
        /// How long it counts, as 30d or 12h, at most a year [default: 90 days]
        #[arg(long, value_name = "LENGTH", conflicts_with = "no_expiry")]
        expires_in: Option<String>,
        /// Let it count until somebody revokes it
        #[arg(long)]
        no_expiry: bool,
    },
    /// List the tokens with what they may do and their last use
    List,
    /// Give a token another text and print it; the one before counts for 24 hours more
    Rotate {
        /// The token's id, as `tokens list` shows it
        id: String,
    },
    /// End a token for good
    Revoke {
        /// The token's id, as `tokens list` shows it
        id: String,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let (store, call) = (cli.existing_store()?, Call::by_owner(cli.now()));
    match command {
        Command::Create { name, owner, scopes, role, kinds, queues, expires_in, no_expiry } => {
            let scopes = scopes.unwrap_or_default();
            let (kinds, queues) = (kinds.as_deref(), queues.as_deref());
            let request = TokenAdd {
                name,
                owner,
                power: tokens::parse_power(&scopes, role.as_deref(), kinds, queues)?,
                life: tokens::parse_life(expires_in.as_deref(), no_expiry)?,
            };
            let made = tokens::create(&store, &call, request).await?;
            cli.say_id(&made, made.value.token.as_str())
        }
        Command::List => list(cli, &tokens::list(&store, &call).await?, call.now),
        Command::Rotate { id } => {
            let made = tokens::rotate(&store, &call, &id).await?;
            cli.say_id(&made, made.value.token.as_str())
        }
        Command::Revoke { id } => cli.say(&tokens::revoke(&store, &call, &id).await?),
    }
}

fn list(cli: &Cli, tokens: &[Token], now: Timestamp) -> Result<()> {
    let mut all = tokens.iter().map(|token| wire::Token::of(token, now));
    if cli.json {
        return all.try_for_each(|token| output::json(&token));
    }
    let rows: Vec<_> = all.map(row).collect();
    output::table(&["ID", "OWNER", "NAME", "SCOPES", "ONLY", "EXPIRES", "LAST USED"], &rows)
}

fn row(token: wire::Token) -> Vec<String> {
    let only = |what: &str, names: Option<Vec<String>>| {
        names.map(|names| format!("{what} {}", names.join(",")))
    };
    let only = [only("kinds", token.kinds), only("queues", token.queues)];
    let only = only.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let end = token.expires_at.unwrap_or_else(|| "never".to_owned());
    vec![
        token.id,
        token.owner,
        token.name,
        token.scopes.join(","),
        if only.is_empty() { "-".to_owned() } else { only },
        if token.expired { format!("{end} (over)") } else { end },
        token.used_at.unwrap_or_else(|| "never".to_owned()),
    ]
}
