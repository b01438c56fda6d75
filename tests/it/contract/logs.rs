//! The contract of log stores.

use crate::support::START;
use lamplighter::actions::logs::{LogExport, LogFile};
use lamplighter::model::{
    Level, LogFilter, LogProgress, LogSlice, LogStep, LogTable, NewLogRow, RowTemplate, Service,
};
use lamplighter::store::{ForeignLog, Grouping, LogStore, OpenMode, ScannedLog, SnapshotPlan};
use std::path::Path;

fn row(level: Level, message: &str) -> NewLogRow {
    NewLogRow {
        timestamp: START.to_string(),
        level,
        source: "shop".into(),
        message: message.into(),
        correlation_id: Some("r-1".into()),
        user_id: None,
        request_path: None,
        extra_data: None,
    }
}

pub async fn rows_are_appended_found_and_removed(logs: &LogStore, folder: &Path) {
    assert_eq!(logs.last_id().await.unwrap(), 0);
    let mut changes = logs.changes();
    changes.borrow_and_update();
    let rows = vec![row(Level::Info, "a"), row(Level::Error, "b"), row(Level::Warning, "c")];
    logs.append(rows).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(logs.last_id().await.unwrap(), 3);
    for (most, counted) in [(2, 2), (9, 3)] {
        assert_eq!(logs.count_correlated("r-1".into(), most).await.unwrap(), counted);
    }
    assert_eq!(logs.count_correlated("r-2".into(), 9).await.unwrap(), 0);
    let scanned = ScannedLog::from(logs);
    let warnings = scanned.warnings(0, 3, 9).await.unwrap();
    assert_eq!(warnings.iter().map(|row| row.id).collect::<Vec<_>>(), [2, 3]);
    let filter = LogFilter { level: Some(Level::Error), limit: 9, ..LogFilter::default() };
    let found = logs.search(filter.clone()).await.unwrap();
    assert_eq!(found.rows.iter().map(|row| row.row.message.as_str()).collect::<Vec<_>>(), ["b"]);
    let seen = logs.picture(filter).await.unwrap();
    assert_eq!((seen.counted, seen.cut_short), (1, false), "{seen:?}");

    let next = vec![row(Level::Error, "d")];
    let from = |at: Option<&str>| {
        let step = LogStep { from: at.map(str::to_owned), to: "{}".into(), unread: 2 };
        logs.append_from(next.clone(), "file", step)
    };
    assert!(from(None).await.unwrap());
    assert!(!from(None).await.unwrap(), "somebody else reads on");
    assert!(from(Some("{}")).await.unwrap());
    let LogProgress { position, rows, unread, .. } = logs.progress("file").await.unwrap().unwrap();
    assert_eq!((position.as_str(), rows, unread), ("{}", 2, 4));
    assert_eq!(logs.last_id().await.unwrap(), 5);

    let slice = LogSlice {
        after: "start".into(),
        digest: "one".into(),
        is_last: false,
        length: 7,
        rows: 0,
        name: "a.log".into(),
        carried: "{}".into(),
    };
    let add = |again| logs.append_slices(Vec::new(), vec![slice.clone()], again);
    assert!(add(false).await.unwrap());
    assert!(!add(false).await.unwrap(), "it is there");
    assert!(add(true).await.unwrap());
    let known = async || logs.slices_after("start".into()).await.unwrap();
    assert_eq!(known().await, std::slice::from_ref(&slice));
    let at = lamplighter::model::Timestamp::from_millis;
    logs.forget_imports(at(0)).await.unwrap();
    assert_eq!(known().await.len(), 1, "it is of later");
    logs.forget_imports(at(i64::MAX)).await.unwrap();
    assert_eq!(known().await.len(), 0);

    let path = folder.join("snapshot.db");
    let grouping = Grouping::by(|row| RowTemplate { text: row.message.clone(), known_since: None });
    let plan = SnapshotPlan { path, after: 0, upto: 4, max_rows: 2, grouping };
    let snapshot = logs.snapshot(plan).await.unwrap();
    assert_eq!((snapshot.rows, snapshot.more, snapshot.end), (2, true, 3));
    let cited = snapshot.cited(vec![2, 99]).await.unwrap();
    assert_eq!(cited.iter().map(|one| one.row.id).collect::<Vec<_>>(), [2]);

    logs.ran(&Service::Pruner, START, Ok::<_, std::fmt::Error>("done".into()));
    assert_eq!(logs.says().services.len(), 1);
    assert!(!logs.identity().is_empty() && logs.bytes() > 0);
    let later = lamplighter::model::Timestamp::from_millis(i64::MAX);
    while logs.prune(later).await.unwrap() {}
    assert_eq!(logs.last_id().await.unwrap(), 5, "the newest stays");
    assert!(scanned.warnings(0, 5, 9).await.unwrap().len() <= 1);
}

#[tokio::test]
async fn another_programs_log_is_read_as_ours_is() {
    let (folder, store) = crate::support::store();
    let path = folder.path().join("foreign.db");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch(
        "CREATE TABLE logs (id INTEGER PRIMARY KEY, timestamp, level, message);
         INSERT INTO logs VALUES (1, 0, 'info', 'a'), (2, 0, 'error', 'b');",
    )
    .unwrap();
    let table = "logs".to_owned();
    let (columns, levels) = ([].into(), [].into());
    let foreign = ForeignLog::new(LogTable { path, table, id: None, columns, levels });
    foreign.check().await.unwrap();
    assert!(foreign.table().to_string().ends_with("foreign.db (table logs)"));
    let scanned = ScannedLog::from(&foreign);
    assert_eq!(scanned.name(), Some(foreign.table().to_string()));
    let (scanned, mark) = scanned.placed(&store).await.unwrap();
    assert_eq!((mark, scanned.identity()), (0, foreign.table().to_string().as_str()));
    assert_eq!(store.log_marks(scanned.identity().to_owned()).await.unwrap(), []);
    assert_eq!(scanned.last_id().await.unwrap(), 2);
    assert_eq!(scanned.warnings(0, 2, 9).await.unwrap()[0].id, 2);
    assert!(scanned.mark(2).await.unwrap().is_some() && scanned.mark(3).await.unwrap().is_none());
    let filter = LogFilter { limit: 9, ..LogFilter::default() };
    assert_eq!(scanned.search(filter.clone()).await.unwrap().rows.len(), 2);
    assert_eq!(scanned.picture(filter).await.unwrap().counted, 2);
}

#[tokio::test]
async fn a_file_of_another_programs_log_ends_where_its_rows_are_too_old() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("foreign.db");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch(
        "CREATE TABLE logs (id INTEGER PRIMARY KEY, timestamp, level, message);
         INSERT INTO logs VALUES (1, '2027-01-15 08:00:00', 'info', 'a'),
                                 (250000, '2027-01-01 08:00:00', 'info', 'b'),
                                 (400000, '2027-01-15 08:00:00', 'info', 'c');",
    )
    .unwrap();
    let table = "logs".to_owned();
    let (columns, levels) = ([].into(), [].into());
    let foreign = ForeignLog::new(LogTable { path, table, id: None, columns, levels });
    let file = async |is_whole| {
        let since = Some(START.minus(std::time::Duration::from_hours(24)));
        let filter = LogFilter { since, ..LogFilter::default() };
        let log = ScannedLog::from(&foreign);
        let mut export = LogExport::new(log, filter, LogFile::Ndjson, is_whole);
        let mut text = String::new();
        while let Some(part) = export.next().await.unwrap() {
            text += &part;
        }
        text
    };
    let some = file(false).await;
    assert_eq!(some.lines().count(), 2, "{some}");
    assert!(some.contains("This file ends at row 200001: the rows from there on are older"));
    let all = file(true).await;
    assert_eq!(all.matches("\"message\"").count(), 2, "{all}");
    assert!(!all.contains("\"note\""), "{all}");
}

#[tokio::test]
async fn a_copy_of_a_log_has_its_name_and_a_new_log_has_another() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| LogStore::open(&folder.path().join(name), OpenMode::Migrate).unwrap();
    let first = open("logs.db");
    let copy = folder.path().join("copy.db");
    let conn = rusqlite::Connection::open(folder.path().join("logs.db")).unwrap();
    conn.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    assert_eq!(open("copy.db").identity(), first.identity());
    assert_ne!(open("new/logs.db").identity(), first.identity());
}
