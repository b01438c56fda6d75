//! What is used of a kind's rate: by starts that still count, and by places in the claim order.

use super::{ConcurrencyKey, KindRules};
use std::collections::HashMap;
use std::time::Duration;

/// What a job with a place takes of its kind's rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RateShare {
    /// The jobs among which it is counted.
    pub(crate) group: String,
    /// How long its start counts.
    pub(crate) length: Duration,
}

/// The share of its kind's rate that a job which holds this key takes by a start; `None`: its kind has no rate.
pub(crate) fn share(rules: &KindRules, key: Option<&ConcurrencyKey>) -> Option<RateShare> {
    let rate = rules.rate?;
    Some(RateShare { group: rate.group(key), length: rate.length })
}

/// How much of each rate is used, while a set of jobs is admitted: starts that still count, and places.
#[derive(Debug, Default)]
pub(crate) struct Used(HashMap<(String, String), u32>);

impl Used {
    /// By kind and group, what is used.
    pub(crate) fn of(rows: impl IntoIterator<Item = (String, String, u32)>) -> Self {
        Self(rows.into_iter().map(|(kind, group, used)| ((kind, group), used)).collect())
    }

    /// How much is left for the jobs of this group.
    pub(crate) fn left(&self, rules: &KindRules, group: &str) -> u32 {
        let used = self.0.get(&(rules.kind.to_string(), group.to_owned()));
        rules.rate.map_or(u32::MAX, |rate| rate.count.saturating_sub(used.copied().unwrap_or(0)))
    }

    /// Takes one.
    pub(crate) fn take(&mut self, rules: &KindRules, group: &str) {
        *self.0.entry((rules.kind.to_string(), group.to_owned())).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, Rate};

    #[test]
    fn a_job_counts_with_its_kind_or_with_those_of_its_key() {
        let rules = |rate| KindRules { rate, ..KindRules::new(Kind::named("mail")) };
        let group = |key: &str, rate| {
            let key = ConcurrencyKey::parse(key).ok();
            share(&rules(rate), key.as_ref()).map(|share| share.group)
        };
        let hour = Rate::per(Duration::from_hours(1), 2);
        assert_eq!(group("a", None), None);
        assert_eq!(group("a", Some(hour)), group("", Some(hour)));
        let groups = ["a", "b", ""].map(|key| group(key, Some(hour.by_key())));
        assert!(groups[0] != groups[1] && groups[1] != groups[2] && groups[0] != groups[2]);
        assert!(!groups.contains(&group("a", Some(hour))));
        let mut used = Used::of([("mail".to_owned(), String::new(), 1)]);
        assert_eq!(used.left(&rules(Some(hour)), ""), 1);
        used.take(&rules(Some(hour)), "");
        assert_eq!(
            (used.left(&rules(Some(hour)), ""), used.left(&rules(Some(hour)), "key a")),
            (0, 2)
        );
    }
}
