//! Files that others may write, and links and pipes where a file should be: the real program refuses each at once.

use crate::support::server::program;
use crate::support::{STUCK, now, open};
use lamplighter::logs::LogFile;
use lamplighter::model::WorkerId;
use lamplighter::store::{LogStore, OpenMode};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The program's end, which must come at once: nothing may wait for the other end of a pipe.
fn ended(data: &Path, arguments: &[&str]) -> Output {
    let mut command = program(data);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let id = child.id().to_string();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
    receiver.recv_timeout(STUCK).unwrap_or_else(|_| {
        Command::new("kill").args(["-9", &id]).status().unwrap();
        panic!("{arguments:?} waits for something");
    })
}

/// What the program says that refuses to start.
fn refused(data: &Path, arguments: &[&str], exit: i32, code: &str) {
    let output = ended(data, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {said}");
    assert!(said.contains(code), "{arguments:?}: {said}");
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0"];

#[test]
fn a_data_directory_that_others_may_write_is_refused_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for open in [0o777, 0o770, 0o702] {
        mode(folder.path(), open);
        for command in [SERVE, &["jobs", "list"], &["users", "list"], &["db", "check"]] {
            refused(folder.path(), command, 78, "CONFIG-MODE-001");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn a_configuration_that_others_may_write_or_that_is_no_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (own, named) = (folder.path().join("lamplighter.toml"), folder.path().join("other.toml"));
    let by_name = ["serve", "--listen", "127.0.0.1:0", "--config", named.to_str().unwrap()];
    for (path, command) in [(&own, SERVE), (&named, &by_name)] {
        fs::write(path, "[server]\n").unwrap();
        for open in [0o666, 0o620] {
            mode(path, open);
            refused(folder.path(), command, 78, "CONFIG-MODE-001");
        }
        fs::remove_file(path).unwrap();
        fifo(path);
        refused(folder.path(), command, 78, "CONFIG-VALUE-001");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_database_or_a_lock_that_is_a_pipe_or_a_link_is_refused_at_once() {
    for name in ["lamplighter.db", "logs.db"] {
        let folder = tempfile::tempdir().unwrap();
        fifo(&folder.path().join(name));
        let output = ended(folder.path(), SERVE);
        assert!(!output.status.success() && output.status.code().is_some(), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("elsewhere");
    symlink(&target, folder.path().join("lamplighter.lock")).unwrap();
    let error = open(folder.path()).try_lead(&WorkerId::parse("one").unwrap()).unwrap_err();
    assert!(error.to_string().contains("it is a link"), "{error}");
    assert!(!target.exists(), "the link's target was made");
}

/// Only root can make a link that belongs to somebody else.
#[tokio::test]
async fn the_owner_of_a_log_folder_makes_the_follower_read_no_file_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
    let (secret, log) = (folder.path().join("secret"), folder.path().join("app.log"));
    fs::write(&secret, "2026-01-01T00:00:00Z ERROR secret of another\n").unwrap();
    fs::write(&log, "2026-01-01T00:00:00Z ERROR one\n").unwrap();
    let mut followed = LogFile::new(log.clone(), None, logs.clone());
    for _ in 0..3 {
        followed.run_once(now()).await.unwrap();
    }
    fs::remove_file(&log).unwrap();
    symlink(&secret, &log).unwrap();
    if lchown(&log, Some(65_534), None).is_err() {
        return;
    }
    let mut refused = 0;
    for seconds in [0, 2, 4, 6, 8] {
        let later = now().plus(Duration::from_secs(seconds));
        refused += usize::from(followed.run_once(later).await.is_err());
    }
    assert!(refused > 0, "it says so");
    let conn = rusqlite::Connection::open(folder.path().join("logs.db")).unwrap();
    let read: i64 = conn
        .query_row("SELECT count(*) FROM logs WHERE message LIKE '%secret%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(read, 0);
}
