//! The lane of events: what schedules make in the hours to come, one dot for each occurrence.

use super::super::clocks::Clocks;
use crate::model::{ScheduleName, Timestamp, clock_change};
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

/// Each so many minutes some clock of the world is at a full hour.
const QUARTER: Duration = Duration::from_mins(15);

/// The occurrences of a schedule that are to come.
pub(in crate::web) struct Lane<'a> {
    /// Which schedule.
    pub(in crate::web) name: &'a ScheduleName,
    /// Whether nothing comes of them while it is paused.
    pub(in crate::web) is_paused: bool,
    /// When. Of occurrences that are close together these are some.
    pub(in crate::web) at: Vec<Timestamp>,
}

/// The lanes of some schedules, by the reader's clocks.
pub(in crate::web) fn lanes(lanes: &[Lane<'_>], clocks: Clocks, now: Timestamp) -> Markup {
    let span = AHEAD.as_millis();
    let x = |at: Timestamp| {
        let share = at.since(now).as_millis().min(span) * 100 * u128::from(WIDTH) / span;
        format!("{}.{:02}%", u128::from(LEFT) + share / 100, share % 100)
    };
    // The words of the last hour would be cut at the edge.
    let is_last = |at: Timestamp| at.since(now) + Duration::from_hours(1) > AHEAD;
    let anchor = |at: Timestamp| if is_last(at) { "end" } else { "middle" };
    let height = HEAD + lanes.len() * ROW;
    let marked: Vec<_> = marks(clocks, now).collect();
    html! {
        div.lane-box.scroll tabindex="0" role="group" aria-label="The next 24 hours" {
            svg.lane width="100%" height=(height) role="img" aria-label={ "The runs of " (lanes.len()) " schedules in the next 24 hours, by " (clocks.name()) } {
                @for at in &marked {
                    line x1=(x(*at)) x2=(x(*at)) y1=(HEAD) y2=(height) {}
                    text x=(x(*at)) y="12" text-anchor=(anchor(*at)) { (clocks.clock(*at)) }
                }
                @if let Some(change) = change(clocks, now) {
                    line.clocks x1=(x(change)) x2=(x(change)) y1=(HEAD) y2=(height) stroke-dasharray="4 3" { title { (changed(clocks, change)) } }
                }
                @for (nth, lane) in lanes.iter().enumerate() {
                    @let middle = HEAD + nth * ROW + ROW / 2;
                    text.name x="0" y=(middle + 4) { (lane.name) }
                    @for at in &lane.at {
                        circle.off[lane.is_paused] cx=(x(*at)) cy=(middle) r="4" { title { (lane.name) ": " (clocks.exact(*at)) } }
                    }
                }
            }
        }
    }
}

/// When the reader's clocks are changed in the hours that the lane shows. No zone changes them twice within a day.
fn change(clocks: Clocks, now: Timestamp) -> Option<Timestamp> {
    clock_change(clocks.zone_or_utc(), now, now.plus(AHEAD))
}

/// What a change does to the clocks, in words.
fn changed(clocks: Clocks, at: Timestamp) -> String {
    let before = clocks.named_second(at.minus(Duration::from_secs(1)));
    format!("The clocks are changed: after {before} comes {}", clocks.named_second(at))
}

/// Every third full hour of the reader's clocks.
fn marks(clocks: Clocks, now: Timestamp) -> impl Iterator<Item = Timestamp> {
    let most = AHEAD.as_secs() / QUARTER.as_secs() + 4;
    let quarters = (1..=most).map(move |nth| now.hour().plus(QUARTER * nth as u32));
    quarters.filter(move |at| *at > now && at.since(now) <= AHEAD).filter(move |at| {
        let clock = clocks.clock(*at);
        let hour = clock.strip_suffix(":00").and_then(|hour| hour.parse::<u64>().ok());
        hour.is_some_and(|hour| hour % EVERY == 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Zone;

    #[test]
    fn a_change_of_the_readers_clocks_is_a_dashed_line_at_its_instant() {
        let at = |text: &str| Timestamp::from_iso(text).unwrap();
        let berlin = Clocks { zone: Zone::named("Europe/Berlin") };
        // In spring, in autumn, on the last second that the lane shows; a second later it is a second ahead.
        for (now, instant, said) in [
            (
                "2027-03-27T13:00:00Z",
                "2027-03-28T01:00:00Z",
                "after 01:59:59 CET comes 03:00:00 CEST",
            ),
            (
                "2027-10-30T20:30:00Z",
                "2027-10-31T01:00:00Z",
                "after 02:59:59 CEST comes 02:00:00 CET",
            ),
            (
                "2027-03-27T01:00:00Z",
                "2027-03-28T01:00:00Z",
                "after 01:59:59 CET comes 03:00:00 CEST",
            ),
        ] {
            let found = change(berlin, at(now)).unwrap();
            assert_eq!(found, at(instant), "{now}");
            assert_eq!(changed(berlin, found), format!("The clocks are changed: {said}"));
        }
        for (clocks, now) in [
            (berlin, "2027-03-27T00:59:59Z"),
            (berlin, "2027-03-28T01:00:00Z"),
            (Clocks::default(), "2027-03-27T13:00:00Z"),
            (Clocks { zone: Zone::named("Asia/Tokyo") }, "2027-03-27T13:00:00Z"),
        ] {
            assert_eq!(change(clocks, at(now)), None, "{now} {}", clocks.name());
        }
        let name = ScheduleName::SELF_MONITORING;
        let of_one = [Lane { name: &name, is_paused: false, at: vec![] }];
        // 12 of 24 hours: half of the width of 81 %, which begins at 18 %.
        let drawn = lanes(&of_one, berlin, at("2027-03-27T13:00:00Z")).into_string();
        let line = r#"<line class="clocks" x1="58.50%" x2="58.50%" y1="18" y2="40" stroke-dasharray="4 3">"#;
        assert!(drawn.contains(line), "{drawn}");
        assert!(
            !lanes(&of_one, Clocks::default(), at("2027-03-27T13:00:00Z"))
                .into_string()
                .contains("clocks")
        );
    }

    #[test]
    fn the_hours_are_full_ones_of_the_readers_clocks_whatever_the_minute_is() {
        for minute in [0, 14, 16, 31, 59] {
            let now = Timestamp::from_iso(&format!("2026-11-28T08:{minute:02}:00Z")).unwrap();
            for (zone, first) in [(None, "09:00"), (Zone::named("Asia/Kathmandu"), "15:00")] {
                let clocks = Clocks { zone };
                let told: Vec<_> = marks(clocks, now).map(|at| clocks.clock(at)).collect();
                assert_eq!((told.len(), told[0].as_str()), (8, first), "{minute}: {told:?}");
            }
        }
    }
}
