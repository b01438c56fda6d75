//! How long the admin pages take over a file with years of work in it: the wall and processor time of each page's answer.
//!
//! `cargo bench --bench pages`; `LAMPLIGHTER_BENCH_FINAL=5000000` says how many final jobs the file has, beside 100,000 that
//! wait. Each page is asked for once with nothing of the file in SQLite's caches, and then again and again. There is no network and no
//! browser in it. The process ends with 1 if a page takes longer than it may.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, missing_docs)]

#[path = "support/filled.rs"]
mod filled;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use filled::{OVER, put};
use lamplighter::clock::Clock;
use lamplighter::jobs::Jobs;
use lamplighter::model::Role;
use lamplighter::store::transactional::rusqlite::Connection;
use lamplighter::store::{OpenMode, Store};
use lamplighter::web::{self, Access, Person};
use rustix::time::{ClockId, clock_gettime};
use std::path::Path;
use std::time::{Duration, Instant};
use tower::ServiceExt;

/// Jobs that are over, unless said otherwise.
const FINAL: usize = 5_000_000;
/// Jobs that wait.
const WAITING: usize = 100_000;
/// How often each page is asked for after the first time.
const AGAIN: usize = 40;
/// What 95 of 100 answers may take, and what is aimed at.
const MUST: Duration = Duration::from_millis(50);
const AIM: Duration = Duration::from_millis(20);

const PAGES: &[&str] = &[
    "/",
    "/jobs",
    "/jobs?status=cancelled",
    // None of these jobs completed: this one looks through as many as a search may and finds none.
    "/jobs?status=completed",
    "/jobs?status=failed",
    "/jobs?kind=kind_3",
    "/jobs?queue=queue_2",
    "/jobs?before=500000",
    "/jobs/1",
    "/jobs/new",
    "/queues",
    "/schedules",
    "/settings",
    "/audit",
];

fn main() {
    let finals = std::env::var("LAMPLIGHTER_BENCH_FINAL").ok().and_then(|text| text.parse().ok());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lamplighter.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let are_all_fast = runtime.block_on(async {
        drop(Store::open(&path, OpenMode::Migrate).unwrap());
        fill(&path, finals.unwrap_or(FINAL));
        let store = Store::open(&path, OpenMode::Migrate).unwrap();
        let access = Access::host(|_| Some(Person { name: "ada".into(), role: Role::Admin }));
        let pages: Router = web::router(&Jobs::new(&store, &Clock::system()), access).unwrap();
        println!("{:<26} {:>9} {:>9} {:>9} {:>9}", "page", "first", "p50", "p95", "CPU");
        let mut are_all_fast = true;
        for page in PAGES {
            are_all_fast &= measure(&pages, page).await;
        }
        are_all_fast
    });
    if !are_all_fast {
        println!("MISSED: a page's answer takes at most {MUST:?} (p95); the aim is {AIM:?}");
        std::process::exit(1);
    }
}

/// Asks for a page, prints what that took, and answers whether it was fast enough.
async fn measure(pages: &Router, page: &str) -> bool {
    let begun = Instant::now();
    ask(pages, page).await;
    let first = begun.elapsed();
    let cpu_before = cpu();
    let mut seen = Vec::with_capacity(AGAIN);
    for _ in 0..AGAIN {
        let begun = Instant::now();
        ask(pages, page).await;
        seen.push(begun.elapsed());
    }
    let cpu = cpu().saturating_sub(cpu_before) / AGAIN as u32;
    seen.sort_unstable();
    let [p50, p95] = [50, 95].map(|part| seen[(AGAIN - 1) * part / 100]);
    let line = serde_json::json!({
        "work": "page", "page": page, "unit": "ms",
        "first": millis(first), "p50": millis(p50), "p95": millis(p95), "cpu": millis(cpu),
    });
    println!("{line}");
    let figures = [first, p50, p95, cpu].map(|time| format!("{:>7.1}ms", millis(time)));
    println!("{page:<26} {}", figures.join(" "));
    p95 <= MUST && cpu <= MUST
}

async fn ask(pages: &Router, page: &str) {
    let request = Request::get(page).header("accept", "text/html").body(Body::empty()).unwrap();
    let answer = pages.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{page}");
    to_bytes(answer.into_body(), usize::MAX).await.unwrap();
}

/// The processor time of this process.
fn cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Jobs of ten kinds and queues as years of work leave them, and those that wait; with their counts.
fn fill(path: &Path, finals: usize) {
    let begun = Instant::now();
    let of_ten = ("'kind_' || (i % 10)", "'queue_' || (i / 10 % 10)");
    put(path, finals, of_ten, OVER);
    put(path, WAITING, of_ten, "waits_for = NULL, claim_order = run_at");
    let count = "
        INSERT INTO job_counts (status, kind, queue, count)
        SELECT status, kind, queue, count(*) FROM jobs GROUP BY status, kind, queue";
    // Each kind and queue had work in every minute of two days, every hour of a month and every day of a year.
    let figures = r#"
        INSERT INTO job_stats (minutes, at, kind, queue, completed, failed, cancelled, retried, waits, runs)
        WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2879),
            k (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < 9),
            l (minutes, most) AS (VALUES (1, 2880), (60, 720), (1440, 365))
        SELECT minutes, (unixepoch() / 60 / minutes - n.i) * minutes * 60000, 'kind_' || k.i, 'queue_' || k.i, 9, 1, 1, 1,
            '{"12":1,"13":2,"14":2,"20":4,"30":1}', '{"22":3,"23":2,"24":4,"28":1}'
        FROM l
        JOIN n ON n.i < l.most, k"#;
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(count).unwrap();
    conn.execute_batch(figures).unwrap();
    println!("{finals} final jobs and {WAITING} that wait were made in {:.0?}", begun.elapsed());
}
