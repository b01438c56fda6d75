//! Actions on scans: asking for a scan, or for a dry run, which only says what it would file.

pub use super::ready::can_file;
use super::{Answer, Call, Right, ready, waiting};
use crate::error::{Code, Error, Result};
use crate::model::{JobId, Json, Kind, NewJob, Role, Scan, Trigger};
use crate::store::Store;
use crate::wire;
use serde::Serialize;

/// The right to ask for a scan.
pub const RUN: Right = Right::new(Role::Operator, "queue a scan");

/// A request for a scan.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScanRun {
    /// Whether it is a dry run: one that only says what it would file, what it would skip, and why.
    pub dry_run: bool,
}

/// The payload of a scan.
#[derive(Serialize)]
struct Payload {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

/// Whether a person of this role may ask for a scan.
pub fn may(role: Role) -> bool {
    RUN.is_of(role)
}

/// Queues a scan, also while another scan runs: each call makes a job of its own.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `TRACK-AUTH-001` and `TRACK-REPO-001` while the running server says that it
/// cannot file anything, except for a dry run; `JOB-LIMIT-001` while 1,000 scans wait.
pub async fn run_now(
    store: &Store,
    call: &Call,
    request: ScanRun,
) -> Result<Answer<wire::ScanQueued>> {
    let ScanRun { dry_run } = request;
    call.needs(RUN)?;
    let payload = Json::of(&Payload { dry_run })?;
    ready::check(store, call, (&Kind::SELF_MONITORING, &payload)).await?;
    let job = NewJob {
        payload,
        trigger: Trigger::Manual,
        actor: Some(call.actor()),
        correlation_id: call.correlation_id.clone(),
        ..NewJob::new(Kind::SELF_MONITORING)
    };
    let id = store.enqueue(job, call.now).await?.id();
    let subject = if dry_run { "Dry run" } else { "Scan" };
    let said = waiting::of(store, call, subject, &Kind::SELF_MONITORING, id).await;
    let value = wire::ScanQueued { status: "queued", scan_id: id.to_string(), ahead: said.ahead };
    Ok(Answer::new(value, said.sentence).with_notes(said.notes))
}

/// The scan of this id.
///
/// # Errors
/// `SCAN-ID-001` for an id that no scan has. If a job of another kind has the id, the error says which kind.
pub async fn find(store: &Store, id: JobId) -> Result<Scan> {
    if let Some(scan) = store.scan(id).await? {
        return Ok(scan);
    }
    let what = match store.job(id).await? {
        Some(job) => format!("job {id} is of the kind {}", job.kind),
        None => format!("there is no job {id}"),
    };
    Err(Error::new(Code::ScanUnknown, format!("find scan {id}: {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Note, Readiness, Timestamp};
    use crate::store::OpenMode;
    use tempfile::TempDir;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn store() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db"), OpenMode::Migrate).unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn a_scan_is_queued_with_who_asked_and_a_dry_run_says_so() {
        let (_folder, store) = store();
        let mut call = Call::by_owner(NOW);
        call.correlation_id = Some("0123456789abcdef".into());
        for (dry_run, payload, subject) in
            [(false, "{}", "Scan 1"), (true, r#"{"dry_run":true}"#, "Dry run 2")]
        {
            let answer = run_now(&store, &call, ScanRun { dry_run }).await.unwrap();
            assert_eq!(answer.sentence, format!("{subject} is queued."));
            assert_eq!(answer.notes, [Note::NoProcess(Kind::SELF_MONITORING).to_string()]);
            let id = JobId(answer.value.scan_id.parse().unwrap());
            let job = store.job(id).await.unwrap().unwrap();
            assert_eq!((job.payload.as_str(), job.trigger), (payload, Trigger::Manual));
            assert_eq!(job.correlation_id.as_deref(), Some("0123456789abcdef"));
        }
    }

    #[tokio::test]
    async fn a_scan_is_refused_to_a_viewer_without_a_tracker_and_after_the_thousandth() {
        let (_folder, store) = store();
        let mut call = Call::by_owner(NOW);
        store.say(|facts| {
            facts.tracker = Some(Readiness::not_ready(Some("TRACK-AUTH-001"), "no token"));
        });
        let refused = run_now(&store, &call, ScanRun::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::TrackerNoToken);
        let cause = Code::TrackerNoToken.cause();
        assert_eq!(refused.sentence(), format!("Could not queue a scan: {cause}"));
        run_now(&store, &call, ScanRun { dry_run: true }).await.unwrap();

        store.say(|facts| facts.tracker = Some(Readiness::ready("local")));
        store.enqueue_all(vec![NewJob::new(Kind::SELF_MONITORING); 999], NOW).await.unwrap();
        let refused = run_now(&store, &call, ScanRun::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::QueueFull);

        call.who.role = Role::Viewer;
        assert!(!may(call.who.role));
        let refused = run_now(&store, &call, ScanRun { dry_run: true }).await.unwrap_err();
        assert_eq!(refused.code(), Code::AuthRole);
        assert!(refused.sentence().starts_with("Could not queue a scan: your role is viewer"));
    }
}
