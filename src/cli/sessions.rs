//! `lamplighter sessions`: asks for sessions, lists them, shows and cancels one.

use super::{Cli, output};
use crate::agents::claude::{Event, Lines, Reader};
use crate::clock::Clock;
use crate::error::{Code, Error, Result, ignore};
use crate::model::{
    Actor, Cancelled, JobId, Kind, Profile, Session, SessionRequest, Status, Timestamp,
};
use crate::sessions::{self, Asked};
use crate::store::Store;
use clap::Subcommand;
use serde_json::{Value, json};
use std::io::Read;
use std::path::PathBuf;

/// Sessions that `list` prints unless it is told otherwise.
const DEFAULT_LIMIT: u16 = 50;
/// Bytes of transcript that `tail` reads at a time.
const CHUNK: u64 = 256 * 1024;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the newest sessions
    List {
        /// At most this many
        #[arg(long, default_value_t = DEFAULT_LIMIT, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Show one session, its answer and what it cost
    Show {
        /// The session's id
        id: i64,
    },
    /// Queue a session and print its id
    Trigger(Wanted),
    /// Print what a session does, from its beginning until it is over
    Tail {
        /// The session's id
        id: i64,
        /// Print the lines as the agent program wrote them
        #[arg(long)]
        raw: bool,
    },
    /// Stop a running session, or cancel one that waits
    Stop {
        /// The session's id
        id: i64,
    },
}

#[derive(clap::Args)]
pub(super) struct Wanted {
    /// What the agent is asked; `-` reads it from standard input
    #[arg(
        required_unless_present = "prompt_file",
        conflicts_with = "prompt_file",
        allow_hyphen_values = true
    )]
    prompt: Option<String>,
    /// A prompt of the data directory's `prompts`, or one that comes with the program
    #[arg(long, value_name = "NAME")]
    prompt_file: Option<String>,
    /// 1 observe, 2 investigate, 3 remediate [default: 1, or 3 with a profile that writes]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=3))]
    tier: Option<u8>,
    /// The model, instead of the tier's
    #[arg(long)]
    model: Option<String>,
    /// What the agent may do, instead of the tier's: read-only, workspace or full (no sandbox)
    #[arg(long)]
    profile: Option<String>,
    /// Where it starts [default: a folder of its own]
    #[arg(long, value_name = "DIR")]
    working_dir: Option<PathBuf>,
    /// Dollars that it may cost
    #[arg(long, value_name = "USD")]
    budget: Option<f64>,
    /// Go on with this session
    #[arg(long, value_name = "ID")]
    continues: Option<i64>,
    /// Repeating the command with this key prints the first session's id, for 24 hours
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    match command {
        Command::List { limit } => list(cli, usize::from(limit)).await,
        Command::Show { id } => {
            let session = session(&cli.existing_store()?, id).await?;
            show(cli, &session)
        }
        Command::Trigger(wanted) => trigger(cli, wanted).await,
        Command::Tail { id, raw } => tail(&cli.existing_store()?, id, raw).await,
        Command::Stop { id } => {
            let store = cli.existing_store()?;
            let session = session(&store, id).await?;
            let done = store.cancel(session.id, Actor::cli(), Clock::system().now()).await?;
            let words = match done {
                Cancelled::Done => "cancelled".to_owned(),
                Cancelled::Requested => "stopping: its processes are asked to end".to_owned(),
                Cancelled::AlreadyFinal(status) => format!("nothing to do: it is {status}"),
            };
            if cli.json {
                output::line(json!({"id": id, "answer": words}))
            } else {
                output::line(words)
            }
        }
    }
}

async fn session(store: &Store, id: i64) -> Result<Session> {
    let session = store.session(JobId(id)).await?;
    session.ok_or_else(|| Error::new(Code::JobUnknown, format!("find session {id}")))
}

async fn trigger(cli: &Cli, wanted: Wanted) -> Result<()> {
    let prompt = match wanted.prompt.as_deref() {
        Some("-") => Some(standard_input()?),
        other => other.map(str::to_owned),
    };
    let request = SessionRequest {
        prompt,
        prompt_file: wanted.prompt_file,
        tier: wanted.tier,
        model: wanted.model,
        profile: wanted.profile,
        working_dir: wanted.working_dir,
        budget_usd: wanted.budget,
        continues: wanted.continues,
        ..SessionRequest::default()
    };
    let store = cli.store()?;
    let now = Clock::system().now();
    for note in store.notes_for(&Kind::AGENT_SESSION, now).await? {
        output::note(&note);
    }
    let asked = Asked { idempotency_key: wanted.idempotency_key, ..Asked::by(Actor::cli()) };
    let id = sessions::request(&store, request, asked, now).await?;
    if cli.json {
        output::line(json!({"status": "queued", "session_id": id.to_string()}))
    } else {
        output::line(id)
    }
}

fn standard_input() -> Result<String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(|error| {
        Error::new(Code::ModelInvalid, "read the prompt from standard input").because(error)
    })?;
    Ok(text)
}

async fn list(cli: &Cli, limit: usize) -> Result<()> {
    let (sessions, _) = cli.existing_store()?.sessions(0, limit).await?;
    if cli.json {
        return sessions.iter().try_for_each(|session| output::line(as_json(session)));
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
        session.status.to_string(),
        session.trigger.to_string(),
        run.map(|run| run.tier).or(request.map(SessionRequest::tier)).unwrap_or(1).to_string(),
        run.and_then(|run| run.model.clone()).map_or_else(dash, |model| output::plain(&model, 30)),
        run.and_then(|run| run.num_turns).map_or_else(dash, |turns| turns.to_string()),
        run.and_then(|run| run.cost_usd).map_or_else(dash, |usd| format!("${usd:.2}")),
        session.created_at.to_string(),
        output::plain(&prompt.unwrap_or_default(), 60),
    ]
}

fn show(cli: &Cli, session: &Session) -> Result<()> {
    let value = as_json(session);
    if cli.json {
        return output::line(value);
    }
    let Value::Object(fields) = value else { return Ok(()) };
    let fields = fields.iter().filter(|(name, value)| !value.is_null() && *name != "response");
    let rows: Vec<_> = fields
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            vec![name.clone(), output::plain(&text, 200)]
        })
        .collect();
    output::table(&["FIELD", "VALUE"], &rows)?;
    let Some(response) = session.run.as_ref().and_then(|run| run.response.as_deref()) else {
        return Ok(());
    };
    output::line("")?;
    output::line(for_terminal(response))
}

/// Text of others with its lines, but without what a terminal would obey.
fn for_terminal(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect()
}

fn as_json(session: &Session) -> Value {
    let at = |instant: Option<Timestamp>| instant.map(|at| at.to_string());
    let mut value = json!({
        "id": session.id.0,
        "status": session.status.as_str(),
        "trigger": session.trigger.as_str(),
        "created_at": session.created_at.to_string(),
        "started_at": at(session.started_at),
        "ended_at": at(session.finished_at),
        "cancel_requested_at": at(session.cancel_requested_at),
        "error": session.error,
        "error_code": session.error_code,
        "progress": session.progress,
        "parent_id": session.parent_id.map(|id| id.0),
        "prompt": session.request.as_ref().and_then(|request| request.prompt.clone()),
        "prompt_file": session.request.as_ref().and_then(|request| request.prompt_file.clone()),
    });
    let Some(run) = &session.run else { return value };
    let more = json!({
        "tier": run.tier,
        "profile": run.profile.map(Profile::as_str),
        "model": run.model,
        "continues_id": run.continues.map(|id| id.0),
        "working_dir": run.working_dir,
        "isolation": run.isolation,
        "agent_version": run.agent_version,
        "cli_session_id": run.cli_session_id,
        "exit_code": run.exit_code,
        "ending": run.ending,
        "response": run.response,
        "structured": run.structured.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
        "cost_usd": run.cost_usd,
        "num_turns": run.num_turns,
        "duration_ms": run.duration_ms,
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
        "transcript_bytes": run.transcript_bytes,
        "transcript_lines": run.transcript_lines,
        "transcript_dropped": run.transcript_dropped,
    });
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
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
        let is_over = session(store, id).await?.status.is_final();
        let pieces = store.transcript(JobId(id), from, CHUNK).await?;
        for piece in &pieces {
            from = piece.end();
            for line in lines.push(&piece.bytes) {
                if raw {
                    output::line(for_terminal(&String::from_utf8_lossy(&line.bytes)))?;
                } else {
                    Reader::read(&line).iter().try_for_each(say)?;
                }
            }
        }
        if !pieces.is_empty() {
            continue;
        }
        if is_over {
            let end = session(store, id).await?;
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
    output::line(format_args!("{:>8}  {}", event.label(), for_terminal(&event.text())))
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
