//! Why a job waits in the few words of a list's row; the job's page has the whole.

use super::{Gate, Wait, Why};
use crate::model::server_facts::is_of_the_server;
use crate::model::{JobId, Timestamp};

/// How many letters of a name the few words show.
const NAME: usize = 18;

/// Why a job waits, in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Short {
    /// What holds it.
    pub holds: String,
    /// When it goes on, with the verb for that.
    pub until: Option<(&'static str, Timestamp)>,
    /// How many other things hold it.
    pub more: usize,
    /// The whole line.
    pub whole: String,
}

impl Why {
    /// Why it waits, for the row of a list.
    pub fn short(&self) -> Short {
        let first = self.gates.first();
        let holds = match first {
            Some(gate) => gate.short(),
            None if self.ahead == 0 => "is the next to start".to_owned(),
            None if self.ahead == 1 => "1 job starts before it".to_owned(),
            None => {
                let least = if self.ahead_is_least { "at least " } else { "" };
                format!("{least}{} jobs start before it", self.ahead)
            }
        };
        let until = first.and_then(|gate| Some((gate.goes_on(), gate.until()?)));
        Short { holds, until, more: self.gates.len().saturating_sub(1), whole: self.headline() }
    }
}

impl Gate {
    fn short(&self) -> String {
        match self {
            Self::NoEngine { kind, seen_at: None } if is_of_the_server(kind) => {
                "no server runs".to_owned()
            }
            Self::NoEngine { seen_at: None, .. } => "no process runs jobs".to_owned(),
            Self::NoEngine { .. } => "the process hangs or is gone".to_owned(),
            Self::Stopped(_) => "all queues are stopped".to_owned(),
            Self::NoHandler { .. } => "no worker handles it".to_owned(),
            Self::NotAdmitted => "was just added".to_owned(),
            Self::AgentMissing { .. } => "the agent program cannot be used".to_owned(),
            Self::Approval { findings: 1 } => "1 finding waits for approval".to_owned(),
            Self::Approval { findings } => format!("{findings} findings wait for approval"),
            Self::Refused { .. } => "the database refused it".to_owned(),
            Self::After { open, count } => format!("runs after {}", jobs(open, *count)),
            Self::Time { wait: Wait::Delay, .. } => "is for later".to_owned(),
            Self::Time { wait: Wait::Retry { attempt }, .. } => format!("attempt {attempt} failed"),
            Self::Time { wait: Wait::Snooze { .. }, .. } => "its handler waits".to_owned(),
            Self::OverBudget(_) => "a budget is used up".to_owned(),
            Self::SetAside { .. } => "the budget is set aside".to_owned(),
            Self::FolderHeld { by, .. } => format!("#{by} has its folder"),
            Self::UsageLimit { queue, .. } => format!("{} met a limit", cut(queue.as_str())),
            Self::QueuePaused(queue, _) => format!("{} is paused", cut(queue.as_str())),
            Self::QueueFull { queue, limit: 0, .. } => {
                format!("{} may run no job", cut(queue.as_str()))
            }
            Self::QueueFull { queue, limit, .. } => {
                format!("{} is full, {limit} at a time", cut(queue.as_str()))
            }
            Self::RateReached { .. } => "its kind's rate is reached".to_owned(),
            Self::KeyHeld { holders, .. } => {
                format!("{} has its key", jobs(holders, holders.len() as u64))
            }
        }
    }

    /// What happens when it opens by itself.
    const fn goes_on(&self) -> &'static str {
        match self {
            Self::Stopped(_) | Self::QueuePaused(..) => "resumes",
            Self::Time { wait: Wait::Retry { .. }, .. } | Self::UsageLimit { .. } => "tries again",
            Self::NoEngine { .. }
            | Self::NoHandler { .. }
            | Self::NotAdmitted
            | Self::AgentMissing { .. }
            | Self::Approval { .. }
            | Self::Refused { .. }
            | Self::After { .. }
            | Self::Time { .. }
            | Self::OverBudget(_)
            | Self::SetAside { .. }
            | Self::FolderHeld { .. }
            | Self::QueueFull { .. }
            | Self::RateReached { .. }
            | Self::KeyHeld { .. } => "starts",
        }
    }
}

/// The one job, or how many there are.
fn jobs(some: &[JobId], count: u64) -> String {
    match some {
        [one] if count <= 1 => format!("#{one}"),
        _ => format!("{count} jobs"),
    }
}

fn cut(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, Pause, Queue, Rate};
    use std::time::Duration;

    #[test]
    fn the_words_of_a_row_are_few_whatever_holds_the_job() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let queue = Queue::parse("invoices_of_the_whole_northern_region").unwrap();
        let pause = Pause {
            by: "ada".into(),
            reason: "the payment provider is being moved to another data centre".into(),
            at: now,
            resume_at: Some(now.plus(Duration::from_mins(57))),
        };
        let kind = Kind::named("recalculate_the_loyalty_points_of_all_customers");
        let holders: Vec<_> = (1..=10).map(JobId).collect();
        for gate in [
            Gate::NoEngine { kind: kind.clone(), seen_at: None },
            Gate::NoEngine { kind: kind.clone(), seen_at: Some(now) },
            Gate::Stopped(pause.clone()),
            Gate::NoHandler { kind: kind.clone(), known: vec!["a".repeat(90)] },
            Gate::NotAdmitted,
            Gate::AgentMissing { reason: "x".repeat(200) },
            Gate::Approval { findings: 1_000_000 },
            Gate::Refused { reason: Some("y".repeat(200)) },
            Gate::After { open: holders.clone(), count: 1_000_000 },
            Gate::Time { until: now, wait: Wait::Snooze { says: Some("z".repeat(200)) } },
            Gate::Time { until: now, wait: Wait::Retry { attempt: 4_000_000_000 } },
            Gate::SetAside { reserved: 1.0 },
            Gate::UsageLimit { queue: queue.clone(), reason: "w".repeat(99), until: Some(now) },
            Gate::QueuePaused(queue.clone(), pause.clone()),
            Gate::QueueFull { queue: queue.clone(), limit: 10_000, holders: holders.clone() },
            Gate::RateReached { kind, rate: None::<Rate>, until: None },
            Gate::KeyHeld { key: "k".repeat(200), holders },
        ] {
            let said = gate.short();
            assert!(said.chars().count() <= 45, "{said}");
        }
        let paused = Gate::QueuePaused(Queue::parse("billing").unwrap(), pause);
        assert_eq!((paused.short().as_str(), paused.goes_on()), ("billing is paused", "resumes"));
        assert_eq!(Gate::After { open: vec![JobId(7)], count: 1 }.short(), "runs after #7");
    }
}
