//! The machine's date moves by an hour, a day and a year, forward and back, under a server and programs that embed the engine:
//! live, and while all of them are stopped.
//!
//! Before each move there is work of every sort that a wrong instant could hold up: jobs and scans that wait for a key, a scan
//! and a job whose processes are killed, sessions, a retry, a snooze, a delay, a job of a rate, every kind of schedule. After it, all
//! of it must run by the new date, once. In the short form the moves add up; in the long form each of them is made in every
//! way, and back.

mod office;

use super::Form;
use super::date::library;
use crate::support::skipped;
use office::{Office, Way};
use std::time::{Duration, Instant};

/// What is promised: everything runs so soon after the right time.
const SOON: Duration = Duration::from_secs(5);
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;
const MOVES: [i64; 5] = [HOUR, DAY, -HOUR, -DAY, YEAR];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p19_all_that_waits_runs_by_the_new_date_after_it_moves_by_an_hour_a_day_and_a_year() {
    let Some(library) = library() else {
        return skipped(
            "the date of running programs cannot be moved: libfaketime is not installed",
        );
    };
    let begun = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let mut office = Office::open(folder.path(), library).await;
    let live = [Way::Live, Way::LiveAndKilled];
    let over_a_restart = [Way::KilledAndRestarted, Way::Restarted];
    if Form::of_this_run().is_long {
        for way in live.into_iter().chain(over_a_restart) {
            for offset in MOVES {
                office.moves_to(offset, way).await;
                office.moves_to(0, way).await;
            }
        }
    } else {
        for ways in [live, over_a_restart] {
            for (by, way) in MOVES.into_iter().zip(ways.into_iter().cycle()) {
                office.moves_to(office.offset() + by, way).await;
            }
        }
    }
    office.judge();
    println!("{:?}", begun.elapsed());
}
