//! How fast the text of logs is read and mined, and in how much memory: a million lines of the formats of more than a
//! hundred programs, whose digits vary, a piece of each in turn; beside it how long it takes to copy these bytes line by line. Then as many lines of which
//! none is like another.
//!
//! `cargo bench --bench reader`; `LAMPLIGHTER_BENCH_ROWS` changes the million.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, missing_docs)]

use lamplighter::logs::LogReader;
use lamplighter::model::Timestamp;
use lamplighter::monitor::miner::Miner;
use lamplighter::redact::{RedactStream, redactor};
use std::path::Path;
use std::time::{Duration, Instant};

/// The targets for a million lines that are read and mined.
const MOST_TIME: Duration = Duration::from_secs(12);
const MOST_HOSTILE: Duration = Duration::from_secs(20);
const MOST_MEMORY_KB: u64 = 200 * 1024;
/// Copies of a format's log that are read as one.
const COPIES: usize = 50;

fn main() {
    let wanted = std::env::var("LAMPLIGHTER_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok());
    let wanted: usize = wanted.unwrap_or(1_000_000);
    let logs = logs();
    let time = Timestamp::from_iso("2026-11-21T08:00:00Z").unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let mut miner = Miner::new();
    let (mut lines, mut rows, mut bytes) = (0, 0, 0);
    let (mut reading, mut redacting, mut mining) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut copying = Duration::ZERO;
    for log in logs.iter().cycle() {
        if lines >= wanted {
            break;
        }
        let text = vary(log, &mut random);
        lines += text.split(|b| *b == b'\n').count() - 1;
        bytes += text.len();

        let begun = Instant::now();
        for line in text.split_inclusive(|b| *b == b'\n') {
            std::hint::black_box(line.to_vec());
        }
        copying += begun.elapsed();

        let begun = Instant::now();
        let mut clean = RedactStream::new(redactor());
        for piece in text.chunks(256 * 1024) {
            drop(clean.push(piece));
        }
        redacting += begun.elapsed();

        let begun = Instant::now();
        let mut reader = LogReader::new("app", time, &text);
        let mut read = Vec::new();
        for piece in text.chunks(256 * 1024) {
            read.extend(reader.push(piece));
        }
        read.extend(reader.finish());
        reading += begun.elapsed();
        rows += read.len();

        let begun = Instant::now();
        for row in &read {
            miner.push(row.message.lines().next().unwrap_or_default());
        }
        mining += begun.elapsed();
    }
    let begun = Instant::now();
    miner.settle();
    mining += begun.elapsed();
    let templates = miner.templates().len();
    let rate = |took: Duration| lines as u128 * 1_000 / took.as_millis().max(1);
    let alone = reading.saturating_sub(redacting);
    println!("{lines} lines of {} formats, {bytes} bytes, {rows} rows", logs.len());
    println!("copied line by line in {:.2} s", copying.as_secs_f64());
    println!("redacted in {:.2} s, {} lines/s", redacting.as_secs_f64(), rate(redacting));
    println!("read without that in {:.2} s, {} lines/s", alone.as_secs_f64(), rate(alone));
    println!("redacted and read in {:.2} s, {} lines/s", reading.as_secs_f64(), rate(reading));
    println!("mined in {:.2} s, {templates} templates", mining.as_secs_f64());
    let all = reading + mining;
    println!("together {:.2} s, {} kB at most", all.as_secs_f64(), peak());
    assert!(all < MOST_TIME, "slower than {MOST_TIME:?}");
    assert!(peak() < MOST_MEMORY_KB, "more than {MOST_MEMORY_KB} kB");
    hostile(wanted, time, &mut random);
}

/// Reads and mines lines that have neither words nor lengths in common.
fn hostile(wanted: usize, time: Timestamp, random: &mut fastrand::Rng) {
    let mut miner = Miner::new();
    let (mut lines, mut rows, mut took) = (0, 0, Duration::ZERO);
    while lines < wanted {
        let text = unlike(10_000, random);
        let begun = Instant::now();
        let mut reader = LogReader::new("app", time, text.as_bytes());
        let mut read = Vec::new();
        for piece in text.as_bytes().chunks(256 * 1024) {
            read.extend(reader.push(piece));
        }
        read.extend(reader.finish());
        for row in &read {
            miner.push(row.message.lines().next().unwrap_or_default());
        }
        took += begun.elapsed();
        (lines, rows) = (lines + 10_000, rows + read.len());
    }
    let begun = Instant::now();
    miner.settle();
    took += begun.elapsed();
    let templates = miner.templates().len();
    let seconds = took.as_secs_f64();
    println!(
        "hostile: {lines} lines, {rows} rows, {templates} templates in {seconds:.2} s, {} kB at most",
        peak()
    );
    assert!(took < MOST_HOSTILE, "slower than {MOST_HOSTILE:?}");
    assert!(peak() < MOST_MEMORY_KB, "more than {MOST_MEMORY_KB} kB");
}

/// Lines of 3 to 20 words that nobody has written before.
fn unlike(lines: usize, random: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    for _ in 0..lines {
        for _ in 0..random.usize(3..20) {
            text.extend((0..random.usize(2..12)).map(|_| random.lowercase()));
            text.push(random.choice([' ', ' ', ' ', ':', '=', '/']).unwrap());
        }
        text.push('\n');
    }
    text
}

/// Copies of a log whose digits vary, but not those of its first copy, which says what the log looks like.
fn vary(log: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut text = log.to_vec();
    for _ in 1..COPIES {
        // These digits leave times what they are.
        let digit = |b: &u8| if (b'7'..=b'9').contains(b) { b'7' + random.u8(..3) } else { *b };
        text.extend(log.iter().map(digit));
    }
    text
}

fn logs() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "log"));
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// The most memory that was in use, in kB; 0 where the system does not say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
