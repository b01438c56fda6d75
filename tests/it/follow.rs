//! Following log files: no line is lost or read twice, whatever happens to the file and to us.

use crate::support::followed;
use crate::support::server::{Server, program};
use crate::support::{START, STUCK, now, open};
use lamplighter::Code;
use lamplighter::actions::Call;
use lamplighter::actions::settings::{SettingChange, change};
use lamplighter::agents::Launcher;
use lamplighter::clock::Clock;
use lamplighter::logs::LogFile;
use lamplighter::model::Timestamp;
use lamplighter::monitor::intake::{Journal, prune_logs};
use lamplighter::store::{LogStore, OpenMode};
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A log, who follows it, and what became of it.
struct World {
    folder: TempDir,
    logs: LogStore,
    log: LogFile,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        let log = LogFile::new(folder.path().join("app.log"), None, logs.clone());
        Self { folder, logs, log, now: now() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("app.log")
    }

    fn rotated(&self) -> PathBuf {
        self.folder.path().join("app.log.1")
    }

    fn writer(&self) -> File {
        OpenOptions::new().create(true).append(true).open(self.path()).unwrap()
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        self.writer().write_all(text.as_ref()).unwrap();
    }

    /// Reads until nothing comes at once.
    async fn look(&mut self) {
        followed::look(&mut self.log, self.now).await;
    }

    /// Reads, also what is only taken as whole after a while.
    async fn settle(&mut self) {
        followed::settle(&mut self.log, &mut self.now).await;
    }

    /// As after kill -9: nothing but the files is left.
    fn restart(&mut self) {
        self.log = LogFile::new(self.path(), None, self.logs.clone());
    }

    fn messages(&self) -> Vec<String> {
        let conn = rusqlite::Connection::open(self.folder.path().join("logs.db")).unwrap();
        let mut statement = conn.prepare("SELECT message FROM logs ORDER BY id").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

fn lines(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| format!("line number {n} of a log with some words")).collect()
}

fn text(range: std::ops::Range<u32>) -> String {
    lines(range).join("\n") + "\n"
}

#[tokio::test]
async fn lines_become_rows_once_also_after_a_restart_at_any_point() {
    let mut world = World::new();
    for n in 0..30 {
        world.write(text(n * 3..n * 3 + 3));
        match n % 3 {
            0 => world.look().await,
            1 => world.settle().await,
            _ => {}
        }
        if n % 2 == 0 {
            world.restart();
        }
    }
    world.settle().await;
    assert_eq!(world.messages(), lines(0..90));
}

#[tokio::test]
async fn a_file_that_appears_later_is_read_from_its_start() {
    let mut world = World::new();
    world.settle().await;
    world.write(text(0..3));
    world.settle().await;
    assert_eq!(world.messages(), lines(0..3));
}

#[tokio::test]
async fn a_last_line_without_a_line_break_waits_for_it() {
    let mut world = World::new();
    world.write("whole\nhal");
    world.settle().await;
    assert_eq!(world.messages(), ["whole"]);
    world.restart();
    world.settle().await;
    world.write("f\n");
    world.settle().await;
    assert_eq!(world.messages(), ["whole", "half"]);
}

#[tokio::test]
async fn the_lines_of_a_trace_are_one_row_also_when_a_restart_comes_between() {
    let mut world = World::new();
    world.write("ERROR no\nTraceback (most recent call last):\n");
    world.look().await;
    world.restart();
    world.look().await;
    world.write("  File \"a.py\", line 3\nKeyError: 1\nINFO up\n");
    world.settle().await;
    let trace = "no\nTraceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 1";
    assert_eq!(world.messages(), [trace, "up"]);
}

#[tokio::test]
async fn what_the_beginning_of_a_file_teaches_holds_behind_a_restart() {
    let mut world = World::new();
    world.write("2026-11-21 05:29:50 INFO up\n2026-11-21 05:29:51 INFO paid\n");
    world.settle().await;
    world.restart();
    world.write(
        "2026-11-21 05:29:52 ERROR refused\nsee the card's issuer\n2026-11-21 05:29:53 INFO up\n",
    );
    world.settle().await;
    assert_eq!(world.messages(), ["up", "paid", "refused\nsee the card's issuer", "up"]);
}

#[tokio::test]
async fn a_file_of_utf_16_is_followed_whole_lines_at_a_time_also_behind_a_restart() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let bytes = wide("\u{feff}first line\r\nKüche and 𝄞\r\nlast\r\n");
    for (at, restarts) in (0..bytes.len()).zip([true, false].into_iter().cycle()) {
        let mut world = World::new();
        world.write(&bytes[..at]);
        world.settle().await;
        if restarts {
            world.restart();
        }
        world.write(&bytes[at..]);
        world.settle().await;
        assert_eq!(world.messages(), ["first line", "Küche and 𝄞", "last"], "cut at {at}");
        assert_eq!(world.log.unread(), 0);
    }
}

#[tokio::test]
async fn lines_that_are_no_text_are_counted() {
    let mut world = World::new();
    world.write(b"one\ncaf\xe9 is closed\n\0\0\0\nlast\n");
    world.settle().await;
    assert_eq!(world.messages(), ["one", "caf\u{fffd} is closed", "last"]);
    assert_eq!(world.log.unread(), 2);
}

#[tokio::test]
async fn a_renamed_file_is_read_to_its_end_before_the_new_one() {
    for restarts in [false, true] {
        let mut world = World::new();
        let mut old = world.writer();
        old.write_all(text(0..5).as_bytes()).unwrap();
        world.settle().await;
        std::fs::rename(world.path(), world.rotated()).unwrap();
        // The writer has not noticed.
        old.write_all(text(5..8).as_bytes()).unwrap();
        if restarts {
            world.restart();
        } else {
            world.look().await;
        }
        world.write("");
        old.write_all(text(8..9).as_bytes()).unwrap();
        world.look().await;
        old.write_all(b"an end without a line break").unwrap();
        world.write(text(9..12));
        world.settle().await;
        let mut expected = lines(0..9);
        expected.push("an end without a line break".into());
        expected.extend(lines(9..12));
        assert_eq!(world.messages(), expected, "restarts: {restarts}");
    }
}

#[tokio::test]
async fn files_that_were_rotated_while_we_were_away_are_read_one_after_the_other() {
    let mut world = World::new();
    world.write(text(0..5));
    world.settle().await;
    world.restart();
    // A file system's clock is too coarse for a test.
    let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
    world.write(text(5..7));
    world.writer().set_modified(at(1)).unwrap();
    std::fs::rename(world.path(), world.folder.path().join("app.log.2")).unwrap();
    world.write(text(7..9));
    world.writer().set_modified(at(2)).unwrap();
    std::fs::rename(world.path(), world.rotated()).unwrap();
    world.write(text(9..11));
    std::fs::write(world.folder.path().join("app.log.audit"), "another log\n").unwrap();
    world.settle().await;
    world.settle().await;
    assert_eq!(world.messages(), lines(0..11));
}

#[tokio::test]
async fn a_file_that_was_copied_and_emptied_is_finished_in_its_copy() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.write(text(0..5));
        world.settle().await;
        world.write(text(5..7));
        std::fs::copy(world.path(), world.rotated()).unwrap();
        world.writer().set_len(0).unwrap();
        if restarts {
            world.restart();
        }
        world.look().await;
        // Longer than what was read before.
        world.write(text(7..40));
        world.settle().await;
        world.settle().await;
        assert_eq!(world.messages(), lines(0..40), "restarts: {restarts}");
    }
}

#[tokio::test]
async fn a_file_that_was_emptied_and_has_grown_beyond_is_read_from_its_start() {
    let mut world = World::new();
    world.write(text(0..3));
    world.settle().await;
    world.writer().set_len(0).unwrap();
    world.write(text(3..20));
    world.settle().await;
    assert_eq!(world.messages(), lines(0..20));
}

/// The first line of each file of a log whose program says at its start who it is.
const BANNER: &str = "shop server 4.2.1 starting with 8 workers on port 8080\n";

#[tokio::test]
async fn a_file_that_begins_as_an_older_one_did_is_no_copy_of_it() {
    // How the log is replaced: by another file while we are away, and by emptying it twice.
    for replaces in [true, false] {
        let mut world = World::new();
        world.write(BANNER.to_owned() + &text(0..50));
        world.settle().await;
        if replaces {
            std::fs::rename(world.path(), world.rotated()).unwrap();
            world.write(BANNER);
            world.settle().await;
            world.settle().await;
            world.restart();
            let new = world.folder.path().join("app.log.new");
            std::fs::write(&new, BANNER.to_owned() + &text(50..60)).unwrap();
            std::fs::rename(new, world.path()).unwrap();
        } else {
            std::fs::copy(world.path(), world.rotated()).unwrap();
            std::fs::write(world.path(), BANNER).unwrap();
            world.settle().await;
            world.settle().await;
            world.writer().set_len(0).unwrap();
            world.settle().await;
            world.write(BANNER.to_owned() + &text(50..60));
        }
        world.settle().await;
        world.settle().await;
        let said = world.messages();
        let numbered: Vec<_> = said.into_iter().filter(|line| line.starts_with("line")).collect();
        assert_eq!(numbered, lines(0..60), "replaced by another file: {replaces}");
    }
}

#[tokio::test]
async fn a_file_that_was_emptied_and_begins_alike_but_goes_on_otherwise_is_read_from_its_start() {
    for restarts in [false, true] {
        let mut world = World::new();
        // The beginning by which a file is known is the same in both.
        let beginning = BANNER.repeat(30);
        world.write(beginning.clone() + &text(0..3));
        world.settle().await;
        if restarts {
            world.restart();
        }
        world.writer().set_len(0).unwrap();
        world.write(beginning + &text(3..20));
        world.settle().await;
        let said = world.messages();
        let numbered: Vec<_> = said.into_iter().filter(|line| line.starts_with("line")).collect();
        assert_eq!(numbered, lines(0..20), "restarts: {restarts}");
    }
}

#[tokio::test]
async fn a_file_that_is_deleted_while_an_older_one_is_read_is_read_all_the_same() {
    let mut world = World::new();
    world.write(text(0..1));
    world.settle().await;
    // Renamed with a late line; then copied and emptied; then deleted.
    std::fs::rename(world.path(), world.rotated()).unwrap();
    world.write(text(2..3));
    std::fs::OpenOptions::new()
        .append(true)
        .open(world.rotated())
        .and_then(|mut file| file.write_all(text(1..2).as_bytes()))
        .unwrap();
    world.look().await;
    std::fs::copy(world.path(), world.folder.path().join("app.log.2")).unwrap();
    world.writer().set_len(0).unwrap();
    world.write(text(3..4));
    world.now = world.now.plus(Duration::from_secs(2));
    world.look().await;
    std::fs::remove_file(world.path()).unwrap();
    world.settle().await;
    world.settle().await;
    assert_eq!(world.messages(), lines(0..4));
}

#[tokio::test]
async fn files_that_come_and_go_while_an_older_one_is_read_are_read_in_their_order() {
    let mut world = World::new();
    world.write(text(0..1));
    world.settle().await;
    std::fs::rename(world.path(), world.rotated()).unwrap();
    for n in 1..6 {
        world.write(text(n..n + 1));
        world.look().await;
        std::fs::remove_file(world.path()).unwrap();
    }
    world.write(text(6..7));
    for _ in 0..6 {
        world.settle().await;
    }
    assert_eq!(world.messages(), lines(0..7));
}

#[tokio::test]
async fn a_deleted_file_is_let_go_and_read_anew_when_it_comes_back() {
    let mut world = World::new();
    world.write(text(0..3));
    world.settle().await;
    std::fs::remove_file(world.path()).unwrap();
    world.settle().await;
    world.write(text(3..5));
    world.settle().await;
    assert_eq!(world.messages(), lines(0..5));
}

#[tokio::test]
async fn a_commit_whose_answer_never_came_is_not_repeated() {
    let mut world = World::new();
    world.write(text(0..2_000));
    // The call is dropped somewhere between reading and the answer of the commit.
    for polls in 1..12 {
        let mut call = Box::pin(world.log.run_once(world.now));
        for _ in 0..polls {
            let poll = tokio::time::timeout(Duration::from_millis(1), &mut call).await;
            if poll.is_ok() {
                break;
            }
        }
        drop(call);
        world.restart();
    }
    world.settle().await;
    assert_eq!(world.messages(), lines(0..2_000));
}

#[tokio::test]
async fn two_who_follow_the_same_file_store_each_line_once() {
    let mut world = World::new();
    let mut other = LogFile::new(world.path(), None, world.logs.clone());
    for n in 0..10 {
        world.write(text(n * 2..n * 2 + 2));
        world.look().await;
        while other.run_once(world.now).await.unwrap() {}
        world.now = world.now.plus(Duration::from_secs(2));
    }
    world.settle().await;
    assert_eq!(world.messages(), lines(0..20));
}

#[tokio::test]
async fn any_bytes_and_lines_of_any_length_are_read_and_secrets_are_not() {
    let mut world = World::new();
    world.write(b"caf\xff\nlogin password=hunter22secret ok\n");
    for _ in 0..10 {
        world.write("x ".repeat(512 * 1024));
    }
    world.write("\nend\n");
    world.settle().await;
    let messages = world.messages();
    assert_eq!(messages.len(), 4);
    assert_eq!((messages[0].as_str(), messages[3].as_str()), ("caf\u{fffd}", "end"));
    assert!(!messages[1].contains("hunter22secret"), "{}", messages[1]);
    assert!(messages[2].len() <= 64 * 1024 && messages[2].starts_with("x x "));
}

#[tokio::test]
async fn what_cannot_be_read_is_said_with_its_code_and_tried_again() {
    let mut world = World::new();
    std::fs::create_dir(world.path()).unwrap();
    let error = world.log.run_once(world.now).await.unwrap_err();
    assert_eq!(error.code(), Code::LogFollow);
    std::fs::remove_dir(world.path()).unwrap();
    world.write(text(0..2));
    world.settle().await;
    assert_eq!(world.messages(), lines(0..2));
}

#[tokio::test]
async fn log_rows_are_removed_after_the_days_that_are_set_but_for_the_newest() {
    let mut world = World::new();
    let store = open(world.folder.path());
    world.write(text(0..2_500));
    world.settle().await;
    // Rows are as old as their coming in, which the database dates itself.
    let after = |days: u64| Clock::system().now().plus(Duration::from_hours(24 * days + 1));
    assert!(!prune_logs(&store, &world.logs, after(6)).await.unwrap());
    let set = async |text: &str| {
        let changes = [SettingChange::set("retention.logs_days", text)];
        change(&store, &Call::by_owner(START), &changes).await
    };
    set("30").await.unwrap();
    assert!(set("0").await.is_err());
    while prune_logs(&store, &world.logs, after(29)).await.unwrap() {}
    assert_eq!(world.messages().len(), 2_500);
    set("default").await.unwrap();
    let mut slices = 1;
    while prune_logs(&store, &world.logs, after(7)).await.unwrap() {
        slices += 1;
    }
    assert_eq!((slices, world.messages()), (3, lines(2_499..2_500)));
    assert_eq!(world.logs.last_id().await.unwrap(), 2_500);
}

/// A folder with a `journalctl` that says what it is told to say, and notes how it was asked.
fn journalctl(folder: &Path, script: &str) -> String {
    let file = folder.join("journalctl");
    let text = format!("#!/bin/sh\necho \"$@\" >> {}/asked\n{script}\n", folder.display());
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    format!("{}:/usr/bin:/bin", folder.display())
}

fn journal(world: &World, path: &str) -> Journal {
    let launcher = Launcher::with_program(env!("CARGO_BIN_EXE_lamplighter"));
    Journal::new(Some("app.service".into()), None, world.logs.clone(), launcher, path.into())
}

#[tokio::test]
async fn the_journal_is_followed_from_its_cursor_on() {
    let world = World::new();
    let entry = |n: u32, who: &str| {
        format!(
            r#"{{"__CURSOR":"s={n}","__REALTIME_TIMESTAMP":"1763703000000000","PRIORITY":"3","SYSLOG_IDENTIFIER":"{who}","MESSAGE":"entry {n}"}}"#
        )
    };
    let entries = [entry(1, "app"), entry(2, "lamplighter"), "no entry".into(), entry(3, "app")];
    std::fs::write(world.folder.path().join("entries"), entries.join("\n") + "\n").unwrap();
    let script = format!("cat {}/entries", world.folder.path().display());
    let path = journalctl(world.folder.path(), &script);
    let (_leads, mut leading) = watch::channel(true);
    let stop = CancellationToken::new();
    let clock = Clock::system();
    for _ in 0..2 {
        let stored = journal(&world, &path).run_once(&clock, &mut leading, &stop).await.unwrap();
        assert_eq!(stored, 2);
    }
    assert_eq!(world.messages()[..2], ["entry 1", "entry 3"]);
    let asked = std::fs::read_to_string(world.folder.path().join("asked")).unwrap();
    let common = "--output=json --follow --no-pager --quiet";
    let expected = format!(
        "{common} --lines=0 --unit=app.service\n{common} --lines=all --after-cursor=s=3 --unit=app.service\n"
    );
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_journalctl_that_fails_or_is_not_there_is_an_error_with_its_remedy() {
    let world = World::new();
    let (_leads, mut leading) = watch::channel(true);
    let stop = CancellationToken::new();
    let clock = Clock::system();
    let bad = journalctl(world.folder.path(), "echo no journal files >&2; exit 1");
    for (path, why) in [(bad.as_str(), "no journal files"), ("/nowhere", "journalctl")] {
        let run = journal(&world, path).run_once(&clock, &mut leading, &stop).await;
        let error = run.unwrap_err();
        assert_eq!(error.code(), Code::LogJournal);
        assert!(format!("{error:#}").contains(why), "{error:#}");
    }
}

#[test]
fn the_server_follows_what_its_configuration_names_and_repeats_nothing_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("shop.log");
    let config = format!(
        "[[log_source]]\npath = {:?}\nsource = \"shop\"\n[[log_source]]\njournal = true\n",
        log.display().to_string()
    );
    std::fs::write(folder.path().join("lamplighter.toml"), config).unwrap();
    let rows = || {
        let conn = rusqlite::Connection::open(folder.path().join("logs.db")).unwrap();
        conn.busy_timeout(Duration::from_secs(10)).unwrap();
        let sql = "SELECT message FROM logs WHERE source = 'shop' ORDER BY id";
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>()
    };
    // Another process commits, so that there is no signal but the file.
    let wait_for = |count: usize| {
        let begun = Instant::now();
        while rows().len() < count {
            assert!(begun.elapsed() < STUCK, "{:?}", rows());
            std::thread::yield_now();
        }
    };
    let mut file = OpenOptions::new().create(true).append(true).open(&log).unwrap();
    for round in 0..3 {
        let server = Server::start(folder.path(), &[]);
        file.write_all(text(round * 10..round * 10 + 10).as_bytes()).unwrap();
        // The last line waits for a second, so that the kill finds it not stored.
        wait_for(round as usize * 10 + 9);
        server.kill();
    }
    let server = Server::start(folder.path(), &[]);
    wait_for(30);
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(rows(), lines(0..30));
}

#[test]
fn all_files_that_fit_a_pattern_are_followed_also_those_that_come_later_and_each_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let apps = folder.path().join("apps");
    std::fs::create_dir(&apps).unwrap();
    let (pattern, absent) = (apps.join("*.log"), folder.path().join("absent.log"));
    let config = format!(
        "[[log_source]]\npath = {:?}\n[[log_source]]\npath = {:?}\n[[log_source]]\npath = {:?}\n",
        apps.join("first.log").display().to_string(),
        pattern.display().to_string(),
        absent.display().to_string()
    );
    std::fs::write(folder.path().join("lamplighter.toml"), config).unwrap();
    std::fs::write(apps.join("first.log"), text(0..3)).unwrap();
    std::fs::write(apps.join("first.log.1"), text(90..93)).unwrap();
    let server = Server::start(folder.path(), &[]);
    let rows = |source: &str| {
        let conn = rusqlite::Connection::open(folder.path().join("logs.db")).unwrap();
        conn.busy_timeout(Duration::from_secs(10)).unwrap();
        let sql = "SELECT message FROM logs WHERE source = ?1 ORDER BY id";
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([source], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>()
    };
    // Another process commits, so that there is no signal but the file.
    let wait_for = |source: &str, expected: &[String]| {
        let begun = Instant::now();
        while rows(source) != expected {
            assert!(begun.elapsed() < STUCK, "{source}: {:?}", rows(source));
            std::thread::yield_now();
        }
    };
    wait_for("first", &lines(0..3));
    std::fs::write(apps.join("second.log"), text(3..5)).unwrap();
    wait_for("second", &lines(3..5));
    let output = program(folder.path()).args(["--json", "logs", "sources"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let told: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &Path, key: &str| {
        let name = name.display().to_string();
        told.iter().find(|log| log["log"] == name.as_str()).unwrap()[key].clone()
    };
    assert_eq!(told.len(), 3, "{said}");
    assert_eq!(of(&apps.join("first.log"), "pattern"), serde_json::Value::Null);
    let second = apps.join("second.log");
    assert_eq!(of(&second, "pattern"), pattern.display().to_string().as_str());
    assert_eq!((of(&second, "state"), of(&second, "rows")), ("up_to_date".into(), 2.into()));
    assert_eq!(of(&absent, "state"), "missing");
    // What is deleted ends, and what comes under its name is read from its start.
    std::fs::remove_file(&second).unwrap();
    std::fs::write(&second, text(5..7)).unwrap();
    wait_for("second", &lines(3..7));
    assert!(rows("first.log").is_empty() && rows("first") == lines(0..3), "{:?}", rows("first"));
    assert!(server.terminate() == Some(0));
    let warned = format!("[LOGS-FOLLOW-002] {} is not there", absent.display());
    assert!(rows("lamplighter::monitor::intake::files")[0].starts_with(&warned));
}

#[tokio::test]
async fn a_line_that_is_too_long_and_comes_in_pieces_is_one_row_also_after_a_restart() {
    let mut world = World::new();
    let piece = "a long word ".repeat(130_000);
    world.write(text(0..1));
    world.write(&piece);
    world.settle().await;
    world.restart();
    world.settle().await;
    world.write(&piece);
    world.settle().await;
    world.write(format!("end\n{}", text(1..3)));
    world.settle().await;
    let messages = world.messages();
    assert_eq!(messages.len(), 4);
    assert!(messages[1].starts_with("a long word a long") && messages[1].ends_with("(cut)"));
    assert_eq!(
        [&messages[0], &messages[2], &messages[3]],
        lines(0..3).iter().collect::<Vec<_>>()[..]
    );
    world.restart();
    world.settle().await;
    assert_eq!(world.messages().len(), 4);
}

#[tokio::test]
async fn columns_are_those_of_the_last_header_also_after_a_restart() {
    let mut world = World::new();
    let old = "2026-11-21 05:29:51 404 /old\n";
    world.write(format!("#Fields: date time sc-status cs-uri-stem\n{}", old.repeat(3_000)));
    world.write("#Fields: date time cs-uri-stem sc-status\n2026-11-21 05:29:52 /new 500\n");
    world.settle().await;
    world.restart();
    world.write("2026-11-21 05:29:53 /newer 503\n");
    world.settle().await;
    let conn = rusqlite::Connection::open(world.folder.path().join("logs.db")).unwrap();
    let sql = "SELECT request_path, level, count(*) FROM logs GROUP BY 1, 2 ORDER BY min(id)";
    let mut found = conn.prepare(sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Vec<(String, String, i64)> =
        found.query_map([], row).unwrap().map(Result::unwrap).collect();
    let of = |path: &str, level: &str, count| (path.to_owned(), level.to_owned(), count);
    let expected = [of("/old", "WARNING", 3_000), of("/new", "ERROR", 1), of("/newer", "ERROR", 1)];
    assert_eq!(found, expected);
}
