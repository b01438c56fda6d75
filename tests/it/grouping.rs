//! One grouping: how well twelve formats written by hand are grouped, and that a scan and `lamplighter logs templates`
//! give the same groups.
//!
//! A file of `tests/fixtures/groups` is a format: `@name = a | b*3 | ~` names the values of a place (`*3`: three times as
//! often, `~`: nothing), and any other line is how many lines there are of one kind, and the kind. In braces stands a
//! place: a name, or `n5` (up to five digits), `x8` (eight hexadecimal ones), `ip`, `t` (a time), `f` (a fraction).

use crate::analyzer::filed;
use crate::support::server::program;
use crate::support::{START, foreign, now, store, until};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::model::{Kind, Level, NewJob, NewLogRow, Status};
use lamplighter::monitor::miner::Miner;
use lamplighter::monitor::{self, Tracking};
use lamplighter::store::{LogStore, OpenMode, Store};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

/// Formats that the miner was tuned on.
const KNOWN: [&str; 6] = ["names", "cluster", "proxy", "batch", "kernel", "oracle"];
/// Formats that were written before the miner was tuned, and set aside. They are measured with each change since, so that
/// they are not unseen any more.
const SET_ASIDE: [&str; 6] = ["broker", "game", "storage", "phone", "build", "packages"];

/// Chance that is the same on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % most
    }

    fn text(&mut self, of: &[u8], len: usize) -> String {
        (0..len).map(|_| char::from(of[self.below(of.len())])).collect()
    }
}

/// A log and the number of each line's true group.
pub struct Format {
    pub lines: Vec<String>,
    truth: Vec<usize>,
}

type Places<'a> = HashMap<&'a str, Vec<&'a str>>;

impl Format {
    pub fn read(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/groups");
        let text = std::fs::read_to_string(folder.join(format!("{name}.spec"))).unwrap();
        let mut places = Places::new();
        let mut chance = Chance(7);
        let mut said = Vec::new();
        for (kind, line) in text.lines().enumerate() {
            if let Some((name, values)) = line.strip_prefix('@').and_then(|l| l.split_once(" = ")) {
                places.insert(name, values.split(" | ").flat_map(weighted).collect());
                continue;
            }
            let (count, pattern) = line.split_once(' ').unwrap();
            for _ in 0..count.parse::<usize>().unwrap() {
                said.push((kind, filled(pattern, &places, &mut chance)));
            }
        }
        for at in (1..said.len()).rev() {
            said.swap(at, chance.below(at + 1));
        }
        let (truth, lines) = said.into_iter().unzip();
        Self { lines, truth }
    }

    /// The share of lines whose group holds exactly the lines of its true group.
    fn accuracy(&self, found: &[u32]) -> f64 {
        let (found, real) = (groups(found), groups(&self.truth));
        let right = found.values().filter(|group| real.values().any(|other| other == *group));
        if std::env::var_os("LAMPLIGHTER_GROUPS_SHOW").is_some() {
            for group in real.values().filter(|group| !found.values().any(|f| f == *group)) {
                println!("  {} lines of one kind, found as", group.len());
                for part in found.values().filter(|part| part.iter().any(|l| group.contains(l))) {
                    println!("     {:4} {}", part.len(), self.lines[part[0]]);
                }
            }
        }
        let exact = |n: usize| f64::from(u32::try_from(n).unwrap());
        exact(right.map(Vec::len).sum::<usize>()) / exact(self.lines.len())
    }
}

fn weighted(value: &str) -> Vec<&str> {
    let (value, times) = match value.trim().rsplit_once('*') {
        Some((value, times)) if times.parse::<usize>().is_ok() => (value, times.parse().unwrap()),
        Some(_) | None => (value.trim(), 1),
    };
    vec![if value == "~" { "" } else { value }; times]
}

fn filled(pattern: &str, places: &Places<'_>, chance: &mut Chance) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, inside)) = rest.split_once('{') {
        out += before;
        let end = inside.find('}').unwrap_or(inside.len());
        if let Some(value) = value(&inside[..end], places, chance) {
            out += &value;
            rest = &inside[end + 1..];
        } else {
            out.push('{');
            rest = inside;
        }
    }
    out + rest
}

fn value(place: &str, places: &Places<'_>, chance: &mut Chance) -> Option<String> {
    if let Some(values) = places.get(place) {
        let value = values[chance.below(values.len())];
        return Some(filled(value, places, chance));
    }
    let digits = |place: &str| place[1..].parse::<usize>().ok();
    Some(match place {
        "ip" => format!("10.{}.{}.{}", chance.below(256), chance.below(256), chance.below(256)),
        "t" => format!("{:02}:{:02}:{:02}", chance.below(24), chance.below(60), chance.below(60)),
        "f" => format!("{}.{:03}", chance.below(90), chance.below(1_000)),
        _ if place.starts_with('n') => {
            let len = 1 + chance.below(digits(place)?);
            let first = chance.text(b"123456789", 1);
            first + &chance.text(b"0123456789", len - 1)
        }
        _ if place.starts_with('x') => chance.text(b"0123456789abcdef", digits(place)?),
        _ => return None,
    })
}

fn groups<T: Ord + Copy>(labels: &[T]) -> BTreeMap<T, Vec<usize>> {
    let mut groups: BTreeMap<T, Vec<usize>> = BTreeMap::new();
    for (line, label) in labels.iter().enumerate() {
        groups.entry(*label).or_default().push(line);
    }
    groups
}

/// The template of each line.
fn mined(lines: &[String]) -> Vec<u32> {
    let mut miner = Miner::new();
    let pushed: Vec<_> = lines.iter().map(|line| miner.push(line)).collect();
    miner.settle();
    pushed.into_iter().map(|line| miner.id(line)).collect()
}

fn scores(names: [&str; 6]) -> f64 {
    let mut sum = 0.0;
    for name in names {
        let format = Format::read(name);
        let score = format.accuracy(&mined(&format.lines));
        println!("{name}: {score:.3} of {} lines", format.lines.len());
        assert!(score >= 0.9, "{name}: {score:.3}");
        sum += score;
    }
    sum
}

#[test]
fn twelve_formats_are_grouped_as_a_person_would() {
    let known = scores(KNOWN);
    let set_aside = scores(SET_ASIDE);
    let mean = (known + set_aside) / 12.0;
    println!("mean {mean:.3}, of those set aside {:.3}", set_aside / 6.0);
    assert!(mean >= 0.97, "{mean:.3}");
}

/// A store, a log and the scans of its rows.
struct World {
    folder: tempfile::TempDir,
    store: Store,
    logs: LogStore,
    rows: u64,
}

impl World {
    fn new() -> Self {
        let (folder, store) = store();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        Self { folder, store, logs, rows: 0 }
    }

    /// Logs these errors and scans; answers the number of issues there are.
    async fn scan(&mut self, messages: &[String]) -> usize {
        let row = |message: &String| {
            self.rows += 1;
            let at = START.plus(Duration::from_secs(self.rows)).to_string();
            NewLogRow::new(at, Level::Error, "app", message)
        };
        self.logs.append(messages.iter().map(row).collect()).await.unwrap();
        self.scan_new().await
    }

    /// Scans what was logged since; answers the number of issues there are.
    async fn scan_new(&self) -> usize {
        let builder = Engine::builder(self.store.clone(), Clock::system());
        let builder = monitor::register(builder, &self.store, &self.logs, None, &Tracking::Local);
        let engine = builder.start().unwrap();
        let scan = NewJob::new(Kind::SELF_MONITORING);
        let id = self.store.enqueue(scan, now()).await.unwrap().id();
        let job = until(&self.store, id, |job| job.status.is_final()).await;
        assert_eq!(job.status, Status::Completed, "{job:?}");
        engine.stop(Duration::from_secs(10)).await;
        filed(self.folder.path()).len()
    }

    fn titles(&self) -> Vec<String> {
        filed(self.folder.path()).into_iter().map(|issue| issue.title).collect()
    }

    /// Imports a file, whose rows all count as errors.
    async fn import(&self, file: &Path) {
        lamplighter::logs::import(file, &self.logs, now()).await.unwrap();
        let conn = rusqlite::Connection::open(self.folder.path().join("logs.db")).unwrap();
        conn.execute("UPDATE logs SET level = 'ERROR'", []).unwrap();
    }

    /// The templates that the database has, each with its rows of any source.
    fn templates(&self) -> Vec<(String, i64)> {
        let sql = "SELECT text, sum(count) FROM log_templates JOIN log_template_hours
            ON template_id = log_templates.id GROUP BY text ORDER BY text";
        let conn = foreign(self.folder.path());
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

#[tokio::test]
async fn a_scan_of_an_imported_file_groups_as_logs_templates_does() {
    for name in KNOWN.into_iter().chain(SET_ASIDE) {
        let lines = Format::read(name).lines;
        let world = World::new();
        let file = world.folder.path().join("a.log");
        std::fs::write(&file, lines.join("\n")).unwrap();
        world.import(&file).await;
        world.scan_new().await;
        let mut command = program(world.folder.path());
        let output = command.args(["--json", "logs", "templates"]).arg(file).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        let shown = shown.lines().map(|line| {
            let template: Value = serde_json::from_str(line).unwrap();
            let text = template["template"].as_str().unwrap().to_owned();
            (text, template["count"].as_i64().unwrap())
        });
        let mut shown: Vec<_> = shown.collect();
        shown.sort();
        assert_eq!(world.templates(), shown, "{name}");
    }
}

fn with(names: &[&str], pattern: &str) -> Vec<String> {
    names.iter().map(|name| pattern.replace("NAME", name)).collect()
}

const NAMES: [&str; 20] = [
    "anna", "bertil", "cecilia", "david", "erik", "frida", "gustav", "helga", "ivar", "johanna",
    "kalle", "lena", "magnus", "nils", "olga", "petra", "quirin", "rolf", "sigrid", "tore",
];

#[tokio::test]
async fn one_message_with_many_names_is_one_issue_and_stays_it() {
    for (pattern, title) in [
        ("Invalid user NAME from 10.0.0.7", "[BUG] Invalid user ‹anna› from 10.0.0.7"),
        ("cannot resolve host NAME", "[BUG] cannot resolve host ‹anna›"),
        ("login of NAME failed", "[BUG] login of ‹anna› failed"),
        ("NAME: connection refused", "[BUG] ‹anna›: connection refused"),
        ("no such function NAME()", "[BUG] no such function ‹anna›()"),
        ("topic NAME has no leader", "[BUG] topic ‹anna› has no leader"),
    ] {
        let mut world = World::new();
        assert_eq!(world.scan(&with(&NAMES[..12], pattern)).await, 1, "{:?}", world.titles());
        let class = world.titles()[0].clone();
        assert_eq!(class.split_once(' ').unwrap().1, title.split_once(' ').unwrap().1);
        // Other names in a later scan are no other problem.
        assert_eq!(world.scan(&with(&NAMES[12..], pattern)).await, 1, "{:?}", world.titles());
        assert_eq!(world.scan(&with(&["Ursula Vik"], pattern)).await, 1, "{:?}", world.titles());
    }
}

#[tokio::test]
async fn a_template_that_grows_over_scans_keeps_its_issue() {
    let mut world = World::new();
    assert_eq!(world.scan(&with(&["mail"], "cannot reach host NAME")).await, 1);
    assert_eq!(world.scan(&with(&["cache"], "cannot reach host NAME")).await, 1);
    assert_eq!(world.scan(&with(&["ldap", "wiki"], "cannot reach host NAME")).await, 1);
    assert_eq!(world.templates(), [("cannot reach host <*>".to_owned(), 4)]);
    // What makes a difference is another problem.
    assert_eq!(world.scan(&with(&["1", "137"], "job exited with code NAME")).await, 3);
}

#[tokio::test]
async fn titles_are_examples_without_level_or_hole_and_no_two_are_the_same() {
    let mut world = World::new();
    let said = [
        "ERROR shop::cart: cart is locked user='ann'",
        "[error] app: disk is gone",
        "mail of ann to bob@example.com bounced",
        "mail of cy to dee@example.com bounced",
        "Ticket 12: how to return a lamp bought by 'Ann Lee' is missing in the help of the shop and nobody knows it at all",
        "Ticket 12: how to return a lamp bought by 'Ann Lee' is missing in the help of the shop and nobody knows why that is",
    ];
    world.scan(&said.map(str::to_owned)).await;
    let titles = world.titles();
    let has = |text: &str| titles.iter().any(|title| title.ends_with(text));
    assert!(has("] shop::cart: cart is locked user='ann'"), "{titles:#?}");
    assert!(has("] app: disk is gone"), "{titles:#?}");
    assert!(titles.iter().all(|title| !title.contains("ERROR") && !title.contains(" … ")));
    let mut once = titles.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), titles.len(), "{titles:#?}");
}

/// The errors of failed jobs are grouped by the same miner.
#[tokio::test]
async fn failed_jobs_are_told_by_problem() {
    let (folder, store) = store();
    let kind = || Kind::parse("send_mail").unwrap();
    let rules = lamplighter::model::KindRules {
        max_attempts: 1,
        ..lamplighter::model::KindRules::new(kind())
    };
    let builder = Engine::builder(store.clone(), Clock::system());
    let builder = builder.kind(rules, |context| async move {
        let text = context.job.payload.clone();
        let said: Value = serde_json::from_str(&text).unwrap();
        let message = said["say"].as_str().unwrap().to_owned();
        let code = "MAIL-SEND-001".to_owned();
        lamplighter::model::Outcome::Fatal(lamplighter::model::JobError { code, message })
    });
    let engine = builder.start().unwrap();
    let mut last = None;
    for say in [
        "mailbox of ann is full",
        "relay closed",
        "mailbox of bob is full",
        "mailbox of cy is full",
    ] {
        let job = NewJob::untyped(kind(), &serde_json::json!({"say": say})).unwrap();
        last = Some(store.enqueue(job, now()).await.unwrap().id());
        until(&store, last.unwrap(), |job| job.status.is_final()).await;
    }
    engine.stop(Duration::from_secs(10)).await;
    let mut command = program(folder.path());
    let output = command.args(["--json", "jobs", "problems", "kind:send_mail"]).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let shown: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = shown
        .iter()
        .map(|one| (one["count"].as_u64().unwrap(), one["template"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [(3, "mailbox of <*> is full"), (1, "relay closed")]);
    assert_eq!(shown[0]["last"], last.unwrap().0);
}

/// How often a problem is met is told by the hour, and where its rows are.
#[tokio::test]
async fn an_issue_tells_how_often_it_is_met_and_its_rows() {
    let mut world = World::new();
    world.scan(&with(&NAMES[..3], "login of NAME failed")).await;
    world.scan(&with(&NAMES[3..4], "login of NAME failed")).await;
    let mut command = program(world.folder.path());
    let output = command.args(["--json", "issues", "show", "1"]).output().unwrap();
    let issue: Value = serde_json::from_slice(&output.stdout).unwrap();
    let hours = issue["over_time"]["hours"].as_array().unwrap();
    let rows: u64 = hours.iter().map(|hour| hour["rows"].as_u64().unwrap()).sum();
    assert_eq!((issue["occurrences"].as_u64(), rows), (Some(4), 4), "{issue}");
    assert_eq!(issue["evidence"], serde_json::json!([1, 2, 3]));
}
