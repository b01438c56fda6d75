//! The rows of one template and one source: how many, when, where, and an example.

use crate::model::{Level, LogRow, Timestamp};
use crate::monitor::template::{Masked, mask};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Evidence ids of a group: the first four and the latest.
const MAX_EVIDENCE: usize = 5;
/// Most request paths and most source files named: a hint, not a list.
pub(super) const MAX_NAMED: usize = 5;
/// Longest sample message, in bytes: a stack trace down to the frames that matter.
const MAX_SAMPLE: usize = 2_000;
/// Most ways of saying it that are kept: the masks of its messages, each by itself.
const MAX_WAYS: usize = 16;

/// What is the same in the rows of a tally: template, source and code.
pub(super) type Key = (u32, String, Option<String>);

/// What rows have in common. There is at least one of them.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// The number of the template.
    pub(super) template: u32,
    pub(super) source: String,
    /// The first code of each row. Codes further on in a message are what it cites, not what it is.
    pub(super) code: Option<String>,
    /// The example, masked.
    pub(super) masked: String,
    /// The example: the message of a row of the most frequent way, cut.
    pub(super) sample: String,
    /// What stands behind each mask of the example, and whether that is the same in every row.
    pub(super) values: Vec<(String, bool)>,
    /// Rows that are said as the example is.
    pub(super) alike: u64,
    pub(super) count: u64,
    pub(super) worst: Level,
    /// The first four rows and the latest.
    pub(super) evidence: Vec<i64>,
    pub(super) first_seen: String,
    pub(super) last_seen: String,
    pub(super) paths: Vec<String>,
    /// How many rows each hour had; `None`: their time cannot be read.
    pub(super) hours: BTreeMap<Option<Timestamp>, u64>,
    /// How its messages read, each masked by itself, and how many rows each has.
    pub(super) ways: Vec<(String, u64)>,
}

impl Tally {
    /// The first row of a template.
    pub(super) fn new(
        row: &LogRow,
        said: &Masked<'_>,
        (template, code): (u32, Option<&str>),
    ) -> Self {
        let message = &row.row.message;
        let mut tally = Self {
            template,
            source: row.row.source.clone(),
            code: code.map(str::to_owned),
            masked: said.template.clone(),
            sample: message[..message.floor_char_boundary(MAX_SAMPLE)].to_owned(),
            values: said.values().map(|value| (value.to_owned(), true)).collect(),
            alike: 1,
            count: 0,
            worst: row.row.level,
            evidence: Vec::with_capacity(MAX_EVIDENCE),
            first_seen: row.row.timestamp.clone(),
            last_seen: String::new(),
            paths: Vec::new(),
            hours: BTreeMap::new(),
            ways: vec![(mask(message).template, 0)],
        };
        tally.count(row);
        tally.ways[0].1 = 1;
        tally
    }

    pub(super) fn key(&self) -> Key {
        (self.template, self.source.clone(), self.code.clone())
    }

    /// A further row.
    pub(super) fn add(&mut self, row: &LogRow, said: &Masked<'_>) {
        self.count(row);
        let values: Vec<_> = said.values().collect();
        self.compare(values.len(), |n| values[n]);
        if said.template != self.masked {
            let way = mask(&row.row.message).template;
            return self.count_way(way, 1);
        }
        self.alike += 1;
        self.ways[0].1 += 1;
    }

    /// Notes which values are others in another row. Where there are more of them or less, nobody knows which is which.
    fn compare<'a>(&mut self, count: usize, value: impl Fn(usize) -> &'a str) {
        let comparable = count == self.values.len();
        for (n, (known, same)) in self.values.iter_mut().enumerate() {
            *same &= comparable && known == value(n);
        }
    }

    fn count_way(&mut self, way: String, rows: u64) {
        if let Some((_, known)) = self.ways.iter_mut().find(|(known, _)| *known == way) {
            *known += rows;
        } else if self.ways.len() < MAX_WAYS {
            self.ways.push((way, rows));
        }
    }

    fn count(&mut self, row: &LogRow) {
        self.count += 1;
        self.worst = self.worst.max(row.row.level);
        if self.evidence.len() == MAX_EVIDENCE {
            self.evidence.pop();
        }
        self.evidence.push(row.id);
        self.last_seen.clone_from(&row.row.timestamp);
        let hour = Timestamp::from_iso(&row.row.timestamp).map(Timestamp::hour);
        *self.hours.entry(hour).or_default() += 1;
        if let Some(path) = row.row.request_path.as_deref() {
            // A query may hold private values, and it would make every path a different one.
            self.name(path.split('?').next().unwrap_or(path));
        }
    }

    fn name(&mut self, path: &str) {
        if self.paths.len() < MAX_NAMED && !self.paths.iter().any(|known| known == path) {
            self.paths.push(path.to_owned());
        }
    }

    /// Takes the rows of another one, which turned out to be the same. The example is of the more frequent.
    pub(super) fn join(&mut self, mut other: Self) {
        let ways = std::mem::take(&mut other.ways);
        if other.evidence[0] < self.evidence[0] {
            self.first_seen.clone_from(&other.first_seen);
        }
        if other.evidence.last() > self.evidence.last() {
            self.last_seen.clone_from(&other.last_seen);
        }
        self.count += other.count;
        self.worst = self.worst.max(other.worst);
        self.evidence.extend(&other.evidence);
        self.evidence.sort_unstable();
        self.evidence.dedup();
        if self.evidence.len() > MAX_EVIDENCE {
            let latest = self.evidence.split_off(MAX_EVIDENCE - 1);
            self.evidence.extend(latest.last());
        }
        for (hour, rows) in &other.hours {
            *self.hours.entry(*hour).or_default() += rows;
        }
        for path in &other.paths {
            self.name(path);
        }
        let (ours, theirs) = (self.values.clone(), other.values.clone());
        self.compare(theirs.len(), |n| &theirs[n].0);
        other.compare(ours.len(), |n| &ours[n].0);
        for ((_, one), (_, other)) in self.values.iter_mut().zip(&mut other.values) {
            (*one, *other) = (*one && *other, *one && *other);
        }
        if other.masked == self.masked {
            self.alike += other.alike;
        } else if other.alike > self.alike {
            (self.masked, self.sample) = (other.masked, other.sample);
            (self.values, self.alike) = (other.values, other.alike);
        }
        for (way, rows) in ways {
            self.count_way(way, rows);
        }
        self.ways.sort_by_key(|(_, rows)| Reverse(*rows));
    }

    /// The gravest first, then the most frequent, then the oldest.
    pub(super) fn order(&self) -> (Reverse<Level>, Reverse<u64>, i64) {
        (Reverse(self.worst), Reverse(self.count), self.evidence[0])
    }
}
