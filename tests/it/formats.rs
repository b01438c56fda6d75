//! How well the formats of many programs are read: each event's time, level and message, against the truth.
//!
//! `tests/fixtures/formats` has a log and its truth of each format: the events in their order, each as a line of time in UTC, level, and the
//! first line of the message, between tabs. The logs follow what the programs' documentation says of their formats, and the truths were written
//! before the reader had seen the logs. The level is what an engineer calls it: what the line states; of an access log by the status (5xx an
//! error, 4xx a warning); of a line that states none an error where it tells of a failure. The message is what stands behind the time, the host, the
//! program, and a level that a mark sets apart.

use lamplighter::logs::import;
use lamplighter::model::Timestamp;
use lamplighter::store::{LogStore, OpenMode};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// The instant at which each file was written last, for lines without a time, a day or a year.
const WRITTEN: &str = "2026-11-21T08:00:00Z";
/// The least share of fields that are right, in hundredths: of all formats together, and of each.
const MIN_ALL: usize = 99;
const MIN_EACH: usize = 95;

/// Formats that are written in UTF-16; their fixtures are UTF-8.
const WIDE: [&str; 1] = ["mssql_errorlog"];

/// Time, level and message of each event.
type Events = Vec<[String; 3]>;

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn truth(log: &Path) -> Events {
    let text = std::fs::read_to_string(log.with_extension("truth")).unwrap();
    let event = |line: &str| {
        let mut parts = line.splitn(3, '\t');
        [(); 3].map(|()| words(parts.next().unwrap()))
    };
    text.lines().map(event).collect()
}

/// What the reader makes of a log.
async fn read(log: &Path) -> Events {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("app.log");
    let text = std::fs::read_to_string(log).unwrap();
    let is_wide = WIDE.iter().any(|name| log.file_stem().is_some_and(|stem| stem == *name));
    let wide = || format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&copy, if is_wide { wide() } else { text.clone().into_bytes() }).unwrap();
    let written = Timestamp::from_iso(WRITTEN).unwrap();
    let at = UNIX_EPOCH + Duration::from_millis(written.millis() as u64);
    File::options().append(true).open(&copy).unwrap().set_modified(at).unwrap();
    let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
    import(&copy, &logs, written).await.unwrap();
    let conn = rusqlite::Connection::open(folder.path().join("logs.db")).unwrap();
    let mut rows = conn.prepare("SELECT timestamp, level, message FROM logs ORDER BY id").unwrap();
    let event = |row: &rusqlite::Row<'_>| {
        let message: String = row.get(2)?;
        Ok([row.get(0)?, row.get(1)?, words(message.lines().next().unwrap_or_default())])
    };
    rows.query_map([], event).unwrap().map(Result::unwrap).collect()
}

/// How many fields are right. Events that are there in vain, and those that are missing, have none.
fn right(name: &str, truth: &Events, found: &Events) -> usize {
    let mut right = 0;
    for index in 0..truth.len().max(found.len()) {
        let same = match (truth.get(index), found.get(index)) {
            (Some(truth), Some(found)) => {
                (0..3).filter(|field| truth[*field] == found[*field]).count()
            }
            _ => 0,
        };
        right += same;
        if same < 3 {
            println!(
                "{name} {index}:\n  wanted {:?}\n  found  {:?}",
                truth.get(index),
                found.get(index)
            );
        }
    }
    right
}

#[tokio::test]
async fn the_formats_of_more_than_a_hundred_programs_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats");
    let mut logs: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    logs.retain(|file| file.extension().is_some_and(|ending| ending == "log"));
    logs.sort();
    let (mut all, mut all_right, mut bad) = (0, 0, Vec::new());
    for log in &logs {
        let name = log.file_stem().unwrap().to_string_lossy();
        let (truth, found) = (truth(log), read(log).await);
        let fields = 3 * truth.len().max(found.len());
        let right = right(&name, &truth, &found);
        println!("{name}: {right} of {fields} fields are right");
        if right * 100 < fields * MIN_EACH {
            bad.push(format!("{name}: {right} of {fields}"));
        }
        (all, all_right) = (all + fields, all_right + right);
    }
    println!("{} formats: {all_right} of {all} fields are right", logs.len());
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(all_right * 100 >= all * MIN_ALL, "{all_right} of {all}");
}
