//! The rows of a list of sessions.

use super::components::{
    badge, elapsed, empty, headline, session_cost, session_mark, session_model, session_tier,
    session_turns, table, trigger_badge, when_known,
};
use super::nav::{self, Tab};
use crate::model::{JobId, Session, Timestamp, Why};
use maud::{Markup, html};
use std::collections::BTreeMap;

pub(super) const PATH: &str = Tab::Sessions.path();
/// The path has a hyphen, which no session's id has.
pub(super) const PART_PATH: &str = "/sessions/list-part";

/// The table of sessions.
pub(super) fn rows(sessions: &[Session], whys: &BTreeMap<JobId, Why>, now: Timestamp) -> Markup {
    if sessions.is_empty() {
        let next = html! {
            "Ask for one with the form on the " a href=(Tab::Dashboard.link()) { "dashboard" }
            ", or let a schedule run a prompt file."
        };
        return empty("No sessions here", &next);
    }
    let columns = [
        "Trigger", "Id", "Prompt", "Tier", "Model", "Status", "Started", "Duration", "Turns",
        "Cost",
    ];
    let lines: Vec<_> =
        sessions.iter().map(|session| row(session, whys.get(&session.id), now)).collect();
    table("Sessions", &columns, &lines)
}

fn row(session: &Session, why: Option<&Why>, now: Timestamp) -> Markup {
    html! {
        tr {
            td { (trigger_badge(session.trigger)) }
            td { a id={ "session-" (session.id) } href=(nav::session(session.id)) { (session.id) } }
            td.note { (headline(session)) }
            td data-label="Tier" { (session_tier(session)) }
            td.source data-label="Model" { (session_model(session).unwrap_or("–")) }
            td {
                (badge(session.status)) (session_mark(session))
                @if let Some(why) = why.filter(|why| why.waits()) { p.reason.text-secondary { (why.headline()) } }
            }
            td data-label="Started" { (when_known(session.started_at, now)) }
            td data-label="Took" { (elapsed(session.started_at, session.finished_at, now)) }
            td data-label="Turns" { (session_turns(session)) }
            td data-label="Cost" { (session_cost(session)) }
        }
    }
}
