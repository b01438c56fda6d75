//! Figures of jobs as a series over a range of time: which slots it has, and which rows count in which.

use super::Timestamp;
use super::job_figures::{JobFigures, JobFiguresRow};
use super::schedule::midnight;
#[cfg(all(feature = "web", feature = "monitor"))]
use super::zone::Zone;
use chrono_tz::Tz;
use std::time::Duration;

/// How finely figures are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiguresStep {
    /// So many minutes; known for two days.
    Minutes(u32),
    /// So many hours, known for thirty days; older ones come as whole days.
    Hours(u32),
    /// Days of a time zone; those before the last thirty are days of UTC, each shown where its middle is.
    Days,
}

/// A series of figures: the slots of a range, without a gap, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSeries {
    /// How long a slot is.
    pub step: FiguresStep,
    /// The slots. The last one may not be over yet.
    pub slots: Vec<JobSlot>,
}

/// What jobs did between two instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSlot {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// What they did.
    pub figures: JobFigures,
}

/// Slots of a series beyond which no further day is begun.
const MOST_SLOTS: usize = 1_500;

impl FiguresStep {
    /// The step that shows a range in some tens of slots.
    pub fn of(from: Timestamp, until: Timestamp) -> Self {
        match until.since(from).as_secs().div_ceil(3_600) {
            0..4 => Self::Minutes(1),
            4..13 => Self::Minutes(5),
            13..97 => Self::Hours(1),
            97..337 => Self::Hours(6),
            _ => Self::Days,
        }
    }

    /// The ends of the slots from the one that holds `from` to the one that holds the last instant before `until`. Steps of
    /// minutes and hours are counted from the zone's midnight, so that they stay together on a day of 23 or 25 hours.
    pub(crate) fn ends(self, from: Timestamp, until: Timestamp, zone: Tz) -> Vec<Timestamp> {
        let mut day = midnight(zone, from, 0);
        let mut ends = Vec::new();
        while day < until && ends.len() <= MOST_SLOTS {
            let next = midnight(zone, day, 1);
            let mut at = day;
            while at < next && at < until {
                let end = self.length().map_or(next, |length| at.plus(length).min(next));
                if end > from {
                    ends.push(at);
                }
                at = end;
            }
            if at >= until {
                ends.push(at);
                break;
            }
            day = next;
        }
        ends
    }

    /// How long a slot is that no midnight ends; `None`: from midnight to midnight.
    fn length(self) -> Option<Duration> {
        match self {
            Self::Minutes(by) => Some(Duration::from_secs(u64::from(by.max(1)) * 60)),
            Self::Hours(by) => Some(Duration::from_secs(u64::from(by.max(1)) * 3_600)),
            Self::Days => None,
        }
    }
}

/// The midnights of a zone from the day that holds `from` to the end of the one that holds `until`.
#[cfg(all(feature = "web", feature = "monitor"))]
pub(crate) fn zone_days(zone: Zone, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let until = until.plus(Duration::from_millis(1));
    FiguresStep::Days.ends(from, until, zone.tz())
}

impl JobSeries {
    /// The series of a range, of rows as they are stored. A row counts in the slot that holds its middle.
    pub(crate) fn of(step: FiguresStep, ends: &[Timestamp], rows: &[JobFiguresRow]) -> Self {
        let slot = |pair: &[Timestamp]| JobSlot {
            from: pair[0],
            until: pair[1],
            figures: JobFigures::default(),
        };
        let mut slots: Vec<_> = ends.windows(2).map(slot).collect();
        for row in rows {
            if let Some(at) = slot_of(&slots, row) {
                slots[at].figures.merge(&row.figures);
            }
        }
        Self { step, slots }
    }

    /// In which slot a row counts, if in any.
    #[cfg(feature = "web")]
    pub(super) fn slot_of(&self, row: &JobFiguresRow) -> Option<usize> {
        slot_of(&self.slots, row)
    }

    /// All slots together.
    pub fn total(&self) -> JobFigures {
        let mut total = JobFigures::default();
        for slot in &self.slots {
            total.merge(&slot.figures);
        }
        total
    }
}

/// The slot that holds the middle of a row. A row that has only begun before the end of the last slot is of that one, so that
/// what has just happened is never left out, whatever minutes the zone is apart from UTC.
fn slot_of(slots: &[JobSlot], row: &JobFiguresRow) -> Option<usize> {
    let end = slots.last()?.until;
    let middle = row.at.plus(row.length / 2);
    let middle =
        if row.at < end { middle.min(end.minus(Duration::from_millis(1))) } else { middle };
    let after = slots.partition_point(|slot| slot.from <= middle);
    after.checked_sub(1).filter(|at| middle < slots[*at].until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, Queue};
    use std::collections::BTreeSet;

    const BERLIN: Tz = Tz::Europe__Berlin;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_iso(text).unwrap()
    }

    fn hours(ends: &[Timestamp]) -> Vec<u64> {
        ends.windows(2).map(|pair| pair[1].since(pair[0]).as_secs() / 3_600).collect()
    }

    fn row(start: &str, length: Duration) -> JobFiguresRow {
        JobFiguresRow {
            at: at(start),
            length,
            kind: Kind::named("x"),
            queue: Some(Queue::DEFAULT),
            figures: JobFigures { completed: 1, ..JobFigures::default() },
        }
    }

    #[test]
    fn days_are_those_of_the_zone_with_their_23_and_25_hours() {
        let days = |from, until| hours(&FiguresStep::Days.ends(at(from), at(until), BERLIN));
        assert_eq!(days("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"), [24, 23, 24]);
        assert_eq!(days("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"), [24, 25, 24]);
        let six = |from, until| hours(&FiguresStep::Hours(6).ends(at(from), at(until), BERLIN));
        assert_eq!(six("2026-03-29T00:00:00Z", "2026-03-29T22:00:00Z"), [6, 6, 6, 5]);
        assert_eq!(six("2026-10-25T00:00:00Z", "2026-10-25T23:00:00Z"), [6, 6, 6, 6, 1]);
    }

    #[test]
    fn a_range_over_a_change_of_the_clock_has_each_slot_once_and_counts_each_row_once() {
        for zone in [BERLIN, Tz::Asia__Kolkata, Tz::America__Havana, Tz::Pacific__Apia, Tz::UTC] {
            for (from, until) in [
                ("2026-03-20T07:31:00Z", "2026-04-02T19:00:00Z"),
                ("2026-10-20T07:31:00Z", "2026-11-05T19:00:00Z"),
                ("2011-12-28T07:31:00Z", "2012-01-02T19:00:00Z"),
            ] {
                let (from, until) = (at(from), at(until));
                for step in [FiguresStep::Hours(1), FiguresStep::Hours(6), FiguresStep::Days] {
                    let ends = step.ends(from, until, zone);
                    assert!(ends.is_sorted_by(|a, b| a < b), "{zone} {step:?}");
                    assert!(ends[0] <= from && ends[1] > from, "{zone} {step:?}");
                    let last = ends.len() - 1;
                    assert!(ends[last] >= until && ends[last - 1] < until, "{zone} {step:?}");
                    let hour = Duration::from_hours(1);
                    let starts = (0..).map(|n| from.hour().plus(hour * (n + 1)));
                    let rows: Vec<_> = starts
                        .take_while(|start| start.plus(hour) <= until)
                        .map(|start| JobFiguresRow {
                            at: start,
                            ..row("2026-01-01T00:00:00Z", hour)
                        })
                        .collect();
                    let series = JobSeries::of(step, &ends, &rows);
                    assert_eq!(series.total().completed as usize, rows.len(), "{zone} {step:?}");
                }
            }
        }
    }

    #[test]
    fn a_stored_day_counts_in_the_day_of_the_zone_that_holds_its_middle() {
        let ends =
            FiguresStep::Days.ends(at("2026-06-01T00:00:00Z"), at("2026-06-04T00:00:00Z"), BERLIN);
        let rows = [row("2026-06-02T00:00:00Z", Duration::from_hours(24))];
        let series = JobSeries::of(FiguresStep::Days, &ends, &rows);
        let counts: Vec<_> = series.slots.iter().map(|slot| slot.figures.completed).collect();
        assert_eq!(counts, [0, 1, 0, 0]);
    }

    #[test]
    fn what_has_just_happened_is_in_the_last_slot_of_a_zone_half_an_hour_apart() {
        let (from, until) = (at("2026-06-01T00:00:00Z"), at("2026-06-01T08:10:00Z"));
        let step = FiguresStep::Hours(1);
        let ends = step.ends(from, until, Tz::Asia__Kolkata);
        assert_eq!(ends.last(), Some(&at("2026-06-01T08:30:00Z")));
        let rows = ["2026-06-01T07:00:00Z", "2026-06-01T08:00:00Z", "2026-06-01T09:00:00Z"]
            .map(|start| row(start, Duration::from_hours(1)));
        let series = JobSeries::of(step, &ends, &rows);
        let counts: Vec<_> = series.slots.iter().map(|slot| slot.figures.completed).collect();
        assert_eq!(counts.last(), Some(&2), "{counts:?}");
        assert_eq!(series.total().completed, 2, "what begins later is of no slot");
    }

    #[test]
    fn every_range_has_some_tens_of_slots() {
        let until = at("2026-11-30T00:41:00Z");
        let mut seen = BTreeSet::new();
        for hours in [1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720, 2_160, 9_600] {
            let from = until.minus(Duration::from_hours(hours));
            let step = FiguresStep::of(from, until);
            let slots = step.ends(from, until, BERLIN).len() - 1;
            assert!((12..=402).contains(&slots), "{hours} h: {slots} slots of {step:?}");
            seen.insert(format!("{step:?}"));
        }
        assert_eq!(seen.len(), 5, "{seen:?}");
    }
}
