//! Judges whether the process that leads still lives, by what it writes and the judge's own monotonic clock.

use crate::model::{Timestamp, Worker, WorkerId};
use std::time::{Duration, Instant};

/// A leader that has been silent for this long hangs: three heartbeats.
const HUNG_AFTER: Duration = Duration::from_secs(30);
/// How long a proof holds that nothing kept the leader from writing: one heartbeat of ours and a slow commit.
const PROOF_LIFE: Duration = Duration::from_secs(12);

/// What this process should do about the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Alive,
    /// It has been silent for too long. It hangs if we can write now and it still says nothing.
    Doubtful,
    /// It hangs.
    Hung,
}

/// Watches the heartbeat of the leader.
///
/// Silence counts only while nothing kept the leader from writing: a heartbeat of our own was saved, or the leader has
/// been stopped by a signal, within the last seconds. So neither a foreign program that holds the write lock, nor a
/// jump of the date, nor a pause of this process or of the whole machine makes a healthy leader look hung.
#[derive(Debug, Default)]
pub(super) struct Judge {
    silence: Option<Silence>,
}

#[derive(Debug)]
struct Silence {
    leader: WorkerId,
    /// The leader's last sign of life. It is only compared, because the date of the leader may be wrong.
    heartbeat_at: Timestamp,
    /// When that was first seen.
    since: Instant,
}

impl Judge {
    /// Takes in the leader's row as read at `now`, and the last proof that nothing kept it from writing.
    pub(super) fn look(
        &mut self,
        leader: &Worker,
        proof: Option<Instant>,
        now: Instant,
    ) -> Verdict {
        let Some(proof) = proof.filter(|proof| now.duration_since(*proof) <= PROOF_LIFE) else {
            self.silence = None;
            return Verdict::Alive;
        };
        let silence = self.silence.take().filter(|silence| {
            silence.leader == leader.id && silence.heartbeat_at == leader.heartbeat_at
        });
        let silence = silence.unwrap_or_else(|| Silence {
            leader: leader.id.clone(),
            heartbeat_at: leader.heartbeat_at,
            since: now,
        });
        let hung_at = silence.since + HUNG_AFTER;
        self.silence = Some(silence);
        if proof >= hung_at {
            Verdict::Hung
        } else if now >= hung_at {
            Verdict::Doubtful
        } else {
            Verdict::Alive
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Process;

    fn worker(heartbeat_at: i64) -> Worker {
        let heartbeat_at = Timestamp::from_millis(heartbeat_at);
        Worker {
            id: WorkerId::parse("leader").unwrap(),
            process: Process { pid: 1, start: None },
            version: "1".into(),
            leads: true,
            started_at: heartbeat_at,
            heartbeat_at,
        }
    }

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
            let verdict =
                judge.look(&worker(heartbeat(second)), Some(at(proof(second))), at(second));
            (verdict != Verdict::Alive).then_some((second, verdict))
        })
    }

    /// Our own heartbeats, all saved.
    fn every_ten_seconds(second: u64) -> u64 {
        second / 10 * 10
    }

    #[test]
    fn a_leader_that_is_silent_for_30_seconds_while_we_write_hangs() {
        let mut judge = Judge::default();
        let hung = first_verdict(&mut judge, (0, 100), |_| 7, every_ten_seconds);
        assert_eq!(hung, Some((30, Verdict::Hung)));
    }

    #[test]
    fn without_a_write_after_the_30_seconds_it_is_only_doubtful() {
        let mut judge = Judge::default();
        let doubt = first_verdict(&mut judge, (4, 100), |_| 7, every_ten_seconds);
        assert_eq!(doubt, Some((34, Verdict::Doubtful)));
    }

    /// Lengths do not depend on the date (P19).
    #[test]
    fn a_leader_that_writes_is_never_judged_lost_whatever_its_date_says() {
        let mut judge = Judge::default();
        // Its date jumps back by an hour at every heartbeat.
        let back = |second: u64| -3_600_000 * (second / 10) as i64;
        assert_eq!(first_verdict(&mut judge, (0, 500), back, every_ten_seconds), None);
    }

    #[test]
    fn a_foreign_write_lock_does_not_make_a_healthy_leader_look_hung() {
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
        assert_eq!(hung, Some((115, Verdict::Hung)));
    }

    #[test]
    fn a_pause_of_the_judge_is_not_held_against_the_leader() {
        let mut judge = Judge::default();
        assert_eq!(first_verdict(&mut judge, (0, 20), |_| 7, every_ten_seconds), None);
        // This process stood still for 100 seconds; its last saved heartbeat is of before.
        assert_eq!(first_verdict(&mut judge, (120, 121), |_| 7, |_| 20), None);
        assert_eq!(first_verdict(&mut judge, (122, 150), |_| 7, |_| 122), None);
    }

    #[test]
    fn a_new_leader_is_judged_anew() {
        let mut judge = Judge::default();
        let now = Instant::now() + HUNG_AFTER;
        judge.look(&worker(7), Some(now), now);
        let later = now + HUNG_AFTER;
        let next = Worker { id: WorkerId::parse("next").unwrap(), ..worker(7) };
        assert_eq!(judge.look(&next, Some(later), later), Verdict::Alive);
        assert_eq!(judge.look(&worker(7), Some(later), later), Verdict::Alive);
    }
}
