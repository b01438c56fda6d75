//! What several pages say of a session.

use crate::model::{RunEnding, Session, SessionRequest, SessionRun, Trigger};
use maud::{Markup, html};

/// How many characters of a prompt a row shows.
const HEAD: usize = 100;

/// The part of a session that can change.
pub(in crate::web) fn session_state(session: &Session) -> impl std::hash::Hash + use<> {
    let run = session.run.as_ref();
    let ended = run.is_some_and(|run| run.ended_at.is_some());
    let began = run.map(|run| (run.began_at, run.isolation.is_some(), run.model.clone()));
    let asked_to_stop = session.cancel_requested_at.is_some();
    (session.id, session.status, asked_to_stop, session.progress.clone(), began, ended)
}

/// What made a session, as a word in its colour.
pub(in crate::web) fn trigger_badge(trigger: Trigger) -> Markup {
    html! { span class={ "badge trigger-badge-" (trigger) } { (trigger) } }
}

/// The beginning of the session's prompt, or the name of its prompt file.
pub(in crate::web) fn headline(session: &Session) -> String {
    let Some(request) = &session.request else { return format!("the job {}", session.id) };
    if let Some(file) = &request.prompt_file {
        return format!("{file}.md");
    }
    let prompt = request.prompt.as_deref().unwrap_or_default().trim();
    let first = prompt.lines().next().unwrap_or_default();
    let head: String = first.chars().take(HEAD).collect();
    if head.len() < prompt.len() { format!("{head}…") } else { head }
}

/// The tier that the session runs at, or that it was asked for if it has not run.
pub(in crate::web) fn session_tier(session: &Session) -> u8 {
    let asked = || session.request.as_ref().map_or(1, SessionRequest::tier);
    session.run.as_ref().map_or_else(asked, |run| run.tier)
}

/// The model that the session runs with, or that it was asked for if it has not run.
pub(in crate::web) fn session_model(session: &Session) -> Option<&str> {
    let asked = session.request.as_ref().and_then(|request| request.model.as_deref());
    session.run.as_ref().and_then(|run| run.model.as_deref()).or(asked)
}

/// A mark of a session that is done although a tool was denied to its agent, or that has a note.
pub(in crate::web) fn session_mark(session: &Session) -> Markup {
    let run = session.run.as_ref();
    let is_denied = run.is_some_and(|run| run.ending == Some(RunEnding::Denied));
    let note = run.and_then(|run| run.note.as_deref());
    html! {
        @if is_denied { " " span.badge.tag-warn { "tool denied" } }
        @if let Some(note) = note { " " span.badge.tag-warn title=(note) { "note" } }
    }
}

/// How many turns the session took, once the agent program or the network wall has told it.
pub(in crate::web) fn session_turns(session: &Session) -> String {
    let turns = session.run.as_ref().and_then(|run| run.count(run.num_turns));
    turns.unwrap_or_else(|| "–".to_owned())
}

/// What the session has cost, once the agent program has said so.
pub(in crate::web) fn session_cost(session: &Session) -> String {
    let cost = session.run.as_ref().and_then(SessionRun::cost);
    cost.map_or_else(|| "–".to_owned(), |cost| cost.to_string())
}
