//! The ways from a list of jobs to a narrower one: the tabs of its statuses, and the rail of kinds, queues, times and triggers.

use super::base::Link;
use super::components::{Way, status_word};
use super::nav::Tab;
use crate::model::{Filter, JobCount, Mark, Queue, Status, Trigger, filter_words};
use std::collections::{BTreeMap, BTreeSet};

/// The most kinds and queues that the rail names, those with the most jobs.
const MOST: usize = 12;
/// The most kinds and queues that are suggested while one types.
const MOST_SUGGESTED: usize = 40;
/// The times that the rail offers.
const TIMES: [&str; 3] = ["1h", "24h", "7d"];

/// The ways from one list.
pub(super) struct JobWays<'a> {
    query: String,
    filter: &'a Filter,
    counts: &'a [JobCount],
}

impl<'a> JobWays<'a> {
    /// The ways from the list of this query.
    pub(super) fn new(typed: &str, filter: &'a Filter, counts: &'a [JobCount]) -> Self {
        Self { query: typed.trim().to_owned(), filter, counts }
    }

    /// The list with the terms of this name replaced by another value, or taken away.
    fn way(&self, name: &str, value: Option<&str>, called: &str, count: Option<u64>) -> Way {
        let mut terms: Vec<_> = Filter::typed_terms(&self.query)
            .into_iter()
            .filter(|term| !is_of(term, name))
            .collect();
        let own = value.map(|value| format!("{name}:{value}"));
        let is_open = match &own {
            Some(own) => Filter::typed_terms(&self.query).iter().any(|term| term == own),
            None => !Filter::typed_terms(&self.query).iter().any(|term| is_of(term, name)),
        };
        terms.extend(own);
        let query = terms.join(" ");
        let link = Tab::Jobs.link().with(&[("q", Some(query).filter(|query| !query.is_empty()))]);
        Way { name: called.to_owned(), count, link, is_open }
    }

    /// How many jobs of the list there are, by what `of` says of them. It is known without a look at the jobs only where the query
    /// asks for statuses, kinds and queues alone.
    fn counted<K: Ord>(
        &self,
        of: impl Fn(&JobCount) -> Option<K>,
        without: &str,
    ) -> Option<BTreeMap<K, u64>> {
        let terms = Filter::typed_terms(&self.query);
        let known = ["status", "kind", "queue"];
        if !terms.iter().all(|term| known.iter().any(|name| is_of(term, name))) {
            return None;
        }
        let fits = |count: &JobCount| {
            terms.iter().filter(|term| !is_of(term, without)).all(|term| {
                let value = term.split_once(':').map_or("", |(_, value)| value);
                let is = |word: &str| value.split(',').any(|one| one == word);
                match term.split(':').next() {
                    Some("status") => is(count.status.as_str()),
                    Some("kind") => is(count.kind.as_str()),
                    _ => count.queue.as_ref().is_some_and(|queue| is(queue.as_str())),
                }
            })
        };
        let mut sums = BTreeMap::new();
        for count in self.counts.iter().filter(|count| fits(count)) {
            if let Some(key) = of(count) {
                *sums.entry(key).or_insert(0) += u64::try_from(count.count).unwrap_or(0);
            }
        }
        Some(sums)
    }

    /// Whether the jobs of the list are counted without a look at them.
    pub(super) fn are_counted(&self) -> bool {
        self.counted(|count| Some(count.status.as_str()), "status").is_some()
    }

    /// The tabs: all jobs, and those of each status.
    pub(super) fn statuses(&self) -> Vec<Way> {
        let counts = self.counted(|count| Some(count.status.as_str()), "status");
        let all = counts.as_ref().map(|counts| counts.values().sum());
        let mut ways = vec![self.way("status", None, "All", all)];
        for status in Status::ALL {
            let count =
                counts.as_ref().map(|counts| counts.get(status.as_str()).copied().unwrap_or(0));
            let way = self.way("status", Some(status.as_str()), status_word(*status), count);
            ways.push(Way { is_open: self.filter.asked_status() == Some(*status), ..way });
        }
        ways
    }

    /// The status that the list is of, if it is of one alone.
    pub(super) fn asked_status(&self) -> Option<Status> {
        self.filter.asked_status()
    }

    /// How many jobs there would be without one of the terms, with the way there: for a list of none.
    pub(super) fn without(&self) -> Vec<(&'static str, u64, Link)> {
        let known = ["kind", "queue", "status"];
        let asked = known
            .into_iter()
            .filter(|name| Filter::typed_terms(&self.query).iter().any(|t| is_of(t, name)));
        let without = asked.filter_map(|name| {
            let counts = self.counted(|count| Some(count.status.as_str()), name)?;
            let count = counts.values().sum::<u64>();
            (count > 0).then(|| (name, count, self.way(name, None, "", None).link))
        });
        without.collect()
    }

    /// What one may type next: the words of the language, statuses, and the kinds and queues that there are.
    pub(super) fn suggestions(&self) -> Vec<String> {
        let mut all: Vec<_> = Status::ALL.iter().map(|status| format!("status:{status}")).collect();
        let named = |name: &'static str, of: fn(&JobCount) -> Option<&str>| {
            let values: BTreeSet<_> = self.counts.iter().filter_map(of).collect();
            values.into_iter().take(MOST_SUGGESTED).map(move |value| format!("{name}:{value}"))
        };
        all.extend(named("kind", |count| Some(count.kind.as_str())));
        all.extend(named("queue", |count| count.queue.as_ref().map(Queue::as_str)));
        all.extend(TIMES.map(|time| format!("since:{time}")));
        all.extend(Trigger::ALL.iter().map(|trigger| format!("trigger:{trigger}")));
        let marks = Mark::ALL.iter().map(|mark| format!("is:{mark}"));
        all.extend(marks);
        let rest = filter_words().filter(|(_, operators, _)| operators.starts_with(':'));
        let rest = rest
            .map(|(word, ..)| format!("{word}:"))
            .filter(|word| !all.iter().any(|known| known.starts_with(word.as_str())));
        let rest: Vec<_> = rest.collect();
        all.extend(rest);
        all.extend(["error~".to_owned(), "took>90s".to_owned(), "waited>5m".to_owned()]);
        all
    }

    /// The rail.
    pub(super) fn facets(&self) -> [(&'static str, Vec<Way>); 4] {
        let kinds = self.named("kind", |count| Some(count.kind.as_str()));
        let queues = self.named("queue", |count| count.queue.as_ref().map(Queue::as_str));
        let time = |length: &str| self.way("since", Some(length), &spaced(length), None);
        let mut times: Vec<_> = TIMES.map(time).into();
        times.push(self.way("since", None, "Any time", None));
        let triggers = Trigger::ALL
            .iter()
            .map(|trigger| self.way("trigger", Some(trigger.as_str()), trigger.as_str(), None));
        [("Kind", kinds), ("Queue", queues), ("Since", times), ("Trigger", triggers.collect())]
    }

    /// The names that jobs have, those of the most jobs first.
    fn named(&self, name: &str, of: impl Fn(&JobCount) -> Option<&str>) -> Vec<Way> {
        let counted = self.counted(|count| of(count).map(str::to_owned), name);
        let is_known = counted.is_some();
        let all = || {
            let names = self.counts.iter().filter_map(|count| Some((of(count)?.to_owned(), 0)));
            names.collect::<BTreeMap<_, _>>()
        };
        let mut sums: Vec<_> = counted.unwrap_or_else(all).into_iter().collect();
        sums.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let ways = sums.iter().take(MOST).map(|(value, count)| {
            let way = self.way(name, Some(value), value, is_known.then_some(*count));
            // What is open is taken away by another click.
            if way.is_open { Way { link: self.way(name, None, "", None).link, ..way } } else { way }
        });
        ways.collect()
    }
}

fn is_of(term: &str, name: &str) -> bool {
    term.split_once(':').is_some_and(|(of, _)| of == name)
}

/// A length of time with its unit apart.
fn spaced(length: &str) -> String {
    let (number, unit) = length.split_at(length.len() - 1);
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    fn counts() -> Vec<JobCount> {
        let of = |status, kind: &str, queue: &str, count| JobCount {
            status,
            kind: Kind::parse(kind).unwrap(),
            queue: Some(Queue::parse(queue).unwrap()),
            count,
        };
        vec![
            of(Status::Failed, "send_email", "mail", 140),
            of(Status::Failed, "charge_card", "billing", 88),
            of(Status::Completed, "send_email", "mail", 9000),
        ]
    }

    fn told(ways: &[Way]) -> Vec<String> {
        let tell = |way: &Way| {
            let count = way.count.map_or_else(|| "?".to_owned(), |count| count.to_string());
            format!("{} {count}{}", way.name, if way.is_open { " open" } else { "" })
        };
        ways.iter().map(tell).collect()
    }

    #[test]
    fn tabs_count_what_the_rest_of_the_query_leaves() {
        let (counts, typed) = (counts(), "status:failed kind:send_email");
        let filter = Filter::parse(typed).unwrap();
        let ways = JobWays::new(typed, &filter, &counts);
        let tabs = told(&ways.statuses());
        assert_eq!(tabs[0], "All 9140");
        assert!(tabs.contains(&"Failed 140 open".to_owned()), "{tabs:?}");
        let [(_, kinds), ..] = ways.facets();
        assert_eq!(told(&kinds), ["send_email 140 open", "charge_card 88"]);
        assert_eq!(kinds[1].link.as_str(), "/jobs?q=status%3Afailed+kind%3Acharge_card");
        assert_eq!(
            kinds[0].link.as_str(),
            "/jobs?q=status%3Afailed",
            "a second click takes it away"
        );
    }

    #[test]
    fn a_query_that_needs_a_look_at_the_jobs_has_no_counts() {
        let (counts, typed) = (counts(), "\"too many\" status:failed");
        let filter = Filter::parse(typed).unwrap();
        let ways = JobWays::new(typed, &filter, &counts);
        let tabs = told(&ways.statuses());
        assert!(tabs.contains(&"Failed ? open".to_owned()), "{tabs:?}");
        let link = &ways.statuses()[0].link;
        assert_eq!(link.as_str(), "/jobs?q=%22too+many%22", "quotes stay whole");
    }
}
