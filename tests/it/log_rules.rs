//! What an operator says of a followed log: the zone of its times, and where its events begin.

use crate::support::followed;
use crate::support::server::{Server, program};
use crate::support::{STUCK, now};
use lamplighter::logs::LogFile;
use lamplighter::model::{LogRules, Timestamp};
use lamplighter::store::{LogStore, OpenMode};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A log that grows, and who follows it by which rules.
struct World {
    folder: TempDir,
    logs: LogStore,
    log: LogFile,
    now: Timestamp,
}

impl World {
    fn new(zone: Option<&str>, begins: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        let log = followed(&folder.path().join("app.log"), &logs, (zone, begins));
        Self { folder, logs, log, now: now() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("app.log")
    }

    /// As at a new start of the server, with other rules in its configuration.
    fn restart(&mut self, zone: Option<&str>, begins: Option<&str>) {
        self.log = followed(&self.path(), &self.logs, (zone, begins));
    }

    fn write(&self, text: &str) {
        append(&self.path(), text);
    }

    /// Reads until nothing comes at once.
    async fn look(&mut self) {
        followed::look(&mut self.log, self.now).await;
    }

    /// Reads, also what is only taken as whole after a while.
    async fn settle(&mut self) {
        followed::settle(&mut self.log, &mut self.now).await;
    }

    /// Time of day and message of each row.
    fn rows(&self) -> Vec<(String, String)> {
        rows(self.folder.path(), "app")
    }

    fn messages(&self) -> Vec<String> {
        self.rows().into_iter().map(|(_, message)| message).collect()
    }
}

fn followed(path: &Path, logs: &LogStore, (zone, begins): (Option<&str>, Option<&str>)) -> LogFile {
    let rules = LogRules::new(zone, begins).unwrap();
    LogFile::new(path, None, logs.clone()).with_rules(rules)
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn rows(folder: &Path, source: &str) -> Vec<(String, String)> {
    let conn = rusqlite::Connection::open(folder.join("logs.db")).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    let sql = "SELECT substr(timestamp, 12, 5), message FROM logs WHERE source = ?1 ORDER BY id";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([source], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn an_event_goes_on_until_a_line_that_begins_one_also_after_a_restart() {
    let mut world = World::new(None, Some("^order "));
    world.write("order 1\n2026-11-21 05:29:51 paid\n");
    world.look().await;
    assert!(world.messages().is_empty(), "the event may go on");
    world.restart(None, Some("^order "));
    world.look().await;
    world.write("{\"shipped\":true}\norder 2\nlost\n");
    world.look().await;
    assert_eq!(world.messages(), ["order 1\n2026-11-21 05:29:51 paid\n{\"shipped\":true}"]);
    world.settle().await;
    world.write("order 3\n");
    world.settle().await;
    assert_eq!(world.messages()[1..], ["order 2\nlost", "order 3"]);
}

#[tokio::test]
async fn an_event_goes_on_in_the_file_until_it_is_rotated() {
    let mut world = World::new(None, Some("^order "));
    world.write("order 1\npaid\n");
    world.look().await;
    world.write("order 2\nlost\n");
    world.look().await;
    std::fs::rename(world.path(), world.folder.path().join("app.log.1")).unwrap();
    world.write("order 3\npaid\n");
    world.settle().await;
    assert_eq!(world.messages(), ["order 1\npaid", "order 2\nlost", "order 3\npaid"]);
}

#[tokio::test]
async fn other_rules_hold_for_what_comes_and_nothing_is_read_again() {
    let mut world = World::new(None, None);
    world.write("2026-07-01 12:00:00 INFO a\n2026-07-01 12:00:01 INFO b\n");
    world.settle().await;
    world.restart(Some("Europe/Berlin"), Some("INFO"));
    world.write(
        "2026-07-01 12:00:02 INFO c\n2026-07-01 12:00:03 DEBUG of c\n2026-07-01 12:00:04 INFO d\n",
    );
    world.settle().await;
    world.restart(Some("America/New_York"), None);
    world.settle().await;
    world.write("2026-07-01 12:00:05 INFO e\n");
    world.settle().await;
    let row = |time: &str, message: &str| (time.to_owned(), message.to_owned());
    let expected = [
        row("12:00", "a"),
        row("12:00", "b"),
        row("10:00", "c\n2026-07-01 12:00:03 DEBUG of c"),
        row("10:00", "d"),
        row("16:00", "e"),
    ];
    assert_eq!(world.rows(), expected);
}

/// Waits until the rows of a source are these. Another process commits, so that there is no signal but the file.
fn wait_for(folder: &Path, source: &str, expected: &[(String, String)]) {
    let begun = Instant::now();
    while rows(folder, source) != expected {
        assert!(begun.elapsed() < STUCK, "{source}: {:?}", rows(folder, source));
        std::thread::yield_now();
    }
}

#[test]
fn the_server_follows_each_log_by_the_rules_of_its_configuration_and_tells_them() {
    let folder = tempfile::tempdir().unwrap();
    let apps = folder.path().join("apps");
    std::fs::create_dir(&apps).unwrap();
    // The pattern comes first and fits both; the second pattern fits both too.
    let config = format!(
        "[[log_source]]\npath = {all:?}\nzone = \"Asia/Tokyo\"\n\
        [[log_source]]\npath = {own:?}\nzone = \"Europe/Berlin\"\nbegins = '^\\d{{4}}-'\n\
        [[log_source]]\npath = {other:?}\nzone = \"America/New_York\"\n",
        all = apps.join("*.log").display().to_string(),
        own = apps.join("own.log").display().to_string(),
        other = apps.join("[op]*.log").display().to_string(),
    );
    std::fs::write(folder.path().join("lamplighter.toml"), config).unwrap();
    append(
        &apps.join("own.log"),
        "2026-07-01 12:00:00 INFO a\nINFO of a\n2026-07-01 12:00:01 INFO b\n",
    );
    append(&apps.join("plain.log"), "2026-07-01 12:00:00 INFO c\nINFO d\n");
    let server = Server::start(folder.path(), &[]);
    let row = |time: &str, message: &str| (time.to_owned(), message.to_owned());
    wait_for(folder.path(), "own", &[row("10:00", "a\nINFO of a"), row("10:00", "b")]);
    wait_for(folder.path(), "plain", &[row("03:00", "c"), row("03:00", "d")]);
    append(&apps.join("own.log"), "2026-12-01 12:00:00 INFO winter\n");
    let winter = row("11:00", "winter");
    wait_for(folder.path(), "own", &[row("10:00", "a\nINFO of a"), row("10:00", "b"), winter]);
    let output = program(folder.path()).args(["--json", "logs", "sources"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let told: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |name: &str| told.iter().find(|log| log["log"].as_str().unwrap().ends_with(name)).unwrap();
    assert_eq!(told.len(), 2, "{said}");
    assert_eq!(
        (&of("own.log")["zone"], &of("own.log")["begins"]),
        (&"Europe/Berlin".into(), &r"^\d{4}-".into())
    );
    assert!(
        of("plain.log")["zone"] == "Asia/Tokyo" && of("plain.log")["begins"].is_null(),
        "{said}"
    );
    assert_eq!(server.terminate(), Some(0));
    let output = program(folder.path()).args(["logs", "sources"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("Europe/Berlin") && said.contains(r"^\d{4}-"), "{said}");
}

#[test]
fn a_rule_that_is_none_is_refused_wherever_the_configuration_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let log = |rule: &str| format!("[[log_source]]\npath = \"/var/log/shop.log\"\n{rule}\n");
    for (rule, why) in [
        ("zone = \"Istanbul\"", "it is a part of several, Asia/Istanbul, Europe/Istanbul"),
        ("begins = '('", "unclosed group"),
        ("begins = '(?<!a)b'", "look-around"),
    ] {
        std::fs::write(folder.path().join("lamplighter.toml"), log(rule)).unwrap();
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["logs", "sources"]] {
            let output = program(folder.path()).args(command).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(78), "{said}");
            for part in ["CONFIG-VALUE-001", "/var/log/shop.log", why] {
                assert!(said.contains(part), "{command:?} {rule}: {said}");
            }
        }
    }
}
