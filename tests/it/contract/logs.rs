//! The contract of log stores.

use crate::support::START;
use lamplighter::model::{Level, LogFilter, LogProgress, LogStep, NewLogRow, RowTemplate, Service};
use lamplighter::store::{Grouping, LogStore, OpenMode, SnapshotPlan};
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
    let warnings = logs.warnings(0, 3, 9).await.unwrap();
    assert_eq!(warnings.iter().map(|row| row.id).collect::<Vec<_>>(), [2, 3]);
    let filter = LogFilter { level: Some(Level::Error), limit: 9, ..LogFilter::default() };
    let found = logs.search(filter).await.unwrap();
    assert_eq!(found.rows.iter().map(|row| row.row.message.as_str()).collect::<Vec<_>>(), ["b"]);

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
    assert!(logs.warnings(0, 5, 9).await.unwrap().len() <= 1);
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
