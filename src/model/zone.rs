//! A time zone by its name, and what its clocks show.

use super::Timestamp;
#[cfg(feature = "web")]
use chrono::{NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use std::fmt;
#[cfg(feature = "web")]
use std::time::Duration;

/// A time zone of the IANA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// The zone of this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// The zones that people may mean by a part of a name: the one whose name has only other capitals, else those of a place of
    /// this name, else those in whose place it is a word: `York`. Other short words are abbreviations, and with a figure in it a
    /// name is a distance from UTC: these are no parts.
    pub(super) fn named_in_part(part: &str) -> Vec<Self> {
        let same = |zone: &&Tz| zone.name().eq_ignore_ascii_case(part);
        if let Some(zone) = chrono_tz::TZ_VARIANTS.iter().find(same) {
            return vec![Self(*zone)];
        }
        let part = part.replace('_', " ").to_ascii_lowercase();
        let is_word = part.chars().all(|letter| letter.is_alphabetic() || " -/".contains(letter));
        if !is_word || part.chars().count() < SHORTEST_PART {
            return Vec::new();
        }
        let place = |zone: &Self| zone.place().to_ascii_lowercase();
        let mut zones: Vec<_> = Self::all().filter(|zone| place(zone) == part).collect();
        if zones.is_empty() {
            let has_word = |zone: &Self| place(zone).split([' ', '-']).any(|word| word == part);
            zones.extend(Self::all().filter(has_word));
        }
        zones
    }

    /// The zones that one chooses from: UTC, and those that are named by a continent or an ocean and a place.
    pub fn all() -> impl Iterator<Item = Self> {
        let of_places = chrono_tz::TZ_VARIANTS.iter().copied().filter(|zone| {
            let continent = zone.name().split_once('/').map(|(continent, _)| continent);
            continent.is_some_and(|continent| CONTINENTS.contains(&continent))
        });
        std::iter::once(Tz::UTC).chain(of_places).map(Self)
    }

    /// The place that the zone is named by, as people write it: `New York`.
    pub fn place(self) -> String {
        let name = self.0.name();
        name.rsplit_once('/').map_or(name, |(_, place)| place).replace('_', " ")
    }

    /// The date and the time of the zone's clocks at an instant.
    #[cfg(feature = "web")]
    pub(crate) fn clock(self, at: Timestamp) -> NaiveDateTime {
        at.to_utc().with_timezone(&self.0).naive_local()
    }

    /// The zone for chrono.
    pub(super) const fn tz(self) -> Tz {
        self.0
    }

    /// What the clocks of the zone show at an instant: `Sun 29 Nov 2026 02:30`.
    pub fn show(self, at: Timestamp) -> String {
        self.show_as(at, "%a %-d %b %Y %H:%M")
    }

    /// An instant as it stands in a sentence: `29 Nov 02:30:00 CET`.
    pub(crate) fn in_short(self, at: Timestamp) -> String {
        self.show_as(at, "%-d %b %H:%M:%S %Z")
    }

    /// The same with its year: `29 Nov 2026 02:30:00 CET`.
    #[cfg(feature = "web")]
    pub(crate) fn in_full(self, at: Timestamp) -> String {
        self.show_as(at, "%-d %b %Y %H:%M:%S %Z")
    }

    /// An instant in a format of chrono's.
    pub(crate) fn show_as(self, at: Timestamp, format: &str) -> String {
        at.to_utc().with_timezone(&self.0).format(format).to_string()
    }

    /// When its clocks show this; where they leave it out, as if it were of UTC.
    #[cfg(all(feature = "web", feature = "monitor"))]
    pub(crate) fn instant(self, shown: NaiveDateTime) -> Timestamp {
        let of_utc = || shown.and_utc().timestamp_millis();
        let at = self.0.from_local_datetime(&shown).earliest();
        Timestamp::from_millis(at.map_or_else(of_utc, |at| at.timestamp_millis()))
    }

    /// When its clocks show this hour of the day after that of an instant. Where they leave the hour out it is the next one that
    /// they show.
    #[cfg(feature = "web")]
    pub(crate) fn tomorrow(self, hour: u32, now: Timestamp) -> Timestamp {
        let day = now.to_utc().with_timezone(&self.0).date_naive() + TimeDelta::days(1);
        let times = (hour..24).filter_map(|hour| {
            let time = day.and_hms_opt(hour, 0, 0)?;
            self.0.from_local_datetime(&time).earliest()
        });
        let mut times = times.map(|at| Timestamp::from_millis(at.timestamp_millis()));
        times.next().unwrap_or_else(|| now.plus(Duration::from_hours(24)))
    }
}

/// The length of the shortest word that is taken for a part of a zone's name, in letters.
const SHORTEST_PART: usize = 4;

/// The first parts of the names of zones that are named by a place.
const CONTINENTS: [&str; 10] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
];

/// UTC.
impl Default for Zone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl From<Tz> for Zone {
    fn from(zone: Tz) -> Self {
        Self(zone)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_named_by_a_place_and_shows_its_clocks() {
        let zone = Zone::named("America/New_York").unwrap();
        assert_eq!(
            (zone.to_string(), zone.place()),
            ("America/New_York".into(), "New York".into())
        );
        // 2027-01-15T08:00:00Z
        assert_eq!(zone.show(Timestamp::from_millis(1_800_000_000_000)), "Fri 15 Jan 2027 03:00");
        assert_eq!(zone.in_short(Timestamp::from_millis(1_800_000_000_000)), "15 Jan 03:00:00 EST");
        assert_eq!(Zone::named("Nowhere/At_All"), None);
    }

    #[test]
    #[cfg(feature = "web")]
    fn tomorrow_morning_is_that_of_the_zones_own_day() {
        let at = |text: &str| Timestamp::from_iso(text).unwrap();
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let morning = berlin.tomorrow(8, at("2026-11-28T23:30:00Z"));
        assert_eq!(morning, at("2026-11-30T07:00:00Z"), "it is the 29th there already");
        let spring = berlin.tomorrow(2, at("2027-03-27T12:00:00Z"));
        assert_eq!(spring, at("2027-03-28T01:00:00Z"), "two o'clock is left out");
    }

    #[test]
    fn a_part_of_a_name_means_each_zone_that_has_it() {
        let meant = |part: &str| {
            let zones = Zone::named_in_part(part);
            zones.iter().map(Zone::to_string).collect::<Vec<_>>().join(" ")
        };
        for (part, zones) in [
            ("Berlin", "Europe/Berlin"),
            ("new_york", "America/New_York"),
            ("new york", "America/New_York"),
            ("York", "America/New_York"),
            ("europe/berlin", "Europe/Berlin"),
            ("utc", "UTC"),
            ("Istanbul", "Asia/Istanbul Europe/Istanbul"),
            ("CEST", ""),
            ("PST", ""),
            ("GMT+1", ""),
            ("Nowhere", ""),
            ("", ""),
        ] {
            assert_eq!(meant(part), zones, "{part:?}");
        }
        assert!(meant("Port").contains("America/Port-au-Prince"));
    }

    #[test]
    fn the_zones_to_choose_from_are_places_and_utc() {
        let all: Vec<String> = Zone::all().map(|zone| zone.to_string()).collect();
        assert_eq!(all[0], "UTC");
        assert!(all.contains(&"Europe/Berlin".to_owned()) && all.len() > 300, "{}", all.len());
        assert!(!all.iter().any(|name| name.starts_with("Etc/") || name.starts_with("US/")));
    }
}
