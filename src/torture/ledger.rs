//! The ledger: what working processes say after each answer of the queue, one line each, and the parent that gathers it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One line of a working process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The process works.
    Ready,
    /// A job was acknowledged as stored.
    Enqueued(i64),
    /// A run of a job begins, under this claim.
    Begun { job: i64, epoch: i64 },
    /// The queue told that the job completed under this claim.
    Completed { job: i64, epoch: i64 },
    /// The cancelling of a job that waited was acknowledged; it had been claimed so often.
    Cancelled { job: i64, epoch: i64 },
    /// A run of a job found its key in the hands of this other process.
    Overlap { job: i64, holder: u32 },
    /// A write was surely refused; a job of the full disk has this number.
    Refused(u64),
    /// Nobody knows whether a write was made.
    Unknown,
    /// The process ends because of this.
    Failed(String),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => write!(f, "ready"),
            Self::Enqueued(job) => write!(f, "enqueued {job}"),
            Self::Begun { job, epoch } => write!(f, "begun {job} {epoch}"),
            Self::Completed { job, epoch } => write!(f, "completed {job} {epoch}"),
            Self::Cancelled { job, epoch } => write!(f, "cancelled {job} {epoch}"),
            Self::Overlap { job, holder } => write!(f, "overlap {job} {holder}"),
            Self::Refused(number) => write!(f, "refused {number}"),
            Self::Unknown => write!(f, "unknown"),
            Self::Failed(why) => write!(f, "failed {}", why.replace('\n', " ")),
        }
    }
}

impl Entry {
    /// The line of a process; `None` for one that was cut off.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let pair = || rest.split_once(' ');
        Some(match word {
            "ready" => Self::Ready,
            "enqueued" => Self::Enqueued(rest.parse().ok()?),
            "begun" => Self::Begun { job: pair()?.0.parse().ok()?, epoch: pair()?.1.parse().ok()? },
            "completed" => {
                Self::Completed { job: pair()?.0.parse().ok()?, epoch: pair()?.1.parse().ok()? }
            }
            "cancelled" => {
                Self::Cancelled { job: pair()?.0.parse().ok()?, epoch: pair()?.1.parse().ok()? }
            }
            "overlap" => {
                Self::Overlap { job: pair()?.0.parse().ok()?, holder: pair()?.1.parse().ok()? }
            }
            "refused" => Self::Refused(rest.parse().ok()?),
            "unknown" => Self::Unknown,
            "failed" => Self::Failed(rest.to_owned()),
            _ => return None,
        })
    }
}

/// What all processes have said.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) enqueued: BTreeSet<i64>,
    /// The claims under which each job's runs began.
    pub(super) begun: BTreeMap<i64, Vec<i64>>,
    /// The claim under which each job completed.
    pub(super) completed: BTreeMap<i64, i64>,
    /// How often each job had been claimed when it was cancelled.
    pub(super) cancelled: BTreeMap<i64, i64>,
    /// Jobs that ran while another living process ran one of the same key.
    pub(super) overlaps: Vec<i64>,
    pub(super) refused: BTreeSet<u64>,
    pub(super) unknown: u64,
    /// Why processes ended that nobody had killed.
    pub(super) failed: Vec<String>,
    /// Processes that have said that they work.
    pub(super) ready: BTreeSet<u32>,
    /// Processes that nobody has killed yet.
    pub(super) living: BTreeSet<u32>,
    /// How many entries there were.
    pub(super) entries: u64,
}

impl Ledger {
    /// Takes in what the process of this number has said.
    pub(super) fn take(&mut self, process: u32, entry: Entry) {
        self.entries += 1;
        match entry {
            Entry::Ready => drop(self.ready.insert(process)),
            Entry::Enqueued(job) => drop(self.enqueued.insert(job)),
            Entry::Begun { job, epoch } => self.begun.entry(job).or_default().push(epoch),
            Entry::Completed { job, epoch } => drop(self.completed.insert(job, epoch)),
            Entry::Cancelled { job, epoch } => drop(self.cancelled.insert(job, epoch)),
            // Of a process that was killed nobody knows whether it held the key while it still ran.
            Entry::Overlap { job, holder } if self.living.contains(&holder) => {
                self.overlaps.push(job);
            }
            Entry::Overlap { .. } => {}
            Entry::Refused(number) => drop(self.refused.insert(number)),
            Entry::Unknown => self.unknown += 1,
            Entry::Failed(why) => self.failed.push(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_read_as_it_was_written_and_a_line_that_was_cut_off_is_none() {
        let entries = [
            Entry::Ready,
            Entry::Enqueued(7),
            Entry::Begun { job: 7, epoch: 2 },
            Entry::Completed { job: 7, epoch: 2 },
            Entry::Cancelled { job: 8, epoch: 0 },
            Entry::Overlap { job: 9, holder: 4711 },
            Entry::Refused(3),
            Entry::Unknown,
            Entry::Failed("the disk is gone".into()),
        ];
        for entry in entries {
            assert_eq!(Entry::parse(&entry.to_string()), Some(entry));
        }
        for line in ["", "enq", "enqueued", "begun 7", "begun 7 x", "strange 1"] {
            assert_eq!(Entry::parse(line), None, "{line}");
        }
    }

    #[test]
    fn two_runs_of_a_key_count_only_while_the_other_process_lives() {
        let mut ledger = Ledger { living: [4711].into(), ..Ledger::default() };
        ledger.take(1, Entry::Overlap { job: 9, holder: 4711 });
        ledger.take(1, Entry::Overlap { job: 10, holder: 4712 });
        assert_eq!(ledger.overlaps, [9]);
    }
}
