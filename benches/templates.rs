//! How fast the templates of a log are mined, and in how much memory: a million rows of the formats of
//! `tests/fixtures/templates`, whose digits all vary but for those of lines with an error code, and a log in which hardly
//! a line is like another.
//!
//! `cargo bench --bench templates`; `LAMPLIGHTER_BENCH_ROWS` changes the million.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, missing_docs)]

use lamplighter::monitor::miner::{Miner, Template};
use std::path::Path;
use std::time::{Duration, Instant};

/// The targets for a million rows.
const MOST_TIME: Duration = Duration::from_secs(12);
/// The same where no line is like another.
const MOST_TIME_OF_STRANGE: Duration = Duration::from_secs(20);
const MOST_MEMORY_KB: u64 = 200 * 1024;
/// Rows made before the clock runs on.
const BATCH: u64 = 10_000;

fn main() {
    let rows = std::env::var("LAMPLIGHTER_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok());
    let rows = rows.unwrap_or(1_000_000);
    let lines = lines();
    let vary = |random: &mut fastrand::Rng| {
        let line = &lines[random.usize(..lines.len())];
        // Other digits would be another error code, and so another template.
        if line.contains("[SHOP-") {
            return line.clone();
        }
        line.chars()
            .map(|c| if c.is_ascii_digit() { char::from(b'0' + random.u8(..10)) } else { c })
            .collect()
    };
    let (took, templates) = mine(rows, vary);
    report("formats", rows, took, templates.len());
    assert!(took < MOST_TIME, "slower than {MOST_TIME:?}");
    let (_, again) = mine(rows, vary);
    assert!(templates == again, "two runs give the same templates");

    let strange = |random: &mut fastrand::Rng| {
        let word = |random: &mut fastrand::Rng| -> String {
            (0..random.usize(3..9)).map(|_| random.lowercase()).collect()
        };
        (0..random.usize(4..12)).map(|_| word(random)).collect::<Vec<_>>().join(" ")
    };
    let (took, templates) = mine(rows, strange);
    report("no line like another", rows, took, templates.len());
    assert!(took < MOST_TIME_OF_STRANGE, "slower than {MOST_TIME_OF_STRANGE:?}");
    assert!(peak() < MOST_MEMORY_KB, "more than {MOST_MEMORY_KB} kB");
}

fn report(name: &str, rows: u64, took: Duration, templates: usize) {
    let rate = u128::from(rows) * 1_000 / took.as_millis().max(1);
    println!(
        "{name}: {rows} rows in {:.2} s, {rate} rows/s, {templates} templates, {} kB at most",
        took.as_secs_f64(),
        peak()
    );
}

/// Mines rows that are made batch by batch, so that neither their making nor their memory counts.
fn mine(rows: u64, make: impl Fn(&mut fastrand::Rng) -> String) -> (Duration, Vec<Template>) {
    let mut random = fastrand::Rng::with_seed(7);
    let (mut miner, mut took) = (Miner::new(), Duration::ZERO);
    for _ in 0..rows.div_ceil(BATCH) {
        let batch: Vec<_> = (0..BATCH.min(rows)).map(|_| make(&mut random)).collect();
        let begun = Instant::now();
        for line in &batch {
            miner.push(line);
        }
        took += begun.elapsed();
    }
    let begun = Instant::now();
    miner.settle();
    (took + begun.elapsed(), miner.templates())
}

fn lines() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/templates");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "log"));
    files.sort();
    files
        .iter()
        .flat_map(|file| {
            std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// The most memory that was in use, in kB; 0 where the system does not say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
