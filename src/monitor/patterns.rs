//! The rows of a log, grouped by what they say: which lines come again and again.
//!
//! Rows are of one pattern if they have the same template. The templates are those of scans: the same miner, which begins with
//! the templates that scans have met.
//!
//! *Invariant:* the same rows in the same order give the same patterns, and each row is of one pattern or counted as rare.

use super::miner::Miner;
use super::template::mine;
use crate::model::{KnownTemplate, Level, LogRow, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Spans of time in which the rows of a pattern are counted.
const BARS: u64 = 24;

/// Rows that say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPattern {
    /// What they say, with every value as `<*>`.
    pub text: String,
    /// The ids of the rows, in the order in which they were taken. There is at least one.
    pub ids: Vec<i64>,
    /// How many rows each level has, in the order of [`Level::ALL`].
    pub levels: [u64; 5],
    /// The sources of the rows, the one with the most first.
    pub sources: Vec<(String, u64)>,
    /// The earliest and the latest time of the rows, as far as their times can be read.
    pub seen: Option<(Timestamp, Timestamp)>,
    /// How many rows came when, in spans of equal length from the earliest time of all rows to the latest.
    pub bars: Vec<u64>,
    /// The templates of scans that it is.
    pub known: Vec<i64>,
}

impl LogPattern {
    /// How many rows it has.
    pub fn count(&self) -> u64 {
        self.ids.len() as u64
    }
}

/// What rows were grouped into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPatterns {
    /// The patterns, the most frequent first.
    pub all: Vec<LogPattern>,
    /// Rows whose pattern was too rare to be kept among so many others.
    pub rare: u64,
    /// The earliest and the latest time of the rows, as far as their times can be read.
    pub seen: Option<(Timestamp, Timestamp)>,
}

/// What is kept of a row until it is known which of them say the same.
#[derive(Debug)]
struct Taken {
    id: i64,
    /// The number that the miner answered.
    number: u32,
    level: Level,
    /// The place of its source.
    source: usize,
    at: Option<Timestamp>,
}

/// Takes rows and groups them.
#[derive(Debug, Default)]
pub struct Grouper {
    miner: Miner,
    /// Templates of scans by their numbers in the miner.
    known: Vec<(u32, i64)>,
    sources: Vec<String>,
    places: HashMap<String, usize>,
    taken: Vec<Taken>,
}

impl Grouper {
    /// A grouper that has seen no row, and the templates that scans have met.
    pub fn new(known: &[KnownTemplate]) -> Self {
        let mut miner = Miner::new();
        let number = |known: &KnownTemplate| (miner.know(&known.text, known.grown), known.id);
        let known = known.iter().map(number).collect();
        Self { miner, known, ..Self::default() }
    }

    /// Takes a row.
    pub fn push(&mut self, LogRow { id, row }: &LogRow) {
        let source = self.places.get(&row.source).copied().unwrap_or_else(|| {
            self.sources.push(row.source.clone());
            self.places.insert(row.source.clone(), self.sources.len() - 1);
            self.sources.len() - 1
        });
        self.taken.push(Taken {
            id: *id,
            number: self.miner.take(&mine(&row.message).template),
            level: row.level,
            source,
            at: Timestamp::from_iso(&row.timestamp),
        });
    }

    /// How many rows were taken.
    pub fn rows(&self) -> usize {
        self.taken.len()
    }

    /// The patterns of all rows.
    pub fn finish(mut self) -> LogPatterns {
        self.miner.settle();
        let seen = span(self.taken.iter());
        let mut groups: BTreeMap<u32, Vec<&Taken>> = BTreeMap::new();
        for taken in &self.taken {
            groups.entry(self.miner.id(taken.number)).or_default().push(taken);
        }
        let mut known: BTreeMap<u32, BTreeSet<i64>> = BTreeMap::new();
        for (number, template) in &self.known {
            known.entry(self.miner.id(*number)).or_default().insert(*template);
        }
        let (mut all, mut rare) = (Vec::with_capacity(groups.len()), 0);
        for (number, rows) in groups {
            let Some((text, _)) = self.miner.text(number) else {
                rare += rows.len() as u64;
                continue;
            };
            let known = known.remove(&number).unwrap_or_default();
            all.push(LogPattern {
                text: text.to_owned(),
                known: known.into_iter().collect(),
                ..self.pattern(&rows, seen)
            });
        }
        all.sort_by_key(|pattern| (Reverse(pattern.count()), Reverse(pattern.ids[0])));
        LogPatterns { all, rare, seen }
    }

    /// The rows as a pattern without its name.
    fn pattern(&self, rows: &[&Taken], all: Option<(Timestamp, Timestamp)>) -> LogPattern {
        let mut levels = [0; 5];
        let mut sources = BTreeMap::<usize, u64>::new();
        for row in rows {
            let level = Level::ALL.iter().position(|level| *level == row.level).unwrap_or(0);
            levels[level] += 1;
            *sources.entry(row.source).or_default() += 1;
        }
        let named = |(place, count): (usize, u64)| (self.sources[place].clone(), count);
        let mut sources: Vec<_> = sources.into_iter().map(named).collect();
        sources.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then_with(|| a.cmp(b)));
        LogPattern {
            text: String::new(),
            ids: rows.iter().map(|row| row.id).collect(),
            levels,
            sources,
            seen: span(rows.iter().copied()),
            bars: all.map_or_else(Vec::new, |all| bars(rows, all)),
            known: Vec::new(),
        }
    }
}

/// The earliest and the latest time of rows.
fn span<'a>(rows: impl Iterator<Item = &'a Taken>) -> Option<(Timestamp, Timestamp)> {
    rows.filter_map(|row| row.at).fold(None, |seen: Option<(Timestamp, Timestamp)>, at| {
        Some(seen.map_or((at, at), |(first, last)| (first.min(at), last.max(at))))
    })
}

/// How many rows came in each part of a span of time.
fn bars(rows: &[&Taken], (first, last): (Timestamp, Timestamp)) -> Vec<u64> {
    let mut bars = vec![0; BARS as usize];
    let length = last.millis().saturating_sub(first.millis()).max(0).unsigned_abs() + 1;
    let passed = |at: Timestamp| at.millis().saturating_sub(first.millis()).max(0).unsigned_abs();
    for at in rows.iter().filter_map(|row| row.at) {
        let bar = u128::from(passed(at)) * u128::from(BARS) / u128::from(length);
        if let Some(bar) = usize::try_from(bar).ok().and_then(|bar| bars.get_mut(bar)) {
            *bar += 1;
        }
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NewLogRow;

    fn row(id: i64, minute: i64, level: Level, source: &str, message: &str) -> LogRow {
        let at = Timestamp::from_millis(1_800_000_000_000 + minute * 60_000).to_string();
        LogRow { id, row: NewLogRow::new(at, level, source, message) }
    }

    #[test]
    fn rows_that_differ_in_values_only_are_one_pattern_with_its_counts() {
        let mut grouper = Grouper::new(&[]);
        for id in (1..=40).rev() {
            let (level, source) =
                if id % 4 == 0 { (Level::Error, "pay") } else { (Level::Warning, "web") };
            grouper.push(&row(
                id,
                id,
                level,
                source,
                &format!("charge of {id} ct for cus_{id}x failed"),
            ));
        }
        grouper.push(&row(41, 0, Level::Info, "web", "started"));
        assert_eq!(grouper.rows(), 41);
        let LogPatterns { all, rare, seen } = grouper.finish();
        assert_eq!((all.len(), rare), (2, 0));
        let charge = &all[0];
        assert_eq!(charge.text.matches("<*>").count(), 2, "{}", charge.text);
        assert_eq!((charge.count(), charge.ids[0], charge.ids[39]), (40, 40, 1));
        assert_eq!(charge.levels, [0, 0, 30, 10, 0]);
        assert_eq!(charge.sources, [("web".to_owned(), 30), ("pay".to_owned(), 10)]);
        let at = |minute: i64| Timestamp::from_millis(1_800_000_000_000 + minute * 60_000);
        assert_eq!(charge.seen, Some((at(1), at(40))));
        assert_eq!(seen, Some((at(0), at(40))));
        assert_eq!((charge.bars.len(), charge.bars.iter().sum::<u64>()), (24, 40));
        // The 41 minutes make 24 spans, of which the first begins with the minute of the other pattern.
        assert_eq!((charge.bars[0], charge.bars[1], all[1].bars[0]), (1, 2, 1));
        assert_eq!((all[1].text.as_str(), &all[1].ids), ("started", &vec![41]));
    }

    #[test]
    fn a_pattern_knows_the_templates_of_scans_that_it_is() {
        let known = |id, text: &str| KnownTemplate {
            id,
            source: "pay".into(),
            first_seen: Timestamp::default(),
            origin: text.into(),
            text: text.into(),
            grown: false,
        };
        let mut grouper = Grouper::new(&[known(7, "order <*> is lost"), known(8, "no disk")]);
        grouper.push(&row(1, 1, Level::Error, "pay", "order 7 is lost"));
        grouper.push(&row(2, 2, Level::Error, "pay", "something else"));
        let all = grouper.finish().all;
        let seen: Vec<_> = all.iter().map(|one| (one.text.as_str(), one.known.clone())).collect();
        assert_eq!(seen, [("something else", vec![]), ("order <*> is lost", vec![7])]);
    }

    #[test]
    fn rows_without_a_time_that_can_be_read_are_counted_all_the_same() {
        let mut grouper = Grouper::new(&[]);
        let odd = NewLogRow::new("yesterday", Level::Info, "web", "tick");
        grouper.push(&LogRow { id: 1, row: odd });
        let LogPatterns { all, seen, .. } = grouper.finish();
        assert_eq!((all[0].count(), all[0].seen, seen), (1, None, None));
        assert!(all[0].bars.is_empty());
        assert_eq!(Grouper::new(&[]).finish(), LogPatterns::default());
    }

    #[test]
    fn every_row_is_of_a_pattern_or_rare() {
        let mut grouper = Grouper::new(&[]);
        let word = |mut n: i64| {
            let mut word = String::new();
            while n > 0 {
                word.push(char::from(b'g' + (n % 18) as u8));
                n /= 18;
            }
            word
        };
        for n in 1..=10_000 {
            let message =
                format!("{} {} {}", word(n * 7919), word(n * 104_729), word(n * 1_299_709));
            grouper.push(&row(n, 0, Level::Info, "web", &message));
        }
        let LogPatterns { all, rare, .. } = grouper.finish();
        assert!(rare > 0);
        assert_eq!(all.iter().map(LogPattern::count).sum::<u64>() + rare, 10_000);
    }
}
