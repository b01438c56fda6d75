//! The pages of kinds: how many jobs of each ended how, how long they waited and ran, and the course of one kind.

use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{Throughput, Tile, about, card, empty, grouped, sparkline, table, tiles};
use super::errors::ranges;
use super::extract::{Id, Query};
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::problem::Problem;
use crate::actions::errors::Range;
use crate::actions::figures;
use crate::model::{
    FiguresOf, Filter, Histogram, JobFigures, JobSeries, JobSlot, Kind, PartOf, SplitSeries,
    Status, Timestamp,
};
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, Render, html};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) const PATH: &str = nav::KINDS;
pub(super) const KIND_PATH: &str = "/kinds/{name}";

/// The address's query.
#[derive(Default, Deserialize)]
pub(super) struct KindsQuery {
    range: Option<String>,
}

/// GET `/kinds`: each kind of which jobs ended in the range.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(query): Query<KindsQuery>,
) -> Result<Html<String>, Problem> {
    let range = Range::parse(query.range.as_deref())?;
    let (clocks, now) = (who.clocks(), app.web.clock.now());
    let of = (FiguresOf::default(), range);
    let series = figures::of_kinds(&app.web.store, of, clocks.zone_or_utc(), now).await?;
    let since = series.values().next().and_then(|series| Some(series.slots.first()?.from));
    let own = |kind: &Kind| nav::kind(kind).with(&[("range", range.as_str())]);
    let kinds = by_kind(series, own);
    let content = html! {
        div.query { (ranges(range, |range| link(PATH).with(&[("range", range.as_str())]))) }
        section.card {
            @if let Some(kinds) = kinds {
                (kinds)
                @if let Some(since) = since { p.card-footer.soft { "Counted " (told_since(since, clocks)) "." } }
            } @else { (empty("No jobs ended", &html! { "Kinds of which a job ended in the range appear here. " a href=(link(nav::NEW_JOB)) { "All kinds that have a handler" } })) }
        }
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Jobs).under(above()).still();
    Ok(page::page(&frame, "Kinds", &content))
}

/// A row for each kind of which a job ended, those of which most ended first; `None`: none ended.
/// `link` leads to more about the jobs that a row counts.
pub(super) fn by_kind(
    series: BTreeMap<Kind, JobSeries>,
    link: impl Fn(&Kind) -> Link,
) -> Option<Markup> {
    let totals = series.into_iter().map(|(kind, series)| (kind, series.total()));
    let mut kinds: Vec<_> = totals.filter(|(_, figures)| ended(figures) > 0).collect();
    kinds.sort_by_key(|(_, figures)| std::cmp::Reverse(ended(figures)));
    let rows: Vec<_> =
        kinds.iter().map(|(kind, figures)| row(kind, figures, &link(kind))).collect();
    let columns = ["Kind", "Ended", "Failed", "Wait p50", "Wait p95", "Run p50", "Run p95"];
    (!rows.is_empty()).then(|| table("Kinds", &columns, &rows))
}

/// GET `/kinds/{name}`: the figures of one kind, and their course.
pub(super) async fn kind(
    State(app): State<App>,
    who: Signed,
    Id(kind): Id<Kind>,
    Query(query): Query<KindsQuery>,
) -> Result<Html<String>, Problem> {
    let range = Range::parse(query.range.as_deref())?;
    let (clocks, now) = (who.clocks(), app.web.clock.now());
    let of = FiguresOf { kind: Some(kind.clone()), queue: None };
    let asked = (of.clone(), range);
    let series = figures::of(&app.web.store, asked, clocks.zone_or_utc(), now).await?;
    figures::known_kind(&app.web.store, (&kind, &series), now).await?;
    let own = nav::kind(&kind);
    let jobs = Filter::default().kind(kind.clone());
    let ways = html! {
        a.btn href=(nav::jobs(&jobs)) { "Jobs" }
        a.btn href=(nav::jobs(&jobs.status(Status::Failed))) { "Failed jobs" }
        a.btn href=(Tab::Errors.link()) { "Errors" }
    };
    let content = html! {
        div.query { (ranges(range, |range| own.with(&[("range", range.as_str())]))) }
        div.stack {
            (sums(&of, &series, clocks))
            (course(&of, &series, clocks))
        }
    };
    let mut above = above();
    above.push((link(PATH), "Kinds".to_owned()));
    let frame = Frame::new(&app.web, Some(&who))
        .at(Tab::Jobs)
        .under(above)
        .heading(html! { span.mono { (kind) } })
        .acting(ways)
        .still();
    Ok(page::page(&frame, &format!("Kind {kind}"), &content))
}

fn above() -> Vec<(Link, String)> {
    vec![(Tab::Jobs.link(), Tab::Jobs.title().to_owned())]
}

/// Jobs that completed or failed.
fn ended(figures: &JobFigures) -> u64 {
    figures.completed.saturating_add(figures.failed)
}

fn row(kind: &Kind, figures: &JobFigures, own: &Link) -> Markup {
    html! {
        tr {
            td.main { div.first { a href=(own) { (kind) } } }
            td.num data-label="ended" { (grouped(ended(figures))) }
            td.num.bad[figures.failed > 0] data-label="failed" { (share(figures)) }
            td.num data-label="wait p50" { (percentile(&figures.waits, 50)) }
            td.num data-label="wait p95" { (percentile(&figures.waits, 95)) }
            td.num data-label="run p50" { (percentile(&figures.runs, 50)) }
            td.num data-label="run p95" { (percentile(&figures.runs, 95)) }
        }
    }
}

/// The part of the jobs that failed.
fn share(figures: &JobFigures) -> String {
    match figures.failed_part() {
        Some(part) => format!("{:.1} %", part * 100.0),
        None => "none ended".to_owned(),
    }
}

/// The length that so many of a hundred took at most.
fn percentile(lengths: &Histogram, percent: u8) -> Markup {
    about(lengths.percentile(percent))
}

/// Since when the figures count.
fn told_since(since: Timestamp, clocks: Clocks) -> String {
    format!("since {} ({})", clocks.minute(since), clocks.name())
}

/// The figures of all slots together, each with the way to its jobs.
pub(super) fn sums(of: &FiguresOf, series: &JobSeries, clocks: Clocks) -> Markup {
    let since = series.slots.first().map(|slot| told_since(slot.from, clocks));
    let total = series.total();
    let by = |of: fn(&JobFigures) -> u64| -> Vec<u64> {
        series.slots.iter().map(|slot| of(&slot.figures)).collect()
    };
    let jobs = |status| nav::jobs(&figures::jobs_in(series, of, Some(status)));
    let tile = |label, figure: Markup, picture: Markup, foot: Markup, status| Tile {
        label,
        figure,
        picture,
        foot,
        link: jobs(status),
    };
    tiles(&[
        tile(
            "Completed",
            html! { (grouped(total.completed)) },
            sparkline("", "Completed jobs", &by(|figures| figures.completed)),
            html! { (since.unwrap_or_default()) },
            Status::Completed,
        ),
        tile(
            "Failed",
            html! { (grouped(total.failed)) },
            sparkline("spark-bad", "Failed jobs", &by(|figures| figures.failed)),
            html! { (share(&total)) " of what ended" },
            Status::Failed,
        ),
        tile(
            "Wait, median",
            percentile(&total.waits, 50),
            html! {},
            html! { "p95 " (percentile(&total.waits, 95)) },
            Status::Queued,
        ),
        tile(
            "Run, median",
            percentile(&total.runs, 50),
            html! {},
            html! { "p95 " (percentile(&total.runs, 95)) },
            Status::Completed,
        ),
    ])
}

/// What the jobs of a kind or a queue did, as the start page shows it of all: a picture, and its numbers folded below.
pub(super) fn course(of: &FiguresOf, series: &JobSeries, clocks: Clocks) -> Markup {
    let total = series.total();
    let split = SplitSeries::by_status(series.clone());
    let jobs = |slot: &JobSlot, part: Option<&PartOf>| {
        nav::jobs(&figures::jobs_of_one(of, &split, slot, part))
    };
    let zone = clocks.zone_or_utc();
    let content = html! {
        div.card-body {
            @if ended(&total) == 0 { p.soft { "No job ended in the range." } }
            @if !split.parts.is_empty() || total.waits.count() > 0 {
                (Throughput { id: "course", split: &split, zone, link: jobs }.render())
                (runs(series, clocks))
            }
        }
    };
    card("course", "Course", &html! {}, &content)
}

/// How long the jobs ran that ended in each slot, the newest first.
fn runs(series: &JobSeries, clocks: Clocks) -> Markup {
    let row = |slot: &JobSlot| {
        html! { tr {
            td.main data-label="from" { (clocks.minute(slot.from)) }
            td.num data-label="run p50" { (percentile(&slot.figures.runs, 50)) }
            td.num data-label="run p95" { (percentile(&slot.figures.runs, 95)) }
        } }
    };
    let ran = |slot: &&JobSlot| slot.figures.runs.count() > 0;
    let rows: Vec<_> = series.slots.iter().rev().filter(ran).map(row).collect();
    let from = format!("From, {}", clocks.name());
    html! {
        @if !rows.is_empty() {
            details #course-runs {
                summary { "How long they ran, as a table" }
                (table("How long they ran", &[&from, "Run p50", "Run p95"], &rows))
            }
        }
    }
}
