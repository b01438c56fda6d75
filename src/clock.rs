//! The source of time and chance: the system, or a test that moves the time by hand.
//!
//! *Invariant:* nothing outside this file asks the system for the date (`.clippy.toml` holds the rule). Instants are
//! [`Timestamp`]s and arguments; what waits for one waits through [`Clock::sleep_until`], so that a
//! [manual clock](Clock::manual) drives it without sleeping.

use crate::error::ignore;
use crate::model::Timestamp;
use crate::planted::{self, Bug};
use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// How soon a wait notices that the system's date has jumped.
const LOOK_EVERY: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// For whom the task works now.
    static WHO: String;
}

/// A source of the current time; clones share it.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System,
    Manual(Arc<Hands>),
    /// Moved by its own waits too.
    Skipping(Arc<watch::Sender<Timestamp>>),
}

/// A clock that a test moves.
#[derive(Debug)]
struct Hands {
    at: watch::Sender<Timestamp>,
    /// Those who wait for an instant, as far as it is known for whom.
    sleepers: Mutex<BTreeMap<u64, Sleeper>>,
}

/// One who waits on a manual clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sleeper {
    /// Who.
    pub(crate) who: String,
    /// For which instant.
    pub(crate) until: Timestamp,
}

impl Hands {
    fn sleepers(&self) -> MutexGuard<'_, BTreeMap<u64, Sleeper>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down who waits, if it is known, until the answer is dropped.
    fn sleeping(&self, until: Timestamp) -> Option<Sleeping<'_>> {
        let who = WHO.try_with(String::clone).ok()?;
        let mut sleepers = self.sleepers();
        let number = sleepers.last_key_value().map_or(0, |(last, _)| last + 1);
        sleepers.insert(number, Sleeper { who, until });
        Some(Sleeping { hands: self, number })
    }
}

/// Somebody waits.
struct Sleeping<'a> {
    hands: &'a Hands,
    number: u64,
}

impl Drop for Sleeping<'_> {
    fn drop(&mut self) {
        self.hands.sleepers().remove(&self.number);
    }
}

/// Does the work on behalf of somebody: a wait of it on a manual clock says for whom.
pub(crate) async fn on_behalf_of<T>(who: String, work: impl Future<Output = T>) -> T {
    WHO.scope(who, work).await
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it. For tests.
    pub fn manual(start: Timestamp) -> Self {
        let at = watch::Sender::new(start);
        Self(Kind::Manual(Arc::new(Hands { at, sleepers: Mutex::default() })))
    }

    /// A manual clock that each wait moves forward: a wait of a day takes no time. For tests of one task: beside a running
    /// engine the engine's own waits would move it by days.
    pub fn skipping(start: Timestamp) -> Self {
        Self(Kind::Skipping(Arc::new(watch::Sender::new(start))))
    }

    /// The current instant.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::System => system_now(),
            Kind::Manual(hands) => *hands.at.borrow(),
            Kind::Skipping(at) => *at.borrow(),
        }
    }

    /// The time since some instant, for lengths: no jump of the date changes it (P19). Compare it only with what the same
    /// clock has answered.
    pub(crate) fn uptime(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.0 {
            Kind::System => BEGAN.elapsed(),
            Kind::Manual(_) | Kind::Skipping(_) => self.now().since(Timestamp::default()),
        }
    }

    /// A number from 0 up to 1: evenly spread on the system clock, always 0.5 on a manual one.
    pub fn chance(&self) -> f64 {
        match &self.0 {
            // The keys of a new hasher come from the system's randomness.
            Kind::System => {
                f64::from(RandomState::new().hash_one(0) as u32) / (f64::from(u32::MAX) + 1.0)
            }
            Kind::Manual(_) | Kind::Skipping(_) => 0.5,
        }
    }

    /// Moves a manual clock forward and wakes everything that waits for an instant now past.
    ///
    /// # Panics
    /// On the system clock, which nobody moves.
    pub fn advance(&self, by: Duration) {
        match &self.0 {
            Kind::System => panic!("only a manual clock can be moved"),
            Kind::Manual(hands) => hands.at.send_modify(|now| *now = now.plus(by)),
            Kind::Skipping(at) => at.send_modify(|now| *now = now.plus(by)),
        }
    }

    /// Those who wait on a manual clock for an instant to come, as far as it is known for whom. `None`: the clock moves by
    /// itself.
    pub(crate) fn sleepers(&self) -> Option<Vec<Sleeper>> {
        let Kind::Manual(hands) = &self.0 else { return None };
        let now = self.now();
        let sleepers = hands.sleepers();
        Some(sleepers.values().filter(|sleeper| sleeper.until > now).cloned().collect())
    }

    /// Returns after this long, whatever happens to the date meanwhile (P19). Cancel safe.
    pub async fn sleep(&self, length: Duration) {
        match &self.0 {
            Kind::System if planted::is(Bug::MeasuresByDate) => {
                self.sleep_until(self.now().plus(length)).await;
            }
            Kind::System => tokio::time::sleep(length).await,
            Kind::Manual(_) | Kind::Skipping(_) => {
                self.sleep_until(self.now().plus(length)).await;
            }
        }
    }

    /// Returns once `instant` is reached. Cancel safe.
    ///
    /// The wait looks at the system's date every second, so it notices a jump of the date within a second.
    pub async fn sleep_until(&self, instant: Timestamp) {
        match &self.0 {
            Kind::System => loop {
                let left = instant.since(system_now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK_EVERY)).await;
            },
            Kind::Manual(hands) => {
                let _sleeping = hands.sleeping(instant);
                let mut times = hands.at.subscribe();
                let waited = times.wait_for(|now| *now >= instant).await;
                ignore(waited, "the sender lives as long as the clock, so the wait cannot fail");
            }
            Kind::Skipping(at) => at.send_modify(|now| *now = instant.max(*now)),
        }
    }

    /// The date as it is, for [`Clock::set_back`].
    pub(crate) fn mark(&self) -> DateMark {
        DateMark { date: self.now(), at: Instant::now() }
    }

    /// Returns once the date is set back by more than a second, beginning with this mark; a date that is set forward first
    /// counts as it is from then on. A clock that a test moves only goes forward. Cancel safe.
    pub(crate) async fn set_back(&self, mut mark: DateMark) {
        match &self.0 {
            Kind::System => loop {
                let now = self.mark();
                if now.date.plus(LOOK_EVERY) < mark.date.plus(now.at.duration_since(mark.at)) {
                    return;
                }
                mark = now;
                tokio::time::sleep(LOOK_EVERY).await;
            },
            Kind::Manual(_) | Kind::Skipping(_) => std::future::pending().await,
        }
    }
}

/// A date, and when it was read by a clock that no change of the date moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DateMark {
    date: Timestamp,
    at: Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
fn system_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_millis(since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_stands_until_it_is_moved() {
        let clock = Clock::manual(Timestamp::from_millis(1_000));
        let other = clock.clone();
        let waiter = async { clock.sleep_until(Timestamp::from_millis(3_000)).await };
        let mover = async { other.advance(Duration::from_secs(2)) };
        tokio::join!(waiter, mover);
        assert_eq!(clock.now(), Timestamp::from_millis(3_000));
    }

    #[tokio::test]
    async fn a_wait_moves_a_skipping_clock_and_never_back() {
        let clock = Clock::skipping(Timestamp::from_millis(1_000));
        clock.sleep(Duration::from_hours(24)).await;
        clock.sleep_until(Timestamp::from_millis(5)).await;
        assert_eq!(clock.now(), Timestamp::from_millis(86_401_000));
    }
}
