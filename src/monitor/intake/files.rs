//! Follows the files of a source: one, or all that fit a pattern, also those that come later.

use super::watch::Events;
use super::{RETRY, Trouble};
use crate::clock::Clock;
use crate::error::Code;
use crate::logs::{LogFile, LogFiles};
use crate::warn_coded;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The period that backs the file system's events up, and in which a row or a rotation is found to be complete.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Least time between two looks, so that a line a millisecond is not a commit a millisecond.
const LEAST_WAIT: Duration = Duration::from_millis(100);
/// How often the files of a pattern are looked for.
const FIND_EVERY: Duration = Duration::from_secs(2);

/// The files that are followed, so that none of two sources is followed twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Claimed(Arc<Mutex<BTreeSet<PathBuf>>>);

impl Claimed {
    /// Whether the file was not followed yet; it is from now on.
    pub(super) fn claim(&self, path: &Path) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned())
    }

    fn has(&self, path: &Path) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    fn give_back(&self, path: &Path) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }
}

/// What a source must leave to others.
pub(super) struct Others {
    /// The patterns before it, whose files are theirs.
    pub(super) before: Vec<LogFiles>,
    pub(super) claimed: Claimed,
}

impl Others {
    /// Whether the file is left to this source, and was not followed yet; it is from now on.
    fn leave(&self, path: &Path) -> bool {
        !self.claimed.has(path)
            && !self.before.iter().any(|files| files.fits(path))
            && self.claimed.claim(path)
    }
}

/// Follows the files of a source for ever; a file that is named by itself is claimed already.
pub(super) async fn serve(files: LogFiles, others: Others, clock: Clock, leading: Receiver<bool>) {
    if files.is_pattern() {
        return serve_pattern(files, others, clock, leading).await;
    }
    let file = files.only();
    if !file.path().exists() {
        let path = file.path().display();
        warn_coded!(
            Code::LogMissing,
            "{path} is not there; it is read from its start when it comes"
        );
    }
    follow(file, Until::Ever, clock, leading).await;
}

/// Follows all files that fit a pattern, each in a task.
async fn serve_pattern(files: LogFiles, others: Others, clock: Clock, mut leading: Receiver<bool>) {
    let (mut tasks, mut trouble) = (JoinSet::new(), Trouble::default());
    let (mut said_none, mut said_more) = (false, false);
    while leading.wait_for(|leads| *leads).await.is_ok() {
        let found = files.found().await;
        files.tell(found.as_ref().map(|(found, _)| found.len()), clock.now());
        match found {
            Err(error) => trouble.says(Code::LogFollow, &error),
            Ok((found, more)) => {
                trouble.ends();
                if found.is_empty() && !said_none {
                    warn_coded!(
                        Code::LogMissing,
                        "no log fits {files} yet; each is read when it comes"
                    );
                }
                if more > 0 && !said_more {
                    warn_coded!(
                        Code::LogMissing,
                        "{more} more logs fit {files}: the {} that changed last are followed",
                        found.len()
                    );
                }
                (said_none, said_more) = (true, more > 0);
                for path in found.into_iter().filter(|path| others.leave(path)) {
                    let file = files.file(path.clone());
                    let (clock, leading) = (clock.clone(), leading.clone());
                    tasks.spawn(async move {
                        follow(file, Until::Gone, clock, leading).await;
                        path
                    });
                }
            }
        }
        tokio::time::sleep(FIND_EVERY).await;
        while let Some(ended) = tasks.try_join_next() {
            if let Ok(path) = ended {
                others.claimed.give_back(&path);
            }
        }
    }
}

/// How long a file is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// For ever: it may come back.
    Ever,
    /// Until no file is there and nothing of it is left.
    Gone,
}

/// Follows one file.
async fn follow(mut file: LogFile, until: Until, clock: Clock, mut leading: Receiver<bool>) {
    let mut trouble = Trouble::default();
    loop {
        file.let_go();
        if leading.wait_for(|leads| *leads).await.is_err() {
            return;
        }
        let mut events = Events::around(file.path());
        while *leading.borrow() {
            let begun = Instant::now();
            let read = file.run_once(clock.now()).await;
            file.tell(read.as_ref().map(|_| ()), clock.now());
            match read {
                Ok(more) => {
                    trouble.ends();
                    // Half of the time is for other work: a large file must not slow a request.
                    tokio::time::sleep(begun.elapsed().min(LOOK_EVERY)).await;
                    if !more && until == Until::Gone && !file.is_open() {
                        return;
                    }
                    if !more {
                        tokio::time::sleep(LEAST_WAIT).await;
                        events.wait(LOOK_EVERY).await;
                    }
                }
                Err(error) => {
                    trouble.says(Code::LogFollow, &error);
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }
}
