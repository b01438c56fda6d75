//! Power that fails while a file is made or migrated: whatever that leaves is opened by the next start, and works.

#[cfg(debug_assertions)]
use super::{Bug, play};
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

#[cfg(debug_assertions)]
#[test]
fn p23_a_new_file_that_gets_its_name_before_it_is_synced_is_found_where_that_is_planted() {
    const CRASHES: usize = 40;
    const SEED: u64 = 11;
    let wrong = |bug| {
        let recorded = Recorded::begun_with(SEED, (&[Syncs::Good], DEEDS), bug, |_| {});
        play(&recorded.folder, CRASHES, SEED, false).wrong
    };
    let bug = Some(Bug::NamesBeforeSync);
    let found = wrong(bug);
    println!(
        "{bug:?}: {} of {CRASHES} crashes are wrong, the first {:?}",
        found.len(),
        found.first()
    );
    assert!(found.iter().any(|what| what.contains("it does not open")), "{found:?}");
    assert_eq!(wrong(None), [""; 0]);
}
