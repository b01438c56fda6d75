//! How long things took, counted in buckets, so that the counts of any two lengths of time can be added.

use std::collections::BTreeMap;
use std::time::Duration;

/// Buckets for each doubling of the length: the ends of one are a factor of 1.19 apart, and its middle is at most 9.1 % from
/// every length in it.
const PER_DOUBLING: f64 = 4.0;
/// The last bucket: from two years on.
const LAST: u16 = 1 + 4 * 36;

/// How many things took how long. What it says of them is at most 9.1 % off; what took less than a millisecond took none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(Vec<(u16, u64)>);

impl Histogram {
    /// Counts one thing.
    pub fn add(&mut self, length: Duration) {
        self.add_to(bucket(length), 1);
    }

    fn add_to(&mut self, bucket: u16, by: u64) {
        match self.0.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(by),
            Err(at) => self.0.insert(at, (bucket, by)),
        }
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, by) in &other.0 {
            self.add_to(*bucket, *by);
        }
    }

    /// How many things were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The length that so many of a hundred took at most; `None` if nothing was counted.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let rank = (u128::from(self.count()) * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = self.0.iter().find(|(_, count)| {
            seen += u128::from(*count);
            seen >= rank
        });
        bucket.map(|(bucket, _)| middle(*bucket))
    }

    /// As it is stored: a JSON object of counts by bucket.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let counts = self.0.iter().map(|(bucket, count)| (bucket.to_string(), (*count).into()));
        serde_json::Value::Object(counts.collect())
    }

    /// Reads what [`Histogram::to_json`] wrote; what another program has spoiled counts for nothing.
    pub(crate) fn from_json(text: &str) -> Self {
        let counts: BTreeMap<u16, u64> = serde_json::from_str(text).unwrap_or_default();
        Self(counts.into_iter().filter(|(bucket, _)| *bucket <= LAST).collect())
    }
}

fn bucket(length: Duration) -> u16 {
    // Whole milliseconds, as instants are.
    let millis = (length.as_secs_f64() * 1_000.0).floor();
    if millis < 1.0 {
        return 0;
    }
    1 + (millis.log2() * PER_DOUBLING).min(f64::from(LAST - 1)) as u16
}

/// The geometric middle of a bucket.
fn middle(bucket: u16) -> Duration {
    if bucket == 0 {
        return Duration::ZERO;
    }
    let millis = ((f64::from(bucket) - 0.5) / PER_DOUBLING).exp2();
    Duration::from_secs_f64(millis / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lengths: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        for millis in lengths {
            histogram.add(Duration::from_millis(millis));
        }
        histogram
    }

    #[test]
    fn what_it_says_of_one_length_is_at_most_a_tenth_off() {
        for millis in (0..2_000).chain((1..30).map(|n| 3_u64.pow(n))).take_while(|n| *n < 1 << 36) {
            let length = Duration::from_millis(millis);
            let said = of([millis]).percentile(95).unwrap();
            assert!(
                said.abs_diff(length) <= length.mul_f64(0.091),
                "{length:?} is said to be {said:?}"
            );
        }
        assert!(of([u64::MAX]).percentile(50).unwrap() > Duration::from_hours(24 * 700));
    }

    #[test]
    fn a_percentile_is_that_of_the_lengths_whoever_counted_them() {
        let mut all = of(1..=500);
        all.merge(&of(501..=1_000));
        assert_eq!(all, of(1..=1_000));
        assert_eq!(all.count(), 1_000);
        for (percent, exact) in [(50, 500), (95, 950), (100, 1_000)] {
            let (said, exact) = (all.percentile(percent).unwrap(), Duration::from_millis(exact));
            assert!(said.abs_diff(exact) <= exact.mul_f64(0.091), "p{percent}: {said:?}");
        }
        assert_eq!(of([]).percentile(50), None);
    }

    #[test]
    fn it_comes_back_as_it_was_stored() {
        let all = of([0, 0, 1, 70, 71, 4_000]);
        assert_eq!(Histogram::from_json(&all.to_json().to_string()), all);
        for spoiled in ["", "[]", "{\"a\":1}", "{\"1\":-1}", "{\"60000\":1}"] {
            assert_eq!(Histogram::from_json(spoiled).count(), 0, "{spoiled}");
        }
    }
}
