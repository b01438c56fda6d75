//! `lamplighter sessions`: asks for sessions, finds them, waits for them, stops them, and prints what they left.

mod show;
mod tail;
mod transcript;

use super::{Cli, input, output};
use crate::actions::sessions::{self as actions, SessionTrigger, SessionsAsk};
use crate::actions::{Call, rows};
use crate::error::Result;
use crate::model::SessionRequest;
use crate::sessions::TranscriptForm;
use crate::store::Store;
use crate::wire;
use clap::Subcommand;
use std::path::PathBuf;
use std::time::Duration;

/// Sessions that `list` prints unless it is told otherwise.
const DEFAULT_LIMIT: &str = "50";

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the newest sessions, or those that fit a query
    #[command(after_help = SEARCHES)]
    List {
        /// Which sessions: words of their prompts and answers, and as: `status:failed since:24h`
        #[arg(long, value_name = "QUERY", allow_hyphen_values = true)]
        search: Option<String>,
        /// Only sessions with a smaller id
        #[arg(long, value_name = "ID", allow_negative_numbers = true)]
        before: Option<i64>,
        /// At most this many
        #[arg(long, default_value = DEFAULT_LIMIT)]
        limit: String,
    },
    /// Show one session, its answer and what it cost
    Show {
        /// The session's id
        id: i64,
    },
    /// Queue a session and print its id, or wait until it is over and print its answer
    #[command(after_help = EXITS)]
    Trigger(Box<Wanted>),
    /// Print what a session does, from its beginning until it is over; the exit code says how it ended
    #[command(after_help = EXITS)]
    Tail {
        /// The session's id
        id: i64,
        /// Print the lines as the agent program wrote them
        #[arg(long)]
        raw: bool,
    },
    /// Write what a session did to a file: Markdown, or the lines that the agent program wrote
    Transcript {
        /// The session's id
        id: i64,
        /// The lines as the agent program wrote them, secrets removed, instead of Markdown
        #[arg(long)]
        raw: bool,
        /// A new file, or - for standard output
        #[arg(long, value_name = "FILE", default_value = "-")]
        output: PathBuf,
    },
    /// Write what a session has changed in its folder as a patch
    Patch {
        /// The session's id
        id: i64,
        /// A new file, or - for standard output
        #[arg(long, value_name = "FILE", default_value = "-")]
        output: PathBuf,
    },
    /// Wait until a session is over and print its answer; the exit code says how it ended
    #[command(after_help = EXITS)]
    Wait {
        /// The session's id
        id: i64,
        /// Wait at most this long: 90s, 10m, 2h 30m [default: without an end]
        #[arg(long, value_name = "LENGTH")]
        timeout: Option<String>,
    },
    /// Stop a running session, or cancel one that waits
    Stop {
        /// The session's id
        id: i64,
    },
}

/// What a search looks at.
const SEARCHES: &str = "A search reads the newest 10,000 sessions below --before, and says how many it has looked through. Words \
are looked for in the prompts, the answers and the errors; the other words are those of `jobs list`.";

/// How the exit code of a command that waits is read.
const EXITS: &str = "Exit codes of a command that waits: 0 the session is done; 1 it failed, was stopped or cancelled; 75 a \
limit ended it, such as its budget, its turns or its time; 77 a tool was denied to its agent; 124 it is not over in the time that was given.";

#[derive(clap::Args)]
pub(super) struct Wanted {
    /// The prompt; `-` reads it from standard input
    #[arg(
        required_unless_present = "prompt_file",
        conflicts_with = "prompt_file",
        allow_hyphen_values = true
    )]
    prompt: Option<String>,
    /// The name of a prompt: a file in the folder `prompts` of the data directory, or one that comes with the program
    #[arg(long, value_name = "NAME")]
    prompt_file: Option<String>,
    /// The value of a parameter of the prompt file; once for each
    #[arg(long, value_name = "NAME=VALUE", requires = "prompt_file")]
    set: Vec<String>,
    /// 1 observe, 2 investigate, 3 remediate [default: 1, or 3 with a profile that writes]
    #[arg(long)]
    tier: Option<String>,
    /// The model [default: that of the tier]
    #[arg(long)]
    model: Option<String>,
    /// What the agent may do: read-only, workspace or full (no sandbox) [default: that of the tier]
    #[arg(long)]
    profile: Option<String>,
    /// `full` confirms that a session of the profile full runs without a sandbox
    #[arg(long, value_name = "PROFILE")]
    confirm: Option<String>,
    /// The folder in which the agent starts [default: a new folder]
    #[arg(long, value_name = "DIR")]
    working_dir: Option<PathBuf>,
    /// The most dollars that the session may cost
    #[arg(long, value_name = "USD")]
    budget: Option<String>,
    /// Continue this session
    #[arg(long, value_name = "ID")]
    continues: Option<i64>,
    /// A second command with this key prints the id of the first session, for 24 hours
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Wait until the session is over, at most this long if a length is given as --wait=30m, and print its answer
    #[arg(
        long,
        value_name = "LENGTH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ""
    )]
    wait: Option<String>,
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    match command {
        Command::List { search, before, limit } => {
            let query = search.unwrap_or_default();
            show::list(cli, SessionsAsk { query, before, rows: rows(&limit)? }).await
        }
        Command::Show { id } => show::show(cli, id).await,
        Command::Trigger(wanted) => trigger(cli, *wanted).await,
        Command::Tail { id, raw } => tail::tail(&cli.existing_store()?, id, raw).await,
        Command::Transcript { id, raw, output } => {
            let form = if raw { TranscriptForm::Lines } else { TranscriptForm::Markdown };
            transcript::write(cli, id, form, &output).await
        }
        Command::Patch { id, output } => transcript::patch(cli, id, &output).await,
        Command::Wait { id, timeout } => {
            let at_most = actions::parse_wait(timeout.as_deref().unwrap_or_default())?;
            let store = cli.existing_store()?;
            for note in actions::before_wait(&store, &cli.clock, id).await? {
                output::note(&note);
            }
            wait(cli, &store, id, at_most).await
        }
        Command::Stop { id } => {
            let call = Call::by_owner(cli.now());
            cli.say(&actions::stop(&cli.existing_store()?, &call, id).await?)
        }
    }
}

async fn trigger(cli: &Cli, wanted: Wanted) -> Result<()> {
    let prompt = match wanted.prompt.as_deref() {
        Some("-") => Some(input::text("-")?),
        other => other.map(str::to_owned),
    };
    let request = SessionRequest {
        prompt,
        prompt_file: wanted.prompt_file,
        set: actions::parse_values(&wanted.set)?,
        tier: wanted.tier.as_deref().map(actions::parse_tier).transpose()?,
        model: wanted.model,
        profile: wanted.profile,
        working_dir: wanted.working_dir,
        budget_usd: wanted.budget.as_deref().map(actions::parse_budget).transpose()?,
        continues: wanted.continues,
        ..SessionRequest::default()
    };
    let asked = SessionTrigger {
        request,
        confirmed: wanted.confirm.as_deref() == Some("full"),
        idempotency_key: wanted.idempotency_key,
    };
    let at_most = wanted.wait.as_deref().map(actions::parse_wait).transpose()?;
    let store = cli.store()?;
    let call = Call::by_owner(cli.now());
    let answer = actions::trigger(&store, &call, asked).await?;
    let Some(at_most) = at_most else { return cli.say_id(&answer, answer.value.id) };
    output::note(&answer.sentence);
    answer.notes.iter().for_each(|note| output::note(note));
    wait(cli, &store, answer.value.id, at_most).await
}

/// Waits for a session, prints its answer, and ends as the session did.
async fn wait(cli: &Cli, store: &Store, id: i64, at_most: Option<Duration>) -> Result<()> {
    let session = actions::wait(store, &cli.clock, id, at_most).await?;
    let run = session.run.as_ref();
    if cli.json {
        output::json(&wire::Session::from(&session))?;
    } else if let Some(response) = run.and_then(|run| run.response.as_deref()) {
        output::line(output::for_terminal(response))?;
    }
    if let Some(note) = run.and_then(|run| run.note.as_deref()) {
        output::note(&format!("session {id}: {}", output::plain(note, 1_000)));
    }
    actions::outcome(&session)
}
