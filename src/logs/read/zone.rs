//! The zone behind a clock, or around it.

use chrono::{DateTime, MappedLocalTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// Zones by the names that logs use, with their minutes east of Greenwich.
const NAMES: [(&str, i64); 22] = [
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("WET", 0),
    ("BST", 60),
    ("CET", 60),
    ("WEST", 60),
    ("CEST", 120),
    ("EET", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("JST", 540),
    ("AEST", 600),
    ("AEDT", 660),
];

/// `Z`, `+00:00`, `+0000`, `+00`, and names, also after a blank: the seconds east of Greenwich and the length of it.
pub(super) fn zone(text: &[u8]) -> (Option<i64>, usize) {
    let blank = usize::from(text.first() == Some(&b' '));
    let bare = &text[blank..];
    let found = match bare.first() {
        Some(b'+' | b'-') => offset(bare, blank > 0),
        Some(b'A'..=b'Z') => named(bare),
        _ => None,
    };
    found.map_or((None, 0), |(seconds, length)| (Some(seconds), blank + length))
}

/// The instant, in milliseconds since 1970, at which a clock of this zone shows a time, given as if it were UTC's. Of two instants
/// the first; what the clock jumps over is read by the offset before.
pub(super) fn instant_in(zone: Tz, local: i64) -> i64 {
    let Some(shown) = DateTime::from_timestamp_millis(local).map(|shown| shown.naive_utc()) else {
        return local;
    };
    let offset = match zone.offset_from_local_datetime(&shown) {
        MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => offset,
        MappedLocalTime::None => zone.offset_from_utc_datetime(&(shown - TimeDelta::days(1))),
    };
    local - i64::from(offset.fix().local_minus_utc()) * 1000
}

fn named(text: &[u8]) -> Option<(i64, usize)> {
    let length = text.iter().take(5).take_while(|b| b.is_ascii_alphabetic()).count();
    let name = &text[..length];
    if text.get(length).is_some_and(|b| b.is_ascii_digit() || *b == b'_') {
        return None;
    }
    let (_, minutes) = NAMES.iter().find(|(known, _)| known.as_bytes() == name)?;
    Some((minutes * 60, length))
}

/// After a blank, minutes are asked for: ` -5 items` is no zone.
fn offset(text: &[u8], minutes_needed: bool) -> Option<(i64, usize)> {
    let two = |at: usize| {
        let pair = text.get(at..at + 2)?;
        let all = pair.iter().all(u8::is_ascii_digit);
        all.then(|| i64::from(pair[0] - b'0') * 10 + i64::from(pair[1] - b'0'))
    };
    let hours = two(1)?;
    let colon = usize::from(text.get(3) == Some(&b':'));
    let (minutes, length) = match two(3 + colon) {
        Some(minutes) => (minutes, 5 + colon),
        None if minutes_needed || colon > 0 => return None,
        None => (0, 3),
    };
    if hours > 15 || minutes > 59 || text.get(length).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    Some((if text[0] == b'-' { -seconds } else { seconds }, length))
}
