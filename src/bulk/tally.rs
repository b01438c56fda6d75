//! What a bulk action has done so far: its progress, which it goes on from after a kill, and its result.

use crate::model::{BulkSlice, Skip};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What was done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Jobs that were changed.
    pub(super) changed: u64,
    /// Jobs that were left alone, by reason.
    pub(super) skipped: BTreeMap<Skip, u64>,
    /// The highest id that was looked at.
    pub(super) through: i64,
}

/// The result of the job.
#[derive(Serialize)]
struct Done {
    changed: u64,
    skipped: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts a slice in; `last` is the last id of the whole act.
    pub(super) fn add(&mut self, slice: &BulkSlice, last: i64) {
        self.changed += slice.done;
        for (skip, count) in &slice.skipped {
            match skip {
                // This very act has run it again, before a kill that lost the count.
                Skip::Repeated => self.changed += count,
                Skip::Final
                | Skip::AskedAlready
                | Skip::NotFinal
                | Skip::Completed
                | Skip::NotWaiting
                | Skip::DueAlready
                | Skip::Unchanged
                | Skip::ProcessesLeft
                | Skip::Referenced
                | Skip::NoRoom
                | Skip::Unreadable => *self.skipped.entry(*skip).or_default() += count,
            }
        }
        self.through = slice.next.unwrap_or(last);
    }

    /// Reads what `Display` writes.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (counts, through) =
            text.strip_prefix("Changed ")?.split_once("; looked through job ")?;
        let (changed, skips) = counts.split_once(" jobs")?;
        let mut skipped = BTreeMap::new();
        for skip in skips.split(", left alone ").skip(1) {
            let (count, reason) = skip.split_once(' ')?;
            skipped.insert(Skip::from_str(reason).ok()?, count.parse().ok()?);
        }
        let through = through.strip_suffix('.')?.parse().ok()?;
        Some(Self { changed: changed.parse().ok()?, skipped, through })
    }

    /// What the job answers.
    pub(super) fn result(&self) -> Value {
        let skipped = self.skipped.iter().map(|(skip, count)| (skip.as_str(), *count)).collect();
        let done = Done { changed: self.changed, skipped };
        serde_json::to_value(done).unwrap_or(Value::Null)
    }
}

/// `Changed 200 jobs, left alone 3 final; looked through job 512.`
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Changed {} jobs", self.changed)?;
        for (skip, count) in &self.skipped {
            write!(f, ", left alone {count} {skip}")?;
        }
        write!(f, "; looked through job {}.", self.through)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_progress_is_read_back_as_it_was_written_whatever_was_left_alone() {
        let mut tally = Tally::default();
        assert_eq!(Tally::read(&tally.to_string()), Some(tally.clone()));
        for (place, skip) in Skip::ALL.iter().enumerate() {
            let slice = BulkSlice {
                done: 200,
                skipped: BTreeMap::from([(*skip, 3)]),
                next: Some(place as i64 + 7),
            };
            tally.add(&slice, 9000);
            assert_eq!(Tally::read(&tally.to_string()), Some(tally.clone()), "{tally}");
        }
        let jobs = 200 * Skip::ALL.len() as u64;
        assert_eq!(tally.changed, jobs + 3, "what it did before a kill is done");
        tally.add(&BulkSlice::default(), 9000);
        assert_eq!(tally.through, 9000);
        assert!(tally.to_string().len() < 1000, "it fits a progress text: {tally}");
        assert_eq!(Tally::read("Waits until tomorrow."), None);
    }
}
