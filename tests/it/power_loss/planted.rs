//! Bugs that are planted in the process which is recorded: a power loss finds each of them.
//!
//! Each is looked for at ever more crashes, at most as many as the short form looks at. Without the bug as many crashes of a
//! process with the same seed are all right.

use super::{Recorded, Report, Syncs, play};
use lamplighter::planted::Bug;

/// What the callers and the disk do by chance is the same in each run.
const SEED: u64 = 11;
/// Crashes of the first look; each further one has three times as many.
const CRASHES: usize = 30;
const MOST: usize = 810;

/// Plays the record of a process with a bug until a crash is wrong, in the way that is named.
fn is_found(bug: Bug, syncs: &[Syncs], check: &str) {
    let look = |bug, crashes| -> Report {
        let recorded = Recorded::take_with(SEED, syncs, bug);
        play(&recorded.folder, crashes, SEED, false)
    };
    let rounds = std::iter::successors(Some(CRASHES), |crashes| Some(crashes * 3));
    let mut rounds = rounds.take_while(|crashes| *crashes <= MOST);
    let red = rounds.find_map(|crashes| {
        let wrong = look(Some(bug), crashes).wrong;
        wrong.iter().any(|what| what.contains(check)).then_some((crashes, wrong))
    });
    let (crashes, wrong) = red.unwrap_or_else(|| panic!("{bug:?} is not found by {check:?}"));
    println!("{bug:?}: {} of {crashes} crashes are wrong, the first {}", wrong.len(), wrong[0]);
    let right = look(None, crashes);
    assert_eq!((right.crashes, right.wrong), (crashes, Vec::new()), "without {bug:?}");
}

#[test]
fn p1_an_answer_before_the_commit_is_found() {
    is_found(Bug::AnswersBeforeCommit, &[Syncs::Good], "is lost");
}

#[test]
fn p1_a_commit_that_is_not_synced_is_found() {
    is_found(Bug::SyncsNoCommit, &[Syncs::Good], "is lost");
}

#[test]
fn p1_a_start_that_does_not_write_back_what_the_disk_never_got_is_found() {
    is_found(Bug::ReopensWithoutLog, &[Syncs::FailInTheEnd, Syncs::Good], "is lost");
}
