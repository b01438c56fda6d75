//! A time zone by its name, and what its clocks show.

use super::Timestamp;
#[cfg(feature = "web")]
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use std::fmt;

/// A time zone of the IANA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// The zone of this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
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
    #[cfg(all(feature = "web", feature = "monitor"))]
    pub(super) const fn tz(self) -> Tz {
        self.0
    }

    /// What the clocks of the zone show at an instant: `Sun 29 Nov 2026 02:30`.
    pub fn show(self, at: Timestamp) -> String {
        at.to_utc().with_timezone(&self.0).format("%a %-d %b %Y %H:%M").to_string()
    }
}

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
        assert_eq!(Zone::named("Nowhere/At_All"), None);
    }

    #[test]
    fn the_zones_to_choose_from_are_places_and_utc() {
        let all: Vec<String> = Zone::all().map(|zone| zone.to_string()).collect();
        assert_eq!(all[0], "UTC");
        assert!(all.contains(&"Europe/Berlin".to_owned()) && all.len() > 300, "{}", all.len());
        assert!(!all.iter().any(|name| name.starts_with("Etc/") || name.starts_with("US/")));
    }
}
