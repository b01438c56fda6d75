//! Looks whether other workers write while this one cannot renew its lease: then the one that leads will judge it lost.

use crate::model::{Worker, WorkerId};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What this worker has seen of the others since a beat of its own is overdue.
///
/// A program that holds the write lock keeps everybody from writing, and nobody can judge anybody lost meanwhile. So the
/// error of a refused write says nothing of the others, nor does a write that hangs: their beats are looked at.
#[derive(Debug, Default)]
pub(super) struct Others {
    beats: Option<HashMap<WorkerId, i64>>,
    /// When one of them was first seen to have written.
    wrote: Option<Instant>,
}

impl Others {
    /// Takes in the workers as read at `now`. Answers whether another one than `me` has written, and this for so long
    /// (`grace`) that a beat of ours, if it was only behind theirs in the line for the write lock, would be saved.
    pub(super) fn look(
        &mut self,
        me: &WorkerId,
        workers: &[Worker],
        grace: Duration,
        now: Instant,
    ) -> bool {
        let others = workers.iter().filter(|worker| worker.id != *me);
        let beats: HashMap<_, _> = others.map(|worker| (worker.id.clone(), worker.beat)).collect();
        let Some(seen) = &self.beats else {
            self.beats = Some(beats);
            return false;
        };
        if beats.iter().any(|(id, beat)| seen.get(id).is_none_or(|before| beat > before)) {
            self.wrote.get_or_insert(now);
        }
        self.wrote.is_some_and(|wrote| now.duration_since(wrote) >= grace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Process, Timestamp};

    const GRACE: Duration = Duration::from_secs(3);

    fn worker(name: &str, beat: i64) -> Worker {
        let start = Timestamp::from_millis(0);
        Worker {
            id: WorkerId::parse(name).unwrap(),
            process: Process { pid: 1, start: None },
            version: String::new(),
            is_server: false,
            leads: false,
            slots: 10,
            started_at: start,
            heartbeat_at: start,
            beat,
            lost_at: None,
        }
    }

    /// Looks once a second, each time at these workers; answers the second at which others are known to write.
    fn known_at(looks: impl IntoIterator<Item = Vec<Worker>>) -> Option<usize> {
        let (mut others, begun) = (Others::default(), Instant::now());
        let me = WorkerId::parse("me").unwrap();
        looks.into_iter().enumerate().position(|(second, workers)| {
            let now = begun + Duration::from_secs(second as u64);
            others.look(&me, &workers, GRACE, now)
        })
    }

    #[test]
    fn while_nobody_beats_nobody_is_known_to_write_however_long_it_lasts() {
        let still = |beat| vec![worker("me", beat), worker("other", 7)];
        assert_eq!(known_at((0..100).map(still)), None, "our own beat says nothing of others");
        assert_eq!(known_at((0..100).map(|_| vec![worker("me", 1)])), None);
        let leaving = |second| if second < 5 { still(1) } else { vec![worker("me", 1)] };
        assert_eq!(known_at((0..100).map(leaving)), None);
    }

    #[test]
    fn another_one_that_beats_or_registers_is_known_to_write_after_the_grace() {
        let beats = |second| vec![worker("me", 1), worker("other", i64::from(second >= 4))];
        assert_eq!(known_at((0..100).map(beats)), Some(7));
        let comes = |second| if second < 2 { vec![] } else { vec![worker("new", 1)] };
        assert_eq!(known_at((0..100).map(comes)), Some(5));
    }
}
