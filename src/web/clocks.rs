//! The clocks of the reader of a page, by which pictures and lists tell times.

use crate::model::{Timestamp, Zone};

/// The clocks of the reader of the page, by which pictures and lists without a script tell times. Where their browser has not said
/// its zone they are those of UTC.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clocks {
    /// The zone.
    pub(super) zone: Option<Zone>,
}

impl Clocks {
    /// An instant to the second, and the same in UTC: `Sat 28 Nov 2026, 14:31:07 CET (13:31:07 UTC)`.
    pub(super) fn exact(self, at: Timestamp) -> String {
        let own = self.show(at, "%a %-d %b %Y, %H:%M:%S %Z");
        let utc = at.to_utc().format("%H:%M:%S UTC").to_string();
        if own.ends_with(&utc) { own } else { format!("{own} ({utc})") }
    }

    /// An instant to the millisecond: `2026-11-28 14:31:07.250`.
    pub(super) fn millisecond(self, at: Timestamp) -> String {
        self.show(at, "%Y-%m-%d %H:%M:%S%.3f")
    }

    /// An instant to the second within a year: `28 Nov 14:31:07`.
    pub(super) fn second(self, at: Timestamp) -> String {
        self.show(at, "%-d %b %H:%M:%S")
    }

    /// An instant to the second, with the date unless it is of the day of `now`: `14:31:07`, `28 Nov 14:31:07`, with the year if it is
    /// of another.
    pub(super) fn near(self, at: Timestamp, now: Timestamp) -> String {
        let same = |part: &str| self.show(at, part) == self.show(now, part);
        match (same("%Y-%m-%d"), same("%Y")) {
            (true, _) => self.show(at, "%H:%M:%S"),
            (false, true) => self.second(at),
            (false, false) => self.show(at, "%-d %b %Y %H:%M:%S"),
        }
    }

    /// An instant to the minute within a year: `28 Nov 14:31`.
    pub(super) fn minute(self, at: Timestamp) -> String {
        self.show(at, "%-d %b %H:%M")
    }

    /// An instant to the minute within a day: `14:31`.
    pub(super) fn clock(self, at: Timestamp) -> String {
        self.show(at, "%H:%M")
    }

    /// An instant to the second within a day, with the zone's short name then: `14:31:07 CET`.
    pub(super) fn named_second(self, at: Timestamp) -> String {
        self.zone_or_utc().show_as(at, "%H:%M:%S %Z")
    }

    /// The zone for what is reckoned by its clocks: UTC where the browser has not said its own.
    pub(super) fn zone_or_utc(self) -> Zone {
        self.zone.unwrap_or_default()
    }

    /// The name of the zone.
    pub(super) fn name(self) -> String {
        self.zone.map_or_else(|| "UTC".to_owned(), |zone| zone.to_string())
    }

    fn show(self, at: Timestamp, format: &str) -> String {
        match self.zone {
            Some(zone) => zone.show_as(at, format),
            None => at.to_utc().format(format).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_told_by_the_readers_clocks_with_utc_beside_it() {
        let at = Timestamp::from_iso("2026-11-28T13:31:07Z").unwrap();
        let berlin = Clocks { zone: Zone::named("Europe/Berlin") };
        assert_eq!(berlin.exact(at), "Sat 28 Nov 2026, 14:31:07 CET (13:31:07 UTC)");
        assert_eq!((berlin.minute(at), berlin.clock(at)), ("28 Nov 14:31".into(), "14:31".into()));
        let hours = |n: u64| at.plus(std::time::Duration::from_hours(n));
        assert_eq!(berlin.near(at, hours(9)), "14:31:07");
        assert_eq!(berlin.near(at, hours(10)), "28 Nov 14:31:07", "it is past midnight in Berlin");
        assert_eq!(berlin.near(at, hours(24 * 40)), "28 Nov 2026 14:31:07");
        for utc in [Clocks::default(), Clocks { zone: Zone::named("UTC") }] {
            assert_eq!(utc.exact(at), "Sat 28 Nov 2026, 13:31:07 UTC");
            assert_eq!(utc.name(), "UTC");
        }
    }
}
