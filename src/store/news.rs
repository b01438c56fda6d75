//! Who waits for which job, and who follows the jobs: told after each commit, by id.
//!
//! The writing transaction names the steps that its jobs took. After a commit of another program nobody names them: then
//! one look reads the waited jobs and those that have ended since the last look.

use crate::model::{EventFilter, JobEvent, JobId, Lagged, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};

/// Events that wait for one who follows; further ones are counted as lost. A second of a busy store.
const MAX_EVENTS: usize = 1024;
/// How far the clocks of two processes may differ before the end of a job that the other one ran is missed.
const CLOCKS_DIFFER: Duration = Duration::from_secs(1);

/// The one place that knows who wants to hear of which job.
#[derive(Debug)]
pub(super) struct News {
    waiting: Mutex<HashMap<JobId, Waited>>,
    following: Mutex<Following>,
    /// Commits of other programs.
    foreign: watch::Sender<u64>,
    /// Held by the one who watches for other programs' commits on behalf of all.
    pub(super) watching: tokio::sync::Mutex<watch::Receiver<u64>>,
    /// Rows that were read for those who wait.
    reads: AtomicU64,
}

/// A job that somebody waits for.
#[derive(Debug)]
struct Waited {
    by: usize,
    ended: Arc<Notify>,
}

/// Those who follow, and what they know of jobs that have ended.
#[derive(Debug, Default)]
struct Following {
    followers: Vec<Follower>,
    /// The ends since a little before the newest one, so that none is told twice.
    ended: BTreeMap<JobId, Timestamp>,
    newest: Timestamp,
    /// The date went back, to this instant or a little before it. Ends that are dated later were there already: the next look
    /// takes them in, and tells none of them.
    went_back: Option<Timestamp>,
}

#[derive(Debug)]
struct Follower {
    filter: EventFilter,
    events: mpsc::Sender<Result<JobEvent, Lagged>>,
    lost: Arc<AtomicU64>,
}

impl Default for News {
    fn default() -> Self {
        let (foreign, seen) = watch::channel(0);
        Self {
            waiting: Mutex::default(),
            following: Mutex::default(),
            foreign,
            watching: tokio::sync::Mutex::new(seen),
            reads: AtomicU64::new(0),
        }
    }
}

impl News {
    /// Tells the steps of a commit.
    pub(super) fn tell(&self, steps: &[JobEvent]) {
        let ended: Vec<JobId> =
            steps.iter().filter(|step| step.to.is_final()).map(|step| step.id).collect();
        self.wake(&ended);
        let mut following = lock(&self.following);
        if !following.followers.is_empty() {
            for step in steps {
                following.saw(step.at);
                following.tell(step);
            }
        }
    }

    /// Another program has committed, or nobody knows who has committed what.
    pub(super) fn tell_foreign(&self) {
        self.foreign.send_modify(|number| *number += 1);
    }

    /// Wakes those who wait for these jobs.
    pub(super) fn wake(&self, ended: &[JobId]) {
        let waiting = lock(&self.waiting);
        for waited in ended.iter().filter_map(|id| waiting.get(id)) {
            waited.ended.notify_waiters();
        }
    }

    /// The jobs that somebody waits for.
    pub(super) fn waited(&self) -> Vec<JobId> {
        lock(&self.waiting).keys().copied().collect()
    }

    /// From when on ends of jobs matter to those who follow; `None` if nobody follows.
    pub(super) fn ends_since(&self) -> Option<Timestamp> {
        let mut following = lock(&self.following);
        following.followers.retain(|follower| !follower.events.is_closed());
        (!following.followers.is_empty()).then(|| following.since())
    }

    /// The date is this. Those who follow hear of ends also after it went back.
    pub(super) fn saw(&self, now: Timestamp) {
        let mut following = lock(&self.following);
        if !following.followers.is_empty() {
            following.saw(now);
        }
    }

    /// Since when the date has gone back; the look that goes by it answers it to [`News::looked`] at its end.
    pub(super) fn went_back(&self) -> Option<Timestamp> {
        lock(&self.following).went_back
    }

    /// Tells the ends that a look has found and that were not told before.
    pub(super) fn tell_ends(&self, ends: &[JobEvent]) {
        let mut following = lock(&self.following);
        for end in ends {
            if following.ended.contains_key(&end.id) {
                continue;
            }
            if following.went_back.is_some_and(|back| end.at > back) {
                following.ended.insert(end.id, end.at);
            } else {
                following.tell(end);
            }
        }
    }

    /// A look has found all ends there are, those from before the date went back included.
    pub(super) fn looked(&self, back: Option<Timestamp>) {
        let mut following = lock(&self.following);
        if following.went_back == back {
            following.went_back = None;
        }
    }

    /// Waits for a job.
    pub(super) fn wait_for(self: &Arc<Self>, id: JobId) -> Waiting {
        let mut waiting = lock(&self.waiting);
        let waited = waiting.entry(id).or_insert_with(|| Waited { by: 0, ended: Arc::default() });
        waited.by += 1;
        Waiting { id, ended: Arc::clone(&waited.ended), news: Arc::clone(self) }
    }

    /// Follows the jobs from now on; these have ended before.
    pub(super) fn follow(
        &self,
        filter: EventFilter,
        now: Timestamp,
        ended: &[JobEvent],
    ) -> JobEvents {
        let (sender, events) = mpsc::channel(MAX_EVENTS);
        let lost = Arc::default();
        let mut following = lock(&self.following);
        if following.followers.is_empty() {
            // Nobody has followed meanwhile, so nothing was noted.
            (following.newest, following.went_back) = (now, None);
            following.ended.clear();
        }
        following.saw(now);
        following.newest = following.newest.max(now);
        following.ended.extend(ended.iter().map(|end| (end.id, end.at)));
        following.followers.push(Follower { filter, events: sender, lost: Arc::clone(&lost) });
        JobEvents { events, lost }
    }

    pub(super) fn count_read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

impl Following {
    /// Goes back with the date if it has gone back by more than clocks differ.
    fn saw(&mut self, now: Timestamp) {
        let back = now.plus(CLOCKS_DIFFER);
        if back < self.newest {
            (self.newest, self.went_back) = (now, Some(back));
        }
    }

    fn since(&self) -> Timestamp {
        since(self.newest)
    }

    fn tell(&mut self, step: &JobEvent) {
        if step.to.is_final() {
            self.ended.insert(step.id, step.at);
            self.newest = self.newest.max(step.at);
            let since = self.since();
            self.ended.retain(|_, at| *at >= since);
        }
        self.followers.retain_mut(|follower| follower.take(step));
    }
}

/// From when on ends are looked for if the newest one that is known was then.
pub(super) fn since(newest: Timestamp) -> Timestamp {
    Timestamp::from_millis(newest.millis() - CLOCKS_DIFFER.as_millis() as i64)
}

impl Follower {
    /// Takes a step, or counts it as lost; answers whether anybody follows still.
    fn take(&self, step: &JobEvent) -> bool {
        if !self.filter.fits(step) {
            return true;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let told = lost == 0 || self.events.try_send(Err(Lagged(lost))).is_ok();
        if !told {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        } else if let Err(mpsc::error::TrySendError::Full(_)) =
            self.events.try_send(Ok(step.clone()))
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        !self.events.is_closed()
    }
}

/// One who waits for a job.
pub(super) struct Waiting {
    id: JobId,
    /// Raised when the job has ended, or may have.
    pub(super) ended: Arc<Notify>,
    news: Arc<News>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = lock(&self.news.waiting);
        if let Some(waited) = waiting.get_mut(&self.id) {
            waited.by -= 1;
            if waited.by == 0 {
                waiting.remove(&self.id);
            }
        }
    }
}

/// The steps that jobs take from now on: a [`Stream`](futures_core::Stream), or [`JobEvents::next`].
///
/// It keeps 1,024 events for a reader that is busy. Those beyond are lost, and [`Lagged`] says how many.
pub struct JobEvents {
    events: mpsc::Receiver<Result<JobEvent, Lagged>>,
    lost: Arc<AtomicU64>,
}

impl JobEvents {
    /// The next step; `None` when the store is closed. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<JobEvent, Lagged>> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<JobEvent, Lagged>>> {
        let polled = self.events.poll_recv(cx);
        // A task that has used up its turn is told to wait although there are events.
        if polled.is_pending() && self.events.is_empty() {
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                return Poll::Ready(Some(Err(Lagged(lost))));
            }
        }
        polled
    }
}

impl futures_core::Stream for JobEvents {
    type Item = Result<JobEvent, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

impl fmt::Debug for JobEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobEvents").finish_non_exhaustive()
    }
}

/// The lock, whatever became of others who held it: each change under it is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Filter, Kind, Status};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + second * 1000)
    }

    fn end(id: i64, at: Timestamp) -> JobEvent {
        let (kind, to) = (Kind::named("any"), Status::Completed);
        JobEvent { id: JobId(id), kind, queue: None, from: None, to, cause: None, at, attempt: 1 }
    }

    #[tokio::test]
    async fn after_the_date_went_back_new_ends_are_told_at_once_and_earlier_ones_not_again() {
        let news = News::default();
        let filter = || EventFilter::of(&Filter::default()).unwrap();
        let mut events = news.follow(filter(), at(3600), &[]);
        news.tell_ends(&[end(1, at(3600))]);
        assert_eq!(events.next().await.unwrap().unwrap().id, JobId(1));

        news.saw(at(0));
        assert!(news.ends_since().unwrap() <= at(0));
        let back = news.went_back();
        // The look finds what ended in the hour before, when the date was later.
        news.tell_ends(&[end(2, at(0)), end(3, at(1800)), end(1, at(3600))]);
        news.looked(back);
        news.tell_ends(&[end(4, at(1800)), end(3, at(1800))]);
        for id in [2, 4] {
            assert_eq!(events.next().await.unwrap().unwrap().id, JobId(id));
        }
        assert!(events.events.is_empty());

        news.saw(at(1799));
        assert_eq!(news.went_back(), None, "clocks differ by so much");
        news.tell(&[end(5, at(100))]);
        assert!(news.ends_since().unwrap() <= at(100), "a step of our own says the date too");
    }
}
