//! Files that are damaged, cut off or gone: each is met before anything is written, and left as it is.

use crate::support::server::{Browser, Server, program};
use crate::support::{OPEN_JOBS, STUCK, foreign, in_time, now, open, shell, until};
use lamplighter::clock::Clock;
use lamplighter::model::{Kind, KindRules, NewJob, Outcome, Status};
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::{Code, Engine};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

mod running;

const PAGE: u64 = 4096;
/// More than SQLite looks at when a file is checked whole at a start.
const LARGE: u64 = 256 << 20;

/// A data directory in which a server has worked, and ended well.
fn worked() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = Server::start(data, &[]);
    Browser::signed_in(&server.url).run_now();
    assert_eq!(server.terminate(), Some(0));
    folder
}

/// The files of a data directory in another one.
fn copied(from: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    folder
}

/// All files of a folder, with what is in them. The index of a log (`-shm`) is made anew by each who reads it first.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.retain(|(path, _)| !path.to_string_lossy().ends_with("-shm"));
    files.sort();
    files
}

/// Every table and index, with its first page.
fn roots(path: &Path) -> Vec<(String, u64)> {
    let conn = Connection::open(path).unwrap();
    let sql = "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)));
    rows.unwrap().map(Result::unwrap).collect()
}

fn zero(path: &Path, page: u64) {
    let mut bytes = fs::read(path).unwrap();
    let at = ((page - 1) * PAGE) as usize;
    bytes[at..at + PAGE as usize].fill(0);
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path, length: u64) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

/// Runs a command that must be refused for this file and leave it and its log as they were; its words.
fn refused(data: &Path, file: &str, arguments: &[&str]) -> String {
    let contents = |data: &Path| -> Vec<_> {
        let is_of_it = |path: &Path| path.file_name().unwrap().to_str().unwrap().starts_with(file);
        contents(data).into_iter().filter(|(path, _)| is_of_it(path)).collect()
    };
    let before = contents(data);
    let output = program(data).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(65), "{arguments:?}: {said}");
    assert!(before == contents(data), "{arguments:?} changed something: {said}");
    said
}

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
const ENQUEUE: &[&str] = &["jobs", "enqueue", "self_monitoring"];

#[test]
fn p28_a_database_of_which_any_root_page_is_zero_is_refused_untouched() {
    let whole = worked();
    let (mut met, mut slowest) = (0, Duration::ZERO);
    for file in ["lamplighter.db", "logs.db"] {
        for (name, page) in roots(&whole.path().join(file)) {
            // The command line looks at the ends of each table, a server at everything.
            for mode in [OpenMode::Current, OpenMode::Migrate] {
                // SQLite's own table of sequences is read by the whole look alone.
                if name == "sqlite_sequence" && mode == OpenMode::Current {
                    continue;
                }
                let folder = copied(whole.path());
                let path = folder.path().join(file);
                zero(&path, page);
                let (before, begun) = (contents(folder.path()), Instant::now());
                let opened = if file == "logs.db" {
                    LogStore::open(&path, mode).map(drop)
                } else {
                    Store::open(&path, mode).map(drop)
                };
                let error = opened.expect_err(&name);
                slowest = slowest.max(begun.elapsed());
                assert_eq!(error.code(), Code::StoreDamaged, "{name}: {error}");
                assert!(before == contents(folder.path()), "{name}: something was changed");
            }
            met += 1;
        }
    }
    assert!(met > 80, "{met} tables and indexes");
    println!("{met} of {met} zeroed root pages were met at the start, each within {slowest:?}");
}

#[test]
fn p28_a_trigger_whose_text_is_damaged_is_met_at_the_start() {
    let whole = worked();
    let path = whole.path().join("lamplighter.db");
    let mut bytes = fs::read(&path).unwrap();
    let word = b"NEW.waits_for IS NOT 'rate'";
    let at = bytes.windows(word.len()).position(|bytes| bytes == word).unwrap();
    bytes[at] ^= 0x87;
    fs::write(&path, bytes).unwrap();
    let said = refused(whole.path(), "lamplighter.db", SERVE);
    assert!(said.contains("[STORE-TABLE-002]"), "{said}");
}

#[test]
fn p28_a_large_database_is_looked_at_by_both_ends_of_each_table_and_index() {
    let whole = worked();
    let data = whole.path();
    let conn = foreign(data);
    // Bytes that no row has, so that the file is too large for the whole look: most of it is never read.
    conn.execute_batch("CREATE TABLE filler (x BLOB)").unwrap();
    conn.execute("INSERT INTO filler VALUES (zeroblob(?1))", [(LARGE + PAGE) as i64]).unwrap();
    drop(conn);
    let (_, page) = roots(&data.join("lamplighter.db"))
        .into_iter()
        .find(|(name, _)| name == "jobs_claim")
        .unwrap();
    drop(open(data));
    let path = data.join("renamed.db");
    fs::rename(data.join("lamplighter.db"), &path).unwrap();
    let bytes = fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&bytes, &[0; PAGE as usize], (page - 1) * PAGE)
        .unwrap();
    let begun = Instant::now();
    let error = Store::open(&path, OpenMode::Migrate).unwrap_err();
    assert_eq!(error.code(), Code::StoreDamaged, "{error}");
    assert!(error.to_string().contains("jobs_claim"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn p28_a_server_and_a_command_refuse_a_damaged_file_and_name_it() {
    let whole = worked();
    for (name, page) in roots(&whole.path().join("lamplighter.db")) {
        if !["jobs", "jobs_claim", "job_schedules", "self_monitoring_scans"]
            .contains(&name.as_str())
        {
            continue;
        }
        let folder = copied(whole.path());
        zero(&folder.path().join("lamplighter.db"), page);
        for command in [SERVE, ENQUEUE] {
            let said = refused(folder.path(), "lamplighter.db", command);
            assert!(
                said.contains("[STORE-FILE-008]") && said.contains("lamplighter.db"),
                "{name}: {said}"
            );
        }
    }
}

#[test]
fn p28_a_file_that_is_cut_off_is_refused_with_and_without_its_log() {
    let whole = worked();
    for file in ["lamplighter.db", "logs.db"] {
        for with_log in [false, true] {
            let folder = copied(whole.path());
            let path = folder.path().join(file);
            if with_log {
                // Killed, it leaves its log.
                let server = Server::start(folder.path(), &[]);
                Browser::signed_in(&server.url).run_now();
                server.kill();
                assert!(fs::metadata(path.with_extension("db-wal")).unwrap().len() > 0);
            }
            let length = fs::metadata(&path).unwrap().len();
            for left in [length - PAGE, length / 2, PAGE, PAGE / 2, 60] {
                cut(&path, left);
                let said = refused(folder.path(), file, SERVE);
                let is_told =
                    said.contains("[STORE-FILE-007]") || said.contains("[STORE-FILE-008]");
                // Of less than a header nothing says that it was ours, except the log.
                assert!(
                    is_told || (left < 100 && said.contains("[STORE-FILE-001]")),
                    "{file} {left}: {said}"
                );
            }
        }
    }
}

#[test]
fn p28_a_missing_or_emptied_file_is_refused_with_the_names_of_what_shows_that_it_was_there() {
    let whole = worked();
    for (is_killed, shows) in [(false, "logs.db"), (true, "lamplighter.db-wal")] {
        let folder = copied(whole.path());
        let path = folder.path().join("lamplighter.db");
        if is_killed {
            let server = Server::start(folder.path(), &[]);
            Browser::signed_in(&server.url).run_now();
            server.kill();
        }
        fs::remove_file(&path).unwrap();
        for state in ["it is not there", "it is empty"] {
            for command in [SERVE, ENQUEUE, &["jobs", "list"]] {
                let said = refused(folder.path(), "lamplighter.db", command);
                assert!(
                    said.contains("[STORE-FILE-007]")
                        && said.contains(state)
                        && said.contains(shows),
                    "{said}"
                );
            }
            fs::write(&path, "").unwrap();
        }
    }
}

#[test]
fn p28_databases_that_have_changed_places_are_refused_untouched() {
    let whole = worked();
    let [jobs, logs] = ["lamplighter.db", "logs.db"].map(|name| whole.path().join(name));
    let away = whole.path().join("away");
    fs::rename(&jobs, &away).unwrap();
    fs::rename(&logs, &jobs).unwrap();
    fs::rename(&away, &logs).unwrap();
    for command in [SERVE, ENQUEUE, &["jobs", "list"]] {
        let said = refused(whole.path(), "l", command);
        assert!(said.contains("[STORE-FILE-001]") && said.contains("lamplighter.db"), "{said}");
    }
}

#[test]
fn rows_that_are_imported_first_do_not_stand_in_the_way_of_the_first_server() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("shop.log"));
    fs::write(&log, "ERROR payment failed\n").unwrap();
    let imported = program(&data).args(["logs", "import"]).arg(&log).status().unwrap();
    assert!(imported.success());
    Server::start(&data, &[]).kill();
}

#[test]
fn a_vacuum_by_hand_is_no_damage() {
    let whole = worked();
    let data = whole.path();
    let conn = foreign(data);
    conn.execute_batch(
        "CREATE TABLE filler (x); INSERT INTO filler VALUES (zeroblob(9000000)); DROP TABLE filler",
    )
    .unwrap();
    drop(conn);
    let server = Server::start(data, &[]);
    // By another process, as a person does it.
    let Some(done) = shell(data, "VACUUM") else { return };
    done.unwrap();
    Browser::signed_in(&server.url).run_now();
    server.kill();
    let server = Server::start(data, &[]);
    Browser::signed_in(&server.url).run_now();
    assert_eq!(server.terminate(), Some(0));
}

/// A server that a deed is done to while it runs.
struct Victim<'a> {
    whole: &'a Path,
    folder: TempDir,
    server: Server,
    browser: Browser,
}

/// What became of a server after a deed.
struct Ended {
    /// How long it took from the deed to its end.
    red: Duration,
    acknowledged: u32,
    code: Option<i32>,
}

impl<'a> Victim<'a> {
    fn of(whole: &'a Path, folder: TempDir) -> Self {
        let server = Server::start(folder.path(), &[]);
        let browser = Browser::signed_in(&server.url);
        Self { whole, folder, server, browser }
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Waits for its end, pressing Run Now all the while, or for `patience`.
    fn until_red(mut self, begun: Instant, patience: Duration) -> Option<Ended> {
        let mut acknowledged = 0;
        while !self.server.has_ended() {
            acknowledged += u32::from(self.browser.try_run_now() == Some(200));
            if begun.elapsed() > patience {
                // Its log is looked at when it is dropped.
                self.put_log_back();
                return None;
            }
        }
        let red = begun.elapsed();
        self.put_log_back();
        Some(Ended { red, acknowledged, code: self.server.ended() })
    }

    fn put_log_back(&self) {
        put_log_back(self.whole, self.data());
    }
}

/// A server that is dropped has its log looked at, which was damaged.
fn put_log_back(whole: &Path, data: &Path) {
    for suffix in ["-wal", "-shm"] {
        drop(fs::remove_file(data.join(format!("logs.db{suffix}"))));
    }
    fs::copy(whole.join("logs.db"), data.join("logs.db")).unwrap();
}

type Deed = fn(&Path);

const DEEDS: [(&str, Deed); 10] = [
    ("deleted", |path| fs::remove_file(path).unwrap()),
    ("renamed", |path| fs::rename(path, path.with_extension("old")).unwrap()),
    ("replaced", |path| {
        fs::copy(path, path.with_extension("copy")).unwrap();
        fs::rename(path.with_extension("copy"), path).unwrap();
    }),
    ("emptied", |path| cut(path, 0)),
    ("cut off", |path| cut(path, PAGE * 8)),
    ("log deleted", |path| fs::remove_file(path.with_extension("db-wal")).unwrap()),
    ("log emptied", |path| cut(&path.with_extension("db-wal"), 0)),
    ("swapped with the other database", |path| {
        let is_log = path.ends_with("logs.db");
        let other = path.with_file_name(if is_log { "lamplighter.db" } else { "logs.db" });
        fs::rename(path, path.with_extension("old")).unwrap();
        fs::rename(&other, path).unwrap();
        fs::rename(path.with_extension("old"), other).unwrap();
    }),
    ("replaced with its log", |path| {
        for path in [path.to_owned(), path.with_extension("db-wal")] {
            fs::copy(&path, path.with_extension("copy")).unwrap();
            fs::rename(path.with_extension("copy"), path).unwrap();
        }
    }),
    ("cut off by a page", |path| cut(path, fs::metadata(path).unwrap().len() - PAGE)),
];

#[test]
fn p1_a_server_whose_file_is_deleted_renamed_replaced_or_cut_off_acknowledges_nothing_and_ends_with_65()
 {
    let whole = worked();
    let mut reds = Vec::new();
    for file in ["lamplighter.db", "logs.db"] {
        for (name, deed) in DEEDS {
            let mut victim = Victim::of(whole.path(), copied(whole.path()));
            victim.browser.run_now();
            assert_eq!(victim.browser.get("/readyz", &[]).body, "ready\n");
            let begun = Instant::now();
            deed(&victim.data().join(file));
            let ended = victim.until_red(begun, STUCK).expect("it goes on");
            assert_eq!(ended.code, Some(65), "{file} {name}");
            // A job that is saved is no loss where the log of the program is: that file is looked at by itself.
            let is_its_own = file == "logs.db" && !name.starts_with("swapped");
            assert!(ended.acknowledged == 0 || is_its_own, "{file} {name}: {}", ended.acknowledged);
            reds.push(ended.red);
        }
    }
    println!(
        "{} deeds: 0 acknowledged after the file was gone, the server ended after {} (min / median / max)",
        reds.len(),
        running::spread(reds)
    );
}

#[test]
fn p28_a_server_that_meets_a_row_which_cannot_be_read_looks_at_its_pages_and_ends_with_65() {
    let whole = worked();
    let mut victim = Victim::of(whole.path(), copied(whole.path()));
    // As a byte that is turned over inside a word leaves it: only SQLite's check compares it with the words that are allowed.
    foreign(victim.data())
        .execute_batch(
            "PRAGMA ignore_check_constraints = ON;
             INSERT INTO self_monitoring_issues (scan_id, tracker, number, title, body, classification, error_codes,
                 source, template, source_files, evidence, occurrences, created_at, last_seen_at)
             VALUES (1, 'local', 9, 'It broke', 'b', 'server_cug', '[]', 's', 't', '[]', '[]', 1, 1, 1)",
        )
        .unwrap();
    let begun = Instant::now();
    let (status, said) = victim.browser.try_answer("/admin/self-monitoring").unwrap();
    assert!(status == 500 && said.contains("STORE-ROW-001"), "{status}: {said}");
    let ended = victim.until_red(begun, STUCK).expect("it goes on");
    assert_eq!(ended.code, Some(65));
    println!("a row that cannot be read: it ended after {:?}", ended.red);
}

#[test]
fn p1_an_idle_server_whose_file_is_deleted_ends_with_65() {
    let whole = worked();
    let victim = Victim::of(whole.path(), copied(whole.path()));
    let begun = Instant::now();
    fs::remove_file(victim.data().join("lamplighter.db")).unwrap();
    assert_eq!(victim.server.ended(), Some(65));
    println!("idle: it ended after {:?}", begun.elapsed());
}

/// A file is damaged, then a server starts on it and works: it refuses, or it ends with 65, or all that it acknowledges ends.
fn refuses_ends_or_works(whole: &Path, folder: TempDir, what: &str) -> &'static str {
    let before = contents(folder.path());
    match Store::open(&folder.path().join("lamplighter.db"), OpenMode::Migrate) {
        Err(error) => {
            assert_eq!(error.class().exit_code(), 65, "{what}: {error}");
            assert!(before == contents(folder.path()), "{what}: {error}");
            return "refused";
        }
        Ok(store) => drop(store),
    }
    let mut victim = Victim::of(whole, folder);
    let begun = Instant::now();
    for _ in 0..3 {
        victim.browser.try_run_now();
    }
    let conn = foreign(victim.data());
    while !victim.server.has_ended() {
        if conn.query_row(OPEN_JOBS, [], |row| row.get::<_, i64>(0)).is_ok_and(|open| open == 0) {
            victim.put_log_back();
            return "unnoticed, and its jobs end";
        }
        assert!(begun.elapsed() < STUCK, "{what}: it goes on, and its jobs do not end");
    }
    let ended = victim.until_red(begun, STUCK).unwrap();
    assert_eq!(ended.code, Some(65), "{what}");
    "met, and ended with 65"
}

#[test]
fn p28_a_server_on_a_file_with_random_flips_refuses_it_or_ends_or_its_jobs_end() {
    let flips =
        if std::env::var("LAMPLIGHTER_FILES").is_ok_and(|form| form == "long") { 200 } else { 16 };
    let whole = worked();
    let mut found = std::collections::BTreeMap::new();
    let mut random: u64 = 20_261_128;
    for flip in 0..flips {
        let folder = copied(whole.path());
        let path = folder.path().join("lamplighter.db");
        let mut bytes = fs::read(&path).unwrap();
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // 64 bytes, as one bad read of a disk may give; those of the header are another matter.
        let at = 100 + (random >> 16) as usize % (bytes.len() - 164);
        for byte in &mut bytes[at..at + 64] {
            *byte ^= (random >> 8) as u8 | 1;
        }
        fs::write(&path, bytes).unwrap();
        *found
            .entry(refuses_ends_or_works(whole.path(), folder, &format!("flip {flip} at {at}")))
            .or_insert(0) += 1;
    }
    println!("{flips} flips: {found:?}");
}

#[tokio::test]
async fn p1_in_an_applications_file_the_engine_ends_with_the_reason_and_the_process_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let store = Store::open_in(&path, OpenMode::Migrate).unwrap();
    let probe = || NewJob::new(Kind::named("probe"));
    let rules = KindRules::new(Kind::named("probe"));
    let builder = Engine::builder(store.clone(), Clock::system());
    let mut engine = builder.kind(rules, |_| async { Outcome::Done(true.into()) }).start().unwrap();
    let job = store.enqueue(probe(), now()).await.unwrap().id();
    until(&store, job, |job| job.status == Status::Completed).await;
    fs::rename(&path, folder.path().join("elsewhere.db")).unwrap();
    assert_eq!(in_time(engine.ended()).await.code(), Code::StoreReplaced);
    assert_eq!(store.enqueue(probe(), now()).await.unwrap_err().code(), Code::StoreReplaced);
    assert_eq!(store.check_trust().unwrap_err().code(), Code::StoreReplaced);
    assert!(store.not_ready(true).unwrap().contains("STORE-FILE-009"));
    // What is read is what was saved.
    assert_eq!(store.job(job).await.unwrap().unwrap().status, Status::Completed);
    in_time(engine.stop(Duration::ZERO)).await;
}
