//! What people who watch the pages cost those who enqueue: the time of one acknowledged enqueue while a thousand jobs a second
//! are made and run, with nobody at the pages and with fifty live pages open.
//!
//! `cargo bench --bench live`; `LAMPLIGHTER_BENCH_SECONDS=20` says how long each of the rounds takes. A live page here is what a
//! browser makes of one: it holds the stream of events, and at each event it asks for the parts of the page that keep
//! themselves fresh. There is no network and no browser in it, and pages and engine share one process. The process ends with 1
//! if the fifty pages make an enqueue slower than they may.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, missing_docs)]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use futures_util::StreamExt;
use lamplighter::clock::Clock;
use lamplighter::engine::Engine;
use lamplighter::jobs::Jobs;
use lamplighter::model::{Kind, KindRules, NewJob, Outcome, Queue, Role};
use lamplighter::store::{OpenMode, Store};
use lamplighter::web::{self, Access, Person};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const KIND: Kind = Kind::named("email");
/// Jobs made in a second.
const A_SECOND: u32 = 1_000;
/// Pages that are open.
const CLIENTS: usize = 50;
/// Rounds of each sort, one after the other by turns.
const ROUNDS: usize = 3;
const SECONDS: u64 = 10;
/// How much longer an enqueue may take at its 99th percentile while the pages are open.
const MUST: f64 = 1.5;

/// What people look at.
const PAGES: &[&str] = &["/", "/jobs", "/queues", "/jobs?status=completed", "/schedules"];

fn main() {
    let seconds = std::env::var("LAMPLIGHTER_BENCH_SECONDS").ok().and_then(|s| s.parse().ok());
    let length = Duration::from_secs(seconds.unwrap_or(SECONDS));
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ratio = runtime.block_on(run(&folder.path().join("lamplighter.db"), length));
    println!("p99 with {CLIENTS} live pages / without: {ratio:.2} (at most {MUST})");
    if ratio > MUST {
        println!("MISSED");
        std::process::exit(1);
    }
}

async fn run(path: &Path, length: Duration) -> f64 {
    let store = Store::open(path, OpenMode::Migrate).unwrap();
    let engine = Engine::builder(store.clone(), Clock::system())
        .queue(Queue::DEFAULT, 32)
        .kind(KindRules::new(KIND), |_| async { Outcome::Done(true.into()) })
        .start()
        .unwrap();
    let access = Access::host(|_| Some(Person { name: "ada".into(), role: Role::Admin }));
    let pages: Router = web::router(&Jobs::new(&store, &Clock::system()), access).unwrap();
    // The first seconds of a process are not like the others.
    enqueue(&store, Duration::from_secs(3)).await;
    let (mut alone, mut watched) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        alone.push(measure("nobody at the pages", round, &store, length, None).await);
        watched.push(measure("fifty live pages", round, &store, length, Some(&pages)).await);
    }
    engine.stop(Duration::from_secs(30)).await;
    median(watched) / median(alone)
}

/// Enqueues for so long, with live pages open or without, prints what it took and answers the p99 in ms.
async fn measure(
    name: &str,
    round: usize,
    store: &Store,
    length: Duration,
    pages: Option<&Router>,
) -> f64 {
    let (quit, asked) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
    let mut clients = JoinSet::new();
    for at in 0..pages.map_or(0, |_| CLIENTS) {
        let (pages, asked) = (pages.unwrap().clone(), Arc::clone(&asked));
        let watches = watch(pages, PAGES[at % PAGES.len()], asked);
        let quit = quit.clone();
        clients.spawn(async move { quit.run_until_cancelled(watches).await });
    }
    let mut took = enqueue(store, length).await;
    quit.cancel();
    clients.join_all().await;
    took.sort_unstable();
    let [p50, p99] = [50, 99].map(|part| took[(took.len() - 1) * part / 100].as_secs_f64() * 1e3);
    let line = serde_json::json!({
        "work": "enqueue", "beside": name, "round": round, "unit": "ms", "p50": p50, "p99": p99,
        "jobs": took.len(), "answers": asked.load(Ordering::Relaxed),
    });
    println!("{line}");
    p99
}

/// Makes jobs at an even pace for so long; answers how long each enqueue took.
async fn enqueue(store: &Store, length: Duration) -> Vec<Duration> {
    let mut pace = interval(Duration::from_secs(1) / A_SECOND);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (begun, mut calls) = (Instant::now(), JoinSet::new());
    while begun.elapsed() < length {
        pace.tick().await;
        let store = store.clone();
        calls.spawn(async move {
            let begun = Instant::now();
            store.enqueue(NewJob::new(KIND), Clock::system().now()).await.unwrap();
            begun.elapsed()
        });
    }
    calls.join_all().await
}

/// One live page: its stream of events, and what a browser asks for at each.
async fn watch(pages: Router, page: &str, asked: Arc<AtomicU64>) {
    let mut parts = parts(&ask(&pages, page, false).await);
    assert!(!parts.is_empty(), "{page} has a part that keeps itself fresh");
    loop {
        let stream = Request::get("/events").body(Body::empty()).unwrap();
        let answer = pages.clone().oneshot(stream).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let mut events = answer.into_body().into_data_stream();
        while let Some(Ok(event)) = events.next().await {
            if !event.starts_with(b"event: change") {
                continue;
            }
            for part in &mut parts {
                let fresh = ask(&pages, part, true).await;
                asked.fetch_add(1, Ordering::Relaxed);
                if let Some(next) = self::parts(&fresh).into_iter().next() {
                    *part = next;
                }
            }
        }
    }
}

/// The addresses of a page's parts that keep themselves fresh.
fn parts(html: &str) -> Vec<String> {
    let tags = html.split('<').filter(|tag| tag.contains("hx-trigger=\"sse:change"));
    let address = |tag: &str| tag.split("hx-get=\"").nth(1)?.split('"').next().map(str::to_owned);
    tags.filter_map(address).map(|address| address.replace("&amp;", "&")).collect()
}

async fn ask(pages: &Router, page: &str, of_htmx: bool) -> String {
    let request = Request::get(page).header("accept", "text/html");
    let request = if of_htmx { request.header("hx-request", "true") } else { request };
    let answer = pages.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert!(answer.status().is_success(), "{page}: {}", answer.status());
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
