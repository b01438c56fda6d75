//! The handler of kind `file_findings`: it files pending findings at the tracker and reads back what became of the issues.
//!
//! It is woken by the commit of a scan that leaves something pending, in that very transaction, at the start of the
//! server and from time to time. It is tried again for ever (P24).

use super::refile::refile;
use super::remote_issues;
use super::tracking::{Site, Tracking};
use crate::clock::Clock;
use crate::engine::{Builder, Context};
use crate::error::{Code, Error, Result};
use crate::model::settings::ENABLED;
use crate::model::{
    Act, Backoff, Failure, Filing, FilingId, FilingState, JobError, Kind, KindRules, Outcome,
    Queue, Reason, Retention, Service, Step, Timestamp,
};
use crate::store::Store;
use crate::tracker::{Ending, Ledger, file};
use crate::warn_coded;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::watch::Receiver;

/// How often the tracker is asked while scans run by themselves.
const ASK_EVERY: Duration = Duration::from_mins(15);

/// The payload of these jobs is empty: each of them files everything that is pending.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Refuses a payload that is not empty, because the handler would ignore it.
///
/// # Errors
/// `JOB-VALUE-001` with the member that does not fit.
pub fn check_filing(payload: &Value) -> Result<()> {
    Nothing::deserialize(payload).map(drop).map_err(|error| {
        Error::new(Code::ModelInvalid, "read the payload of a file_findings").because(error)
    })
}

/// The rules of kind `file_findings`: one at a time, tried again for ever, a few minutes apart at most, and kept for a
/// day, for the acts have rows of their own.
pub(super) fn rules() -> KindRules {
    KindRules {
        queue: Queue::TRACKER,
        max_attempts: 1_000_000,
        backoff: Backoff { base: Duration::from_secs(10), cap: Duration::from_mins(5) },
        poison_after: u32::MAX,
        retention: Retention::all(Duration::from_hours(24)),
        ..KindRules::new(Kind::FILE_FINDINGS)
    }
}

/// Lets an engine file findings.
pub(super) fn register(builder: Builder, store: &Store, tracking: &Tracking) -> Builder {
    let (store, tracking) = (store.clone(), tracking.clone());
    builder.queue(Queue::TRACKER, 1).kind(rules(), move |context| {
        let (store, tracking) = (store.clone(), tracking.clone());
        async move {
            let done = deliver(&context, &store, &tracking).await;
            done.unwrap_or_else(|error| Outcome::Failed(JobError::from(error)))
        }
    })
}

/// The rows of `filings` as the driver saves them.
#[derive(Clone, Debug)]
pub struct Filings {
    /// Where they are.
    pub store: Store,
    /// The time of changes.
    pub clock: Clock,
}

impl Ledger for Filings {
    async fn save(&self, filing: &Filing, was: FilingState) -> Result<()> {
        self.store.save_filing(filing.clone(), was, self.clock.now()).await
    }
}

/// What a round came to.
#[derive(Default)]
struct Round {
    filed: u64,
    /// From this instant on the tracker shows whether it took a request.
    settles: Option<Timestamp>,
    failed: Option<Failure>,
}

async fn deliver(context: &Context, store: &Store, tracking: &Tracking) -> Result<Outcome> {
    let Some(site) = tracking.remote()? else {
        let refiled = refile(store, tracking, &context.clock).await?;
        return Ok(Outcome::Done(json!({"filed": 0, "refiled": refiled})));
    };
    // Before anything is filed: after a backup was put back, it may be there already.
    let changed = match remote_issues::read_old(store, site, &context.clock).await? {
        Ok(changed) => changed,
        Err(failure) => return Ok(ended(context, failure)),
    };
    refile(store, tracking, &context.clock).await?;
    let round = match file_all(context, store, site).await? {
        Ok(round) => round,
        Err(limit) => return Ok(limit),
    };
    if round.filed > 0 {
        let said = Ok::<_, Error>(format!("filed {}", round.filed));
        store.ran(&Service::Filings, context.clock.now(), said);
    }
    Ok(match (round.failed, round.settles) {
        (Some(failure), _) => ended(context, failure),
        (None, Some(until)) => Outcome::Snooze(until.since(context.clock.now())),
        (None, None) => Outcome::Done(json!({"filed": round.filed, "changed": changed})),
    })
}

/// Files every act as far as possible, one after another. A limit ends the round, and the queue waits for its end.
async fn file_all(context: &Context, store: &Store, site: &Site) -> Result<Result<Round, Outcome>> {
    let client = &site.client;
    let ledger = Filings { store: store.clone(), clock: context.clock.clone() };
    let mut round = Round::default();
    let mut last = FilingId(0);
    while let Some(filing) = store.next_filing(site.home.clone(), last).await? {
        last = filing.id;
        let act = filing.act;
        match file(filing, client, &ledger, &context.clock).await? {
            Ending::Rests => round.filed += 1,
            Ending::Waits(until) => {
                let filing = store.filing(last).await?;
                let next = filing.as_ref().map(|filing| filing.next(context.clock.now()));
                if !matches!(next, Some(Step::Wait(_))) {
                    let reason = filing.and_then(|filing| filing.error).unwrap_or_default();
                    return Ok(Err(Outcome::Limited { until, reason }));
                }
                round.settles = Some(round.settles.map_or(until, |first| first.min(until)));
            }
            Ending::Failed(failure) => {
                let is_away =
                    matches!(failure.reason, Reason::NotFound | Reason::Gone | Reason::Moved);
                let is_its_own = is_away
                    || failure.reason == Reason::Invalid
                    || act == Act::Close && failure.reason == Reason::Forbidden;
                if is_away && act != Act::Open {
                    // Its issue may be gone, which the next look at all of them finds out.
                    store.doubt_tracker_issues(site.home.clone(), context.clock.now()).await?;
                }
                round.failed = Some(failure);
                if !is_its_own {
                    break;
                }
            }
        }
    }
    Ok(Ok(round))
}

fn ended(context: &Context, failure: Failure) -> Outcome {
    if let Reason::RateLimited(until) = failure.reason {
        return Outcome::Limited { until, reason: failure.to_string() };
    }
    // It is tried again for ever, so that it never fails for good: the first attempt says so, the others are lines of the
    // engine's.
    if context.job.attempt <= 1 {
        let (id, code) = (context.job.id, failure.reason.code());
        warn_coded!(code, "job {id} (file_findings) is refused by the issue tracker: {failure}");
    }
    Outcome::Failed(JobError::from(Error::from(failure)))
}

/// Has the tracker told and asked for ever, while this process leads: at first, and while scans run by themselves from
/// time to time.
pub(super) async fn serve(
    store: Store,
    tracking: Tracking,
    clock: Clock,
    mut leading: Receiver<bool>,
) {
    let mut begun = false;
    while leading.wait_for(|leads| *leads).await.is_ok() {
        let woken = wake(&store, &tracking, begun, clock.now()).await;
        let ended = woken.as_ref().map(|woken| match woken {
            true => "had the tracker told and asked".to_owned(),
            false => "nothing was to be filed".to_owned(),
        });
        store.ran(&Service::Filings, clock.now(), ended);
        match woken {
            Ok(woken) => begun |= woken,
            Err(error) => warn_coded!(error.code(), "have findings filed: {error}"),
        }
        clock.sleep(ASK_EVERY).await;
    }
}

async fn wake(store: &Store, tracking: &Tracking, begun: bool, now: Timestamp) -> Result<bool> {
    let is_remote = matches!(tracking, Tracking::Remote(_)) && tracking.check().is_ok();
    let set = store.settings([ENABLED.key]).await?;
    if !is_remote || begun && ENABLED.of(&set) != true {
        return Ok(false);
    }
    store.wake_filing(now).await.map(|()| true)
}
