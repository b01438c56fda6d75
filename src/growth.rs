//! For tests: whether work grows no faster than the text that it is done on.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The most by which the work may grow with each doubling of the text's length: what is linear grows by 2, and by a little more
/// where a text outgrows the processor's caches; what is quadratic grows by 4.
const MOST: f64 = 2.5;
/// Work that takes no longer than this is not compared: it is too short to be measured.
const FLOOR: Duration = Duration::from_millis(40);
/// How often a growth that looks too great is measured again. Other threads and other machines on the same processor disturb a
/// measurement, and each only makes it longer: the shortest is the true one.
const TRIES: usize = 10;
/// The shortest text, in bytes.
const SHORT: usize = 64 * 1024;

/// Does the work on texts that repeat the piece, of 64 and of 256 KB, with `LAMPLIGHTER_GROWTH=long` of 1 MB, and fails where it
/// grows faster than its text.
pub(crate) fn grows_with_its_length(name: &str, piece: &str, work: impl Fn(&str)) {
    grows_from_to(name, |length| piece.repeat(length.div_ceil(piece.len())), work);
}

/// The same for texts that a function makes.
pub(crate) fn grows_from_to(name: &str, text: impl Fn(usize) -> String, work: impl Fn(&str)) {
    let is_long = std::env::var("LAMPLIGHTER_GROWTH").is_ok_and(|form| form == "long");
    let doublings = if is_long { 4 } else { 2 };
    let most = MOST.powi(doublings);
    let (short, long) = (text(SHORT), text(SHORT << doublings));
    let base = cost(&short, &work).max(FLOOR).as_secs_f64();
    let mut growth = f64::INFINITY;
    for _ in 0..TRIES {
        growth = growth.min(cost(&long, &work).as_secs_f64() / base);
        if growth <= most {
            return;
        }
    }
    panic!("{name}: {doublings} doublings of the length cost {growth:.1} times as much");
}

/// The processor time of this thread, which grows only while it works.
fn cost(text: &str, work: impl Fn(&str)) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("a time");
    let start = now();
    work(text);
    now().saturating_sub(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work_for(steps: usize) {
        for step in 0..steps {
            std::hint::black_box(step);
        }
    }

    #[test]
    fn work_that_grows_with_its_text_passes() {
        grows_with_its_length("linear", "a", |text| work_for(text.len() * 500));
    }

    #[test]
    fn work_that_grows_with_the_square_of_its_text_is_found() {
        let square = |text: &str| work_for(text.len() * text.len() / 500);
        let found = std::panic::catch_unwind(|| grows_with_its_length("square", "a", square));
        let said = found.unwrap_err().downcast::<String>().unwrap();
        assert!(said.starts_with("square: 2 doublings of the length cost "), "{said}");
    }
}
