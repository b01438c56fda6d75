//! The page of the logs that the server follows: whether each is there, how far it was read, and when.

use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{empty, size, table, when_known};
use super::extract::Query;
use super::nav::Tab;
use super::page::Frame;
use super::part::{LivePart, Shown, live_page, version};
use super::problem::Problem;
use crate::error::Code;
use crate::logs::{LogPlace, LogState, log_places};
use crate::model::{LogProgress, Processes, Service, ServiceRun, Timestamp};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

pub(super) const PATH: &str = "/logs/sources";
pub(super) const PART_PATH: &str = "/logs/sources/part";

/// GET `/logs/sources` and its part.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let program = app.web.program.as_ref().ok_or_else(|| Problem::of(Code::WebNotFound))?;
    let now = app.web.clock.now();
    let places = log_places(&program.log_sources, &program.logs).await?;
    let processes = app.web.store.processes(now).await?;
    let runs: Vec<_> = places.iter().map(|place| last_run(&processes, &place.name)).collect();
    let content = content(&places, &runs, now);
    let state = |(place, run): (&LogPlace, Option<&ServiceRun>)| {
        let ok = run.map(|run| run.ended().is_ok());
        let progress = place.progress.as_ref();
        (place.name.clone(), place.state.to_string(), progress.map(|known| known.rows), ok)
    };
    let part = LivePart {
        id: "log-sources",
        link: &link(PART_PATH),
        version: version(&places.iter().zip(runs.iter().copied()).map(state).collect::<Vec<_>>()),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Logs);
    let around = |part| html! { section.card { (part) } };
    Ok(live_page(&frame, "Followed logs", &part, around, (who.face(), shown.as_deref())))
}

/// How the server's last look at a log ended, as the server says it.
fn last_run<'a>(processes: &'a Processes, log: &str) -> Option<&'a ServiceRun> {
    let name = Service::Log(log.to_owned()).to_string();
    processes.server().and_then(|server| server.says.services.get(&name))
}

fn content(places: &[LogPlace], runs: &[Option<&ServiceRun>], now: Timestamp) -> Markup {
    if places.is_empty() {
        let next = html! {
            "Name a log of another program as " code { "[[log_source]]" } " in " code { "lamplighter.toml" }
            ", then start the server again: it reads each line as it comes."
        };
        return empty("No log is followed", &next);
    }
    let lines: Vec<_> =
        places.iter().zip(runs).map(|(place, run)| line(place, *run, now)).collect();
    let columns =
        ["Log", "State", "Rows", "Lines that are not text", "Last row stored", "Last looked at"];
    table("Followed logs", &columns, &lines)
}

fn line(place: &LogPlace, run: Option<&ServiceRun>, now: Timestamp) -> Markup {
    let progress = place.progress.as_ref();
    let count = |of: fn(&LogProgress) -> u64| {
        progress.map_or_else(|| "none yet".to_owned(), |known| of(known).to_string())
    };
    html! {
        tr {
            td.note {
                (place.name)
                @if let Some(pattern) = &place.pattern { div.soft { "by " (pattern) } }
                @if let Some(zone) = place.rules.zone() {
                    div.soft { "times without a zone are of " (zone) }
                }
                @if let Some(begins) = place.rules.begins() {
                    div.soft { "an event begins with " code { (begins) } }
                }
            }
            td { (state(place, now)) }
            td data-label="Rows" { (count(|known| known.rows)) }
            td data-label="Lines that are not text" { (count(|known| known.unread)) }
            td data-label="Last row stored" { (when_known(progress.map(|known| known.moved_at), now)) }
            td data-label="Last looked at" {
                (when_known(run.map(ServiceRun::at), now))
                @if let Some(Err(error)) = run.map(ServiceRun::ended) { p.bad { (error) } }
            }
        }
    }
}

fn state(place: &LogPlace, now: Timestamp) -> Markup {
    html! {
        @match &place.state {
            LogState::Missing => span.bad { "Not there" },
            LogState::Refused(why) => span.bad { "Cannot be read: " (why) },
            LogState::Journal => "A journal",
            LogState::File { left, bytes } => {
                @if *left == 0 { "Read to its end" } @else { (size(*left)) " of " (size(*bytes)) " to read" }
                div.soft { "changed " (when_known(place.changed_at, now)) }
            }
        }
    }
}
