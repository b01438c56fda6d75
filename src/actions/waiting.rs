//! What an answer says of a job that was just made: whether it starts now, and if it does not, what holds it.

use super::Call;
use crate::error::{Code, Result};
use crate::model::{Gate, JobId, Kind, Note, Timestamp, Why};
use crate::store::Store;
use crate::warn_coded;

/// What an answer says of a job that was just made.
pub(super) struct Said {
    /// A sentence, or a few.
    pub(super) sentence: String,
    /// How many jobs of its queue start before it; `None` if that could not be read.
    pub(super) ahead: Option<u64>,
    /// What a person should know besides.
    pub(super) notes: Vec<String>,
}

/// What an answer says of the job `id` of this kind. `subject` is what a person calls it, as "Session".
///
/// The job is stored. If its state cannot be read now, the sentence says only that it is queued.
pub(super) async fn of(store: &Store, call: &Call, subject: &str, kind: &Kind, id: JobId) -> Said {
    said(store, call, (subject, kind, None), id).await
}

/// What is said of a session that was just made, with how many are ahead of it, the running ones included.
pub(super) async fn of_session(store: &Store, call: &Call, id: JobId, ahead: Option<u64>) -> Said {
    said(store, call, ("Session", &Kind::AGENT_SESSION, ahead), id).await
}

async fn said(
    store: &Store,
    call: &Call,
    (subject, kind, ahead): (&str, &Kind, Option<u64>),
    id: JobId,
) -> Said {
    match read(store, call, (subject, kind, ahead), id).await {
        Ok(said) => said,
        Err(error) => {
            warn_coded!(
                Code::WebInternal,
                "{subject} {id} is queued, but its line cannot be read: {error}"
            );
            Said { sentence: format!("{subject} {id} is queued."), ahead: None, notes: Vec::new() }
        }
    }
}

/// What a person should know besides about jobs of this kind. Notes that cannot be read are left out, because the job is
/// stored all the same.
pub(super) async fn notes(store: &Store, kind: &Kind, now: Timestamp) -> Vec<String> {
    match store.notes_for(kind, now).await {
        Ok(notes) => sentences(&notes),
        Err(error) => {
            warn_coded!(Code::WebInternal, "notes on jobs of kind {kind} cannot be read: {error}");
            Vec::new()
        }
    }
}

/// What holds a job that was just made or changed.
#[derive(Default)]
pub(super) struct Held {
    /// A sentence; empty if nothing is to be said or it cannot be read.
    pub(super) text: String,
    /// What a person should know besides.
    pub(super) notes: Vec<String>,
}

/// What holds a job of this kind after a change of it. What cannot be read is left out: the change is made all the same.
pub(super) async fn held(store: &Store, call: &Call, kind: &Kind, id: JobId) -> Held {
    match Look::at(store, call, kind, id).await {
        Ok(look) => Held { text: look.text(), notes: sentences(&look.notes) },
        Err(error) => {
            warn_coded!(Code::WebInternal, "what holds job {id} cannot be read: {error}");
            Held::default()
        }
    }
}

fn sentences(notes: &[Note]) -> Vec<String> {
    notes.iter().map(Note::to_string).collect()
}

fn is_no_process(note: &Note) -> bool {
    matches!(note, Note::NoProcess(_))
}

async fn read(
    store: &Store,
    call: &Call,
    (subject, kind, ahead): (&str, &Kind, Option<u64>),
    id: JobId,
) -> Result<Said> {
    let look = Look::at(store, call, kind, id).await?;
    let Some(why) = &look.why else {
        // The job was there before (it has the same key), and retention has removed it since.
        let sentence = format!("{subject} {id} is over.");
        return Ok(Said { sentence, ahead: Some(0), notes: sentences(&look.notes) });
    };
    let sentence = if look.starts_now {
        format!("{subject} {id} starts now.")
    } else if !why.waits() && why.gates.is_empty() {
        format!("{subject} {id} {}.", why.headline())
    } else {
        let place = why.place_in_line().map(|place| format!(" {place}")).unwrap_or_default();
        let ahead = ahead.filter(|ahead| *ahead > 0).map(|ahead| format!(", {ahead} ahead"));
        let ahead = ahead.unwrap_or_default();
        let queued = format!("{subject} {id} is queued{ahead}. {}{place}", look.text());
        queued.trim_end().to_owned()
    };
    Ok(Said { sentence, ahead: Some(why.ahead), notes: sentences(&look.notes) })
}

/// A look at a job that was just made or changed, in which nothing is said twice.
struct Look {
    /// `None`: there is no such job any more. A gate that a note names is no part of it.
    why: Option<Why>,
    starts_now: bool,
    /// What a person should know besides. A note that names a gate is no part of them, unless it says what to do.
    notes: Vec<Note>,
}

impl Look {
    async fn at(store: &Store, call: &Call, kind: &Kind, id: JobId) -> Result<Self> {
        let now = call.now;
        let mut notes = store.notes_for(kind, now).await?;
        let why = store.why(id, now).await?.map(|why| why.by(call.zone));
        let mut why = why.map(Why::of_a_new_job);
        let mut starts_now = false;
        if let Some(why) = &mut why {
            let named =
                |gate: &Gate| matches!(gate, Gate::NoHandler { .. } | Gate::AgentMissing { .. });
            if why.gates.iter().any(named) {
                notes.retain(is_no_process);
            }
            // A process may have gone, or have come, between the two reads.
            let runs_nowhere = notes.iter().any(is_no_process);
            starts_now = why.starts_now_since(now) && !runs_nowhere;
            if runs_nowhere {
                why.gates.retain(|gate| !matches!(gate, Gate::NoEngine { .. }));
            }
        }
        Ok(Self { why, starts_now, notes })
    }

    /// What holds it, in a sentence; empty where the notes alone say it.
    fn text(&self) -> String {
        let runs_nowhere = self.notes.iter().any(is_no_process);
        match &self.why {
            _ if self.starts_now => "It starts now.".to_owned(),
            Some(why) if runs_nowhere && why.starts_next() => String::new(),
            // It was claimed, and its handler is about to put it off.
            Some(why) if !why.waits() => {
                why.gates.iter().map(|gate| gate.sentence(why.zone)).collect()
            }
            Some(why) => why.to_string(),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, KindRules, NewJob, Queue};
    use crate::store::OpenMode;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[tokio::test]
    async fn a_job_that_something_holds_is_never_said_to_start_now() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db"), OpenMode::Migrate).unwrap();
        let call = Call::by_owner(NOW);
        store.stop_all("fire drill".into(), Actor::cli(), NOW).await.unwrap();
        let job = NewJob { queue: Some(Queue::DEFAULT), ..NewJob::new(Kind::SELF_MONITORING) };
        let id = store.enqueue(job, NOW).await.unwrap().id();
        let said = of(&store, &call, "Scan", &Kind::SELF_MONITORING, id).await;
        let stopped = "All queues were stopped by cli: fire drill.";
        assert_eq!(said.sentence, format!("Scan {id} is queued. {stopped}"));
        let nobody = Note::NoProcess(Kind::SELF_MONITORING).to_string();
        assert_eq!((said.ahead, said.notes), (Some(0), vec![nobody]));
        let gone = of(&store, &call, "Scan", &Kind::SELF_MONITORING, JobId(99)).await;
        assert_eq!(gone.sentence, "Scan 99 is over.");
    }

    #[tokio::test]
    async fn that_no_server_runs_and_that_nobody_has_a_handler_is_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db"), OpenMode::Migrate).unwrap();
        let call = Call::by_owner(NOW);
        let kind = Kind::parse("tpyo").unwrap();
        let id = store.enqueue(NewJob::new(kind.clone()), NOW).await.unwrap().id();
        let all = |held: Held| format!("{} {}", held.text, held.notes.join(" "));
        let nowhere = all(held(&store, &call, &kind, id).await);
        let nobody = Note::NoProcess(kind.clone()).to_string();
        assert_eq!(nowhere.trim(), nobody);

        let kinds = vec![KindRules::new(Kind::parse("other").unwrap())];
        let (worker, _) = store.played("w", kinds, NOW).await;
        let lock = store.try_lead(&worker).unwrap().unwrap();
        let unhandled = all(held(&store, &call, &kind, id).await);
        assert!(unhandled.contains("No worker handles tpyo"), "{unhandled}");
        assert_eq!(unhandled.matches("tpyo").count(), 1, "{unhandled}");
        assert!(!unhandled.contains("No process works"), "{unhandled}");

        // As after a kill: its row says that it leads and was heard of just now.
        drop(lock);
        let killed = all(held(&store, &call, &kind, id).await);
        assert_eq!(killed.trim(), nobody);
    }
}
