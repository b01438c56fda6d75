//! Files of version 0.1.0: recognised, refused as they are, and the remedy that is named works.

use crate::support::server::Server;
use crate::support::server::program;
use lamplighter::Code;
use lamplighter::store::{LogStore, OpenMode, Store};
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A data directory as version 0.1.0 left it: its marks, and some of its tables.
fn first_version(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (file, mark, version) in [("lamplighter.db", *b"LMPL", 6), ("logs.db", *b"LMLG", 2)] {
        let conn = Connection::open(folder.join(file)).unwrap();
        conn.pragma_update(None, "journal_mode", "WAL").unwrap();
        conn.pragma_update(None, "application_id", i32::from_be_bytes(mark)).unwrap();
        conn.execute_batch("CREATE TABLE jobs (id INTEGER); CREATE TABLE workers (id TEXT);")
            .unwrap();
        conn.pragma_update(None, "user_version", version).unwrap();
    }
}

/// The names and contents of a folder.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut all: Vec<_> = entries
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap_or_default())
        })
        .collect();
    all.sort();
    all
}

/// The program with an environment in which nothing but `home` says where the data is.
fn at_home(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lamplighter"));
    command.env_clear().env("HOME", home);
    command
}

#[test]
fn p28_files_of_version_0_1_0_are_refused_untouched_by_a_code_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    first_version(folder.path());
    let before = contents(folder.path());
    for mode in [OpenMode::Migrate, OpenMode::Current, OpenMode::Check] {
        let jobs = Store::open(&folder.path().join("lamplighter.db"), mode).unwrap_err();
        let logs = LogStore::open(&folder.path().join("logs.db"), mode).unwrap_err();
        assert_eq!([jobs.code(), logs.code()], [Code::StoreFirst; 2]);
    }
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn the_remedy_for_a_directory_of_version_0_1_0_works() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    first_version(&data);
    let before = contents(&data);
    let refused = program(&data).args(["jobs", "enqueue", "greet"]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("STORE-FILE-005"), "{said}");
    assert!(said.contains("Use a new data directory"), "{said}");
    assert_eq!(contents(&data), before);
    // Another name for the old directory …
    fs::rename(&data, folder.path().join("old")).unwrap();
    assert!(program(&data).args(["jobs", "enqueue", "greet"]).status().unwrap().success());
    // … or a new one.
    let other = folder.path().join("other");
    assert!(program(&other).args(["jobs", "enqueue", "greet"]).status().unwrap().success());
    assert_eq!(contents(&folder.path().join("old")), before);
}

#[test]
fn a_demo_sets_its_own_directory_of_version_0_1_0_aside_and_begins_anew() {
    let home = tempfile::tempdir().unwrap();
    let share = home.path().join(".local/share");
    let demo = share.join("lamplighter-demo");
    for round in 1..=2 {
        first_version(&demo);
        let before = contents(&demo);
        let server = Server::launch(&demo, &mut at_home(home.path()), &["--demo"], None);
        server.kill();
        let kept: Vec<_> = fs::read_dir(&share)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| *path != demo)
            .collect();
        assert_eq!(kept.len(), round, "{kept:?}");
        assert!(kept.iter().all(|path| contents(path) == before), "{kept:?}");
        let name = kept[0].file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("lamplighter-demo.20"), "{name}");
        fs::remove_dir_all(&demo).unwrap();
    }
}

#[test]
fn a_demo_leaves_a_directory_alone_that_somebody_named_or_that_a_server_runs_on() {
    let home = tempfile::tempdir().unwrap();
    let named = home.path().join("precious");
    first_version(&named);
    let before = contents(&named);
    let mut command = at_home(home.path());
    let ended = command.args(["serve", "--demo", "--data-dir"]).arg(&named).output().unwrap();
    assert!(!ended.status.success());
    assert_eq!(contents(&named), before);

    let demo = home.path().join(".local/share/lamplighter-demo");
    first_version(&demo);
    let lock = fs::File::create(demo.join("lamplighter.lock")).unwrap();
    lock.lock().unwrap();
    let before = contents(&demo);
    let ended = at_home(home.path()).args(["serve", "--demo"]).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && said.contains("STORE-FILE-005"), "{said}");
    assert_eq!(contents(&demo), before);
}
