//! The jobs in an application's own database: one transaction with its rows, over kill -9, and nothing of it is touched.

use crate::support::{STUCK, in_time, now, until};
use lamplighter::clock::Clock;
use lamplighter::jobs::Jobs;
use lamplighter::model::{Actor, BulkAct, Filter, JobId, Kind, NewJob, Payload, Status, WorkerId};
use lamplighter::store::transactional::enqueue;
use lamplighter::store::{OpenMode, Store, schema};
use lamplighter::{Code, Engine};
use rusqlite::{Connection, TransactionBehavior};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// What the application has before it hears of jobs: names that the program uses too, and marks of its own.
const APPLICATION: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA application_id = 305419896;
    PRAGMA user_version = 12;
    CREATE TABLE users (id INTEGER PRIMARY KEY, nickname TEXT);
    CREATE TABLE sessions (id TEXT PRIMARY KEY, user INTEGER REFERENCES users (id));
    CREATE TABLE settings (name TEXT, value ANY);
    CREATE TABLE filings (drawer INTEGER);
    CREATE TABLE transcript_pieces (tape INTEGER);
    CREATE TABLE self_monitoring_issues (mood TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, confirmed INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX orders_item ON orders (item);
    CREATE VIEW open_orders AS SELECT * FROM orders WHERE confirmed = 0;
    CREATE TRIGGER no_nameless_user BEFORE INSERT ON users WHEN NEW.nickname IS NULL
      BEGIN SELECT RAISE(ABORT, 'a user has a nickname'); END;
    INSERT INTO users VALUES (1, 'ada');
    INSERT INTO sessions VALUES ('s', 1);
    INSERT INTO settings VALUES ('theme', 'dark');
    INSERT INTO filings VALUES (7);
    INSERT INTO transcript_pieces VALUES (8);
    INSERT INTO self_monitoring_issues VALUES ('fine');";
/// Where a process is killed, in the order in which it comes there.
const STEPS: [&str; 10] = [
    "before the jobs are opened",
    "after the jobs are opened",
    "after the transaction has begun",
    "after the order",
    "after the job",
    "after the commit",
    "in the handler",
    "in the handler's transaction",
    "after the handler's commit",
    "after the job has ended",
];
/// Set in a child process: the database, and the step at which it is killed.
const CHILD: &str = "LAMPLIGHTER_TEST_EMBEDDED";

fn application() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    connect(&path).execute_batch(APPLICATION).unwrap();
    (folder, path)
}

fn connect(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    conn.busy_timeout(STUCK).unwrap();
    conn
}

#[derive(Serialize, Deserialize)]
struct ConfirmOrder(i64);

impl Payload for ConfirmOrder {
    const KIND: Kind = Kind::named("confirm_order");
    type Output = ();
}

fn ask<T: rusqlite::types::FromSql>(conn: &Connection, sql: &str) -> T {
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// All of the application's that we may not touch: its schema and rows, the header's fields, rights of file and folder. No
/// connection of this process may be open.
fn theirs(path: &Path) -> (Vec<String>, Vec<u8>, [u32; 2]) {
    let conn = connect(path);
    let rows = |sql: &str| {
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>()
    };
    let mut all = rows(
        "SELECT concat_ws('|', type, name, tbl_name, sql) FROM sqlite_schema
                        WHERE tbl_name NOT LIKE 'job%' AND name <> 'sqlite_sequence' ORDER BY name",
    );
    for (table, columns) in [
        ("users", "id, nickname"),
        ("sessions", "id, user"),
        ("settings", "name, value"),
        ("filings", "drawer"),
        ("transcript_pieces", "tape"),
        ("self_monitoring_issues", "mood"),
    ] {
        all.extend(rows(&format!("SELECT concat_ws('|', {columns}) FROM {table}")));
    }
    ask::<i64>(&conn, "PRAGMA wal_checkpoint(TRUNCATE)");
    drop(conn);
    let header = fs::read(path).unwrap();
    let rights = |path: &Path| path.metadata().unwrap().permissions().mode();
    // Page size to payload fractions; from the schema format to the application's id, without the schema's counter.
    let fields = [&header[16..24], &header[44..52], &header[56..72]].concat();
    (all, fields, [rights(path), rights(path.parent().unwrap())])
}

/// kill -9 of this process.
fn die_if(it_is_time: bool) {
    if it_is_time {
        kill_process(getpid(), Signal::KILL).unwrap();
        std::thread::park();
    }
}

/// The application: takes an order with its job, runs what is there, and dies where it is told to.
async fn shop(path: &Path, dies_at: &str) {
    let here = |step: &str| die_if(step == dies_at);
    let clock = Clock::system();
    here(STEPS[0]);
    let store = Store::open_in(path, OpenMode::Migrate).unwrap();
    here(STEPS[1]);
    let mut conn = connect(path);
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    here(STEPS[2]);
    tx.execute("INSERT INTO orders (item) VALUES ('lamp oil')", []).unwrap();
    let order = tx.last_insert_rowid();
    here(STEPS[3]);
    let job = NewJob::of(&ConfirmOrder(order)).unwrap();
    let id = enqueue(&tx, &job, clock.now()).unwrap().id();
    here(STEPS[4]);
    tx.commit().unwrap();
    here(STEPS[5]);
    let (file, last) = (path.to_owned(), dies_at.to_owned());
    let handler = move |_, ConfirmOrder(order)| {
        let (path, dies_at) = (file.clone(), last.clone());
        async move {
            let here = |step: &str| die_if(step == dies_at);
            here(STEPS[6]);
            let mut conn = connect(&path);
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
            tx.execute("UPDATE orders SET confirmed = 1 WHERE id = ?1", [order]).unwrap();
            here(STEPS[7]);
            tx.commit().unwrap();
            here(STEPS[8]);
            Ok(())
        }
    };
    let builder = Engine::builder(store.clone(), clock);
    let engine = builder.on::<ConfirmOrder, _, _>(handler).start().unwrap();
    until(&store, id, |job| job.status.is_final()).await;
    here(STEPS[9]);
    let mut changes = store.changes();
    in_time(async {
        while !store.is_idle(now()).await.unwrap() {
            changes.changed().await.unwrap();
        }
    })
    .await;
    engine.stop(Duration::from_secs(30)).await;
}

#[test]
fn an_order_and_its_job_are_saved_together_whenever_the_application_is_killed() {
    if let Ok(child) = std::env::var(CHILD) {
        let (path, dies_at) = child.split_once('|').unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(shop(Path::new(path), dies_at));
    }
    let (folder, path) = application();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let before = theirs(&path);
    let name =
        "embedded::an_order_and_its_job_are_saved_together_whenever_the_application_is_killed";
    let run = |step: &str| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", name]).env(CHILD, format!("{}|{step}", path.display()));
        child.output().unwrap()
    };
    let mut orders = 0;
    for (index, step) in STEPS.iter().enumerate() {
        let ended = run(step);
        assert_eq!(ended.status.signal(), Some(9), "{step}: {ended:?}");
        assert_eq!(theirs(&path), before, "{step}");
        orders += i64::from(index >= 5);
        if index > 0 {
            let conn = connect(&path);
            let alone = "SELECT count(*) FROM orders o FULL JOIN jobs j ON j.payload = o.id
                         WHERE o.id IS NULL OR j.id IS NULL";
            assert_eq!(ask::<i64>(&conn, alone), 0, "{step}");
            assert_eq!(ask::<i64>(&conn, "SELECT count(*) FROM orders"), orders, "{step}");
        }
        // The application is started again and has another order.
        let ended = run("");
        assert!(ended.status.success(), "{step}: {ended:?}");
        assert_eq!(theirs(&path), before, "{step}");
        orders += 1;
        let conn = connect(&path);
        let done = "SELECT count(*) FROM orders o JOIN jobs j ON j.payload = o.id
                    WHERE j.status = 'completed' AND o.confirmed = 1";
        assert_eq!(ask::<i64>(&conn, done), orders, "{step}");
        assert_eq!(ask::<i64>(&conn, "SELECT count(*) FROM jobs"), orders, "{step}");
    }
    let conn = connect(&path);
    assert_eq!(ask::<String>(&conn, "PRAGMA integrity_check"), "ok");
}

#[test]
fn only_tables_named_jobs_or_job_are_added() {
    let (_folder, path) = application();
    let before = theirs(&path);
    drop(Store::open_in(&path, OpenMode::Migrate).unwrap());
    assert_eq!(theirs(&path), before);
    let conn = connect(&path);
    let others = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name GLOB 'job*'
                  AND name <> 'jobs' AND name NOT LIKE 'job\\_%' ESCAPE '\\'";
    assert_eq!(ask::<i64>(&conn, others), 0);
    assert_eq!(ask::<i64>(&conn, "SELECT count(*) FROM job_schema WHERE component <> 'engine'"), 0);
}

/// The file is refused with this code and stays byte-identical, with nothing beside it; answers what was said.
fn refused(path: &Path, mode: OpenMode, code: Code) -> String {
    let before = fs::read(path).unwrap();
    let error = Store::open_in(path, mode).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert_eq!(fs::read(path).unwrap(), before, "{error}");
    error.to_string()
}

#[test]
fn names_that_are_taken_are_listed_before_anything_is_written() {
    let (_folder, path) = application();
    let conn = connect(&path);
    conn.execute_batch("CREATE TABLE Jobs (title TEXT); CREATE INDEX job_counts ON Jobs (title)")
        .unwrap();
    drop(conn);
    let said = refused(&path, OpenMode::Migrate, Code::StoreNamesTaken);
    assert!(said.ends_with("add the component engine: jobs, job_counts"), "{said}");
}

#[test]
fn a_file_that_is_not_in_wal_mode_is_refused_and_so_is_an_enqueue_in_it() {
    let (_folder, path) = application();
    drop(Store::open_in(&path, OpenMode::Migrate).unwrap());
    let conn = connect(&path);
    conn.execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let refusal = enqueue(&conn, &NewJob::new(ConfirmOrder::KIND), now()).unwrap_err();
    assert_eq!(refusal.code(), Code::StoreUnfit, "{refusal}");
    assert_eq!(ask::<i64>(&conn, "SELECT count(*) FROM jobs"), 0);
    drop(conn);
    let said = refused(&path, OpenMode::Migrate, Code::StoreUnfit);
    assert!(said.contains("its journal_mode is delete, and jobs need wal"), "{said}");
    // What the remedy says.
    connect(&path).execute_batch("PRAGMA journal_mode = WAL").unwrap();
    Store::open_in(&path, OpenMode::Current).unwrap();
    let conn = connect(&path);
    enqueue(&conn, &NewJob::new(ConfirmOrder::KIND), now()).unwrap();
}

#[test]
fn an_applications_own_tool_makes_the_tables_and_check_only_compares() {
    let (_folder, path) = application();
    refused(&path, OpenMode::Check, Code::StoreOlder);
    let mut conn = connect(&path);
    for migration in schema::engine() {
        let tx = conn.transaction().unwrap();
        tx.execute_batch(&migration.sql).unwrap();
        tx.pragma_update(None, "user_version", 12 + migration.version).unwrap();
        tx.commit().unwrap();
    }
    Store::open_in(&path, OpenMode::Check).unwrap();
    assert_eq!(ask::<i64>(&conn, "PRAGMA user_version"), 14);
    conn.execute_batch("DROP TABLE job_spend").unwrap();
    drop(conn);
    let said = refused(&path, OpenMode::Check, Code::StoreTablesDiffer);
    assert!(said.contains("component engine: it lacks job_spend"), "{said}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_a_missing_one_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "notes ".repeat(999)).unwrap();
    refused(&path, OpenMode::Migrate, Code::StoreForeign);
    let path = folder.path().join("new.db");
    assert_eq!(Store::open_in(&path, OpenMode::Check).unwrap_err().code(), Code::StoreIo);
    assert!(!path.exists());
    drop(Store::open_in(&path, OpenMode::Current).unwrap());
    let conn = connect(&path);
    assert_eq!(ask::<String>(&conn, "PRAGMA journal_mode"), "wal");
    assert_eq!(ask::<i64>(&conn, "PRAGMA user_version"), 0);
}

#[tokio::test]
async fn what_asks_for_the_programs_tables_leaves_an_applications_of_the_same_names_alone() {
    let (_folder, path) = application();
    let before = theirs(&path);
    let store = Store::open_in(&path, OpenMode::Migrate).unwrap();
    let actor = Actor { name: "ada".into(), remote: None };
    let id = store.enqueue(NewJob::new(ConfirmOrder::KIND), now()).await.unwrap().id();
    let scan = store.enqueue(NewJob::new(Kind::SELF_MONITORING), now()).await.unwrap().id();
    assert!(store.why(id, now()).await.unwrap().is_some());
    assert!(store.why(scan, now()).await.unwrap().is_some());
    let cancelled: Vec<JobId> = vec![id, scan];
    for id in cancelled {
        store.cancel(id, actor.clone(), now()).await.unwrap();
        assert_eq!(store.job(id).await.unwrap().unwrap().status, Status::Cancelled);
    }
    store.delete_job(id, actor, now()).await.unwrap();
    let year = now().plus(Duration::from_hours(400 * 24));
    store.recount().await.unwrap();
    while store.prune([].into(), year).await.unwrap() {}
    assert_eq!(store.job(scan).await.unwrap(), None);
    drop(store);
    assert_eq!(theirs(&path), before);
}

#[tokio::test]
async fn the_lock_file_beside_an_applications_database_takes_no_name_of_the_applications() {
    let (folder, path) = application();
    fs::write(path.with_extension("lock"), "the application's own").unwrap();
    let store = Store::open_in(&path, OpenMode::Migrate).unwrap();
    let leads = store.try_lead(&WorkerId::parse("application").unwrap()).unwrap();
    assert!(leads.is_some());
    assert_eq!(fs::read_to_string(path.with_extension("lock")).unwrap(), "the application's own");
    assert!(folder.path().join("shop.db-job-lock").exists());
}

#[tokio::test]
async fn jobs_that_a_foreign_key_of_the_applications_names_are_kept_and_all_others_are_pruned() {
    for checked in ["", "DEFERRABLE INITIALLY DEFERRED"] {
        let (_folder, path) = application();
        let store = Store::open_in(&path, OpenMode::Migrate).unwrap();
        let theirs = connect(&path);
        let keys = format!(
            "CREATE TABLE \"kept \"\"jobs\" (job INTEGER REFERENCES jobs {checked});
             CREATE TABLE notes (job INTEGER REFERENCES jobs (id) ON DELETE SET NULL {checked});"
        );
        theirs.execute_batch(&keys).unwrap();
        let mut ids = Vec::new();
        for _ in 0..3 {
            let id = store.enqueue(NewJob::new(Kind::named("old")), now()).await.unwrap().id();
            store.cancel(id, Actor::program(), now()).await.unwrap();
            ids.push(id);
        }
        theirs.execute("INSERT INTO \"kept \"\"jobs\" VALUES (?1)", [ids[0].0]).unwrap();
        theirs.execute("INSERT INTO notes VALUES (?1)", [ids[1].0]).unwrap();
        // Beside it another call of the same transaction goes on.
        let (refused, made) = tokio::join!(
            store.delete_job(ids[0], Actor::program(), now()),
            store.enqueue(NewJob::new(Kind::named("new")), now()),
        );
        assert_eq!(refused.unwrap_err().code(), Code::StoreConstraint, "{checked}");
        let made = made.unwrap().id();
        let jobs = Jobs::new(&store, &Clock::system());
        let acted = jobs.act(&Filter::parse("id:1").unwrap(), BulkAct::Delete).await.unwrap();
        assert_eq!((acted.done, acted.skipped), (0, 1), "{checked}");
        store.cancel(made, Actor::program(), now()).await.unwrap();
        let in_a_year = now().plus(Duration::from_hours(365 * 24));
        while store.prune([].into(), in_a_year).await.unwrap() {}
        let left = store.job(ids[0]).await.unwrap().is_some();
        let others = (store.job(ids[1]).await.unwrap(), store.job(ids[2]).await.unwrap());
        assert!(left && others == (None, None), "{checked}: {left} {others:?}");
    }
}

#[tokio::test]
async fn each_caller_hears_the_id_of_its_own_job_whatever_triggers_the_application_has() {
    let (_folder, path) = application();
    let store = Store::open_in(&path, OpenMode::Migrate).unwrap();
    let conn = connect(&path);
    // Each job for mail is followed by one that notes it, and nobody may ask for spam.
    conn.execute_batch(
        "CREATE TRIGGER noted AFTER INSERT ON jobs WHEN NEW.kind = 'mail'
           BEGIN INSERT INTO jobs (kind) VALUES ('note'); END;
         CREATE TRIGGER no_spam BEFORE INSERT ON jobs WHEN NEW.kind = 'spam'
           BEGIN SELECT RAISE(IGNORE); END;",
    )
    .unwrap();
    let jobs = |kind: &'static str, many| vec![NewJob::new(Kind::named(kind)); many];
    let mut heard = Vec::new();
    for many in [1, 3, 70] {
        heard.extend(store.enqueue_all(jobs("mail", many), now()).await.unwrap());
    }
    let one_by_one = (0..40).map(|_| store.enqueue(NewJob::new(Kind::named("mail")), now()));
    for answer in futures_util::future::join_all(one_by_one).await {
        heard.push(answer.unwrap());
    }
    let mut heard: Vec<i64> = heard.iter().map(|enqueued| enqueued.id().0).collect();
    heard.sort_unstable();
    let mut statement =
        conn.prepare("SELECT id FROM jobs WHERE kind = 'mail' ORDER BY id").unwrap();
    let stored: Vec<i64> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(heard, stored);
    for many in [1, 70] {
        store.enqueue_all(jobs("spam", many), now()).await.unwrap_err();
    }
    store.enqueue(NewJob::new(Kind::named("spam")), now()).await.unwrap_err();
    assert_eq!(ask::<i64>(&conn, "SELECT count(*) FROM jobs WHERE kind = 'mail'"), 114);
    assert_eq!(ask::<i64>(&conn, "SELECT count(*) FROM jobs WHERE kind = 'spam'"), 0);
}
