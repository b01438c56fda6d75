//! Whether a log that grows by 50,000 lines a second is followed without loss, and how far the rows are behind: a writer keeps that pace and
//! renames the file every two seconds, as a rotation does, while the services of a server follow it.
//!
//! `cargo bench --bench follower`; `LAMPLIGHTER_BENCH_RATE` changes the lines a second, `LAMPLIGHTER_BENCH_SECONDS` the ten seconds.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    missing_docs
)]

use lamplighter::clock::Clock;
use lamplighter::logs::LogFiles;
use lamplighter::monitor::intake::Intake;
use lamplighter::store::{LogStore, OpenMode};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often the writer writes what is due.
const TICK: Duration = Duration::from_millis(10);
/// How often the file is renamed.
const ROTATE: Duration = Duration::from_secs(2);

fn main() {
    let number = |name: &str, default| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let rate = number("LAMPLIGHTER_BENCH_RATE", 50_000);
    let seconds = number("LAMPLIGHTER_BENCH_SECONDS", 10);
    let lines = rate * seconds;
    let folder = tempfile::tempdir().unwrap();
    let raw = raw(&folder.path().join("raw.db"), lines);
    println!(
        "raw: {lines} rows inserted, 2,500 in a transaction: {:.0} rows/s",
        lines as f64 / raw.as_secs_f64()
    );

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let log = folder.path().join("app.log");
    let database = folder.path().join("logs.db");
    let logs = LogStore::open(&database, OpenMode::Migrate).unwrap();
    let (_leads, leading) = watch::channel(true);
    let intake = runtime.block_on(async {
        Intake::start(vec![LogFiles::new(&log, None, logs.clone())], &Clock::system(), &leading)
    });
    let writer = {
        let log = log.clone();
        thread::spawn(move || write(&log, rate, lines))
    };
    let count = || {
        let conn = rusqlite::Connection::open(&database).unwrap();
        conn.query_row("SELECT count(*), count(DISTINCT message) FROM logs", [], |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned()))
        })
        .unwrap()
    };
    let wrote = writer.join().unwrap();
    let ended = Instant::now();
    let behind = lines - count().0;
    while count().0 < lines && ended.elapsed() < Duration::from_mins(2) {
        thread::sleep(Duration::from_millis(50));
    }
    let caught_up = ended.elapsed();
    runtime.block_on(intake.stop());
    let (rows, different) = count();
    println!(
        "{lines} lines written in {:.2} s ({:.0} lines/s), {} rotations",
        wrote.as_secs_f64(),
        lines as f64 / wrote.as_secs_f64(),
        wrote.as_secs() / ROTATE.as_secs()
    );
    println!(
        "{rows} rows, {} lost, {} twice; {behind} behind at the end of writing, all stored {:.2} s later",
        lines - different,
        rows - different,
        caught_up.as_secs_f64()
    );
    assert_eq!((rows, different), (lines, lines), "each line is a row, and once");
}

/// Writes the lines at the pace, whatever the follower does; how long it took.
fn write(log: &Path, rate: u64, lines: u64) -> Duration {
    let open = || BufWriter::new(File::options().create(true).append(true).open(log).unwrap());
    let (begun, mut file, mut written, mut rotated, mut number) =
        (Instant::now(), open(), 0, ROTATE, 0);
    while written < lines {
        let due = (begun.elapsed().as_secs_f64() * rate as f64) as u64;
        for n in written..due.min(lines) {
            writeln!(
                file,
                "2026-11-29 08:00:00 INFO shop: order {n} of customer {} is paid by card",
                n % 977
            )
            .unwrap();
        }
        written = written.max(due.min(lines));
        file.flush().unwrap();
        if begun.elapsed() >= rotated {
            rotated += ROTATE;
            number += 1;
            std::fs::rename(log, log.with_file_name(format!("app.log.{number}"))).unwrap();
            file = open();
        }
        thread::sleep(TICK);
    }
    begun.elapsed()
}

/// What SQLite alone takes for as many rows, in transactions as large as the follower's.
fn raw(path: &Path, lines: u64) -> Duration {
    let mut conn = rusqlite::Connection::open(path).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE logs (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, level TEXT, source TEXT, message TEXT);",
    )
    .unwrap();
    let begun = Instant::now();
    let mut n = 0;
    while n < lines {
        let tx = conn.transaction().unwrap();
        {
            let mut insert = tx
                .prepare_cached("INSERT INTO logs (timestamp, level, source, message) VALUES (?1, 'INFO', 'app', ?2)")
                .unwrap();
            for _ in 0..2_500.min(lines - n) {
                let text = format!("order {n} of customer {} is paid by card", n % 977);
                insert.execute(("2026-11-29T08:00:00Z", text)).unwrap();
                n += 1;
            }
        }
        tx.commit().unwrap();
    }
    begun.elapsed()
}
