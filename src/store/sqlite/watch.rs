//! Notices other programs' commits: inotify on the WAL, confirmed by SQLite's `data_version`.
//!
//! A commit is visible a moment after its bytes reach the WAL, mostly as soon as the disk has them, so an event arms a few
//! looks over the next 17 ms. A look every 250 ms backs this up where inotify is not to be had. Idle, nothing runs but that
//! look.

use super::Database;
use crate::error::{Code, Result};
use crate::warn_coded;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// The backing period (P15: a ready job starts within 250 ms).
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Waits between the looks that one event arms, in microseconds, 17 ms together.
const LOOKS: [u64; 9] = [100, 150, 200, 300, 500, 1_000, 2_500, 4_000, 8_000];
/// The place of the first of them that the runtime's clock can count.
const FIRST_LONG: usize = 5;
/// What that clock counts in: a shorter wait would last as long.
const TICK: Duration = Duration::from_millis(1);
/// How often the short looks are begun at most.
const SHORT_EVERY: Duration = Duration::from_millis(4);

/// Raises the change signal after every commit of another program, until the database closes. Cancel safe.
pub(in crate::store) async fn foreign_commits(db: &Database) -> Result<()> {
    let mut wal = db.path().as_os_str().to_owned();
    wal.push("-wal");
    let mut short = Instant::now();
    let mut events = Events::on(Path::new(&wal));
    if let Err(error) = &events {
        warn_coded!(Code::StoreWatch, "watch {}: {error}", wal.display());
    }
    loop {
        let happened = if let Ok(events) = &mut events {
            tokio::select! {
                event = events.next() => event.map(|()| true),
                () = sleep(LOOK_EVERY) => Ok(false),
            }
        } else {
            sleep(LOOK_EVERY).await;
            Ok(false)
        };
        let happened = happened.unwrap_or_else(|error| {
            warn_coded!(Code::StoreWatch, "watch {}: {error}", wal.display());
            events = Err(error);
            false
        });
        if !happened {
            db.look().await?;
            continue;
        }
        let mut next = 0;
        while let Some(wait) = LOOKS.get(next).copied().map(Duration::from_micros) {
            if next == 0 {
                // Our own commits are events too: while one follows another, the short looks leave the writer in peace.
                sleep(SHORT_EVERY.saturating_sub(short.elapsed())).await;
                short = Instant::now();
            }
            // What comes meanwhile begins the looks anew: another program's commit may be behind it.
            if next >= FIRST_LONG && comes_within(&mut events, wait).await {
                next = 0;
                continue;
            }
            if next < FIRST_LONG {
                rest(wait).await;
            }
            next += 1;
            db.look().await?;
        }
    }
}

/// Waits so long; answers at once, and with yes, if something happens to the file meanwhile.
async fn comes_within(events: &mut io::Result<Events>, wait: Duration) -> bool {
    let Ok(events) = events else {
        sleep(wait).await;
        return false;
    };
    tokio::select! {
        // A failure of the kernel's is met, and said, by the next wait for an event.
        event = events.next() => event.is_ok(),
        () = sleep(wait) => false,
    }
}

/// Waits for less than the runtime's clock counts in.
async fn rest(wait: Duration) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the kernel tells of bytes in the log, and of no commit"
    )]
    let rest = move || std::thread::sleep(wait);
    // A pool of threads that is busy must not keep the looks from going on.
    let rested = tokio::time::timeout(TICK * 2, spawn_blocking(rest)).await;
    crate::error::ignore(rested, "a runtime that ends has no more looks");
}

#[cfg(target_os = "linux")]
struct Events(inotify::EventStream<[u8; 4096]>);

#[cfg(target_os = "linux")]
impl Events {
    fn on(file: &Path) -> io::Result<Self> {
        let inotify = inotify::Inotify::init()?;
        inotify.watches().add(file, inotify::WatchMask::MODIFY)?;
        inotify.into_event_stream([0; 4096]).map(Self)
    }

    /// Returns after the file was written to since the last call.
    async fn next(&mut self) -> io::Result<()> {
        use futures_util::StreamExt;
        match self.0.next().await {
            Some(event) => event.map(drop),
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(target_os = "linux"))]
struct Events;

#[cfg(not(target_os = "linux"))]
impl Events {
    fn on(_file: &Path) -> io::Result<Self> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    async fn next(&mut self) -> io::Result<()> {
        std::future::pending().await
    }
}
