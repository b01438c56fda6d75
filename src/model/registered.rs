//! Registrations: what a worker says when it begins, its kinds as JSON, and which of several registrations of a kind holds.

use super::{
    Backoff, ConcurrencyKey, Kind, KindRules, OnInterrupt, Process, Queue, Rate, Retention,
    WorkerId,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// What a worker says when it registers.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Its name.
    pub worker: WorkerId,
    /// Which process it is.
    pub process: Process,
    /// Whether it is `lamplighter serve`.
    pub is_server: bool,
    /// The kinds that it has handlers for.
    pub kinds: Arc<[KindRules]>,
    /// The limits that its program sets.
    pub limits: Vec<(Queue, u32)>,
    /// How many jobs of a queue without a limit it runs at once.
    pub slots: u32,
    /// The name that this process had before it lost its lease. Nothing of that life runs any more.
    pub replaces: Option<WorkerId>,
}

/// What another worker has registered in another way than a new one: the new registration holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differing {
    /// Kinds with other rules.
    pub kinds: Vec<Kind>,
    /// Queues with another limit.
    pub queues: Vec<Queue>,
}

/// A kind that a worker has a handler for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredKind {
    /// Which worker.
    pub worker: WorkerId,
    /// The rules that its program was built with.
    pub rules: KindRules,
}

/// The rules that hold, one for each kind: of two registrations of one kind the newest counts. `kinds` is newest first.
pub fn rules_in_force(kinds: &[RegisteredKind]) -> Vec<KindRules> {
    let mut held: Vec<KindRules> = Vec::new();
    for kind in kinds {
        if !held.iter().any(|rules| rules.kind == kind.rules.kind) {
            held.push(kind.rules.clone());
        }
    }
    held
}

/// The kinds of which two workers have registered different rules, each once.
pub fn differing(kinds: &[RegisteredKind]) -> Vec<Kind> {
    let mut differing = Vec::new();
    for rules in rules_in_force(kinds) {
        let of_kind = |other: &&RegisteredKind| other.rules.kind == rules.kind;
        if kinds.iter().filter(of_kind).any(|other| other.rules != rules) {
            differing.push(rules.kind);
        }
    }
    differing
}

/// Rules as they are stored. What a row of another version leaves out is as the rules of a kind that says nothing.
#[derive(Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "they are those of KindRules")]
struct Stored {
    queue: String,
    priority: i32,
    max_attempts: u32,
    backoff_ms: [u64; 2],
    timeout_ms: Option<u64>,
    idle_timeout_ms: Option<u64>,
    on_interrupt: String,
    poison_after: u32,
    concurrency_key: Option<String>,
    key_limit: u32,
    rate: Option<Rate>,
    metered: bool,
    runs_while_limited: bool,
    winds_up: bool,
    swept: bool,
    /// Completed, failed, cancelled; `null`: for ever.
    kept_ms: [Option<u64>; 3],
    example: Option<String>,
}

impl Default for Stored {
    fn default() -> Self {
        Self::of(&KindRules::new(Kind::SELF_MONITORING))
    }
}

impl Stored {
    fn of(rules: &KindRules) -> Self {
        let Backoff { base, cap } = rules.backoff;
        let Retention { completed, failed, cancelled } = rules.retention;
        Self {
            queue: rules.queue.to_string(),
            priority: rules.priority,
            max_attempts: rules.max_attempts,
            backoff_ms: [millis(base), millis(cap)],
            timeout_ms: rules.timeout.map(millis),
            idle_timeout_ms: rules.idle_timeout.map(millis),
            on_interrupt: rules.on_interrupt.to_string(),
            poison_after: rules.poison_after,
            concurrency_key: rules.concurrency_key.as_ref().map(ToString::to_string),
            key_limit: rules.key_limit,
            rate: rules.rate,
            metered: rules.metered,
            runs_while_limited: rules.runs_while_limited,
            winds_up: rules.winds_up,
            swept: rules.swept,
            kept_ms: [completed.map(millis), failed.map(millis), cancelled.map(millis)],
            example: rules.example.clone(),
        }
    }

    fn rules(self, kind: Kind) -> Option<KindRules> {
        let [base, cap] = self.backoff_ms.map(Duration::from_millis);
        let [completed, failed, cancelled] =
            self.kept_ms.map(|kept| kept.map(Duration::from_millis));
        let rules = KindRules {
            kind,
            queue: Queue::parse(self.queue).ok()?,
            priority: self.priority,
            max_attempts: self.max_attempts,
            backoff: Backoff { base, cap },
            timeout: self.timeout_ms.map(Duration::from_millis),
            idle_timeout: self.idle_timeout_ms.map(Duration::from_millis),
            on_interrupt: self.on_interrupt.parse::<OnInterrupt>().ok()?,
            poison_after: self.poison_after,
            concurrency_key: self.concurrency_key.map(ConcurrencyKey::parse).transpose().ok()?,
            key_limit: self.key_limit,
            rate: self.rate,
            metered: self.metered,
            runs_while_limited: self.runs_while_limited,
            winds_up: self.winds_up,
            swept: self.swept,
            retention: Retention { completed, failed, cancelled },
            example: self.example,
        };
        rules.check().is_ok().then_some(rules)
    }
}

impl KindRules {
    /// The rules as JSON, without the kind.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(&Stored::of(self)).expect("numbers and texts are JSON")
    }

    /// The rules of a row; `None` if another program has spoilt it.
    pub(crate) fn from_json(kind: Kind, text: &str) -> Option<Self> {
        serde_json::from_str::<Stored>(text).ok()?.rules(kind)
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> Kind {
        Kind::parse(name).unwrap()
    }

    #[test]
    fn rules_come_back_as_they_were_stored() {
        let rules = KindRules {
            queue: Queue::AGENT,
            priority: -3,
            max_attempts: 7,
            backoff: Backoff { base: Duration::from_millis(20), cap: Duration::from_secs(9) },
            timeout: Some(Duration::from_mins(1)),
            idle_timeout: Some(Duration::from_millis(1500)),
            on_interrupt: OnInterrupt::Fail,
            poison_after: 2,
            concurrency_key: Some(ConcurrencyKey::parse("printer").unwrap()),
            key_limit: 3,
            rate: Some(Rate::per(Duration::from_millis(90_500), 7).by_key()),
            metered: true,
            winds_up: true,
            swept: true,
            retention: Retention { failed: None, ..Retention::all(Duration::from_hours(5)) },
            example: Some(r#"{"page":1}"#.to_owned()),
            ..KindRules::new(kind("print"))
        };
        for rules in [rules, KindRules::new(kind("print"))] {
            assert_eq!(KindRules::from_json(kind("print"), &rules.to_json()), Some(rules));
        }
    }

    #[test]
    fn a_row_of_another_version_is_read_as_far_as_it_goes_and_a_spoilt_one_not_at_all() {
        let read = |text| KindRules::from_json(kind("print"), text);
        let wanted = KindRules { key_limit: 2, ..KindRules::new(kind("print")) };
        assert_eq!(read(r#"{"key_limit":2,"colour":"blue"}"#), Some(wanted));
        for spoilt in ["7", r#"{"queue":"No Queue"}"#, r#"{"key_limit":0}"#] {
            assert_eq!(read(spoilt), None, "{spoilt}");
        }
    }

    #[test]
    fn of_two_registrations_the_newest_holds_and_a_difference_is_found() {
        let of = |worker: &str, name, key_limit| RegisteredKind {
            worker: WorkerId::parse(worker).unwrap(),
            rules: KindRules { key_limit, ..KindRules::new(kind(name)) },
        };
        let kinds = [
            of("new", "mail", 2),
            of("new", "print", 1),
            of("old", "mail", 1),
            of("old", "print", 1),
        ];
        let held = rules_in_force(&kinds);
        let limits: Vec<_> =
            held.iter().map(|rules| (rules.kind.as_str(), rules.key_limit)).collect();
        assert_eq!(limits, [("mail", 2), ("print", 1)]);
        assert_eq!(differing(&kinds), [kind("mail")]);
    }
}
