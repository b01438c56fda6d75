//! What several pages say of a session.

use super::spark::{Measure, meter};
use crate::model::{RunEnding, Session, SessionRequest, Timestamp, Trigger, usd};
use maud::{Markup, html};

/// How many characters of a prompt a row shows.
const HEAD: usize = 100;

/// The part of a session that can change.
pub(in crate::web) fn session_state(session: &Session) -> impl std::hash::Hash + use<> {
    let run = session.run.as_ref();
    let ended = run.is_some_and(|run| run.ended_at.is_some());
    let began = run.map(|run| (run.began_at, run.isolation.is_some(), run.model.clone()));
    let asked_to_stop = session.cancel_requested_at.is_some();
    let meter = run.and_then(|run| run.meter).map(|told| (told.turns, told.cost_usd.to_bits()));
    (session.id, session.status, asked_to_stop, session.progress.clone(), began, (ended, meter))
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

/// The meters of a session that runs: what it has cost, its turns and its time, each against its limit; those of one that is
/// over stay as they were last. `None` until the run has told them.
#[expect(clippy::cast_precision_loss, reason = "shares of a bar")]
pub(in crate::web) fn session_meters(session: &Session, now: Timestamp) -> Option<Markup> {
    let run = session.run.as_ref()?;
    let told = run.meter?;
    let until = session.finished_at.unwrap_or(now);
    let took = session.started_at.map_or(0, |at| until.since(at).as_millis() as u64);
    let is_over = session.status.is_final();
    let cost = run.cost_usd.filter(|_| is_over).unwrap_or(told.cost_usd);
    let turns = run.num_turns.filter(|_| is_over).map_or(told.turns, i64::unsigned_abs);
    let percent = |part: f64, most: Option<f64>| most.map(|most| (part / most * 100.0) as u64);
    let minutes = |ms: u64| {
        if ms < 60_000 { format!("{} s", ms / 1_000) } else { format!("{} min", ms / 60_000) }
    };
    let money = match told.max_cost_usd {
        Some(most) => format!("{} of {}", usd(cost), usd(most)),
        None => usd(cost),
    };
    let turns_said = match told.max_turns {
        Some(most) => format!("{turns} of {most}"),
        None => turns.to_string(),
    };
    let time = match told.max_ms {
        Some(most) => format!("{} of {}", minutes(took), minutes(most)),
        None => minutes(took),
    };
    let bars = [
        ("Cost", money, percent(cost, told.max_cost_usd)),
        ("Turns", turns_said, percent(turns as f64, told.max_turns.map(|most| most as f64))),
        ("Time", time, percent(took as f64, told.max_ms.map(|most| most as f64))),
    ];
    Some(html! {
        div.meters {
            @for (name, said, percent) in bars {
                div.metered {
                    span.label { (name) } span.said { (said) }
                    @if let Some(percent) = percent { (meter(Measure::Budget, percent, &format!("{name}: {said}"))) }
                }
            }
        }
    })
}

/// How many turns the session took, or has taken so far, once the agent program or the network wall has told it.
pub(in crate::web) fn told_turns(session: &Session) -> Option<String> {
    let run = session.run.as_ref()?;
    let so_far = || run.meter.map(|told| told.turns.to_string());
    run.count(run.num_turns).or_else(so_far)
}

/// What the session has cost, or has cost so far, once that is known.
pub(in crate::web) fn told_cost(session: &Session) -> Option<String> {
    let run = session.run.as_ref()?;
    let so_far = || run.meter.map(|told| usd(told.cost_usd));
    run.cost().map(|cost| cost.to_string()).or_else(so_far)
}

/// The same as [`told_turns`] where a number has to stand.
pub(in crate::web) fn session_turns(session: &Session) -> String {
    told_turns(session).unwrap_or_else(|| untold(session).to_owned())
}

/// The same as [`told_cost`] where a number has to stand.
pub(in crate::web) fn session_cost(session: &Session) -> String {
    told_cost(session).unwrap_or_else(|| untold(session).to_owned())
}

/// What is said of a number of a session that nobody has told.
fn untold(session: &Session) -> &'static str {
    match (&session.run, session.status.is_final()) {
        (_, false) => "none yet",
        (None, true) => "none",
        (Some(_), true) => "not known",
    }
}

/// The first sentence of an answer, without the marks of Markdown.
pub(in crate::web) fn first_sentence(answer: &str) -> String {
    let is_mark = |c: char| matches!(c, '#' | '*' | '`' | '>' | '-' | ' ');
    let line = answer.lines().find(|line| !line.trim_matches(is_mark).is_empty()).unwrap_or("");
    let line = line.trim_start_matches(is_mark).replace(['*', '`'], "");
    match line.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => line,
    }
}
