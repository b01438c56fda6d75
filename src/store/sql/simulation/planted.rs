//! Bugs that are planted in the engine: the simulation finds each of them, and says by which check.
//!
//! Each is looked for in seeds that every run of the simulation plays, and there the same seed must be green without it.
//! `cargo test --lib planted -- --nocapture` prints how soon each was found.

use super::{STEPS, World, play};
use crate::planted::{Bug, plant_in_thread};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Seeds within which a bug is found; the simulation's own run plays several times as many.
const SEEDS: u64 = 10;

/// Plays the simulation with a bug, in the engine or in the file that `spoil` changes, until a check is red: the one that is
/// named. Without the bug the same seed is green.
fn is_found(name: &str, bug: Option<Bug>, spoil: Option<&str>, check: &str) {
    let steps_played = Cell::new(0);
    let run = |seed, is_planted| {
        let _planted = plant_in_thread(bug.filter(|_| is_planted));
        let world = World::new(seed);
        if let Some(sql) = spoil.filter(|_| is_planted) {
            world.conn.execute_batch(sql).unwrap();
        }
        let count = |_| {
            steps_played.set(steps_played.get() + 1);
        };
        catch_unwind(AssertUnwindSafe(|| play(world, STEPS, count))).map(drop)
    };
    let red = (0..SEEDS).find_map(|seed| Some((seed, text(&*run(seed, true).err()?))));
    let (seed, why) = red.unwrap_or_else(|| panic!("{name}: {SEEDS} seeds are green"));
    println!("{name}: found in seed {seed}, after {} steps in all: {why}", steps_played.get());
    assert!(why.contains(check), "{name} is found by another check than {check:?}: {why}");
    let green = run(seed, false).map_err(|panic| text(&*panic));
    assert_eq!(green, Ok(()), "seed {seed} is red without the bug");
}

/// What a check that is red said.
fn text(panic: &(dyn Any + Send)) -> String {
    let whole = panic.downcast_ref::<String>().map(String::as_str);
    let said = whole.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("something");
    said.lines().next().unwrap_or_default().chars().take(160).collect()
}

#[test]
fn p4_half_of_a_failed_call_that_stays_is_found() {
    is_found("KeepsHalfACall", Some(Bug::KeepsHalfACall), None, "there is what was acknowledged");
}

#[test]
fn p9_a_claim_without_an_epoch_of_its_own_is_found() {
    // The schema refuses such a claim; here it has no guard.
    let spoil = Some("DROP TRIGGER jobs_guard_update");
    is_found("ClaimsWithoutEpoch", Some(Bug::ClaimsWithoutEpoch), spoil, "was claimed twice");
}

#[test]
fn p9_a_settlement_in_another_workers_name_is_found() {
    let check = "a lease of another worker wrote";
    is_found("SettlesForAnybody", Some(Bug::SettlesForAnybody), None, check);
}

#[test]
fn p9_a_lease_that_nobody_checks_is_found() {
    is_found("ChecksNoLease", Some(Bug::ChecksNoLease), None, " wrote: ");
}

#[test]
fn p9_a_lost_worker_that_is_heeded_is_found() {
    is_found("HeedsTheLost", Some(Bug::HeedsTheLost), None, "a worker that is lost wrote");
}

#[test]
fn p20_a_cancel_that_a_claim_overtakes_is_found() {
    is_found("CancelsWhatItSaw", Some(Bug::CancelsWhatItSaw), None, "P20: the person heard");
}

#[test]
fn counts_that_one_move_forgets_are_found() {
    is_found("ForgetsCounts", Some(Bug::ForgetsCounts), None, "the counts are wrong");
}

#[test]
fn a_set_that_loses_its_last_row_is_found() {
    is_found("DropsLastOfSet", Some(Bug::DropsLastOfSet), None, "was said to be");
}

#[test]
fn a_file_without_its_unique_index_is_found() {
    // The guard repeats for programs of any kind what the index keeps.
    let spoil = Some("DROP INDEX jobs_unique_key; DROP TRIGGER jobs_guard_insert");
    is_found("no unique index", None, spoil, "have one unique key");
}
