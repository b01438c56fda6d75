//! How sessions are printed: a line in a list, and one session with its answer.

use super::super::{Cli, output};
use crate::actions::sessions::{self as actions, SessionsAsk};
use crate::error::Result;
use crate::model::{
    FolderGiven, JobId, Refusal, RunEnding, Session, SessionChanges, SessionRequest, SessionRun,
    Timestamp,
};
use crate::wire;

/// The sessions of a query, one line each.
pub(super) async fn list(cli: &Cli, ask: SessionsAsk) -> Result<()> {
    let is_search = !ask.query.is_empty();
    let found = actions::find(&cli.existing_store()?, ask, cli.now()).await?;
    if cli.json {
        found.rows.iter().map(wire::Session::from).try_for_each(|one| output::json(&one))?;
    } else {
        let rows: Vec<_> = found.rows.iter().map(row).collect();
        let header =
            ["ID", "STATUS", "TRIGGER", "TIER", "MODEL", "TURNS", "COST", "CREATED", "PROMPT"];
        output::table(&header, &rows)?;
    }
    let looked = format!("{} sessions were looked through", found.looked_through);
    match found.next {
        Some(next) if is_search => output::note(&format!("{looked}; go on with --before {next}.")),
        Some(next) => output::note(&format!("There are more: go on with --before {next}.")),
        None if is_search => output::note(&format!("{looked}: all of them.")),
        None => {}
    }
    Ok(())
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
        run.and_then(|run| run.count(run.num_turns)).unwrap_or_else(dash),
        run.and_then(SessionRun::cost).map_or_else(dash, |cost| cost.to_string()),
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

pub(super) async fn show(cli: &Cli, id: i64) -> Result<()> {
    let store = cli.existing_store()?;
    let session = &actions::existing(&store, JobId(id)).await?;
    let changes = store.session_changes(session.id).await?;
    if cli.json {
        return output::json(&wire::Session { changes, ..wire::Session::from(session) });
    }
    let mut facts = facts(session);
    let told = changes.iter().map(|all| output::plain(&all.sentence(), 200));
    facts.extend(told.map(|told| vec!["changes".to_owned(), told]));
    output::table(&["FIELD", "VALUE"], &facts)?;
    if let Some(all) = changes.filter(|all| !all.files.is_empty()) {
        output::line("")?;
        changed(&all)?;
    }
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
        ("error", session.reason().map(str::to_owned)),
        ("progress", session.progress.clone().filter(|_| !session.status.is_final())),
        ("prompt", request.and_then(|request| request.prompt.clone())),
        ("prompt file", request.and_then(|request| request.prompt_file.clone())),
        ("values", request.and_then(SessionRequest::values)),
        ("trigger", Some(session.trigger.to_string())),
        ("schedule", session.schedule.clone()),
        ("given answer of", run.and_then(|run| run.answer_of).map(|id| format!("session {id}"))),
        ("handed on", request.and_then(|request| request.handoff.clone())),
        ("goes on with", run.and_then(|run| run.continues).map(|id| format!("session {id}"))),
        ("came from", session.parent_id.map(|id| format!("job {id}"))),
        ("tier", run.map(|run| run.tier.to_string())),
        ("profile", run.and_then(|run| run.profile).map(|profile| profile.to_string())),
        ("model", run.and_then(|run| run.model.clone())),
        ("working directory", run.map(|run| run.working_dir.display().to_string())),
        ("given", run.and_then(|run| run.given.as_ref()).map(FolderGiven::sentence)),
        ("isolation", run.and_then(SessionRun::isolated)),
        ("agent", run.and_then(|run| run.agent_version.clone())),
        ("asked for", Some(session.created_at.to_string())),
        ("started", at(session.started_at)),
        ("ended", at(session.finished_at)),
        ("asked to stop", at(session.cancel_requested_at)),
        ("ending", run.and_then(|run| run.ending).map(|ending| ending.to_string())),
        ("note", run.and_then(|run| run.note.clone())),
        ("refused by the wall", run.and_then(|run| Refusal::line(&run.refused))),
        ("exit code", run.and_then(|run| run.exit_code).map(|code| code.to_string())),
        ("cost", run.and_then(SessionRun::cost).map(|cost| cost.to_string())),
        ("turns", run.and_then(|run| run.count(run.num_turns))),
        ("tokens read", run.and_then(|run| run.count(run.input_tokens))),
        ("tokens written", run.and_then(|run| run.count(run.output_tokens))),
        ("transcript lines", run.map(|run| run.transcript_lines.to_string())),
    ];
    let known = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.map(|(name, value)| vec![name.to_owned(), output::plain(&value, 200)]).collect()
}

/// The changed files, as `git diff --stat` has them.
fn changed(all: &SessionChanges) -> Result<()> {
    let number = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let rows = all.files.iter().map(|file| {
        let how = file.how.as_str().to_owned();
        vec![how, number(file.added), number(file.removed), output::plain(&file.path, 200)]
    });
    output::table(&["HOW", "ADDED", "REMOVED", "FILE"], &rows.collect::<Vec<_>>())?;
    match all.count - all.files.len() as u64 {
        0 => Ok(()),
        more => output::line(format_args!("{more} files more")),
    }
}
