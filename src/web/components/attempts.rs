//! The attempts of a job: when each ran, how long it waited before, and why it failed.

use super::super::clocks::Clocks;
use super::list::table;
use super::time::{length, when_exactly};
use crate::model::{Attempt, Job, Status, Timestamp, WorkerId};
use maud::{Markup, html};

/// The most attempts that are shown, the newest ones.
const MOST: usize = 20;
/// The height of an attempt in the picture.
const ROW: usize = 21;
/// The height of the line below the bars, with when the first began and the last ended.
const AXIS: usize = 22;
/// Where the bars begin and end, in percent of the picture's width.
const LEFT: u64 = 14;
const WIDTH: u64 = 84;

/// An attempt as it is drawn.
struct Bar<'a> {
    number: u32,
    waited_from: Timestamp,
    from: Timestamp,
    to: Timestamp,
    is_over: bool,
    has_failed: bool,
    error: Option<&'a str>,
    worker: Option<&'a str>,
}

/// The card's content; `None` where there is nothing more to tell than the sentence of the job says.
pub(in crate::web) fn attempts_in_time(
    job: &Job,
    kept: &[Attempt],
    clocks: Clocks,
    now: Timestamp,
) -> Option<Markup> {
    let bars = bars(job, kept, now);
    if kept.is_empty() || bars.is_empty() {
        return None;
    }
    let rows: Vec<_> = bars.iter().rev().map(|bar| row(bar, clocks, now)).collect();
    Some(html! {
        div.card-body { (picture(&bars, clocks)) }
        (table("Attempts", &["No.", "How it ended", "Waited", "Took"], &rows))
        @if kept.len() > MOST { p.card-footer { "The newest " (MOST) " are shown." } }
    })
}

fn bars<'a>(job: &'a Job, kept: &'a [Attempt], now: Timestamp) -> Vec<Bar<'a>> {
    let mut bars = Vec::new();
    let mut before = job.created_at;
    for attempt in kept {
        let from = attempt.started_at.unwrap_or(attempt.ended_at);
        bars.push(Bar {
            number: attempt.attempt,
            waited_from: before,
            from,
            to: attempt.ended_at,
            is_over: true,
            has_failed: attempt.error.is_some(),
            error: attempt.error.as_deref(),
            worker: attempt.worker_id.as_deref(),
        });
        before = attempt.ended_at;
    }
    // The attempt that runs, or that did not fail, is in the job itself.
    let is_last =
        |at: &Timestamp| kept.last().and_then(|last| last.started_at).is_none_or(|last| last < *at);
    let shows = matches!(job.status, Status::Running | Status::Completed);
    if let Some(from) = job.started_at.filter(is_last).filter(|_| shows) {
        let is_over = job.status == Status::Completed;
        let to = if is_over { job.finished_at.unwrap_or(now) } else { now };
        let worker = job.worker_id.as_ref().map(WorkerId::as_str);
        let number = job.attempt;
        bars.push(Bar {
            number,
            waited_from: before,
            from,
            to,
            is_over,
            has_failed: false,
            error: None,
            worker,
        });
    }
    bars.drain(..bars.len().saturating_sub(MOST));
    bars
}

fn picture(bars: &[Bar<'_>], clocks: Clocks) -> Markup {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return html! {} };
    let span = last.to.since(first.from).as_millis().max(1);
    let at = |time: Timestamp| {
        let share = time.since(first.from).as_millis().min(span) * 100 * u128::from(WIDTH) / span;
        format!("{}.{:02}%", u128::from(LEFT) + share / 100, share % 100)
    };
    let wide = |from: Timestamp, to: Timestamp| {
        let share = (to.since(from).as_millis().min(span) * 100 * u128::from(WIDTH) / span).max(40);
        format!("{}.{:02}%", share / 100, share % 100)
    };
    let label = format!("{} attempts in {}", bars.len(), length(last.to.since(first.from)));
    let foot = bars.len() * ROW;
    html! {
        svg.gantt width="100%" height=(foot + AXIS) role="img" aria-label=(label) {
            @for (nth, bar) in bars.iter().enumerate() {
                @let top = nth * ROW;
                text.name x="0" y=(top + 15) { tspan.minor { "Attempt " } (bar.number) }
                @if nth > 0 { rect.wait x=(at(bar.waited_from)) y=(top + 9) width=(wide(bar.waited_from, bar.from)) height="3" {} }
                rect class=(look(bar)) x=(at(bar.from)) y=(top + 4) width=(wide(bar.from, bar.to)) height="13" rx="2" {}
            }
            line x1=(at(first.from)) x2=(at(last.to)) y1=(foot + 4) y2=(foot + 4) {}
            text x=(at(first.from)) y=(foot + 18) { (clocks.second(first.from)) }
            text x=(at(last.to)) y=(foot + 18) text-anchor="end" {
                @if last.is_over { (clocks.second(last.to)) } @else { "now" }
            }
        }
    }
}

const fn look(bar: &Bar<'_>) -> &'static str {
    match bar {
        Bar { is_over: false, .. } => "o-r",
        Bar { has_failed: true, .. } => "o-x",
        Bar { .. } => "o-o",
    }
}

fn row(bar: &Bar<'_>, clocks: Clocks, now: Timestamp) -> Markup {
    html! {
        tr {
            td data-label="attempt" { (bar.number) }
            td.main {
                @if let Some(error) = bar.error {
                    div.bad { (error.lines().next().unwrap_or_default()) }
                } @else {
                    div { @if bar.is_over { "It ended without an error" } @else { "It runs" } }
                }
                div.sub {
                    "started " (when_exactly(bar.from, clocks, now))
                    @if bar.is_over { " · ended " (when_exactly(bar.to, clocks, now)) }
                    @if let Some(worker) = bar.worker { " · worker " (worker) }
                }
            }
            td.num data-label="waited" { (length(bar.from.since(bar.waited_from))) }
            td.num data-label="took" { (length(bar.to.since(bar.from))) }
        }
    }
}
