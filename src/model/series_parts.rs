//! A series of figures with its parts: how many jobs of which status, kind or queue ended in each slot.

use super::job::word_enum;
use super::job_figures::{JobFigures, JobFiguresRow};
use super::job_series::JobSeries;
use super::{Kind, Queue, Status};

word_enum!(
    /// What the jobs of a series are told apart by.
    SplitBy {
        /// How they ended.
        Status = "status",
        /// Their kinds.
        Kind = "kind",
        /// Their queues.
        Queue = "queue",
    }
);

/// A series, and the jobs that ended in each of its slots by status, kind or queue.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitSeries {
    /// All jobs.
    pub whole: JobSeries,
    /// The parts of which a job ended: the largest kinds or queues first, and what is left of others last.
    pub parts: Vec<SeriesPart>,
}

/// A part of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesPart {
    /// Which jobs it has.
    pub of: PartOf,
    /// How many of them ended in each slot of the series.
    pub counts: Vec<u64>,
}

/// Which jobs a part of a series has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartOf {
    /// Those that ended so.
    Status(Status),
    /// Those of a kind.
    Kind(Kind),
    /// Those of a queue.
    Queue(Queue),
    /// Those that belong to no other part.
    Other,
}

impl SeriesPart {
    /// How many ended in all slots together.
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl SplitSeries {
    /// Kinds or queues that have a part of their own; what is smaller is told together. More colours are not told apart.
    pub const MOST_NAMED: usize = 5;

    /// A series with its jobs by how they ended, for a series whose figures are all that is known of it.
    pub fn by_status(whole: JobSeries) -> Self {
        let part = |status: Status, ended: fn(&JobFigures) -> u64| SeriesPart {
            of: PartOf::Status(status),
            counts: whole.slots.iter().map(|slot| ended(&slot.figures)).collect(),
        };
        let mut parts = vec![
            part(Status::Completed, |figures| figures.completed),
            part(Status::Failed, |figures| figures.failed),
            part(Status::Cancelled, |figures| figures.cancelled),
        ];
        parts.retain(|part| part.total() > 0);
        Self { whole, parts }
    }

    /// The parts of a series, of the rows that it was made of.
    pub(crate) fn of(whole: JobSeries, by: SplitBy, rows: &[JobFiguresRow]) -> Self {
        let mut parts = Vec::<SeriesPart>::new();
        let mut add = |of: PartOf, slot: usize, ended: u64| {
            if ended == 0 {
                return;
            }
            let nth = parts.iter().position(|part| part.of == of).unwrap_or_else(|| {
                parts.push(SeriesPart { of, counts: vec![0; whole.slots.len()] });
                parts.len() - 1
            });
            let count = &mut parts[nth].counts[slot];
            *count = count.saturating_add(ended);
        };
        for row in rows {
            let Some(slot) = whole.slot_of(row) else { continue };
            let JobFigures { completed, failed, cancelled, .. } = row.figures;
            let ended = completed.saturating_add(failed).saturating_add(cancelled);
            match by {
                SplitBy::Status => {
                    add(PartOf::Status(Status::Completed), slot, completed);
                    add(PartOf::Status(Status::Failed), slot, failed);
                    add(PartOf::Status(Status::Cancelled), slot, cancelled);
                }
                SplitBy::Kind => add(PartOf::Kind(row.kind.clone()), slot, ended),
                SplitBy::Queue => {
                    add(row.queue.clone().map_or(PartOf::Other, PartOf::Queue), slot, ended);
                }
            }
        }
        let parts = if by == SplitBy::Status { in_order(parts) } else { largest(parts) };
        Self { whole, parts }
    }
}

/// The statuses in the order in which people read them: what went well first.
fn in_order(mut parts: Vec<SeriesPart>) -> Vec<SeriesPart> {
    let place = |part: &SeriesPart| Status::ALL.iter().position(|s| part.of == PartOf::Status(*s));
    parts.sort_by_key(place);
    parts
}

/// The parts that are largest, and the others as one.
fn largest(parts: Vec<SeriesPart>) -> Vec<SeriesPart> {
    let (mut named, mut rest): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|part| part.of != PartOf::Other);
    named.sort_by_key(|part| std::cmp::Reverse(part.total()));
    rest.extend(named.drain(named.len().min(SplitSeries::MOST_NAMED)..));
    let together = rest.into_iter().reduce(|mut sum, part| {
        for (sum, count) in sum.counts.iter_mut().zip(part.counts) {
            *sum = sum.saturating_add(count);
        }
        sum
    });
    named.extend(together.map(|part| SeriesPart { of: PartOf::Other, ..part }));
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FiguresStep, Timestamp};
    use chrono_tz::Tz;
    use std::time::Duration;

    const HOUR: Duration = Duration::from_hours(1);

    /// Three hours, in the second of which jobs of these kinds and queues ended: completed, failed, cancelled.
    fn split(by: SplitBy, rows: &[(&str, Option<&str>, [u64; 3])]) -> Vec<(PartOf, Vec<u64>)> {
        let from = Timestamp::from_iso("2026-11-30T08:00:00Z").unwrap();
        let until = from.plus(HOUR * 3);
        let row =
            |(kind, queue, [completed, failed, cancelled]): &(&str, Option<&str>, [u64; 3])| {
                JobFiguresRow {
                    at: from.plus(HOUR),
                    length: HOUR,
                    kind: Kind::parse(kind).unwrap(),
                    queue: queue.map(|name| Queue::parse(name).unwrap()),
                    figures: JobFigures {
                        completed: *completed,
                        failed: *failed,
                        cancelled: *cancelled,
                        ..JobFigures::default()
                    },
                }
            };
        let rows: Vec<_> = rows.iter().map(row).collect();
        let step = FiguresStep::Hours(1);
        let whole = JobSeries::of(step, &step.ends(from, until, Tz::UTC), &rows);
        let split = SplitSeries::of(whole, by, &rows);
        split.parts.into_iter().map(|part| (part.of, part.counts)).collect()
    }

    #[test]
    fn jobs_are_told_apart_by_how_they_ended_and_what_never_came_has_no_part() {
        let rows = [("mail", Some("x"), [5, 2, 0]), ("pay", Some("x"), [1, 1, 0])];
        let status = PartOf::Status;
        assert_eq!(
            split(SplitBy::Status, &rows),
            [(status(Status::Completed), vec![0, 6, 0]), (status(Status::Failed), vec![0, 3, 0])]
        );
        assert_eq!(split(SplitBy::Status, &[]), []);
    }

    #[test]
    fn five_kinds_are_named_the_largest_first_and_the_others_are_one_part() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let rows: Vec<_> = (1..).zip(names).map(|(n, kind)| (kind, None, [n, 1, 1])).collect();
        let parts = split(SplitBy::Kind, &rows);
        let kinds: Vec<_> =
            ["g", "f", "e", "d", "c"].map(|name| PartOf::Kind(Kind::named(name))).into();
        assert_eq!(parts[..5].iter().map(|(of, _)| of.clone()).collect::<Vec<_>>(), kinds);
        assert_eq!((parts[0].1[1], parts[4].1[1]), (9, 5));
        assert_eq!(parts[5..], [(PartOf::Other, vec![0, 7, 0])]);
    }

    #[test]
    fn jobs_that_ended_before_they_had_a_queue_are_among_the_others() {
        let rows = [("a", None, [0, 0, 2]), ("a", Some("mail"), [1, 0, 0])];
        let mail = PartOf::Queue(Queue::parse("mail").unwrap());
        assert_eq!(
            split(SplitBy::Queue, &rows),
            [(mail, vec![0, 1, 0]), (PartOf::Other, vec![0, 2, 0])]
        );
    }
}
