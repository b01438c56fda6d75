//! For tests: whether work grows no faster than the text that it is done on.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The most by which the work may grow when the text's length doubles.
const MOST: f64 = 2.5;
/// Work that takes no longer than this is not compared: it is too short to be measured.
const FLOOR: Duration = Duration::from_millis(40);
/// How often a growth that looks too great is measured again. Other threads disturb the processor's caches.
const TRIES: usize = 5;

/// Does the work on texts that repeat the piece, from 64 to 256 KB, with `LAMPLIGHTER_GROWTH=long` to 1 MB, and fails where it
/// grows faster than its text.
pub(crate) fn grows_with_its_length(name: &str, piece: &str, work: impl Fn(&str)) {
    grows_from_to(name, |length| piece.repeat(length.div_ceil(piece.len())), work);
}

/// The same for texts that a function makes.
pub(crate) fn grows_from_to(name: &str, text: impl Fn(usize) -> String, work: impl Fn(&str)) {
    let is_long = std::env::var("LAMPLIGHTER_GROWTH").is_ok_and(|form| form == "long");
    let kilobytes = if is_long { &[64, 128, 256, 512, 1024][..] } else { &[64, 128, 256] };
    let lengths: Vec<_> = kilobytes.iter().map(|kilobytes| kilobytes * 1024).collect();
    let mut costs: Vec<_> = lengths.iter().map(|length| cost(&text(*length), &work)).collect();
    for (nth, length) in lengths.into_iter().enumerate().skip(1) {
        let growth =
            |costs: &[Duration]| costs[nth].as_secs_f64() / costs[nth - 1].max(FLOOR).as_secs_f64();
        for _ in 0..TRIES {
            if growth(&costs) > MOST {
                costs[nth] = costs[nth].min(cost(&text(length), &work));
            }
        }
        let growth = growth(&costs);
        assert!(growth <= MOST, "{name}: {length} bytes cost {growth:.1} times the half of it");
    }
}

/// The processor time of this thread, which grows only while it works.
fn cost(text: &str, work: impl Fn(&str)) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("a time");
    let start = now();
    work(text);
    now().saturating_sub(start)
}
