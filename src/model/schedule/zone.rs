//! From local times to instants: what a change of the clock does to a crontab rule.
//!
//! Instants are whole seconds since 1970 UTC here. chrono-tz is asked for the offset at an instant and for the
//! offsets of a local time; it does not tell when the next change is, so [`change`] looks for it.
//!
//! *Limits:* chrono-tz knows the changes up to the end of 2099; from there on the last offset stays.

use crate::model::Cron;
use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

const DAY: i64 = 86_400;
/// How far apart two instants are whose offsets are compared. It must miss no change: the shortest time between two of
/// one zone since 1970 is nearly seven days (Brazil, October 2000), so that this leaves room.
const PROBE: i64 = 6 * 3_600;
/// A change moves local times by at most a day (the date line), so beyond two days of an instant its surroundings
/// cannot show the same local time.
const SURROUNDINGS: i64 = 2 * DAY;
/// How many changes one search passes. It jumps over all that are not near its two ends, and changes are days apart:
/// a handful would do.
const MAX_CHANGES: usize = 32;

/// The first instant after `after` at which a rule of fixed times occurs: a local time is reached when the clock first
/// shows it, or jumps over it.
///
/// Instants of this kind are in the order of their local times, so the search goes along those.
pub(super) fn next_reached(cron: &Cron, zone: Tz, after: i64) -> Option<i64> {
    let mut time = cron.next(local(zone, after)?)?;
    for _ in 0..MAX_CHANGES {
        let at = reached(zone, time)?;
        if at > after {
            return Some(at);
        }
        // Reached before, though later than the clock shows at `after`: the clock went back in between. All that it
        // shows until it is where it was has been reached too.
        let back = change(zone, at, after)?;
        time = cron.next(local(zone, back - 1)?)?;
    }
    None
}

/// The first instant after `after` at which the clock shows a time of the rule: that of rules that follow elapsed time.
pub(super) fn next_shown(cron: &Cron, zone: Tz, after: i64) -> Option<i64> {
    let mut base = after;
    for _ in 0..MAX_CHANGES {
        let time = cron.next(local(zone, base)?)?;
        let at = time.and_utc().timestamp() - offset(zone, base)?;
        match change(zone, base, at.min(base + SURROUNDINGS)) {
            Some(change) if cron.matches(local(zone, change)?) => return Some(change),
            Some(change) => base = change,
            None if at <= base + SURROUNDINGS => return Some(at),
            // In between the clock shows only times after that at `base` and before `time`: none of the rule.
            None => base = at - SURROUNDINGS,
        }
    }
    None
}

/// The first instant after `from`, up to `until`, at which the offset changes.
pub(super) fn change(zone: Tz, from: i64, until: i64) -> Option<i64> {
    let before = offset(zone, from)?;
    let mut low = from;
    while low < until {
        let mut high = until.min(low + PROBE);
        if offset(zone, high)? == before {
            low = high;
            continue;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if offset(zone, middle)? == before { low = middle } else { high = middle }
        }
        return Some(high);
    }
    None
}

/// The first instant at which the clock shows this time or has jumped over it.
pub(super) fn reached(zone: Tz, time: NaiveDateTime) -> Option<i64> {
    let as_utc = time.and_utc().timestamp();
    match zone.offset_from_local_datetime(&time) {
        MappedLocalTime::Single(only) => Some(as_utc - seconds(&only)),
        MappedLocalTime::Ambiguous(one, other) => Some(as_utc - seconds(&one).max(seconds(&other))),
        MappedLocalTime::None => {
            let (mut low, mut high) = (as_utc - DAY, as_utc + DAY);
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if local(zone, middle)? < time { low = middle } else { high = middle }
            }
            Some(high)
        }
    }
}

/// What the clock shows.
pub(super) fn local(zone: Tz, at: i64) -> Option<NaiveDateTime> {
    let utc = DateTime::from_timestamp(at, 0)?.naive_utc();
    utc.checked_add_signed(TimeDelta::seconds(seconds(&zone.offset_from_utc_datetime(&utc))))
}

/// How far local time is ahead of UTC, in seconds.
pub(super) fn offset(zone: Tz, at: i64) -> Option<i64> {
    let utc = DateTime::from_timestamp(at, 0)?.naive_utc();
    Some(seconds(&zone.offset_from_utc_datetime(&utc)))
}

fn seconds(offset: &impl Offset) -> i64 {
    offset.fix().local_minus_utc().into()
}
