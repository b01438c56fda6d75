//! How long a look at a log of a million rows takes: a page of its rows, and what they are about.
//!
//! `cargo bench --bench looks`; `LAMPLIGHTER_BENCH_ROWS=10000000` says how many rows the log has. The process ends with 1 if both
//! together take longer than a page may.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, missing_docs)]

use lamplighter::model::{Level, LogFilter, NewLogRow, Timestamp};
use lamplighter::store::{LogStore, OpenMode};
use std::time::{Duration, Instant};

/// Rows, unless said otherwise.
const ROWS: i64 = 1_000_000;
/// Rows that are stored together.
const BATCH: i64 = 10_000;
/// How often each look is taken.
const AGAIN: usize = 40;
/// The time of the first row, in milliseconds, and how far they lie apart.
const START: i64 = 1_800_000_000_000;
const APART: i64 = 600;
/// What 95 of 100 looks may take.
const MUST: Duration = Duration::from_millis(50);

fn main() {
    let rows = std::env::var("LAMPLIGHTER_BENCH_ROWS").ok().and_then(|text| text.parse().ok());
    let rows: i64 = rows.unwrap_or(ROWS);
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
    let are_all_fast = runtime.block_on(async {
        for from in (0..rows).step_by(BATCH as usize) {
            logs.append((from..(from + BATCH).min(rows)).map(row).collect()).await.unwrap();
        }
        let end = Timestamp::from_millis(START + rows * APART);
        let all = LogFilter { limit: 50, ..LogFilter::default() };
        let last = |length| LogFilter { since: Some(end.minus(length)), ..all.clone() };
        let middle = end.minus(Duration::from_hours(80));
        let hour = LogFilter {
            since: Some(middle),
            until: Some(middle.plus(Duration::from_hours(1))),
            ..all.clone()
        };
        let mut are_all_fast = true;
        for (name, filter) in [
            ("all", all.clone()),
            ("1 h", last(Duration::from_hours(1))),
            ("7 d", last(Duration::from_hours(168))),
            ("an hour in the middle", hour),
            ("errors", LogFilter { level: Some(Level::Error), ..all.clone() }),
            ("a level that no row has", LogFilter { level: Some(Level::Critical), ..all.clone() }),
        ] {
            are_all_fast &= measure(&logs, name, &filter).await;
        }
        are_all_fast
    });
    if !are_all_fast {
        println!("MISSED: a look takes at most {MUST:?} (p95)");
        std::process::exit(1);
    }
}

/// A row as a shop logs them.
fn row(n: i64) -> NewLogRow {
    let level = if n % 50 == 0 { Level::Error } else { Level::Info };
    let at = Timestamp::from_millis(START + n * APART).to_string();
    let code = n % 30;
    let message = format!(
        "[SHOP-PAY-{code:03}] the payment of order {n} was not taken by the provider, which answered late"
    );
    NewLogRow::new(at, level, format!("shop.{}", n % 9), message)
}

/// Looks again and again, prints what that took, and answers whether it was fast enough.
async fn measure(logs: &LogStore, name: &str, filter: &LogFilter) -> bool {
    let mut seen = Vec::with_capacity(AGAIN);
    for _ in 0..AGAIN {
        let begun = Instant::now();
        let found = logs.search(filter.clone()).await.unwrap();
        let picture = logs.picture(filter.clone()).await.unwrap();
        seen.push(begun.elapsed());
        assert!(found.rows.len() as u64 <= picture.counted, "what is shown is counted");
    }
    seen.sort_unstable();
    let [p50, p95] = [50, 95].map(|part| seen[(AGAIN - 1) * part / 100]);
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let line = serde_json::json!({
        "work": "log look", "look": name, "unit": "ms", "p50": millis(p50), "p95": millis(p95),
    });
    println!("{line}");
    p95 <= MUST
}
