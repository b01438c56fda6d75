//! Instants and lengths of time, as people read them.

use super::super::clocks::Clocks;
use crate::model::Timestamp;
use maud::{Markup, Render, html};
use std::time::Duration;

/// An instant relative to `now`, with the exact one on hover. The page's script keeps it up to date.
pub(in crate::web) fn when(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) title=(exact(at)) { (relative(at, now)) } }
}

/// The same with the exact time beside it, by the reader's clocks: `13 h ago · 02:00:03`, with the date unless it is of today.
pub(in crate::web) fn when_exactly(at: Timestamp, clocks: Clocks, now: Timestamp) -> Markup {
    html! { (when(at, now)) span.exact { " · " (clocks.near(at, now)) } }
}

/// An instant to the second, in UTC.
fn exact(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The same as [`when`], for an instant that may not have come yet.
pub(in crate::web) fn when_known(at: Option<Timestamp>, now: Timestamp) -> Markup {
    at.map_or_else(|| "not yet".render(), |at| when(at, now))
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let (past, future) = (now.since(at), at.since(now));
    if future > Duration::from_secs(1) {
        format!("in {}", coarse(future))
    } else if past < Duration::from_secs(1) {
        "just now".to_owned()
    } else {
        format!("{} ago", coarse(past))
    }
}

/// A length of time as one number with one unit.
fn coarse(length: Duration) -> String {
    match length.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86400 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86400),
    }
}

/// How long something took, or has taken so far, which the page's script keeps up to date. Before the thing
/// began it is not yet known.
pub(in crate::web) fn elapsed(
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    now: Timestamp,
) -> Markup {
    let text = duration(from, to, now);
    html! {
        @match (from, to) {
            (Some(from), None) => span data-since=(from.millis()) { (text) },
            _ => (text),
        }
    }
}

fn duration(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> String {
    let Some(from) = from else {
        return if to.is_some() { "did not start" } else { "not yet" }.to_owned();
    };
    length(to.unwrap_or(now).since(from))
}

/// Why a figure of many lengths is written with a sign before it.
const ABOUT: &str = "Lengths are counted in steps: what is told of many is up to 9.1 % off.";

/// A length that is known by a count in steps only, as the median of many is.
pub(in crate::web) fn about(known: Option<Duration>) -> Markup {
    html! {
        @match known {
            Some(known) => span title=(ABOUT) { (about_text(known)) },
            None => "none",
        }
    }
}

/// The same as a text.
pub(in crate::web) fn about_text(known: Duration) -> String {
    // Less than a millisecond is counted as none.
    if known.is_zero() { "under 1 ms".to_owned() } else { format!("≈ {}", length(known)) }
}

/// A length of time, as people read it.
pub(in crate::web) fn length(length: Duration) -> String {
    match (length.as_millis(), length.as_secs()) {
        (millis @ 0..1000, _) => format!("{millis} ms"),
        (millis, seconds @ 0..60) => match millis % 1000 / 100 {
            0 => format!("{seconds} s"),
            tenths => format!("{seconds}.{tenths} s"),
        },
        (_, seconds @ 60..3600) => format!("{} min {} s", seconds / 60, seconds % 60),
        (_, seconds) => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_largest_fitting_unit() {
        let now = Timestamp::from_millis(1_000_000_000_000);
        let ago =
            |seconds: i64| relative(Timestamp::from_millis(now.millis() - seconds * 1000), now);
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(59), "59 s ago");
        assert_eq!(ago(60), "1 min ago");
        assert_eq!(ago(7200), "2 h ago");
        assert_eq!(ago(172_800), "2 d ago");
        assert_eq!(ago(-300), "in 5 min");
        let took = |millis| duration(Some(now), Some(now.plus(Duration::from_millis(millis))), now);
        assert_eq!(took(350), "350 ms");
        assert_eq!(took(1_250), "1.2 s");
        assert_eq!(took(29_050), "29 s");
        assert_eq!(took(125_000), "2 min 5 s");
        assert_eq!(took(3_780_000), "1 h 3 min");
    }
}
