//! Notes: writes that nobody waits for, as that a token was used. No request is held up or refused because of one.

use super::transaction::Tx;
use super::work::Task;
use super::writer::Call;
use crate::error::{Result, ignore};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How long the one who notes something stays for it, so that what comes next finds it written while the database is free.
const A_MOMENT: Duration = Duration::from_millis(100);

/// The things of which a note is on its way to the file.
#[derive(Debug, Default)]
pub(super) struct Notes(Arc<Mutex<HashSet<Subject>>>);

/// What is noted, and of which thing.
type Subject = (&'static str, String);

/// One note that is on its way. There is no other of its subject until this is dropped.
struct OnItsWay {
    all: Arc<Mutex<HashSet<Subject>>>,
    subject: Subject,
}

impl Notes {
    /// Sends a note of this thing, unless one is on its way. A failure is only told to the log, at debug.
    pub(super) async fn send(
        &self,
        calls: &mpsc::Sender<Call>,
        (doing, thing): Subject,
        run: impl Fn(&Tx<'_>) -> Result<()> + Send + 'static,
    ) {
        let Some(note) = self.take((doing, thing)) else { return };
        let (caller, answer) = oneshot::channel();
        let run = move |tx: &Tx<'_>| {
            let told = |error: &_| tracing::debug!("could not {}: {error}", note.doing());
            run(tx).inspect_err(told)
        };
        let task = Task { run, value: None, doing, asked: Instant::now(), caller };
        if let Err(refused) = calls.try_send(Call::Write(Box::new(task))) {
            ignore(Err::<(), _>(refused), "the next use is noted when fewer writes wait");
            return;
        }
        match tokio::time::timeout(A_MOMENT, answer).await {
            Ok(Ok(answer)) => ignore(answer, "the next use is noted anew"),
            Ok(Err(gone)) => ignore(Err::<(), _>(gone), "the writer has ended"),
            Err(later) => ignore(Err::<(), _>(later), "the note is written later"),
        }
    }

    fn take(&self, subject: Subject) -> Option<OnItsWay> {
        let is_first = locked(&self.0).insert(subject.clone());
        is_first.then(|| OnItsWay { all: Arc::clone(&self.0), subject })
    }
}

impl OnItsWay {
    /// What is noted. A closure that asks this has the whole of it, and drops it when it is dropped itself.
    fn doing(&self) -> &'static str {
        self.subject.0
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        locked(&self.all).remove(&self.subject);
    }
}

/// A panic while it was locked leaves the set usable.
fn locked(all: &Mutex<HashSet<Subject>>) -> MutexGuard<'_, HashSet<Subject>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};

    #[tokio::test]
    async fn one_note_of_a_thing_is_on_its_way_and_nobody_waits_for_it() {
        let (calls, mut line) = mpsc::channel(8);
        let notes = Notes::default();
        let note = |thing: &str| notes.send(&calls, ("note a use", thing.to_owned()), |_| Ok(()));
        // No writer takes the calls: each of these comes back all the same.
        note("a").await;
        note("a").await;
        note("b").await;
        assert_eq!(line.len(), 2, "one of each");
        let Some(Call::Write(of_a)) = line.recv().await else { panic!("no write") };
        of_a.answer(Err(Error::new(Code::StoreBusy, "wait")));
        note("b").await;
        note("a").await;
        assert_eq!(line.len(), 2, "b waits, and a is noted anew after its failure");
    }

    #[tokio::test]
    async fn a_note_for_which_there_is_no_room_is_left_out() {
        let (calls, mut line) = mpsc::channel(1);
        let notes = Notes::default();
        calls.try_send(Call::Look).unwrap();
        notes.send(&calls, ("note a use", "a".to_owned()), |_| Ok(())).await;
        assert!(matches!(line.recv().await, Some(Call::Look)) && line.is_empty());
        notes.send(&calls, ("note a use", "a".to_owned()), |_| Ok(())).await;
        assert_eq!(line.len(), 1);
    }
}
