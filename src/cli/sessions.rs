//! `lamplighter sessions`: asks for sessions, lists them, shows one, waits for one and stops one.

use super::{Cli, input, output};
use crate::actions::sessions::{self as actions, SessionTrigger};
use crate::actions::{Call, rows};
use crate::agents::claude::{Event, Lines, Reader};
use crate::error::{Result, ignore};
use crate::model::{JobId, RunEnding, Session, SessionRequest, SessionRun, Status, Timestamp};
use crate::store::Store;
use crate::wire;
use clap::Subcommand;
use std::path::PathBuf;
use std::time::Duration;

/// Sessions that `list` prints unless it is told otherwise.
const DEFAULT_LIMIT: &str = "50";
/// Bytes of transcript that `tail` reads at a time.
const CHUNK: u64 = 256 * 1024;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the newest sessions
    List {
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
    /// Print what a session does, from its beginning until it is over
    Tail {
        /// The session's id
        id: i64,
        /// Print the lines as the agent program wrote them
        #[arg(long)]
        raw: bool,
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

/// How the exit code of a command that waits is read.
const EXITS: &str = "Exit codes of a command that waits: 0 the session is done; 1 it failed, was stopped or cancelled; 75 a \
limit ended it, such as its budget or its turns; 77 a tool was denied to its agent; 124 it is not over in the time that was given.";

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
        Command::List { limit } => list(cli, rows(&limit)?).await,
        Command::Show { id } => {
            let session = actions::existing(&cli.existing_store()?, JobId(id)).await?;
            show(cli, &session)
        }
        Command::Trigger(wanted) => trigger(cli, *wanted).await,
        Command::Tail { id, raw } => tail(&cli.existing_store()?, id, raw).await,
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

async fn list(cli: &Cli, limit: usize) -> Result<()> {
    let (sessions, _) = cli.existing_store()?.sessions(0, limit).await?;
    if cli.json {
        return sessions
            .iter()
            .map(wire::Session::from)
            .try_for_each(|session| output::json(&session));
    }
    let rows: Vec<_> = sessions.iter().map(row).collect();
    output::table(
        &["ID", "STATUS", "TRIGGER", "TIER", "MODEL", "TURNS", "COST", "CREATED", "PROMPT"],
        &rows,
    )
}

fn row(session: &Session) -> Vec<String> {
    let run = session.run.as_ref();
    let request = session.request.as_ref();
    let dash = || "-".to_owned();
    let prompt = request.and_then(|request| {
        request
            .prompt
            .clone()
            .or_else(|| request.prompt_file.as_ref().map(|name| format!("{name}.md")))
    });
    vec![
        session.id.to_string(),
        status(session),
        session.trigger.to_string(),
        run.map(|run| run.tier).or(request.map(SessionRequest::tier)).unwrap_or(1).to_string(),
        run.and_then(|run| run.model.clone()).map_or_else(dash, |model| output::plain(&model, 30)),
        run.and_then(|run| run.num_turns).map_or_else(dash, |turns| turns.to_string()),
        run.and_then(SessionRun::cost).map_or_else(dash, |cost| format!("{cost:.2}")),
        session.created_at.to_string(),
        output::plain(&prompt.unwrap_or_default(), 60),
    ]
}

/// How a session stands. One that is done although a tool was denied to its agent, or that has a note, says so.
fn status(session: &Session) -> String {
    let run = session.run.as_ref();
    let is_denied = run.is_some_and(|run| run.ending == Some(RunEnding::Denied));
    let has_note = run.is_some_and(|run| run.note.is_some());
    let marks = [(is_denied, "tool denied"), (has_note, "see its note")];
    let marks = marks.iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| format!(", {mark}"));
    session.status.to_string() + &marks.collect::<String>()
}

fn show(cli: &Cli, session: &Session) -> Result<()> {
    if cli.json {
        return output::json(&wire::Session::from(session));
    }
    output::table(&["FIELD", "VALUE"], &facts(session))?;
    let Some(response) = session.run.as_ref().and_then(|run| run.response.as_deref()) else {
        return Ok(());
    };
    output::line("")?;
    output::line(output::for_terminal(response))
}

/// What is known of a session, in the order in which a person asks: how it stands, what was asked, what it was given, what
/// it took.
fn facts(session: &Session) -> Vec<Vec<String>> {
    let request = session.request.as_ref();
    let run = session.run.as_ref();
    let at = |instant: Option<Timestamp>| instant.map(|at| at.to_string());
    let rows = [
        ("status", Some(session.status.to_string())),
        ("error code", session.error_code.clone()),
        ("error", session.error.clone()),
        ("progress", session.progress.clone().filter(|_| !session.status.is_final())),
        ("prompt", request.and_then(|request| request.prompt.clone())),
        ("prompt file", request.and_then(|request| request.prompt_file.clone())),
        ("trigger", Some(session.trigger.to_string())),
        ("goes on with", run.and_then(|run| run.continues).map(|id| format!("session {id}"))),
        ("came from", session.parent_id.map(|id| format!("job {id}"))),
        ("tier", run.map(|run| run.tier.to_string())),
        ("profile", run.and_then(|run| run.profile).map(|profile| profile.to_string())),
        ("model", run.and_then(|run| run.model.clone())),
        ("working directory", run.map(|run| run.working_dir.display().to_string())),
        ("isolation", run.and_then(|run| run.isolation.clone())),
        ("agent", run.and_then(|run| run.agent_version.clone())),
        ("asked for", Some(session.created_at.to_string())),
        ("started", at(session.started_at)),
        ("ended", at(session.finished_at)),
        ("asked to stop", at(session.cancel_requested_at)),
        ("ending", run.and_then(|run| run.ending).map(|ending| ending.to_string())),
        ("note", run.and_then(|run| run.note.clone())),
        ("exit code", run.and_then(|run| run.exit_code).map(|code| code.to_string())),
        ("cost", run.and_then(SessionRun::cost).map(|cost| format!("{cost:.4}"))),
        ("turns", run.and_then(|run| run.num_turns).map(|turns| turns.to_string())),
        ("tokens read", run.and_then(|run| run.input_tokens).map(|tokens| tokens.to_string())),
        ("tokens written", run.and_then(|run| run.output_tokens).map(|tokens| tokens.to_string())),
        ("transcript lines", run.map(|run| run.transcript_lines.to_string())),
    ];
    let known = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.map(|(name, value)| vec![name.to_owned(), output::plain(&value, 200)]).collect()
}

/// Prints the transcript, and goes on with it until the session is over.
async fn tail(store: &Store, id: i64, raw: bool) -> Result<()> {
    // Another process runs the session: its commits are seen by watching the file.
    let watched = store.clone();
    tokio::select! {
        error = async move { watched.watch_foreign_commits().await } => error,
        done = follow(store, id, raw) => done,
    }
}

async fn follow(store: &Store, id: i64, raw: bool) -> Result<()> {
    let mut changes = store.changes();
    let mut lines = Lines::default();
    let mut from = 0;
    loop {
        changes.borrow_and_update();
        let is_over = actions::existing(store, JobId(id)).await?.status.is_final();
        let pieces = store.transcript(JobId(id), from, CHUNK).await?;
        for piece in &pieces {
            from = piece.end();
            for line in lines.push(&piece.bytes) {
                if raw {
                    output::line(output::for_terminal(&String::from_utf8_lossy(&line.bytes)))?;
                } else {
                    Reader::read(&line).iter().try_for_each(say)?;
                }
            }
        }
        if !pieces.is_empty() {
            continue;
        }
        if is_over {
            let end = actions::existing(store, JobId(id)).await?;
            finish(&end);
            return Ok(());
        }
        ignore(changes.changed().await, "the store is open, so the wait ends with a change");
    }
}

/// Events that mean nothing here are for `--raw`.
fn say(event: &Event) -> Result<()> {
    if matches!(event, Event::Other { .. }) {
        return Ok(());
    }
    output::line(format_args!("{:>8}  {}", event.label(), output::for_terminal(&event.text())))
}

fn finish(session: &Session) {
    if session.status == Status::Failed {
        output::note(&format!(
            "session {} failed: {}",
            session.id,
            session.error.as_deref().unwrap_or("no reason is known")
        ));
    }
}
