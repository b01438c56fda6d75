//! The rows of a list of sessions.

use super::components::{
    elapsed, empty, first_sentence, headline, session_cost, session_mark, session_model,
    session_tier, session_turns, status_icon, status_word, table, trigger_badge, when_known,
};
use super::nav::{self, Tab};
use crate::model::{JobId, Session, Status, Timestamp, Why};
use maud::{Markup, html};
use std::collections::BTreeMap;

pub(super) const PATH: &str = Tab::Sessions.path();
/// The path has a hyphen, which no session's id has.
pub(super) const PART_PATH: &str = "/sessions/list-part";

/// Bytes of an answer in which its first sentence is looked for, and characters of it that a row shows.
const MAX_HEAD: usize = 2_000;
const MAX_SAID: usize = 200;

/// The table of sessions.
pub(super) fn rows(sessions: &[Session], whys: &BTreeMap<JobId, Why>, now: Timestamp) -> Markup {
    if sessions.is_empty() {
        let next = html! {
            "Ask for one with the form on the " a href=(Tab::Dashboard.link()) { "dashboard" }
            ", or let a schedule run a prompt file."
        };
        return empty("No sessions here", &next);
    }
    let columns = ["Session", "Trigger", "Tier", "Started", "Took", "Turns", "Cost"];
    let lines: Vec<_> =
        sessions.iter().map(|session| row(session, whys.get(&session.id), now)).collect();
    html! { div.jobs { (table("Sessions", &columns, &lines)) } }
}

/// What a session waits for, does, or came to.
fn second(session: &Session, why: Option<&Why>) -> Markup {
    html! {
        @if let Some(why) = why.filter(|why| why.waits()) { (why.headline()) }
        @else if let Some(error) = &session.error { span.bad { (error.lines().next().unwrap_or_default()) } }
        @else if let Some(progress) = session.progress.as_ref().filter(|_| session.status == Status::Running) { (progress) }
        @else if let Some(answer) = answer(session) { (answer) }
        @else { (status_word(session.status)) }
    }
}

/// How the answer of a session begins, if it has one.
fn answer(session: &Session) -> Option<String> {
    let answer = session.run.as_ref()?.response.as_deref()?;
    let head = &answer[..answer.floor_char_boundary(MAX_HEAD)];
    let said: String = first_sentence(head).chars().take(MAX_SAID).collect();
    (!said.is_empty()).then_some(said)
}

fn row(session: &Session, why: Option<&Why>, now: Timestamp) -> Markup {
    html! {
        tr id={ "row-" (session.id) } {
            td.main {
                div.first {
                    (status_icon(session.status))
                    a id={ "session-" (session.id) } href=(nav::session(session.id)) { (headline(session)) }
                    (session_mark(session))
                }
                div.sub.under title=[session.error.clone().or_else(|| why.map(Why::headline)).or_else(|| session.progress.clone())] {
                    span.mono { "#" (session.id) }
                    @if let Some(model) = session_model(session) { " · " (model) }
                    " · " (second(session, why))
                }
            }
            td { (trigger_badge(session.trigger)) }
            td.num data-label="tier" { (session_tier(session)) }
            td.num data-label="started" { (when_known(session.started_at, now)) }
            td.num data-label="took" { (elapsed(session.started_at, session.finished_at, now)) }
            td.num data-label="turns" { (session_turns(session)) }
            td.num data-label="cost" { (session_cost(session)) }
        }
    }
}
