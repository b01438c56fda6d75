//! Power that fails while a file is made or migrated: whatever that leaves is opened by the next start, and works.

use super::{Recorded, SAID, Syncs, crashes, judged};
use crate::kills::older;
use std::fs;
use std::path::Path;

/// What each caller does after the start: few things, so that most moments are of the start.
const DEEDS: u64 = 2;

/// Looks at the crashes of a process that begins with what `prepare` leaves.
fn a_start_is_cut_off(name: &str, prepare: impl Fn(&Path)) {
    judged(name, crashes() / 20, |seed| {
        Recorded::begun_with(seed, (&[Syncs::Good], DEEDS), None, prepare)
    });
}

#[test]
fn p23_whatever_a_power_loss_leaves_of_a_first_start_the_next_one_opens_and_it_works() {
    a_start_is_cut_off("a first start", |_| {});
}

#[test]
fn p23_whatever_a_power_loss_leaves_of_a_migration_the_next_start_opens_and_nothing_is_lost() {
    for mode in ["WAL", "DELETE"] {
        a_start_is_cut_off(&format!("a migration from {mode}"), |data| {
            older(data, mode);
            fs::write(data.join(SAID), "enqueued 1 7\n").unwrap();
        });
    }
}
