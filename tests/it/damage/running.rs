//! Damage under a running server: each first page of a table or index is zeroed in turn, and random bits, bytes and blocks are
//! turned over, while it works.
//!
//! SQLite keeps pages in memory. So all is written back into the file first, and another program's commit has every connection
//! read its pages anew. From the first answer on that says that a page is damaged nothing may be acknowledged, and the server must
//! end with 65; where no statement meets the damage, what is acknowledged must run. What the server does not meet by then its
//! daily look meets (`engine/inspector.rs`), and the next start (`damage.rs`).
//!
//! `LAMPLIGHTER_WORKERS=long cargo test --test it damage:: -- --nocapture` takes every page and 200 random places;
//! `LAMPLIGHTER_FLIP=62` takes one of these alone.

use super::{OPEN_JOBS, PAGE, STUCK, copied, put_log_back, roots};
use crate::support::server::{Browser, Server, program};
use crate::support::{in_time, now, open};
use lamplighter::clock::Clock;
use lamplighter::model::{Kind, KindRules, Level, NewJob, NewLogRow, Outcome};
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::testing::drain;
use lamplighter::{Code, Engine};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Pages that together read most tables.
const TOUR: [&str; 13] = [
    "/",
    "/jobs",
    "/jobs/1",
    "/batches",
    "/queues",
    "/schedules",
    "/sessions",
    "/repositories",
    "/logs",
    "/settings",
    "/audit",
    "/admin/self-monitoring",
    "/admin/self-monitoring/status",
];
/// How long a server works at least before its damage counts as one that no statement meets.
fn patience() -> Duration {
    Duration::from_millis(if is_long() { 2_000 } else { 300 })
}
/// Bytes of the header, which is another matter.
const HEADER: u64 = 100;

/// A data directory in which a server has worked, and a browser that is signed in there.
pub(super) struct Worked {
    pub(super) folder: TempDir,
    browser: Browser,
}

impl Worked {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        in_folder(folder.path());
        let server = Server::start(folder.path(), &[]);
        let mut browser = Browser::signed_in(&server.url);
        browser.run_now();
        for path in TOUR {
            let answer = browser.get(path, &[]);
            assert_eq!(answer.status, 200, "{path}");
        }
        assert_eq!(server.terminate(), Some(0));
        Self { folder, browser }
    }
}

/// Jobs that are over, a batch, a schedule, and a log, so that pages are not empty.
fn in_folder(data: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (store, probe) = (open(data), || NewJob::new(Kind::named("probe")));
        let rules = KindRules::new(Kind::named("probe"));
        let builder = Engine::builder(store.clone(), Clock::system());
        let engine = builder.kind(rules, |_| async { Outcome::Done(true.into()) }).start().unwrap();
        for _ in 0..5 {
            engine.jobs().add_all((0..60).map(|_| probe()).collect()).await.unwrap();
        }
        in_time(drain(&store, &Clock::system())).await.unwrap();
        let logs = LogStore::open(&data.join("logs.db"), OpenMode::Migrate).unwrap();
        let row = |n: u32| {
            let text = format!("[SHOP-CART-{:03}] cart {n} is lost", n % 7);
            NewLogRow::new(now().to_string(), Level::Error, "shop", text)
        };
        logs.append((0..500).map(row).collect()).await.unwrap();
        engine.stop(Duration::ZERO).await;
    });
}

/// What became of a server under which its file was damaged.
enum Fate {
    /// So long after the deed it met the damage, acknowledged nothing from then on, and ended with 65.
    Red { met: Duration, ended: Duration },
    /// No statement met the damage, and the jobs that it acknowledged ended. The folder is as it was left.
    Works(TempDir),
    /// A row was changed inside itself, which SQLite's check does not see. Pages say that they cannot read a row, or each job
    /// that is open is held by what its rows say now.
    Says(&'static str),
}

/// Damages a file under a running server and has it work.
fn damaged(whole: &Worked, file: &str, what: &str, hit: impl FnOnce(&File)) -> Fate {
    let folder = copied(whole.folder.path());
    let mut server = Server::start(folder.path(), &[]);
    let mut browser = whole.browser.at(&server.url);
    until_registered(folder.path());
    let path = folder.path().join(file);
    let conn = Connection::open(&path).unwrap();
    conn.busy_timeout(STUCK).unwrap();
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    hit(&OpenOptions::new().read(true).write(true).open(&path).unwrap());
    let begun = Instant::now();
    // The same again. It fails where the server has met the damage and ended already, or where it is in the way.
    drop(conn.pragma_update(None, "user_version", version));
    drop(conn);
    let mut met: Option<Duration> = None;
    let mut by = String::new();
    let mut has_strange_row = false;
    while !server.has_ended() {
        // A server that has met nothing for so long is asked for no more, so that its jobs can come to their end.
        let is_asked = met.is_some() || begun.elapsed() < patience();
        let asked = if is_asked { browser.try_run_now() } else { Some(200) };
        let acknowledged = is_asked && asked == Some(200);
        let refused = asked != Some(200);
        assert!(!(met.is_some() && acknowledged), "{what}: acknowledged after it was met by {by}");
        let mut is_red = |page| {
            let answer = browser.try_answer(page);
            let status = answer.as_ref().map(|(status, _)| *status);
            let said = answer.map(|(_, body)| body).unwrap_or_default();
            let is_strange = said.contains("STORE-ROW-001");
            has_strange_row |= is_strange;
            let is_red = status.is_none_or(|status| status >= 500) && !is_strange;
            if is_red {
                by = format!("{page}: {status:?} {said}");
            }
            is_red
        };
        if met.is_none() && (refused || TOUR.into_iter().any(&mut is_red)) {
            met = Some(begun.elapsed());
            if refused {
                by = format!("Run Now: {asked:?}");
            }
        }
        // A row that cannot be read has the server look at its pages: it ends where SQLite's check sees damage.
        let is_over = begun.elapsed() >= patience() && has_no_open_jobs(folder.path());
        if met.is_none()
            && is_over
            && !(has_strange_row && quick_check(folder.path(), file) != "ok")
        {
            put_log_back(whole.folder.path(), folder.path());
            server.kill();
            return if has_strange_row {
                Fate::Says("a row that cannot be read, and its jobs end")
            } else {
                Fate::Works(folder)
            };
        }
        if begun.elapsed() >= STUCK {
            assert!(met.is_none(), "{what}: it goes on after it was met by {by}");
            assert_eq!(quick_check(folder.path(), file), "ok", "{what}: it goes on");
            expect_holds(folder.path(), what);
            put_log_back(whole.folder.path(), folder.path());
            server.kill();
            return Fate::Says("held by what a row says now");
        }
    }
    let ended = begun.elapsed();
    put_log_back(whole.folder.path(), folder.path());
    assert_eq!(server.ended(), Some(65), "{what}");
    Fate::Red { met: met.unwrap_or(ended), ended }
}

/// Returns when the server has said what kinds it has handlers for: until then it is at its start.
fn until_registered(data: &Path) {
    let (conn, begun) = (Connection::open(data.join("lamplighter.db")).unwrap(), Instant::now());
    let kinds = || conn.query_row("SELECT count(*) FROM job_kinds", [], |row| row.get::<_, i64>(0));
    while kinds().unwrap() == 0 {
        assert!(begun.elapsed() < STUCK, "it does not register");
        thread::yield_now();
    }
}

fn has_no_open_jobs(data: &Path) -> bool {
    let conn = Connection::open(data.join("lamplighter.db")).unwrap();
    conn.query_row(OPEN_JOBS, [], |row| row.get::<_, i64>(0)).is_ok_and(|open| open == 0)
}

/// What SQLite's own check says, which the server's looks are.
fn quick_check(data: &Path, file: &str) -> String {
    let conn = Connection::open(data.join(file)).unwrap();
    let said = conn.query_row("PRAGMA quick_check", [], |row| row.get(0));
    said.unwrap_or_else(|error| error.to_string())
}

/// Asks why each open job does not run. The answer must name what holds it.
fn expect_holds(data: &Path, what: &str) {
    let conn = Connection::open(data.join("lamplighter.db")).unwrap();
    let mut open = conn.prepare("SELECT id FROM jobs WHERE finished_at IS NULL").unwrap();
    for id in open.query_map([], |row| row.get::<_, i64>(0)).unwrap().map(Result::unwrap) {
        let asked =
            program(data).args(["jobs", "why", &id.to_string(), "--json"]).output().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
        // A job that is not admitted yet waits for the engine's next look, which is no hold.
        let is_held = said["gates"]
            .as_array()
            .is_some_and(|gates| gates.iter().any(|gate| gate["gate"] != "not_admitted"));
        assert!(is_held, "{what}: job {id} is open and nothing holds it: {said}");
    }
}

/// The shortest, the middle and the longest of some lengths.
pub(super) fn spread(mut lengths: Vec<Duration>) -> String {
    lengths.sort();
    match lengths.as_slice() {
        [] => "none".to_owned(),
        [first, .., last] => {
            format!("{first:?} / {:?} / {last:?}", lengths[lengths.len() / 2])
        }
        [only] => format!("{only:?}"),
    }
}

/// How long servers took to meet a damage, and to end.
#[derive(Default)]
struct Reds {
    met: Vec<Duration>,
    ended: Vec<Duration>,
}

impl Reds {
    fn push(&mut self, met: Duration, ended: Duration) {
        self.met.push(met);
        self.ended.push(ended);
    }
}

impl fmt::Display for Reds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (met, ended) = (spread(self.met.clone()), spread(self.ended.clone()));
        let many = self.met.len();
        write!(f, "{many} met, red after {met}, ended with 65 after {ended} (min / median / max)")
    }
}

fn is_long() -> bool {
    std::env::var("LAMPLIGHTER_WORKERS").is_ok_and(|form| form == "long")
}

#[test]
fn p28_a_server_under_which_a_root_page_is_zeroed_acknowledges_nothing_once_it_has_met_it() {
    let whole = Worked::start();
    let (mut reds, mut unmet) = (Reds::default(), Vec::new());
    for file in ["lamplighter.db", "logs.db"] {
        let roots = roots(&whole.folder.path().join(file));
        let step = if is_long() { 1 } else { 3 };
        for (name, page) in roots.into_iter().step_by(step) {
            let zeroed = |file: &File| {
                file.write_all_at(&[0; PAGE as usize], (page - 1) * PAGE).unwrap();
            };
            match damaged(&whole, file, &name, zeroed) {
                Fate::Red { met, ended } => reds.push(met, ended),
                Fate::Works(folder) => {
                    // What no statement has met the next start meets.
                    if file == "lamplighter.db" {
                        let again = Store::open(&folder.path().join(file), OpenMode::Migrate);
                        assert_eq!(again.expect_err(&name).code(), Code::StoreDamaged, "{name}");
                    }
                    unmet.push(name);
                }
                Fate::Says(said) => panic!("{name}: {said}"),
            }
        }
    }
    let (many, rest) = (unmet.len(), unmet.join(", "));
    println!(
        "root pages zeroed under a server: {reds}; {many} were not read before the next start: {rest}"
    );
    assert!(reds.met.len() * 3 > many, "the pages are hardly read");
}

#[test]
fn p28_a_server_that_does_not_find_its_own_kinds_looks_at_their_pages_and_ends_with_65() {
    let whole = Worked::start();
    let roots = roots(&whole.folder.path().join("lamplighter.db"));
    let (_, page) = roots.iter().find(|(name, _)| name == "job_kinds").unwrap();
    // A sector over the ends of rows. SQLite reads on over them without an error, and finds no row of the kinds behind.
    let turned = |file: &File| {
        let mut bytes = [0; PAGE as usize];
        file.read_exact_at(&mut bytes, (page - 1) * PAGE).unwrap();
        let rows = usize::from(u16::from_be_bytes([bytes[5], bytes[6]]));
        for byte in &mut bytes[rows + 214..rows + 214 + 512] {
            *byte ^= 0xff;
        }
        file.write_all_at(&bytes, (page - 1) * PAGE).unwrap();
    };
    let Fate::Red { met, ended } = damaged(&whole, "lamplighter.db", "job_kinds", turned) else {
        panic!("it was not met");
    };
    println!("kinds turned over: red after {met:?}, ended with 65 after {ended:?}");
}

#[test]
fn p28_a_server_under_which_the_text_of_a_table_is_damaged_ends_with_65_with_its_next_beat() {
    let whole = Worked::start();
    let text = b"CREATE TABLE job_batches";
    // Connections that are open have the schema in memory, and work. No program that opens the file can read it.
    let turned = |file: &File| {
        let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
        file.write_all_at(b"X", at as u64).unwrap();
    };
    let Fate::Red { met, ended } = damaged(&whole, "lamplighter.db", "the schema", turned) else {
        panic!("it was not met");
    };
    println!("a table's text damaged: red after {met:?}, ended with 65 after {ended:?}");
}

#[test]
fn p28_a_server_under_which_anything_is_turned_over_ends_or_its_jobs_end() {
    let flips = if is_long() { 200 } else { 18 };
    let seed = std::env::var("LAMPLIGHTER_SEED").map_or(20_261_128, |seed| seed.parse().unwrap());
    println!("LAMPLIGHTER_SEED={seed}");
    let alone: Option<usize> =
        std::env::var("LAMPLIGHTER_FLIP").ok().map(|flip| flip.parse().unwrap());
    let whole = Worked::start();
    let (mut random, mut found): (u64, BTreeMap<&str, u32>) = (seed, BTreeMap::new());
    let mut next = |below: u64| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 16) % below
    };
    let mut reds = Reds::default();
    for flip in 0..flips {
        // A bit that fell over, a byte, a bad read of a disk, a sector.
        let (length, mask) = [(1, 1 << next(8)), (1, 0xff), (64, 0x5a), (512, 0xff)][flip % 4];
        let file = if flip % 8 == 7 { "logs.db" } else { "lamplighter.db" };
        let bytes = fs::metadata(whole.folder.path().join(file)).unwrap().len();
        let at = HEADER + next(bytes - HEADER - length);
        if alone.is_some_and(|alone| alone != flip) {
            continue;
        }
        let turned = |file: &File| {
            let mut bytes = vec![0; length as usize];
            file.read_exact_at(&mut bytes, at).unwrap();
            for byte in &mut bytes {
                *byte ^= mask;
            }
            file.write_all_at(&bytes, at).unwrap();
        };
        let what = format!("flip {flip} of {length} bytes at {at} of {file}");
        let fate = match damaged(&whole, file, &what, turned) {
            Fate::Red { met, ended } => {
                reds.push(met, ended);
                "met, and ended with 65"
            }
            Fate::Works(_) => "not met, and its jobs end",
            Fate::Says(said) => said,
        };
        println!("{what}: {fate}");
        *found.entry(fate).or_default() += 1;
    }
    println!("{flips} flips: {found:?}; {reds}");
}
