//! Judges whether another process still lives, by the beat that it writes and the judge's own monotonic clock.

use crate::model::LEASE;
use std::time::{Duration, Instant};

/// How long a proof holds that nothing kept the other one from writing: one beat of ours and a slow commit.
const PROOF_LIFE: Duration = Duration::from_secs(12);

/// What this process should do about another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Alive,
    /// It has been silent for too long. Its lease is over if we can write now and it still says nothing.
    Doubtful,
    /// Its lease is over.
    Silent,
}

/// Watches the beat of one worker.
///
/// Silence counts only while nothing kept the worker from writing: a beat of our own was saved, or the worker has been
/// stopped by a signal, within the last seconds. So neither a foreign program that holds the write lock, nor a jump of
/// the date, nor a pause of this process or of the whole machine makes a healthy worker look lost.
#[derive(Debug, Default)]
pub(super) struct Judge {
    silence: Option<Silence>,
}

#[derive(Debug)]
struct Silence {
    /// The worker's last beat.
    beat: i64,
    /// When that was first seen.
    since: Instant,
}

impl Judge {
    /// Takes in the worker's beat as read at `now`, and the last proof that nothing kept it from writing.
    pub(super) fn look(&mut self, beat: i64, proof: Instant, now: Instant) -> Verdict {
        if now.duration_since(proof) > PROOF_LIFE {
            self.silence = None;
            return Verdict::Alive;
        }
        let silence = self.silence.take().filter(|silence| silence.beat == beat);
        let silence = silence.unwrap_or(Silence { beat, since: now });
        let over_at = silence.since + LEASE;
        self.silence = Some(silence);
        if proof >= over_at {
            Verdict::Silent
        } else if now >= over_at {
            Verdict::Doubtful
        } else {
            Verdict::Alive
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every second from `from` to `until`, both in seconds, while `heartbeat` and `proof` say what is seen
    /// at a second; answers the first verdict other than alive, and its second.
    fn first_verdict(
        judge: &mut Judge,
        (from, until): (u64, u64),
        heartbeat: impl Fn(u64) -> i64,
        proof: impl Fn(u64) -> u64,
    ) -> Option<(u64, Verdict)> {
        // Some instant that has a past.
        let zero = Instant::now();
        let at = |second: u64| zero + Duration::from_secs(second);
        (from..=until).find_map(|second| {
            let verdict = judge.look(heartbeat(second), at(proof(second)), at(second));
            (verdict != Verdict::Alive).then_some((second, verdict))
        })
    }

    /// Our own heartbeats, all saved.
    fn every_ten_seconds(second: u64) -> u64 {
        second / 10 * 10
    }

    #[test]
    fn a_worker_that_is_silent_for_30_seconds_while_we_write_has_lost_its_lease() {
        let mut judge = Judge::default();
        let hung = first_verdict(&mut judge, (0, 100), |_| 7, every_ten_seconds);
        assert_eq!(hung, Some((30, Verdict::Silent)));
    }

    #[test]
    fn without_a_write_after_the_30_seconds_it_is_only_doubtful() {
        let mut judge = Judge::default();
        let doubt = first_verdict(&mut judge, (4, 100), |_| 7, every_ten_seconds);
        assert_eq!(doubt, Some((34, Verdict::Doubtful)));
    }

    #[test]
    fn a_foreign_write_lock_does_not_make_a_healthy_worker_look_lost() {
        let mut judge = Judge::default();
        // From second 25 on a foreign program holds the lock for 60 seconds: neither of us writes. It goes on with its
        // heartbeats 9 seconds after we do.
        let ours = |second: u64| match second {
            0..25 => every_ten_seconds(second),
            25..85 => 20,
            85.. => 85 + (second - 85) / 10 * 10,
        };
        let leaders = |second: u64| match second {
            0..25 => (second / 10) as i64,
            25..94 => 2,
            94.. => second as i64,
        };
        assert_eq!(first_verdict(&mut judge, (0, 300), leaders, ours), None);
        // If it hung under that lock, the 30 seconds begin when we can write again.
        let mut judge = Judge::default();
        let hung = first_verdict(&mut judge, (10, 300), |_| 2, ours);
        assert_eq!(hung, Some((115, Verdict::Silent)));
    }

    #[test]
    fn a_pause_of_the_judge_is_not_held_against_the_worker() {
        let mut judge = Judge::default();
        assert_eq!(first_verdict(&mut judge, (0, 20), |_| 7, every_ten_seconds), None);
        // This process stood still for 100 seconds; its last saved heartbeat is of before.
        assert_eq!(first_verdict(&mut judge, (120, 121), |_| 7, |_| 20), None);
        assert_eq!(first_verdict(&mut judge, (122, 150), |_| 7, |_| 122), None);
    }

    #[test]
    fn a_worker_that_beats_is_never_judged_silent() {
        let mut judge = Judge::default();
        let beats = |second: u64| (second / 10) as i64;
        assert_eq!(first_verdict(&mut judge, (0, 500), beats, every_ten_seconds), None);
    }
}
