//! Run Now while a scan runs for as long as the test wants.

use crate::support::server::Browser;
use crate::support::site::Site;
use crate::support::{foreign, now, store, until};
use lamplighter::Code;
use lamplighter::model::{
    Actor, Enqueued, JobId, Kind, NewJob, NewSchedule, Plan, PromptValues, Rule, ScheduleName,
    Status,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use tokio::task::JoinSet;

/// Clicks at once.
const CLICKS: usize = 20;

/// Counts the running scans as another program sees them.
fn running(folder: &Path) -> i64 {
    let sql = "SELECT count(*) FROM jobs WHERE kind = 'self_monitoring' AND status = 'running'";
    foreign(folder).query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_twenty_parallel_clicks_while_a_scan_runs_are_queued_and_run_one_after_another() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let browser = site.signed_in().await;
    let mut first = browser.clone();
    let first = JobId(tokio::task::spawn_blocking(move || first.run_now()).await.unwrap());
    until(&store, first, |job| job.status == Status::Running).await;

    let mut clicks = JoinSet::new();
    for _ in 0..CLICKS {
        let mut browser = browser.clone();
        clicks.spawn_blocking(move || browser.run_now());
    }
    let ids: BTreeSet<i64> = clicks.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), CLICKS, "twenty clicks, twenty scans");
    assert_eq!(running(folder.path()), 1);

    // They run in the order of the clicks, which need not be that of their ids.
    let mut clicked = Vec::new();
    for id in ids {
        clicked.push((store.job(JobId(id)).await.unwrap().unwrap().run_at, JobId(id)));
    }
    clicked.sort_by_key(|(at, id)| (*at, id.0));
    let mut order: Vec<JobId> = vec![first];
    order.extend(clicked.into_iter().map(|(_, id)| id));
    for (done, id) in order.iter().enumerate() {
        until(&store, *id, |job| job.status == Status::Running).await;
        assert_eq!(running(folder.path()), 1, "after {done} scans");
        let waiting = store.scan_now().await.unwrap().waiting;
        assert_eq!(waiting as usize, CLICKS - done);
        site.gate.add_permits(1);
        until(&store, *id, |job| job.status == Status::Completed).await;
        assert!(running(folder.path()) <= 1);
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tells_the_truth_before_during_and_after_a_scan() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let mut browser = site.signed_in().await;
    let page = |browser: &Browser| {
        let mut browser = browser.clone();
        tokio::task::spawn_blocking(move || browser.get("/admin/self-monitoring", &[]).body)
    };
    let idle = page(&browser).await.unwrap();
    assert!(idle.contains("Run Now") && !idle.contains("Running..."), "{idle}");
    let (id, clicked) =
        tokio::task::spawn_blocking(move || (browser.run_now(), browser)).await.unwrap();
    until(&store, JobId(id), |job| job.status == Status::Running).await;
    let busy = page(&clicked).await.unwrap();
    assert!(busy.contains("Running...") && busy.contains("Queue another"), "{busy}");
    site.gate.add_permits(1);
    until(&store, JobId(id), |job| job.status == Status::Completed).await;
    let after = page(&clicked).await.unwrap();
    assert!(after.contains("Completed") && !after.contains("Running..."), "{after}");
    site.stop().await;
}

#[tokio::test]
async fn the_thousand_and_first_waiting_scan_or_session_is_refused_at_every_door() {
    let (_folder, store) = store();
    let session = json!({"prompt": "look"});
    for (kind, payload) in [(Kind::SELF_MONITORING, json!({})), (Kind::AGENT_SESSION, session)] {
        let job = NewJob { payload: payload.clone().into(), ..NewJob::new(kind.clone()) };
        store.enqueue_all(vec![job.clone(); 999], now()).await.unwrap();
        let last = store.enqueue(job.clone(), now()).await.unwrap().id();
        let plan = Plan {
            payload: payload.into(),
            ..Plan::new(Rule::every(60, now()).unwrap(), kind.clone())
        };
        let name = ScheduleName::parse(format!("every_{kind}")).unwrap();
        let schedule = NewSchedule { name: name.clone(), plan };
        store.create_schedule(schedule, Actor::cli(), now()).await.unwrap();
        let refused = [
            store.enqueue(job.clone(), now()).await.map(Enqueued::id),
            store.enqueue_all(vec![job], now()).await.map(|enqueued| enqueued[0].id()),
            store.run_schedule_now(name, PromptValues::new(), Actor::cli(), None, now()).await,
        ];
        for answer in refused {
            assert_eq!(answer.unwrap_err().code(), Code::QueueFull, "{kind}");
        }
        store.cancel(last, Actor::cli(), now()).await.unwrap();
        store.run_again(last, Actor::cli(), None, now()).await.unwrap();
        let again = store.run_again(last, Actor::cli(), None, now()).await;
        assert_eq!(again.unwrap_err().code(), Code::QueueFull, "{kind}");
    }
}
