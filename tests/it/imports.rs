//! `lamplighter logs import`: every event of a log once, whatever its file is called, however it is packed, and whenever it was killed.
//!
//! `LAMPLIGHTER_IMPORT_LINES=2600000 cargo test --release --test it killed_three_times -- --nocapture` does it with a gzip of 300 MB, and prints figures.

use crate::support::server::program;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// A folder with a data directory and a place for logs.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn log(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn importing(&self, arguments: &[&str]) -> Command {
        let mut command = program(&self.0.path().join("data"));
        command.args(["logs", "import"]).args(arguments).current_dir(self.0.path());
        command
    }

    /// Runs an import that must work; answers what it says.
    fn import(&self, arguments: &[&str]) -> String {
        let (code, said, error) = told(&self.importing(arguments).output().unwrap());
        assert_eq!(code, 0, "{error}");
        assert_eq!(error, "");
        said
    }

    /// Runs an import of standard input.
    fn import_piped(&self, bytes: &[u8], arguments: &[&str]) -> String {
        let mut command = self.importing(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let (code, said, error) = told(&child.wait_with_output().unwrap());
        assert_eq!(code, 0, "{error}");
        said
    }

    fn database(&self) -> rusqlite::Connection {
        let path = self.0.path().join("data/logs.db");
        let conn = rusqlite::Connection::open(path).unwrap();
        conn.busy_timeout(crate::support::STUCK).unwrap();
        conn
    }

    /// Two columns of the imported rows, in their order.
    fn rows(&self, columns: &str) -> Vec<(String, String)> {
        let sql =
            format!("SELECT {columns} FROM logs WHERE source NOT LIKE 'lamplighter%' ORDER BY id");
        let conn = self.database();
        let mut rows = conn.prepare(&sql).unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        rows.query_map([], row).unwrap().map(Result::unwrap).collect()
    }

    fn messages(&self) -> Vec<String> {
        self.rows("message, ''").into_iter().map(|(message, _)| message).collect()
    }
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

fn bzip(text: &str) -> Vec<u8> {
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

fn zstd(text: &str) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
}

/// A log of so many lines, of which each tenth is an error.
fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.fold(String::new(), |mut text, number| {
        let level = if number % 10 == 9 { "ERROR" } else { "INFO" };
        writeln!(text, "2026-11-21 05:29:{:02} {level} order {number} came in", number % 60)
            .unwrap();
        text
    })
}

#[test]
fn a_log_is_imported_once_whatever_it_is_called_and_however_it_is_packed() {
    let place = Place::new();
    let text = lines(0..12_000);
    place.log("app.log", &text);
    let said = place.import(&["app.log"]);
    assert_eq!(said, "12,000 rows, 1,200 of warning or worse imported from app.log\n");
    place.log("app.log.1", &text);
    place.log("app.log.2.gz", gzip(&text));
    place.log("old.zst", zstd(&text));
    place.log("older", bzip(&text));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    place.log("wide.log", wide);
    for name in ["app.log", "app.log.1", "app.log.2.gz", "old.zst", "older", "wide.log"] {
        let said = place.import(&[name]);
        let renamed = if name == "app.log" { "" } else { " as app.log" };
        let expected = format!(
            "{name} was imported before{renamed}, 12,000 rows: nothing is new (--again imports it all the same)\n"
        );
        assert_eq!(said, expected);
    }
    assert!(place.import_piped(text.as_bytes(), &["-"]).contains("nothing is new"));
    assert_eq!(place.messages().len(), 12_000);
    let said = place.import(&["--again", "--source", "shop", "older"]);
    assert_eq!(said, "12,000 rows, 1,200 of warning or worse imported from older\n");
    assert_eq!(place.messages().len(), 24_000);
    let conn = place.database();
    let sources: String = conn
        .query_row("SELECT group_concat(DISTINCT source) FROM logs", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sources, "app,shop");
}

#[test]
fn of_a_log_that_has_grown_what_is_new_is_imported_from_files_and_pipes() {
    let place = Place::new();
    let mut text = lines(0..7_000);
    place.log("app.log", &text);
    place.import(&["app.log"]);
    text += &lines(7_000..7_001);
    place.log("app.log", &text);
    let said = place.import(&["app.log"]);
    assert_eq!(
        said,
        "1 row, 0 of warning or worse imported from app.log, which is new after 7,000 rows that were imported before\n"
    );
    text += &lines(7_001..20_000);
    let said = place.import_piped(text.as_bytes(), &["-", "--source", "app"]);
    assert!(said.starts_with("12,999 rows, ") && said.contains("after 7,001 rows"), "{said}");
    let expected: Vec<_> = (0..20_000).map(|number| format!("order {number} came in")).collect();
    assert_eq!(place.messages(), expected);
    // A line and an event that were not whole are stored whole, beside what was there of them.
    text += "2026-11-21 05:30:00 ERROR no ca";
    place.log("app.log", &text);
    place.import(&["app.log"]);
    text += "rt\nTraceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n";
    place.log("app.log", &text);
    place.import(&["app.log"]);
    text += "ValueError: no\n2026-11-21 05:30:01 INFO on\n\n";
    place.log("app.log", &text);
    place.import(&["app.log"]);
    text += "2026-11-21 05:30:02 INFO and on\n";
    place.log("app.log", &text);
    place.import(&["app.log"]);
    let trace = "no cart\nTraceback (most recent call last):\n  File \"a.py\", line 1, in <module>";
    let whole = format!("{trace}\nValueError: no");
    assert_eq!(place.messages()[20_000..], ["no ca", trace, &whole, "on", "and on"]);
    // Another log that begins so is another log.
    place.log("b.log", lines(0..50) + "2026-11-21 05:31:00 INFO other\n");
    let said = place.import(&["b.log"]);
    assert!(said.starts_with("51 rows"), "{said}");
}

#[test]
fn what_is_no_log_or_damaged_is_told_and_the_others_are_imported() {
    let place = Place::new();
    let text = lines(0..9_000);
    let whole = gzip(&text);
    place.log("cut.gz", &whole[..whole.len() - 2_000]);
    place.log("a.log", "2026-11-21 05:29:51 WARN one\n");
    place.log("b.log", "2026-11-21 05:29:51 INFO two \u{fffd}\n");
    place.log("core", [0x7f, b'E', b'L', b'F', 2, 1, 1, 3, 4].repeat(99));
    let output = place.importing(&["cut.gz", "core", "[ab].log", "none.log"]).output().unwrap();
    let (code, said, errors) = told(&output);
    let read = place.rows("message, ''").iter().filter(|(m, _)| m.starts_with("order")).count();
    assert!((5_000..9_000).contains(&read), "{read}");
    let said: Vec<_> = said.lines().collect();
    assert!(said[0].ends_with("imported from cut.gz"), "{said:?}");
    assert_eq!(said[1], "1 row, 1 of warning or worse imported from a.log");
    assert_eq!(
        said[2],
        "1 row, 0 of warning or worse, 1 line holds bytes that are not text, imported from b.log"
    );
    assert!(said[3].ends_with(", 1 line holds bytes that are not text, imported from 5 logs"));
    for part in ["LOGS-INPUT-003", "LOGS-INPUT-002", "INPUT-FILE-001", "3 of 5 logs"] {
        assert!(errors.contains(part), "{errors}");
    }
    assert_eq!(code, 65, "{errors}");
    // The remedy: a whole copy is imported from where the damaged one ended, but for the event that it ended in.
    place.log("cut.gz", &whole);
    place.import(&["cut.gz"]);
    let orders = place.rows("message, ''").into_iter().map(|(message, _)| message);
    let whole = |message: &String| message.starts_with("order") && message.ends_with(" came in");
    let mut orders: Vec<_> = orders.filter(whole).collect();
    orders.dedup();
    assert_eq!(orders, (0..9_000).map(|n| format!("order {n} came in")).collect::<Vec<_>>());
    // Alone, the error is the program's last word, with its remedy.
    let (code, said, error) = told(&place.importing(&["core"]).output().unwrap());
    assert_eq!((code, said.as_str()), (2, ""));
    assert!(error.contains("LOGS-INPUT-002") && error.contains("as the message says"), "{error}");
}

#[test]
fn times_without_a_zone_are_read_in_the_zone_that_is_named() {
    let place = Place::new();
    place.log(
        "a.log",
        "2026-07-01 12:00:00 INFO summer\n2026-12-01 12:00:00 INFO winter\n2026-12-01T12:00:00Z INFO utc\n",
    );
    let said = told(&place.importing(&["--zone", "Europe/Nowhere", "a.log"]).output().unwrap());
    assert!(said.0 == 2 && said.2.contains("Europe/Nowhere"), "{said:?}");
    place.import(&["--zone", "Europe/Berlin", "a.log"]);
    let row = |time: &str, message: &str| (time.to_owned(), message.to_owned());
    let expected = [
        row("2026-07-01T10:00:00.000Z", "summer"),
        row("2026-12-01T11:00:00.000Z", "winter"),
        row("2026-12-01T12:00:00.000Z", "utc"),
    ];
    assert_eq!(place.rows("timestamp, message"), expected);
}

#[test]
fn two_imports_of_one_log_at_once_add_its_rows_once() {
    let place = Place::new();
    place.log("a.log", lines(0..30_000));
    place.import_piped(b"", &["-"]);
    let running: Vec<_> = (0..2)
        .map(|_| place.importing(&["a.log"]).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    for child in running {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let mut messages = place.messages();
    assert_eq!(messages.len(), 30_000);
    messages.sort();
    messages.dedup();
    assert_eq!(messages.len(), 30_000);
}

/// The most memory that a process had, in kB.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Writes a packed log of lines that no packer makes small; answers how long it is as text.
fn large(path: &Path, count: usize) -> usize {
    let mut random = fastrand::Rng::with_seed(16);
    let file = BufWriter::new(File::create(path).unwrap());
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let (mut line, mut length) = (String::new(), 0);
    for number in 0..count {
        line.clear();
        let level = ["INFO", "INFO", "INFO", "WARN", "ERROR"][number % 5];
        write!(
            line,
            "2026-11-21T05:29:{:02}.123Z {level} shop::cart: order {number} has",
            number % 60
        )
        .unwrap();
        for _ in 0..13 {
            write!(line, " {:x}", random.u64(..) >> 4).unwrap();
        }
        line.push('\n');
        length += line.len();
        packer.write_all(line.as_bytes()).unwrap();
    }
    packer.finish().unwrap().into_inner().unwrap();
    length
}

#[test]
fn a_packed_log_whose_import_is_killed_three_times_has_every_row_once() {
    let place = Place::new();
    let count = std::env::var("LAMPLIGHTER_IMPORT_LINES").ok();
    let count: usize = count.and_then(|lines| lines.parse().ok()).unwrap_or(40_000);
    let path = place.0.path().join("large.log.gz");
    let text = large(&path, count);
    let packed = path.metadata().unwrap().len();
    println!("{count} lines, {packed} bytes packed, {text} unpacked");
    place.import_piped(b"", &["-"]);
    let conn = place.database();
    let slices = || -> usize {
        let sql = "SELECT count(*) FROM log_slices";
        conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as usize
    };
    // Slices of 5,000 rows or 1 MiB, whichever is less.
    let all = (text / (1024 * 1024)).max(count / 5_000);
    let (mut most, begun) = (0, Instant::now());
    for _ in 0..3 {
        let wanted = slices() + fastrand::usize(1..all / 4);
        let mut child = place.importing(&["large.log.gz"]).stdout(Stdio::null()).spawn().unwrap();
        while slices() < wanted {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
            most = most.max(peak(child.id()).unwrap_or(0));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        println!("killed after {} slices, {:?}", slices(), begun.elapsed());
    }
    let mut last = place.importing(&["large.log.gz"]);
    let mut child = last.stdout(Stdio::piped()).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak(child.id()).unwrap_or(0));
        std::thread::yield_now();
    }
    let said = told(&child.wait_with_output().unwrap()).1;
    print!("{said}{most} kB at most, {:?}", begun.elapsed());
    assert!(said.contains(", going on where an earlier import was cut off, after "), "{said}");
    let mut rows = conn.prepare("SELECT message FROM logs ORDER BY id").unwrap();
    let mut rows = rows.query([]).unwrap();
    let mut number = 0;
    while let Some(row) = rows.next().unwrap() {
        let message: String = row.get(0).unwrap();
        assert!(message.contains(&format!("order {number} has ")), "row {number}: {message}");
        number += 1;
    }
    assert_eq!(number, count);
    assert!(most < 150 * 1024, "{most} kB");
}
