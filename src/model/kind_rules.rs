//! The rules of a kind: the defaults of its jobs, and how they fail, end and are kept.

use super::limits::{MAX_AT_ONCE, MAX_ATTEMPTS, PRIORITIES, check_priority};
use super::settings::{JOBS_DAYS, default_days};
use super::{ConcurrencyKey, Kind, OnInterrupt, Queue, Rate, Status, Trigger};
use crate::error::{Code, Error, Result};
use std::time::Duration;

/// Longest wait that a backoff may come to.
const LONGEST_WAIT: Duration = Duration::from_hours(366 * 24);
/// The random part of a backoff: it spreads out the retries of jobs that failed together.
const SPREAD: f64 = 0.2;

/// What the engine fills in for the jobs of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub struct KindRules {
    /// Which kind.
    pub kind: Kind,
    /// Where its jobs wait unless they say otherwise.
    pub queue: Queue,
    /// Their priority unless they say otherwise; lower runs first.
    pub priority: i32,
    /// Attempts they have unless they say otherwise.
    pub max_attempts: u32,
    /// How long a failed job waits for its next attempt.
    pub backoff: Backoff,
    /// How long an attempt may run unless the job says otherwise; `None`: for ever.
    pub timeout: Option<Duration>,
    /// How long an attempt may go without a sign of life ([`Context::alive`](crate::engine::Context::alive), progress);
    /// `None`: for ever.
    pub idle_timeout: Option<Duration>,
    /// What happens to them when their worker goes away.
    pub on_interrupt: OnInterrupt,
    /// The crash while it ran that ends a job as a poison pill.
    pub poison_after: u32,
    /// The key that all jobs of the kind hold while they run; `None`: each job holds the key that it names, if any.
    pub concurrency_key: Option<ConcurrencyKey>,
    /// How many running jobs may hold one concurrency key.
    pub key_limit: u32,
    /// How many of its jobs start within a length of time; `None`: as many as there are.
    pub rate: Option<Rate>,
    /// Whether its jobs spend money: such a job does not start while a budget is used up (P25).
    pub metered: bool,
    /// Whether its jobs can do without what a usage limit forbids: they start while a limit has paused their queue. A
    /// person's pause holds them, and so does the queue's limit of running jobs.
    pub runs_while_limited: bool,
    /// Whether its handlers own something outside that has to be ended with them, such as the processes of a program: at a
    /// stop they are asked to end, and given the time that a cancelled one has. Others are dropped.
    pub winds_up: bool,
    /// Whether something outside of the database must be cleared when its worker was lost, before its job is settled. What
    /// clears it sets this: [`Builder::before_rescue`](crate::engine::Builder::before_rescue).
    pub swept: bool,
    /// How long its final jobs are kept.
    pub retention: Retention,
    /// A payload as JSON that people may begin with when they ask for a job of the kind.
    pub example: Option<String>,
}

impl KindRules {
    /// Better priority of a job that somebody triggered by hand: worth an hour of waiting.
    const MANUAL_BONUS: i32 = 6;

    /// The rules of a kind that says nothing: queue `default`, priority 0, three attempts, no time limit, retry when
    /// interrupted, poison pill at the third crash, no key, no rate, kept for 30 days.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            queue: Queue::DEFAULT,
            priority: 0,
            max_attempts: 3,
            backoff: Backoff::default(),
            timeout: None,
            idle_timeout: None,
            on_interrupt: OnInterrupt::Retry,
            poison_after: 3,
            concurrency_key: None,
            key_limit: 1,
            rate: None,
            metered: false,
            runs_while_limited: false,
            winds_up: false,
            swept: false,
            retention: Retention::default(),
            example: None,
        }
    }

    /// The priority of a job of this kind that names none.
    pub fn priority_for(&self, trigger: Trigger) -> i32 {
        match trigger {
            Trigger::Manual | Trigger::Retry => {
                (self.priority - Self::MANUAL_BONUS).max(*PRIORITIES.start())
            }
            Trigger::Scheduled | Trigger::Api | Trigger::Parent => self.priority,
        }
    }

    /// Refuses rules that the schema would refuse in each job.
    ///
    /// # Errors
    /// `JOB-VALUE-001` with the value and its range.
    pub fn check(&self) -> Result<()> {
        let zero = |limit: Option<Duration>| limit.is_some_and(|limit| limit.as_millis() == 0);
        let register = format!("register the kind {}", self.kind);
        check_priority(self.priority).map_err(|error| error.while_doing(&register))?;
        let wrong = if !(1..=MAX_ATTEMPTS).contains(&self.max_attempts) {
            format!("max_attempts {} is not from 1 to {MAX_ATTEMPTS}", self.max_attempts)
        } else if !(1..=MAX_AT_ONCE).contains(&self.key_limit) {
            format!("key_limit {} is not from 1 to {MAX_AT_ONCE}", self.key_limit)
        } else if self.poison_after == 0 {
            "poison_after is at least 1".to_owned()
        } else if self.backoff.cap > LONGEST_WAIT {
            "a backoff waits a year at most".to_owned()
        } else if zero(self.timeout) || zero(self.idle_timeout) {
            "a time limit is at least a millisecond".to_owned()
        } else if let Some(wrong) = self.rate.and_then(|rate| rate.wrong()) {
            wrong
        } else {
            return Ok(());
        };
        Err(Error::new(Code::ModelInvalid, format!("{register}: {wrong}")))
    }
}

/// How long a failed job waits: `min(cap, base · 2ⁿ) ± 20 %` after failure n, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait. Default 10 s.
    pub base: Duration,
    /// The longest wait. Default 1 h.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_secs(10), cap: Duration::from_hours(1) }
    }
}

impl Backoff {
    /// The wait after this many attempts; `chance` is uniform in 0..1 and spreads it by ± 20 %.
    pub fn wait(self, attempt: u32, chance: f64) -> Duration {
        let doubled = self.base.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        doubled.min(self.cap).mul_f64(1.0 - SPREAD + 2.0 * SPREAD * chance)
    }
}

/// How long final jobs are kept; `None`: for ever. What waits or runs is never removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Completed ones.
    pub completed: Option<Duration>,
    /// Failed ones.
    pub failed: Option<Duration>,
    /// Cancelled ones.
    pub cancelled: Option<Duration>,
}

impl Retention {
    /// Every final job this long.
    pub const fn all(length: Duration) -> Self {
        Self { completed: Some(length), failed: Some(length), cancelled: Some(length) }
    }

    /// How long a job of this status is kept; `None`: for ever, as every status is that is not final.
    pub const fn of(&self, status: Status) -> Option<Duration> {
        match status {
            Status::Completed => self.completed,
            Status::Failed => self.failed,
            Status::Cancelled => self.cancelled,
            Status::Scheduled | Status::Queued | Status::Running => None,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self::all(default_days(&JOBS_DAYS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The better default priority of P14.
    #[test]
    fn work_that_a_person_asked_for_comes_before_the_same_work_of_a_program() {
        let rules = KindRules::new(Kind::SELF_MONITORING);
        for by_hand in [Trigger::Manual, Trigger::Retry] {
            for by_program in [Trigger::Scheduled, Trigger::Api, Trigger::Parent] {
                assert!(rules.priority_for(by_hand) < rules.priority_for(by_program));
            }
        }
        let urgent = KindRules { priority: -100, ..rules };
        assert_eq!(urgent.priority_for(Trigger::Manual), -100, "no better one can be stored");
    }

    #[test]
    fn waits_double_up_to_the_cap_and_spread_by_a_fifth() {
        let backoff = Backoff::default();
        let wait = |attempt| backoff.wait(attempt, 0.5).as_secs();
        assert_eq!([wait(1), wait(2), wait(3), wait(40)], [10, 20, 40, 3600]);
        assert_eq!(backoff.wait(1, 0.0), Duration::from_secs(8));
        assert_eq!(backoff.wait(1, 1.0), Duration::from_secs(12));
    }
}
