//! How the write lock is asked for while another program may hold it.

use super::batch;
use crate::error::{Code, Error, Result};
use rusqlite::Connection;
use std::time::{Duration, Instant};

/// One try. After it the caller looks whether it still wants the lock.
const TRY: Duration = Duration::from_millis(50);
/// How often the first try asks. SQLite's own way, ever more seldom, leaves the lock unused for milliseconds between the
/// commits of two processes.
const ASK_AT_FIRST: Duration = Duration::from_micros(300);
/// How often later tries ask: another program holds the lock for longer than a commit of ours takes.
const ASK_LATER: Duration = Duration::from_millis(5);

/// Begins a transaction that writes, within one try.
///
/// # Errors
/// `STORE-BUSY-001` if another program holds the lock.
pub(super) fn try_begin(conn: &Connection, is_first: bool) -> Result<()> {
    conn.busy_handler(Some(if is_first { ask_at_first } else { ask_later }))?;
    batch::run(conn, "BEGIN IMMEDIATE").map_err(Error::from)
}

/// Begins a transaction that writes, within this time.
///
/// # Errors
/// `STORE-BUSY-001` if other programs hold the lock all the while.
pub(super) fn begin(conn: &Connection, within: Duration) -> Result<()> {
    let begun = Instant::now();
    loop {
        match try_begin(conn, true) {
            Err(error) if error.code() == Code::StoreBusy && begun.elapsed() < within => {}
            ended => return ended,
        }
    }
}

/// Whether SQLite is to ask once more after it was refused `times` times. Another process of ours holds the lock for a
/// commit, which is a few milliseconds: asking often loses little of them.
fn ask_at_first(times: i32) -> bool {
    ask_again(times, ASK_AT_FIRST)
}

/// The same for later tries.
fn ask_later(times: i32) -> bool {
    ask_again(times, ASK_LATER)
}

#[expect(
    clippy::disallowed_methods,
    reason = "no signal tells that another process let go of the lock"
)]
fn ask_again(times: i32, every: Duration) -> bool {
    std::thread::sleep(every);
    every * times.unsigned_abs() < TRY
}
