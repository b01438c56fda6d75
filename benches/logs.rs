//! What a flood of log lines costs a request: 100,000 lines a second from four threads through the real layer into a
//! real log database, while a browser asks the real pages.
//!
//! `cargo bench --bench logs`; `LAMPLIGHTER_BENCH_SECONDS` lengthens the five seconds.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, missing_docs)]

use lamplighter::Code;
use lamplighter::actions::people::Password;
use lamplighter::clock::Clock;
use lamplighter::logs::{LogCounts, log_layer};
use lamplighter::model::{Actor, Level};
use lamplighter::monitor::Tracking;
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::web::{self, Program, Web};
use lamplighter::{error_coded, warn_coded};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::prelude::*;

/// Lines a second, over all threads.
const RATE: u64 = 100_000;
const THREADS: u64 = 4;
/// Wait between two requests.
const PACE: Duration = Duration::from_millis(2);
/// The target: 99 of 100 requests are faster.
const P99_LIMIT: Duration = Duration::from_millis(5);
const PASSWORD: &str = "a lamp in every street";

fn main() {
    let seconds = std::env::var("LAMPLIGHTER_BENCH_SECONDS").ok().and_then(|s| s.parse().ok());
    let seconds = Duration::from_secs(seconds.unwrap_or(5));
    let folder = tempfile::tempdir().unwrap();
    // As the program's own runtime.
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let inside = runtime.enter();
    let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
    let (layer, writer) = log_layer(logs.clone(), Clock::system());
    tracing_subscriber::registry().with(layer).init();
    let stop = CancellationToken::new();
    let url = serve(&runtime, folder.path(), logs, &stop);
    drop(inside);
    let browser = sign_in(&url);

    let quiet = ask(&browser, &url, Duration::from_secs(2));
    let (before, begun) = (memory("VmRSS"), Instant::now());
    let flood: Vec<_> = (0..THREADS).map(|n| thread::spawn(move || shout(n, seconds))).collect();
    let busy = ask(&browser, &url, seconds);
    let shouted: u64 = flood.into_iter().map(|thread| thread.join().unwrap()).sum();
    let took = begun.elapsed();
    let (after, peak) = (memory("VmRSS"), memory("VmHWM"));
    stop.cancel();
    let counts = runtime.block_on(writer.stop());

    let rate = u128::from(shouted) * 1_000 / took.as_millis();
    println!("lines: {rate}/s offered for {took:.1?}");
    report(&counts);
    println!("memory: {before} kB before, {after} kB after, {peak} kB at most");
    println!("requests without the flood: {quiet}");
    println!("requests in the flood:      {busy}");
    println!("rows in the database: {}", rows(folder.path()));
    assert!(counts.offered >= shouted, "lines of the pages come on top");
    assert_eq!(counts.offered, counts.written + counts.dropped(), "every line is accounted for");
    assert!(busy.p99 < P99_LIMIT, "a request in a hundred took longer than {P99_LIMIT:?}");
}

fn report(counts: &LogCounts) {
    let LogCounts { offered, written, .. } = counts;
    println!("       {offered} offered = {written} written + {} dropped", counts.dropped());
    for level in Level::ALL {
        println!("       {level}: {} dropped", counts.dropped_of(level));
    }
}

/// Logs its share of the lines, a few every millisecond, and answers how many.
fn shout(thread: u64, seconds: Duration) -> u64 {
    let correlation_id = format!("req-{thread}");
    let span = tracing::info_span!("request", correlation_id, request_path = "/bench");
    let _inside = span.enter();
    let begun = Instant::now();
    let mut said = 0;
    while begun.elapsed() < seconds {
        let due = begun.elapsed().as_micros() as u64 * RATE / THREADS / 1_000_000;
        for n in said..due {
            match n % 100 {
                0 => error_coded!(Code::StoreIo, "article {n} could not be read by {thread}"),
                1..=4 => warn_coded!(Code::StoreBusy, "article {n} waits for {thread}, 7 ms"),
                5..=39 => tracing::info!(n, thread, "GET /lamps/storm-lantern answered in 7 ms"),
                _ => tracing::debug!(n, thread, "stock of LW-{n} read in 311 microseconds"),
            }
        }
        said = due;
        thread::sleep(Duration::from_millis(1));
    }
    said
}

fn serve(runtime: &Runtime, folder: &Path, logs: LogStore, stop: &CancellationToken) -> String {
    let store = Store::open(&folder.join("lamplighter.db"), OpenMode::Migrate).unwrap();
    let clock = Clock::system();
    let hash = Password::read(PASSWORD, None).unwrap().hash().unwrap();
    runtime.block_on(store.create_first_admin(hash, Actor::cli(), clock.now())).unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (leads, leading) = watch::channel(true);
    let options = web::Options::default();
    let (tracking, log_sources) = (Tracking::Local, Vec::new());
    let (agents, scanned) = (None, None);
    let program = Program { logs, scanned, agents, tracking, demo: false, log_sources };
    let pages = Web { store, clock, options, leading: Some(leading), program: Some(program) };
    let serving = web::serve(listener, pages, stop.clone());
    runtime.spawn(async move {
        serving.await.unwrap();
        drop(leads);
    });
    url
}

struct Browser {
    agent: ureq::Agent,
    cookie: String,
}

fn sign_in(url: &str) -> Browser {
    let config = ureq::Agent::config_builder().max_redirects(0).max_redirects_will_error(false);
    let agent: ureq::Agent = config.build().into();
    let login = agent.post(format!("{url}/login")).header("Sec-Fetch-Site", "same-origin");
    let answer = login.send_form([("username", "admin"), ("password", PASSWORD)]).unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    Browser { agent, cookie: cookie.split(';').next().unwrap().to_owned() }
}

/// How long requests took.
struct Times {
    count: usize,
    p50: Duration,
    p99: Duration,
    max: Duration,
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { count, p50, p99, max } = self;
        write!(f, "{count}, p50 {p50:.2?}, p99 {p99:.2?}, max {max:.2?}")
    }
}

/// Asks for `/healthz` and a page in turn, and times each from the request to the whole answer.
fn ask(browser: &Browser, url: &str, seconds: Duration) -> Times {
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < seconds {
        let path = if times.len() % 2 == 0 { "/healthz" } else { "/jobs" };
        let asked = Instant::now();
        let request = browser.agent.get(format!("{url}{path}")).header("Cookie", &browser.cookie);
        let mut answer = request.call().unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.body_mut().read_to_vec().unwrap();
        times.push(asked.elapsed());
        thread::sleep(PACE);
    }
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    Times { count: times.len(), p50: at(50), p99: at(99), max: at(100) }
}

/// A figure of `/proc/self/status`, in kB; 0 where there is none.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn rows(folder: &Path) -> i64 {
    let conn = rusqlite::Connection::open(folder.join("logs.db")).unwrap();
    conn.query_row("SELECT count(*) FROM logs", [], |row| row.get(0)).unwrap()
}
