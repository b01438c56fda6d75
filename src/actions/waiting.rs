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
    match read(store, call, subject, kind, id).await {
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

/// The sentence that says what holds a job after it was changed. It is empty if that cannot be read, because the change
/// is made all the same.
pub(super) async fn held(store: &Store, id: JobId, now: Timestamp) -> String {
    match store.why(id, now).await.map(|why| why.map(Why::of_a_new_job)) {
        Ok(Some(why)) if why.starts_now_since(now) => "It starts now.".to_owned(),
        Ok(why) => why.map(|why| why.to_string()).unwrap_or_default(),
        Err(error) => {
            warn_coded!(Code::WebInternal, "what holds job {id} cannot be read: {error}");
            String::new()
        }
    }
}

fn sentences(notes: &[Note]) -> Vec<String> {
    notes.iter().map(Note::to_string).collect()
}

async fn read(store: &Store, call: &Call, subject: &str, kind: &Kind, id: JobId) -> Result<Said> {
    let mut notes = store.notes_for(kind, call.now).await?;
    let Some(why) = store.why(id, call.now).await?.map(Why::of_a_new_job) else {
        // It was there before, by its key, and retention has removed it since.
        let notes = sentences(&notes);
        return Ok(Said { sentence: format!("{subject} {id} is over."), ahead: Some(0), notes });
    };
    // What the line names is not said twice; what to do where no process runs stands in the note alone.
    let named = |gate: &Gate| matches!(gate, Gate::NoHandler { .. } | Gate::AgentMissing { .. });
    if why.gates.iter().any(named) {
        notes.retain(|note| matches!(note, Note::NoProcess(_)));
    }
    // A process that was killed has left its row, but not its lock: the note knows.
    let runs_nowhere = notes.iter().any(|note| matches!(note, Note::NoProcess(_)));
    let starts_now = why.starts_now_since(call.now);
    let sentence = if starts_now && !runs_nowhere {
        format!("{subject} {id} starts now.")
    } else if !why.waits() {
        format!("{subject} {id} {}.", why.headline())
    } else if starts_now {
        format!("{subject} {id} is queued.")
    } else {
        let place = why.place_in_line().map(|place| format!(" {place}")).unwrap_or_default();
        format!("{subject} {id} is queued. {why}{place}")
    };
    Ok(Said { sentence, ahead: Some(why.ahead), notes: sentences(&notes) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, NewJob, Queue};
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
        let why = store.why(id, NOW).await.unwrap().unwrap();
        assert_eq!(said.sentence, format!("Scan {id} is queued. {why}"));
        assert!(
            said.sentence.contains("all queues were stopped by cli: fire drill"),
            "{}",
            said.sentence
        );
        let nobody = Note::NoProcess(Kind::SELF_MONITORING).to_string();
        assert_eq!((said.ahead, said.notes), (Some(0), vec![nobody]));
        let gone = of(&store, &call, "Scan", &Kind::SELF_MONITORING, JobId(99)).await;
        assert_eq!(gone.sentence, "Scan 99 is over.");
    }
}
