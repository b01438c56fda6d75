//! The lane of events: what schedules make in the hours to come, one dot for each occurrence.

use crate::model::{ScheduleName, Timestamp};
use maud::{Markup, html};
use std::time::Duration;

/// How far the lane reaches.
pub(in crate::web) const AHEAD: Duration = Duration::from_hours(24);
/// The height of a schedule in the lane, and of the line of hours above them.
const ROW: usize = 22;
const HEAD: usize = 18;
/// Where the dots begin and end, in percent of the width.
const LEFT: u64 = 18;
const WIDTH: u64 = 81;
/// Each so many hours have a line.
const EVERY: u64 = 3;

/// The occurrences of a schedule that are to come.
pub(in crate::web) struct Lane<'a> {
    /// Which schedule.
    pub(in crate::web) name: &'a ScheduleName,
    /// Whether nothing comes of them while it is paused.
    pub(in crate::web) is_paused: bool,
    /// When.
    pub(in crate::web) at: Vec<Timestamp>,
}

/// The lanes of some schedules. Hours are those of UTC.
pub(in crate::web) fn lanes(lanes: &[Lane<'_>], now: Timestamp) -> Markup {
    let span = AHEAD.as_millis();
    let x = |at: Timestamp| {
        let share = at.since(now).as_millis().min(span) * 100 * u128::from(WIDTH) / span;
        format!("{}.{:02}%", u128::from(LEFT) + share / 100, share % 100)
    };
    // The words of the last hour would be cut at the edge.
    let is_last = |at: Timestamp| at.since(now) + Duration::from_hours(1) > AHEAD;
    let anchor = |at: Timestamp| if is_last(at) { "end" } else { "middle" };
    let height = HEAD + lanes.len() * ROW;
    let first = now.hour().plus(Duration::from_hours(1));
    let hours = (0..AHEAD.as_secs() / 3600).map(|hour| first.plus(Duration::from_hours(hour)));
    let marked: Vec<_> =
        hours.filter(|at| (at.millis() / 3_600_000).unsigned_abs() % EVERY == 0).collect();
    let count: usize = lanes.iter().map(|lane| lane.at.len()).sum();
    html! {
        div.lane-box.scroll tabindex="0" role="group" aria-label="The next 24 hours" {
            svg.lane width="100%" height=(height) role="img" aria-label={ (count) " runs of " (lanes.len()) " schedules in the next 24 hours, by UTC" } {
                @for at in &marked {
                    line x1=(x(*at)) x2=(x(*at)) y1=(HEAD) y2=(height) {}
                    text x=(x(*at)) y="12" text-anchor=(anchor(*at)) { (at.to_utc().format("%H:%M")) }
                }
                @for (nth, lane) in lanes.iter().enumerate() {
                    @let middle = HEAD + nth * ROW + ROW / 2;
                    text.name x="0" y=(middle + 4) { (lane.name) }
                    @for at in &lane.at {
                        circle.off[lane.is_paused] cx=(x(*at)) cy=(middle) r="4" { title { (at.to_utc().format("%H:%M UTC")) } }
                    }
                }
            }
        }
    }
}
