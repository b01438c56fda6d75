//! What this process has to say of itself: the engine's heart writes it into the worker's row.

use crate::model::{ProcessFacts, Service, ServiceRun, Timestamp};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The facts of a process, in memory. What a service did last is said with the next heartbeat, anything else at once.
#[derive(Debug, Default)]
pub(super) struct Board {
    says: Mutex<ProcessFacts>,
    changes: watch::Sender<u64>,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, ProcessFacts> {
        self.says.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn says(&self) -> ProcessFacts {
        self.lock().clone()
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn say(&self, change: impl FnOnce(&mut ProcessFacts)) {
        let mut says = self.lock();
        let before = says.clone();
        change(&mut says);
        if (ProcessFacts { services: before.services.clone(), ..says.clone() }) != before {
            self.changes.send_modify(|number| *number += 1);
        }
    }

    pub(super) fn ran<E: fmt::Display>(
        &self,
        service: &Service,
        at: Timestamp,
        ended: Result<String, E>,
    ) {
        self.lock().services.insert(service.to_string(), ServiceRun::new(at, ended));
    }
}
