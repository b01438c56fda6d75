//! What all parts of an open database know of its file: whether it is to be trusted, and when it last took a write.
//!
//! Once a page of the file is known to be damaged, or another file lies at its path, nothing is acknowledged any more
//! (P1): every later call is refused, the engine ends, and so does the server.

use crate::error::{Code, Error, Result};
use crate::error_coded;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{Notify, watch};

/// Why a file is not trusted any more.
#[derive(Clone, Debug)]
struct Broken {
    code: Code,
    why: String,
}

/// The trust in one open file. It is lost once and for all.
#[derive(Debug)]
pub(in crate::store) struct Guard {
    path: PathBuf,
    broken: watch::Sender<Option<Broken>>,
    /// A row was met that cannot be read.
    strange: Notify,
    pulse: Mutex<Pulse>,
}

/// What became of the last writes.
#[derive(Debug)]
struct Pulse {
    committed: Instant,
    /// When the engine last looked for work.
    looked: Instant,
    /// Why the last write was refused as every other one would have been, and when; `None`: it was not.
    refused: Option<(String, Instant)>,
}

impl Guard {
    pub(super) fn of(path: &Path) -> Self {
        let now = Instant::now();
        let pulse = Pulse { committed: now, looked: now, refused: None };
        let (broken, strange) = (watch::Sender::new(None), Notify::new());
        Self { path: path.to_owned(), broken, strange, pulse: Mutex::new(pulse) }
    }

    fn pulse(&self) -> MutexGuard<'_, Pulse> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the trust in the file if this error says that it is damaged or another one. A row that cannot be read may have
    /// been written so: [`Guard::meets_strange_row`] has the pages looked at.
    pub(super) fn heed(&self, error: &Error) {
        if error.code() == Code::StoreCorrupt {
            self.strange.notify_one();
        }
        if ![Code::StoreDamaged, Code::StoreReplaced].contains(&error.code()) {
            return;
        }
        let broken = Broken { code: error.code(), why: error.to_string() };
        let is_first = self.broken.send_if_modified(|known| {
            let is_first = known.is_none();
            known.get_or_insert(broken);
            is_first
        });
        if is_first {
            error_coded!(error.code(), "nothing more is saved in {}: {error}", self.path.display());
        }
    }

    /// The same for an answer, which is handed on.
    pub(super) fn heeded<T>(&self, done: Result<T>) -> Result<T> {
        if let Err(error) = &done {
            self.heed(error);
        }
        done
    }

    /// Why the file is not trusted any more.
    ///
    /// # Errors
    /// `STORE-FILE-008` it is damaged, `STORE-FILE-009` it is not the file at the path.
    pub(in crate::store) fn check(&self) -> Result<()> {
        match &*self.broken.borrow() {
            None => Ok(()),
            Some(Broken { code, why }) => Err(Error::new(*code, "").because(why.clone())),
        }
    }

    /// Returns when the file is not trusted any more, with the reason. Cancel safe.
    pub(in crate::store) async fn breaks(&self) -> Error {
        let mut broken = self.broken.subscribe();
        loop {
            if let Err(error) = self.check() {
                return error;
            }
            // The sender is a part of this guard.
            if broken.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Returns when a row was met that cannot be read, since this was last asked. Cancel safe.
    pub(in crate::store) async fn meets_strange_row(&self) {
        self.strange.notified().await;
    }

    /// A commit was answered.
    pub(super) fn committed(&self) {
        let mut pulse = self.pulse();
        (pulse.committed, pulse.refused) = (Instant::now(), None);
    }

    /// A write was refused for a reason that goes for every write.
    pub(super) fn refused(&self, error: &Error) {
        self.pulse().refused = Some((error.to_string(), Instant::now()));
    }

    /// The engine has looked for work.
    pub(in crate::store) fn looked(&self) {
        self.pulse().looked = Instant::now();
    }

    /// When the engine last looked for work; before the first look, when the file was opened.
    pub(in crate::store) fn last_look(&self) -> Instant {
        self.pulse().looked
    }

    /// When a commit was last answered, and why and when a write was last refused since, if one was.
    pub(in crate::store) fn last_write(&self) -> (Instant, Option<(String, Instant)>) {
        let pulse = self.pulse();
        (pulse.committed, pulse.refused.clone())
    }
}
