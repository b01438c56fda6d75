//! How fast the queue is, each figure beside what bare SQLite does with the same work in the same run.
//!
//! `cargo bench --bench speed`, or with names of works behind `--`, e.g. `-- drain "enqueue, 64 callers"`.
//! `LAMPLIGHTER_BENCH_ROUNDS=3` says how often each pair is measured. One side after the other, each in a process and on a
//! file of its own, prints a line of JSON; what counts is the ratio of the medians, since a disk's speed changes by the hour. Every
//! acknowledgement is synced (`synchronous` FULL), and rows are kept. `docs/benchmarks.md` has figures and what they mean.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, missing_docs)]

#[path = "../support/filled.rs"]
mod filled;
mod ours;
mod raw;

use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Callers that enqueue at the same time.
const CALLERS: usize = 64;
/// The payload of each job, of an ordinary length.
const PAYLOAD: &str = r#"{"to":"someone@example.com","subject":"Welcome aboard","template":"welcome-v2","user_id":123456,"n":7}"#;
/// Set in a child process: the work and the side that it is to measure, with a colon between.
const CHILD: &str = "LAMPLIGHTER_BENCH_SPEED";

/// One side of a work: measures it on a fresh file in this folder.
type Side = fn(&TempDir) -> Vec<Figure>;

/// What was measured.
struct Figure {
    name: &'static str,
    value: f64,
}

/// A work, how we do it, and what that is held against.
struct Work {
    name: &'static str,
    unit: &'static str,
    /// What it is called, and how it is measured.
    limit: (&'static str, Side),
    ours: Side,
    /// What must be reached, and what is aimed at: ratios of the first figure to the limit's, unless it says otherwise. Of a
    /// delay less is better.
    must: &'static str,
    aim: &'static str,
}

const WORKS: &[Work] = &[
    beside_raw(
        "enqueue, 1 caller",
        "jobs/s",
        ("0.85", "0.95"),
        |folder| raw::enqueue_alone(folder, 5_000),
        |folder| ours::enqueue_alone(folder, 5_000),
    ),
    beside_raw(
        "enqueue, 64 callers",
        "jobs/s",
        ("0.7", "0.85"),
        |folder| raw::enqueue_at_once(folder, 128_000),
        |folder| ours::enqueue_at_once(folder, 128_000),
    ),
    beside_raw(
        "bulk enqueue",
        "jobs/s",
        ("0.6", "0.8"),
        |folder| raw::enqueue_bulk(folder, 100_000),
        |folder| ours::enqueue_bulk(folder, 100_000),
    ),
    beside_raw(
        "drain",
        "jobs/s",
        ("0.5", "0.7"),
        |folder| raw::drain(folder, 100_000),
        |folder| ours::drain(folder, 100_000, 1),
    ),
    beside_raw(
        "drain, kind unknown before",
        "jobs/s",
        ("", ""),
        |folder| raw::drain(folder, 100_000),
        |folder| ours::drain_unknown(folder, 100_000),
    ),
    beside_raw(
        "drain, 2 processes",
        "jobs/s",
        ("0.45", "0.6"),
        |folder| raw::drain(folder, 100_000),
        |folder| ours::drain(folder, 100_000, 2),
    ),
    beside_raw(
        "enqueue to start",
        "µs",
        ("1.3, p99 2", "1"),
        |folder| raw::delay(folder, 1_000),
        |folder| ours::delay(folder, 1_000),
    ),
    beside_raw(
        "foreign INSERT to start",
        "µs",
        ("p99 5 ms", "p99 2 ms"),
        |folder| raw::delay(folder, 1_000),
        |folder| ours::foreign_delay(folder, 1_000),
    ),
    beside_empty("drain, 1 M final", ("0.85", "0.95"), |folder| {
        ours::drain_beside(folder, ours::Beside::Final(1_000_000))
    }),
    beside_empty("drain, 5 M final", ("0.8", "0.9"), |folder| {
        ours::drain_beside(folder, ours::Beside::Final(5_000_000))
    }),
    beside_empty("drain, 1 M scheduled", ("0.9", "1.0"), |folder| {
        ours::drain_beside(folder, ours::Beside::Scheduled(1_000_000))
    }),
    beside_empty("drain, 100 k behind a key", ("0.8", "0.95"), |folder| {
        ours::drain_beside(folder, ours::Beside::Blocked(100_000))
    }),
    beside_empty("drain, 1,000 queues", ("0.8", "0.95"), |folder| {
        ours::drain_queues(folder, 100_000, 1_000)
    }),
];

/// A work that is held against bare SQLite.
const fn beside_raw(
    name: &'static str,
    unit: &'static str,
    (must, aim): (&'static str, &'static str),
    raw: Side,
    ours: Side,
) -> Work {
    Work { name, unit, limit: ("raw", raw), ours, must, aim }
}

/// A drain that is held against the same on an empty file.
const fn beside_empty(
    name: &'static str,
    (must, aim): (&'static str, &'static str),
    ours: Side,
) -> Work {
    let limit: Side = |folder| ours::drain(folder, 100_000, 1);
    Work { name, unit: "jobs/s", limit: ("empty file", limit), ours, must, aim }
}

fn main() {
    if let Ok(asked) = std::env::var(CHILD) {
        return measure(&asked);
    }
    if ours::is_child() {
        return ours::child();
    }
    let rounds = std::env::var("LAMPLIGHTER_BENCH_ROUNDS").ok().and_then(|text| text.parse().ok());
    let rounds: usize = rounds.unwrap_or(3);
    let wanted: Vec<String> = std::env::args().skip(1).filter(|text| text != "--bench").collect();
    let is_wanted = |work: &&Work| wanted.is_empty() || wanted.iter().any(|name| name == work.name);
    let works = WORKS.iter().filter(is_wanted);
    let lines: Vec<String> = works.map(|work| compare(work, rounds)).collect();
    println!(
        "{:<26} {:<10} {:>12} {:>12} {:>7} {:>11} {:>9}",
        "work", "figure", "limit", "ours", "ratio", "must", "aim"
    );
    for line in lines {
        println!("{line}");
    }
}

/// Measures both sides in turn and answers the lines of the table.
fn compare(work: &Work, rounds: usize) -> String {
    let mut seen: Vec<[Vec<(String, f64)>; 2]> = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        seen.push([work.limit.0, "ours"].map(|side| in_child(work, side)));
    }
    let names: Vec<String> = seen[0][1].iter().map(|(name, _)| name.clone()).collect();
    let of = |side: usize, name: &str| {
        let values = seen.iter().flat_map(|round| &round[side]);
        median(values.filter(|(known, _)| known == name).map(|(_, value)| *value).collect())
    };
    let lines = names.iter().enumerate().map(|(at, name)| {
        let (raw, ours) = (of(0, name), of(1, name));
        let (must, aim) = if at == 0 { (work.must, work.aim) } else { ("", "") };
        let ratio = raw.zip(ours).map_or(String::new(), |(raw, ours)| format!("{:.2}", ours / raw));
        let shown = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.0}"));
        format!(
            "{:<26} {:<10} {:>12} {:>12} {:>7} {:>11} {:>9}",
            work.name,
            name,
            shown(raw),
            shown(ours),
            ratio,
            must,
            aim
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Measures one side in a process of its own, prints its lines and answers its figures.
fn in_child(work: &Work, side: &str) -> Vec<(String, f64)> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.env(CHILD, format!("{}:{side}", work.name)).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}: {}", work.name, String::from_utf8_lossy(&output.stderr));
    print!("{text}");
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .map(|line| (line["figure"].as_str().unwrap().to_owned(), line["value"].as_f64().unwrap()))
        .collect()
}

/// Measures what `asked` names, and prints a line for each figure.
fn measure(asked: &str) {
    let (name, side) = asked.split_once(':').unwrap();
    let work = WORKS.iter().find(|work| work.name == name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let figures = if side == "ours" { (work.ours)(&folder) } else { (work.limit.1)(&folder) };
    for Figure { name: figure, value } in figures {
        let unit = match figure {
            "memory" => "MiB",
            "file" => "bytes a job",
            _ => work.unit,
        };
        let line = serde_json::json!({"work": name, "side": side, "figure": figure, "unit": unit, "value": value});
        println!("{line}");
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// So many in that time, as a figure.
fn rate(how_many: usize, took: Duration) -> Vec<Figure> {
    vec![Figure { name: "rate", value: f64::from(how_many as u32) / took.as_secs_f64() }]
}

/// The middle and the 99th of a hundred of these delays.
fn delays(mut delays: Vec<Duration>) -> Vec<Figure> {
    delays.sort_unstable();
    let at = |part: usize| delays[(delays.len() - 1) * part / 100].as_secs_f64() * 1e6;
    vec![Figure { name: "p50", value: at(50) }, Figure { name: "p99", value: at(99) }]
}

/// The most memory that this process had, in MiB.
fn peak_memory() -> Figure {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    Figure { name: "memory", value: kib / 1024.0 }
}
