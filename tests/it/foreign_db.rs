//! `monitoring.log_db`: a table of another program's database is scanned where it lies, and nothing of ours is left there.

use crate::support::{STUCK, say_loudly, store, until};
use lamplighter::clock::Clock;
use lamplighter::model::{
    Kind, Level, LogColumn, LogFilter, LogRow, LogTable, NewJob, RowTemplate, ScanCounts, Status,
    Timestamp,
};
use lamplighter::monitor::{self, Tracking};
use lamplighter::store::{ForeignLog, Grouping, ScannedLog, SnapshotPlan, Store};
use lamplighter::{Code, Engine};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A program with a log of its own, and a server that watches it.
struct World {
    folder: TempDir,
    store: Store,
    table: LogTable,
}

impl World {
    fn new() -> Self {
        let (folder, store) = store();
        fs::create_dir(folder.path().join("shop")).unwrap();
        let columns = [
            (LogColumn::Timestamp, "at"),
            (LogColumn::Level, "severity"),
            (LogColumn::Message, "text"),
            (LogColumn::CorrelationId, "request"),
        ];
        let table = LogTable {
            path: folder.path().join("shop/events.db"),
            table: "events".into(),
            id: None,
            columns: columns.map(|(column, name)| (column, name.to_owned())).into(),
            levels: [("loud".to_owned(), Level::Error)].into(),
        };
        Self { folder, store, table }
    }

    /// A connection of the program, which makes its table.
    fn program(&self) -> Connection {
        let conn = Connection::open(&self.table.path).unwrap();
        conn.busy_timeout(STUCK).unwrap();
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
        conn.execute_batch(
            "CREATE TABLE IF NOT EXISTS events (n INTEGER PRIMARY KEY, at, severity, text, request);
             CREATE INDEX IF NOT EXISTS events_request ON events (request);",
        )
        .unwrap();
        conn
    }

    fn log(&self) -> ScannedLog {
        ScannedLog::from(&ForeignLog::new(self.table.clone()))
    }

    /// Scans; answers what the scan did.
    async fn scan(&self) -> ScanCounts {
        let builder = Engine::builder(self.store.clone(), Clock::system());
        let log = &ForeignLog::new(self.table.clone());
        let builder = monitor::register(builder, &self.store, log, None, &Tracking::Local);
        let engine = builder.start().unwrap();
        let scan = NewJob::new(Kind::SELF_MONITORING);
        let id = self.store.enqueue(scan, Clock::system().now()).await.unwrap().id();
        let job = until(&self.store, id, |job| job.status.is_final()).await;
        engine.stop(Duration::from_secs(10)).await;
        assert_eq!(job.status, Status::Completed, "{job:?}");
        self.store.committed_scan(id).await.unwrap().unwrap()
    }

    /// The files of the program.
    fn files(&self) -> BTreeSet<String> {
        let names = fs::read_dir(self.folder.path().join("shop")).unwrap();
        names.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn write(conn: &Connection, rows: std::ops::Range<i64>) {
    let sql = "INSERT INTO events (n, at, severity, text, request) VALUES (?1, ?2, ?3, ?4, ?5)";
    for n in rows {
        let (level, text) = match n % 10 {
            0 => ("loud", format!("payment service refused order {n}")),
            5 => ("warn", format!("cache is slow, {n} ms")),
            _ => ("info", format!("order {n} came in")),
        };
        let request = format!("r{}", n / 10);
        conn.execute(sql, params![n, 1_800_000_000 + n, level, text, request]).unwrap();
    }
}

async fn rows(log: &ScannedLog) -> Vec<LogRow> {
    let mut found =
        log.search(LogFilter { limit: 1_000, ..LogFilter::default() }).await.unwrap().rows;
    found.reverse();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_scanned_while_its_program_writes_and_nothing_of_ours_is_left() {
    let world = World::new();
    let conn = world.program();
    write(&conn, 1..1_001);
    let stop = Arc::new(AtomicBool::new(false));
    let writing = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let mut next = 1_001;
            while !stop.load(Ordering::Relaxed) {
                write(&conn, next..next + 10);
                next += 10;
            }
            (conn, next)
        }
    });
    let mut examined = 0;
    for _ in 0..3 {
        examined += world.scan().await.rows_examined;
    }
    stop.store(true, Ordering::Relaxed);
    let (conn, next) = writing.join().unwrap();
    examined += world.scan().await.rows_examined;
    assert!(next > 1_011, "nothing was written meanwhile");
    assert_eq!(examined as i64, (next - 1) / 5, "each row of warning or worse once");
    assert_eq!(world.store.issue_list(0, 10).await.unwrap().1, 2);

    // A snapshot has the rows that led to those, and the program's names are ours.
    let plan = SnapshotPlan {
        path: world.folder.path().join("snapshot.db"),
        after: 0,
        upto: 100,
        max_rows: 1_000,
        grouping: Grouping::by(|row| RowTemplate { text: row.message.clone(), known_since: None }),
    };
    let snapshot = world.log().snapshot(plan).await.unwrap();
    assert_eq!((snapshot.rows, snapshot.end), (20, 100));
    assert_eq!(snapshot.context, 40, "four of each request came before its last error");
    let cited = snapshot.cited(vec![10]).await.unwrap();
    let row = &cited[0].row.row;
    assert_eq!((row.level, row.source.as_str()), (Level::Error, "events"));
    assert_eq!(row.timestamp, Timestamp::from_millis(1_800_000_010_000).to_string());

    // The program ends, which takes its write-ahead log away; we are not in its way, and make none.
    conn.close().unwrap();
    assert_eq!(world.files(), ["events.db".to_owned()].into());
    let before = fs::read(&world.table.path).unwrap();
    assert_eq!(world.scan().await.rows_examined, 0);
    assert_eq!(rows(&world.log()).await.len(), 1_000);
    assert_eq!(world.files(), ["events.db".to_owned()].into());
    assert!(before == fs::read(&world.table.path).unwrap());
}

#[tokio::test]
async fn values_of_every_type_are_read_as_what_they_say() {
    let world = World::new();
    let conn = world.program();
    conn.execute_batch(
        "INSERT INTO events (at, severity, text, request) VALUES
         (1800000000000, 'LOUD', 'milliseconds', 7),
         (1800000000.5, 3, 'seconds, and a severity of syslog', NULL),
         ('1800000000000000', 'Warning', 'microseconds in a text', x'6162'),
         ('2027-01-15 08:00:00', NULL, NULL, ''),
         (NULL, x'6572726f72', x'626f6fff', 1.5),
         (x'00ff', 'error', 12, NULL),
         (9e99, 'error', 'a time beyond', NULL),
         (-5, 'fatal', 'before 1970', NULL);",
    )
    .unwrap();
    let found = rows(&world.log()).await;
    let of = |index: usize| {
        let LogRow { row, .. } = &found[index];
        (row.timestamp.as_str(), row.level, row.message.as_str(), row.correlation_id.as_deref())
    };
    let at = "2027-01-15T08:00:00.000Z";
    assert_eq!(of(0), (at, Level::Error, "milliseconds", Some("7")));
    let syslog = "seconds, and a severity of syslog";
    assert_eq!(of(1), ("2027-01-15T08:00:00.500Z", Level::Error, syslog, None));
    assert_eq!(of(2), (at, Level::Warning, "microseconds in a text", Some("ab")));
    assert_eq!(of(3), ("2027-01-15 08:00:00", Level::Info, "", Some("")));
    assert_eq!(of(4), ("", Level::Error, "boo\u{fffd}", Some("1.5")));
    assert_eq!((of(5).1, of(5).2), (Level::Error, "12"));
    assert_eq!((of(6).0, of(6).1), ("", Level::Error));
    assert_eq!(of(7), ("1969-12-31T23:59:55.000Z", Level::Critical, "before 1970", None));
    assert_eq!(world.scan().await.rows_examined, 7);
}

#[tokio::test]
async fn a_log_is_known_by_its_rows_when_it_moves_and_when_its_ids_go_back() {
    let mut world = World::new();
    let conn = world.program();
    write(&conn, 1..101);
    assert_eq!(world.scan().await.rows_examined, 20);
    // Moved: it goes on.
    conn.close().unwrap();
    let moved = world.folder.path().join("shop/moved.db");
    fs::rename(&world.table.path, &moved).unwrap();
    world.table.path = moved;
    assert_eq!(world.scan().await.rows_examined, 0);
    // Its oldest rows are removed, also the one at the mark: it goes on.
    let conn = world.program();
    write(&conn, 101..111);
    conn.execute("DELETE FROM events WHERE n <= 100", []).unwrap();
    assert_eq!(world.scan().await.rows_examined, 2);
    // Emptied and begun anew, so that its ids come back: it is read from its start.
    conn.execute("DELETE FROM events", []).unwrap();
    write(&conn, 1..51);
    assert_eq!(world.scan().await.rows_examined, 10);
    // The same while nobody looked, beyond the mark.
    conn.execute("DELETE FROM events", []).unwrap();
    let sql =
        "INSERT INTO events (n, at, severity, text) VALUES (?1, 0, 'error', 'another ' || ?1)";
    for n in 1..61 {
        conn.execute(sql, [n]).unwrap();
    }
    assert_eq!(world.scan().await.rows_examined, 60);
    assert_eq!(world.scan().await.rows_examined, 0);
}

/// The code and the sentence with which a log is refused.
async fn refused(table: &LogTable) -> (Code, String) {
    let error = ForeignLog::new(table.clone()).check().await.unwrap_err();
    (error.code(), error.to_string())
}

#[tokio::test]
async fn what_a_log_lacks_is_said_and_the_remedy_works() {
    let world = World::new();
    let plain = |path: &Path| LogTable {
        path: path.to_owned(),
        table: "logs".into(),
        id: None,
        columns: [].into(),
        levels: [].into(),
    };
    let path = world.table.path.clone();
    let (code, said) = refused(&plain(&path)).await;
    assert!(code == Code::LogTableUnread && said.contains("events.db"), "{said}");
    fs::write(&path, "a text\n").unwrap();
    assert_eq!(refused(&plain(&path)).await.0, Code::LogTableUnread);
    fs::remove_file(&path).unwrap();

    let conn = world.program();
    write(&conn, 1..20);
    let (code, said) = refused(&plain(&path)).await;
    assert!(code == Code::LogTableShape && said.contains("its tables are events"), "{said}");
    let named = LogTable { table: "events".into(), ..plain(&path) };
    let (code, said) = refused(&named).await;
    let columns = "no column \"timestamp\"; its columns are n, at, severity, text, request";
    assert!(code == Code::LogTableShape && said.contains(columns), "{said}");
    let unknown = LogTable { levels: [].into(), ..world.table.clone() };
    let (code, said) = refused(&unknown).await;
    assert!(code == Code::LogTableShape && said.contains("the levels loud;"), "{said}");
    ForeignLog::new(world.table.clone()).check().await.unwrap();
    let no_id = LogTable { id: Some("number".into()), ..world.table.clone() };
    assert!(refused(&no_id).await.1.contains("no column \"number\""));

    // A table that numbers no rows, until a column is named that does.
    conn.execute_batch(
        "CREATE TABLE keyed (key TEXT PRIMARY KEY, n INTEGER UNIQUE, at, severity, text, request) WITHOUT ROWID;
         INSERT INTO keyed VALUES ('b', 7, 0, 'error', 'no', NULL), ('a', 9, 0, 'error', 'no', NULL);",
    )
    .unwrap();
    let keyed = LogTable { table: "keyed".into(), ..world.table.clone() };
    assert!(refused(&keyed).await.1.contains("numbers no rows"));
    let keyed = ScannedLog::from(&ForeignLog::new(LogTable { id: Some("n".into()), ..keyed }));
    let ids: Vec<_> = keyed.warnings(0, 100, 10).await.unwrap().iter().map(|row| row.id).collect();
    assert_eq!(ids, [7, 9]);
}

#[tokio::test]
async fn a_log_whose_write_ahead_log_is_another_users_is_left_alone_until_its_owner_has_opened_it()
{
    if !rustix::process::getuid().is_root() {
        say_loudly("SKIPPED: only root can give a file to another user");
        return;
    }
    let world = World::new();
    let conn = world.program();
    write(&conn, 1..21);
    // A copy of a database in use, without the index of its write-ahead log.
    let copy: PathBuf = world.folder.path().join("shop/copy.db");
    for ending in ["", "-wal"] {
        let name = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        fs::copy(name(&world.table.path), name(&copy)).unwrap();
        chown(name(&copy), Some(54_321), Some(54_321)).unwrap();
    }
    let table = LogTable { path: copy.clone(), ..world.table.clone() };
    let (code, said) = refused(&table).await;
    assert_eq!(code, Code::LogTableApart, "{said}");
    assert!(!world.files().contains("copy.db-shm"));
    // The remedy: it is opened once by whoever may write it.
    let owner = Connection::open(&copy).unwrap();
    let sql = "SELECT count(*) FROM sqlite_schema";
    assert_eq!(owner.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 2);
    owner.close().unwrap();
    let log = ScannedLog::from(&ForeignLog::new(table));
    assert_eq!(log.last_id().await.unwrap(), 20);
    assert_eq!(log.warnings(0, 20, 10).await.unwrap().len(), 4);
}
