//! The picture of a log: how many rows of which level come when.

use super::super::base::Link;
use super::super::clocks::Clocks;
use super::tile::grouped;

use crate::model::{LogBar, LogPicture, Timestamp};
use maud::{Markup, html};

/// The width of a bar with the space beside it, and the height of the picture.
const STEP: usize = 10;
const HEIGHT: u64 = 100;

/// The numbers of a bar that are told apart: errors and worse, warnings, and all others.
fn shares(levels: &[u64; 5]) -> [u64; 3] {
    let [debug, info, warning, error, critical] = *levels;
    [error + critical, warning, debug + info]
}

/// The picture, with the same as a table. Each bar that has rows leads to them; `link` makes the address of a span of time.
pub(in crate::web) fn log_picture(
    seen: &LogPicture,
    clocks: Clocks,
    link: impl Fn(Timestamp, Timestamp) -> Link,
) -> Markup {
    let [errors, warnings, others] = shares(&seen.levels);
    let most = seen.bars.iter().map(|bar| bar.levels.iter().sum::<u64>()).max().unwrap_or(0).max(1);
    let said = |bar: &LogBar| {
        let [errors, warnings, others] = shares(&bar.levels);
        format!(
            "{}: {errors} errors, {warnings} warnings, {others} others",
            clocks.second(bar.since)
        )
    };
    let filled: Vec<_> =
        seen.bars.iter().filter(|bar| bar.levels.iter().any(|of| *of > 0)).collect();
    html! {
        section #log-picture .card {
            div.card-header {
                h2.card-title { "Rows by time" }
                ul.legend {
                    li { "Info, debug " b { (grouped(others)) } }
                    li.l-run { "Warnings " b { (grouped(warnings)) } }
                    li.l-bad { "Errors " b { (grouped(errors)) } }
                }
                @if seen.cut_short { span.sub { "Of the newest " (grouped(seen.counted)) " rows" } }
            }
            @if let (Some(first), Some(last)) = (seen.bars.first(), seen.bars.last()) {
                div.card-body {
                    svg.hist viewBox={ "0 0 " (seen.bars.len() * STEP) " " (HEIGHT) } preserveAspectRatio="none" {
                        @for (nth, bar) in seen.bars.iter().enumerate() {
                            @if bar.levels.iter().any(|of| *of > 0) {
                                a href=(link(bar.since, bar.until)) tabindex="-1" aria-label=(said(bar)) {
                                    title { (said(bar)) }
                                    rect.hit x=(nth * STEP) y="0" width=(STEP) height=(HEIGHT) {}
                                    (stacked(bar, nth, most))
                                }
                            }
                        }
                    }
                    p.sub.hist-ends { span { (clocks.second(first.since)) } span { (clocks.second(last.until)) " · " (clocks.name()) } }
                    details #log-numbers {
                        summary { "Numbers as a table" }
                        div.scroll tabindex="0" role="region" aria-label="Numbers of rows" { table.table {
                            thead { tr { th scope="col" { "From (" (clocks.name()) ")" } th.num scope="col" { "Errors" } th.num scope="col" { "Warnings" } th.num scope="col" { "Others" } } }
                            tbody {
                                @for bar in filled {
                                    @let [errors, warnings, others] = shares(&bar.levels);
                                    tr {
                                        td { a href=(link(bar.since, bar.until)) { (clocks.second(bar.since)) } }
                                        td.num { (grouped(errors)) } td.num { (grouped(warnings)) } td.num { (grouped(others)) }
                                    }
                                }
                            }
                        } }
                    }
                }
            }
        }
    }
}

/// The shares of a bar above each other, errors at the bottom. A share that has rows is never too low to be seen.
fn stacked(bar: &LogBar, nth: usize, most: u64) -> Markup {
    let mut floor = HEIGHT;
    let shares = shares(&bar.levels);
    let rects = shares.iter().zip(["b-bad", "b-warn", "b-rest"]).filter(|(count, _)| **count > 0);
    let rects: Vec<_> = rects
        .map(|(count, class)| {
            let height = (count * (HEIGHT - 6) / most).max(2).min(floor);
            floor -= height;
            (class, floor, height)
        })
        .collect();
    html! {
        @for (class, y, height) in rects {
            rect class=(class) x=(nth * STEP + 1) y=(y) width=(STEP - 2) height=(height) {}
        }
    }
}
