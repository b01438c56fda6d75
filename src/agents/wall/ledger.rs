//! What passed the wall in a run, and what did not: bytes of each host, refusals, tokens of each model.

use crate::agents::claude::{Meter, Served, Tokens, Usage};
use crate::model::Refusal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Different hosts that are kept: a run whose network is open chooses them.
const MAX_HOSTS: usize = 50;
/// Different refusals that are kept; what comes after them is counted together.
const MAX_REFUSALS: usize = 50;
/// Longest text of one, in bytes: a run chooses the names of hosts.
const MAX_TEXT: usize = 200;
/// Different models that are kept: the service names them, and a gateway may name many.
const MAX_MODELS: usize = 50;

/// What a model read and wrote in a run, counted from the service's own answers. It is the least that the run has cost: an
/// answer that was cut off counts as far as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModelUsage {
    /// As the service names it.
    pub(super) model: String,
    /// Answers that told their tokens.
    pub(super) answers: u64,
    /// The tokens.
    pub(super) tokens: Tokens,
}

/// Bytes to and from a host.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
    connections: AtomicU64,
}

/// The books of one run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    hosts: Mutex<BTreeMap<String, Arc<Traffic>>>,
    refusals: Mutex<BTreeMap<String, u64>>,
    usage: Mutex<BTreeMap<String, (u64, Tokens)>>,
    meter: Mutex<Meter>,
    answers: AtomicU64,
}

impl Ledger {
    /// Another connection to a host begins.
    pub(super) fn connect(&self, host: &str) -> Arc<Traffic> {
        let mut hosts = locked(&self.hosts);
        let host = &host[..host.floor_char_boundary(MAX_TEXT)];
        let is_full = !hosts.contains_key(host) && hosts.len() >= MAX_HOSTS;
        let key = if is_full { "other hosts" } else { host };
        let traffic = Arc::clone(hosts.entry(key.to_owned()).or_default());
        traffic.connections.fetch_add(1, Ordering::Relaxed);
        traffic
    }

    /// Something was refused. Answers whether it is the first of its kind, which is worth a line in the log.
    pub(super) fn refuse(&self, what: &str) -> bool {
        let mut refusals = locked(&self.refusals);
        let what: String = what.chars().filter(|c| !c.is_control()).collect();
        let what = &what[..what.floor_char_boundary(MAX_TEXT)];
        let is_known = refusals.contains_key(what);
        let is_full = !is_known && refusals.len() >= MAX_REFUSALS;
        let key = if is_full { "other requests" } else { what };
        *refusals.entry(key.to_owned()).or_default() += 1;
        !is_known && !is_full
    }

    /// The name of another answer.
    pub(super) fn next_answer(&self) -> String {
        self.answers.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// What the answers have cost at least, in dollars; 0 if the price of one of the models is not known.
    pub(super) fn usd(&self) -> f64 {
        let meter = locked(&self.meter);
        if meter.knows_prices() { meter.usd() } else { 0.0 }
    }

    /// The same, where a model whose price is not known costs as much as the dearest; `None` if no answer has told its tokens.
    pub(super) fn most_usd(&self) -> Option<f64> {
        let has_told = !locked(&self.usage).is_empty();
        has_told.then(|| locked(&self.meter).usd())
    }

    /// An answer tells its tokens so far, so many `more` than before; `begins`: this is its first word about them.
    pub(super) fn count(&self, told: &Usage, begins: bool, more: Tokens) {
        locked(&self.meter).see(told);
        let mut usage = locked(&self.usage);
        let model = &told.model[..told.model.floor_char_boundary(MAX_TEXT)];
        let is_full = !usage.contains_key(model) && usage.len() >= MAX_MODELS;
        let key = if is_full { "other models" } else { model };
        let (answers, tokens) = usage.entry(key.to_owned()).or_default();
        *answers += u64::from(begins);
        *tokens = tokens.plus(more);
    }

    /// All answers that told their tokens.
    pub(super) fn served(&self) -> Served {
        let sum = |all: Served, (answers, tokens): &(u64, Tokens)| Served {
            answers: all.answers + answers,
            tokens: all.tokens.plus(*tokens),
        };
        locked(&self.usage).values().fold(Served::default(), sum)
    }

    pub(super) fn usage(&self) -> Vec<ModelUsage> {
        let usage = locked(&self.usage);
        let one = |(model, (answers, tokens)): (&String, &(u64, Tokens))| ModelUsage {
            model: model.clone(),
            answers: *answers,
            tokens: *tokens,
        };
        usage.iter().map(one).collect()
    }

    /// What was refused, each with how often.
    pub(super) fn refused(&self) -> Vec<Refusal> {
        let refusals = locked(&self.refusals);
        let one = |(what, times): (&String, &u64)| Refusal { what: what.clone(), times: *times };
        refusals.iter().map(one).collect()
    }

    /// What passed and how often something was refused, for the log; `None` if nothing happened.
    pub(super) fn summary(&self) -> Option<String> {
        let mut parts: Vec<_> = locked(&self.hosts)
            .iter()
            .map(|(host, traffic)| {
                let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
                let (sent, received) = (read(&traffic.sent), read(&traffic.received));
                format!("{host} {sent} bytes sent, {received} received")
            })
            .collect();
        let refused: u64 = locked(&self.refusals).values().sum();
        if refused > 0 {
            parts.push(format!("{refused} requests refused"));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The whole of it as a line of the transcript, `None` if nothing happened.
    pub(super) fn line(&self) -> Option<Value> {
        let hosts: Vec<_> = locked(&self.hosts)
            .iter()
            .map(|(host, traffic)| {
                let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
                json!({
                    "host": host,
                    "connections": read(&traffic.connections),
                    "sent": read(&traffic.sent),
                    "received": read(&traffic.received),
                })
            })
            .collect();
        let refused = self.refused();
        if hosts.is_empty() && refused.is_empty() {
            return None;
        }
        let usage: Vec<_> = self
            .usage()
            .into_iter()
            .map(|one| {
                json!({
                    "model": one.model,
                    "answers": one.answers,
                    "input_tokens": one.tokens.input,
                    "output_tokens": one.tokens.output,
                    "cache_read_tokens": one.tokens.cache_read,
                    "cache_write_tokens": one.tokens.cache_write,
                })
            })
            .collect();
        Some(json!({"type": "network", "hosts": hosts, "refused": refused, "usage": usage}))
    }
}

/// A counter is whole whatever became of the thread that held it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_names_a_thousand_hosts_fills_no_memory_and_no_log() {
        let ledger = Ledger::default();
        let told =
            (0..1_000).filter(|n| ledger.refuse(&format!("CONNECT {n}.example:443"))).count();
        assert_eq!(told, MAX_REFUSALS);
        assert!(!ledger.refuse("CONNECT 1.example:443"), "it is known");
        ledger.refuse(&"x\n".repeat(10_000));
        let line = ledger.line().unwrap();
        assert_eq!(line["refused"].as_array().unwrap().len(), MAX_REFUSALS + 1);
        let other =
            line["refused"].as_array().unwrap().iter().find(|one| one["what"] == "other requests");
        assert_eq!(other.unwrap()["times"], 951);
    }

    #[test]
    fn a_run_that_reaches_a_thousand_hosts_fills_no_memory_and_every_line_is_counted() {
        let ledger = Ledger::default();
        (0..1_000).for_each(|n| drop(ledger.connect(&format!("{n}.example:443"))));
        let again = ledger.connect("1.example:443");
        assert_eq!(again.connections.load(Ordering::Relaxed), 2, "it is known");
        drop(ledger.connect(&"x".repeat(10_000)));
        let line = ledger.line().unwrap();
        let hosts = line["hosts"].as_array().unwrap();
        assert_eq!(hosts.len(), MAX_HOSTS + 1);
        let other = hosts.iter().find(|one| one["host"] == "other hosts");
        assert_eq!(other.unwrap()["connections"], 951);
    }

    #[test]
    fn an_idle_run_has_nothing_to_tell() {
        assert_eq!(Ledger::default().line(), None);
    }
}
