//! Run Now while a scan runs for as long as the test wants.

use crate::support::server::{Browser, PASSWORD};
use crate::support::{foreign, in_time, now, store, until};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::model::{Actor, JobId, Outcome, Queue, ScanRequest, Status};
use lamplighter::monitor;
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::web::{self, Options, Web};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Clicks at once.
const CLICKS: usize = 20;

/// The pages and an engine whose scans wait for a permit each.
struct Site {
    url: String,
    gate: Arc<Semaphore>,
    engine: Engine,
    pages: JoinSet<()>,
    stop: CancellationToken,
}

impl Site {
    async fn start(folder: &Path, store: &Store) -> Self {
        let hash = web::hash_password(PASSWORD).unwrap();
        store.create_first_admin(hash, Actor::cli(), now()).await.unwrap();
        let gate = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&gate);
        let engine = Engine::builder(store.clone(), Clock::system())
            .queue(Queue::AGENT, 1)
            .kind(monitor::rules(), move |_| {
                let permits = Arc::clone(&permits);
                async move {
                    permits.acquire().await.unwrap().forget();
                    Outcome::Done(true.into())
                }
            })
            .start()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let options = Options { allowed_hosts: Vec::new(), trusted_proxies: Vec::new() };
        let pages = Web {
            store: store.clone(),
            logs: LogStore::open(&folder.join("logs.db"), OpenMode::Migrate).unwrap(),
            clock: Clock::system(),
            options,
            leading: engine.leading(),
        };
        let mut tasks = JoinSet::new();
        let stopped = stop.clone();
        tasks.spawn(async move { web::serve(listener, pages, stopped).await.unwrap() });
        Self { url, gate, engine, pages: tasks, stop }
    }

    async fn signed_in(&self) -> Browser {
        let url = self.url.clone();
        tokio::task::spawn_blocking(move || Browser::signed_in(&url)).await.unwrap()
    }

    async fn stop(mut self) {
        self.stop.cancel();
        in_time(self.pages.join_next()).await;
        self.engine.stop(Duration::ZERO).await;
    }
}

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

    let mut order: Vec<JobId> = vec![first];
    order.extend(ids.iter().map(|id| JobId(*id)));
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
async fn the_thousand_and_first_waiting_scan_is_refused() {
    let (_folder, store) = store();
    for _ in 0..1000 {
        let answer = monitor::run_now(&store, Actor::cli(), None, now()).await.unwrap();
        assert!(matches!(answer, ScanRequest::Queued(_)));
    }
    assert_eq!(
        monitor::run_now(&store, Actor::cli(), None, now()).await.unwrap(),
        ScanRequest::TooMany
    );
}
