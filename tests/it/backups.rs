//! Backups by command: made under load, refused where they are damaged, restored in place and elsewhere, killed at every step.

use crate::support::mounted::Mounted;
use crate::support::server::{Server, program};
use crate::support::{START, STUCK, foreign, in_time, open, say_loudly};
use lamplighter::model::OnInterrupt;
use lamplighter::prelude::*;
use lamplighter::store::{LogStore, OpenMode};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A data directory with some jobs that nobody runs.
async fn data_with(jobs: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let new = || NewJob::new(Kind::named("nobodys"));
    store.enqueue_all((0..jobs).map(|_| new()).collect(), START).await.unwrap();
    fs::create_dir(folder.path().join("prompts")).unwrap();
    fs::write(folder.path().join("prompts/scan.md"), "look at the log\n").unwrap();
    fs::write(folder.path().join("lamplighter.toml"), "# mine\n").unwrap();
    folder
}

fn db(data: &Path, arguments: &[&str]) -> Output {
    program(data).arg("db").args(arguments).output().unwrap()
}

fn done(data: &Path, arguments: &[&str]) -> String {
    let output = db(data, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(data: &Path, arguments: &[&str], exit: i32, code: &str) -> String {
    let output = db(data, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(exit), "{said}");
    assert!(said.contains(code), "{said}");
    said
}

fn jobs_in(data: &Path) -> i64 {
    foreign(data).query_row("SELECT count(*) FROM jobs", [], |row| row.get(0)).unwrap()
}

fn made(data: &Path, under: &Path) -> PathBuf {
    let backup = under.join("backup");
    done(data, &["backup", backup.to_str().unwrap()]);
    backup
}

#[tokio::test]
async fn a_backup_has_both_databases_the_prompts_and_the_configuration_and_is_restored_elsewhere() {
    let (data, other) = (data_with(7).await, tempfile::tempdir().unwrap());
    let server = Server::start(data.path(), &[]);
    let backup = made(data.path(), other.path());
    assert_eq!(server.terminate(), Some(0));
    let name = backup.to_str().unwrap();
    let manifest: Value =
        serde_json::from_str(&fs::read_to_string(backup.join("manifest.json")).unwrap()).unwrap();
    let files: Vec<_> =
        manifest["files"].as_array().unwrap().iter().map(|f| f["name"].clone()).collect();
    assert_eq!(files, ["lamplighter.db", "lamplighter.toml", "logs.db", "prompts/scan.md"]);
    done(data.path(), &["check"]);
    assert!(done(data.path(), &["check", "--backup", name]).contains("is whole: 4 files"));

    let there = other.path().join("there");
    done(&there, &["restore", name]);
    assert_eq!(jobs_in(&there), 7);
    let mode = |name: &str| there.join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(["lamplighter.db", "logs.db"].map(mode), [0o600; 2], "it has accounts");
    assert_eq!(fs::read_to_string(there.join("prompts/scan.md")).unwrap(), "look at the log\n");
    let entries = fs::read_dir(&there).unwrap().map(|entry| entry.unwrap().file_name());
    let mut entries: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    entries.sort();
    assert_eq!(
        entries,
        ["lamplighter.db", "lamplighter.lock", "lamplighter.toml", "logs.db", "prompts"]
    );
    assert_eq!(Server::start(&there, &[]).terminate(), Some(0));
}

#[tokio::test]
async fn a_restore_in_place_keeps_what_was_there_and_is_refused_while_a_server_runs() {
    let (data, other) = (data_with(3).await, tempfile::tempdir().unwrap());
    let backup = made(data.path(), other.path());
    let name = backup.to_str().unwrap();
    // A copy that was carried by another way may be read-only.
    fs::set_permissions(backup.join("lamplighter.db"), Permissions::from_mode(0o444)).unwrap();
    fs::create_dir_all(data.path().join("jobs/1")).unwrap();
    let own = data.path().join(".lamplighter-restored");
    refused(data.path(), &["backup", own.to_str().unwrap()], 2, "JOB-VALUE-001");
    let store = open(data.path());
    store.enqueue(NewJob::new(Kind::named("nobodys")), START).await.unwrap();
    drop(store);
    let server = Server::start(data.path(), &[]);
    refused(data.path(), &["restore", name], 75, "STORE-BUSY-002");
    assert_eq!(server.terminate(), Some(0));
    let output = db(data.path(), &["restore", name]);
    let said = String::from_utf8(output.stderr).unwrap();
    let aside = said.trim().strip_suffix('.').unwrap().split(" is in ").nth(1).unwrap();
    assert_eq!(jobs_in(data.path()), 3);
    assert_eq!(jobs_in(Path::new(aside)), 4, "what was there is kept");
    let is_there = |folder: &Path| folder.join("jobs/1").exists();
    assert!(
        is_there(Path::new(aside)) && !is_there(data.path()),
        "folders of runs go with their jobs"
    );
    assert_eq!(Server::start(data.path(), &[]).terminate(), Some(0));
}

#[tokio::test]
async fn a_restore_is_refused_while_any_process_has_a_database_open() {
    let (data, other) = (data_with(3).await, tempfile::tempdir().unwrap());
    let logs = |data: &Path| LogStore::open(&data.join("logs.db"), OpenMode::Migrate).unwrap();
    drop(logs(data.path()));
    let backup = made(data.path(), other.path());
    let name = backup.to_str().unwrap();
    // Neither leads: they have no engine.
    let store = open(data.path());
    refused(data.path(), &["restore", name], 75, "STORE-BUSY-002");
    drop(store);
    let logs = logs(data.path());
    let said = refused(data.path(), &["restore", name], 75, "STORE-BUSY-002");
    assert!(said.contains("another process has") && said.contains("logs.db"), "{said}");
    drop(logs);
    done(data.path(), &["restore", name]);
}

#[tokio::test]
async fn a_restore_that_was_cut_off_is_not_finished_while_a_process_has_the_database_open() {
    let (data, other) = (data_with(3).await, tempfile::tempdir().unwrap());
    let backup = made(data.path(), other.path());
    let ready = data.path().join(".lamplighter-restored");
    fs::create_dir(&ready).unwrap();
    fs::copy(backup.join("lamplighter.db"), ready.join("lamplighter.db")).unwrap();
    fs::write(ready.join("plan"), "replaced-then\n").unwrap();
    // It does not lead: it has no engine. What it writes must not go to a file that is put aside.
    let store = open(data.path());
    refused(data.path(), &["restore", backup.to_str().unwrap()], 75, "STORE-BUSY-002");
    assert!(ready.join("lamplighter.db").exists());
    store.enqueue(NewJob::new(Kind::named("nobodys")), START).await.unwrap();
    assert_eq!(jobs_in(data.path()), 4);
    drop(store);
    done(data.path(), &["restore", backup.to_str().unwrap()]);
    assert_eq!((ready.exists(), jobs_in(data.path())), (false, 3));
}

#[tokio::test]
async fn a_restore_over_a_link_is_refused_and_the_link_stays() {
    let (data, other) = (data_with(3).await, tempfile::tempdir().unwrap());
    let backup = made(data.path(), other.path());
    let (link, place) = (data.path().join("lamplighter.db"), other.path().join("large-disk.db"));
    fs::rename(&link, &place).unwrap();
    symlink(&place, &link).unwrap();
    let said = refused(data.path(), &["restore", backup.to_str().unwrap()], 2, "JOB-VALUE-001");
    assert!(said.contains("is a link to") && said.contains("large-disk.db"), "{said}");
    assert_eq!(fs::read_link(&link).unwrap(), place);
    assert_eq!(jobs_in(data.path()), 3);
}

#[tokio::test]
async fn a_backup_says_what_of_the_prompts_it_does_not_have() {
    let (data, other) = (data_with(1).await, tempfile::tempdir().unwrap());
    let prompts = data.path().join("prompts");
    fs::create_dir(prompts.join("old")).unwrap();
    fs::write(prompts.join(OsStr::from_bytes(b"caf\xe9.md")), "no text\n").unwrap();
    let backup = other.path().join("backup");
    let output = db(data.path(), &["backup", backup.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("The backup does not have").count(), 2, "{said}");
    let again = other.path().join("again");
    let told = done(data.path(), &["backup", again.to_str().unwrap(), "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["left_out"].as_array().unwrap().len(), 2, "{told}");
    let kept = fs::read_dir(backup.join("prompts")).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(kept.collect::<Vec<_>>(), [backup.join("prompts/scan.md")]);
}

#[tokio::test]
async fn a_file_is_no_folder_for_a_backup_and_a_check_answers_programs_in_json() {
    let data = data_with(1).await;
    let file = data.path().join("lamplighter.toml");
    refused(data.path(), &["backup", file.to_str().unwrap()], 2, "JOB-VALUE-001");
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
    let told: Value = serde_json::from_str(&done(data.path(), &["check", "--json"])).unwrap();
    assert_eq!(told, serde_json::json!({"files": ["lamplighter.db"], "sound": true}));
}

#[tokio::test]
async fn a_backup_that_is_killed_leaves_nothing_that_the_next_one_does_not_remove() {
    let (data, other) = (data_with(3).await, tempfile::tempdir().unwrap());
    let archives = || {
        let names = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_str().unwrap().contains("archive")).count()
    };
    // It waits for somebody who reads the archive.
    let mut command = program(data.path());
    let mut killed = command.args(["db", "backup", "-"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 512];
    killed.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert!(db(data.path(), &["backup", "-"]).status.success());
    assert_eq!(archives(), 1, "that of the living one stays");
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(db(data.path(), &["backup", "-"]).status.success());
    assert_eq!(archives(), 0);
    // What a kill leaves in a folder is replaced there; what anybody else has left is not.
    let backup = made(data.path(), other.path());
    let name = backup.to_str().unwrap();
    fs::remove_file(backup.join("manifest.json")).unwrap();
    refused(data.path(), &["backup", name], 2, "JOB-VALUE-001");
    fs::write(backup.join(".lamplighter-unfinished"), "").unwrap();
    fs::write(backup.join(".lamplighter.db.1-2.new-journal"), "").unwrap();
    done(data.path(), &["backup", name]);
    assert!(done(data.path(), &["check", "--backup", name]).contains("is whole"));
    let names = fs::read_dir(&backup).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["lamplighter.db", "lamplighter.toml", "manifest.json", "prompts"]);
}

#[tokio::test]
async fn a_restore_on_a_full_disk_says_so_and_what_was_there_works_on() {
    let (source, other) = (data_with(3).await, tempfile::tempdir().unwrap());
    let backup = made(source.path(), other.path());
    let disk = tempfile::tempdir().unwrap();
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=1200k", "lamplighter-test"]).arg(disk.path());
    if !mount.stderr(Stdio::null()).status().is_ok_and(|ended| ended.success()) {
        return say_loudly(
            "SKIPPED: a full disk is a small file system, and this user may not mount one",
        );
    }
    let _mounted = Mounted(disk.path().to_owned());
    let data = disk.path().join("data");
    let store = open(&data);
    store.enqueue(NewJob::new(Kind::named("nobodys")), START).await.unwrap();
    drop(store);
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0; 500 << 10]).unwrap();
    let said = refused(&data, &["restore", backup.to_str().unwrap()], 1, "STORE-FULL-001");
    assert!(!data.join(".lamplighter-restoring").exists(), "{said}");
    assert_eq!(jobs_in(&data), 1);
    assert_eq!(Server::start(&data, &[]).terminate(), Some(0));
    fs::remove_file(filler).unwrap();
    fs::remove_file(data.join("logs.db")).unwrap();
    done(&data, &["restore", backup.to_str().unwrap()]);
    assert_eq!(jobs_in(&data), 3);
}

#[tokio::test]
async fn a_database_that_is_mounted_by_itself_is_held_while_a_restore_gives_it_its_content() {
    let (data, other) = (data_with(3).await, tempfile::tempdir().unwrap());
    let backup = made(data.path(), other.path());
    let store = open(data.path());
    store.enqueue(NewJob::new(Kind::named("nobodys")), START).await.unwrap();
    drop(store);
    let file = data.path().join("lamplighter.db");
    let Some(_mounted) = Mounted::on_itself(&file) else {
        return say_loudly("SKIPPED: this user may not mount a file by itself");
    };
    let restore = |name: &str| db(data.path(), &["restore", name]);
    let output = restore(backup.to_str().unwrap());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let aside = said.trim().strip_suffix('.').unwrap().split(" is in ").nth(1).unwrap();
    assert_eq!((jobs_in(data.path()), jobs_in(Path::new(aside))), (3, 4), "what was there is kept");
}

#[tokio::test]
async fn a_backup_that_was_changed_is_refused_and_nothing_is_touched() {
    let (data, other) = (data_with(3).await, tempfile::tempdir().unwrap());
    let backup = made(data.path(), other.path());
    let name = backup.to_str().unwrap();
    refused(data.path(), &["backup", name], 2, "JOB-VALUE-001");
    let file = backup.join("lamplighter.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[9000] ^= 1;
    fs::write(&file, &bytes).unwrap();
    for ask in [&["restore", name][..], &["check", "--backup", name]] {
        refused(data.path(), ask, 65, "STORE-BACKUP-001");
    }
    fs::remove_file(backup.join("manifest.json")).unwrap();
    refused(data.path(), &["restore", name], 65, "STORE-BACKUP-001");
    assert_eq!(jobs_in(data.path()), 3);
}

#[tokio::test]
async fn an_archive_on_standard_output_is_the_same_backup() {
    let (data, other) = (data_with(5).await, tempfile::tempdir().unwrap());
    let output = db(data.path(), &["backup", "-"]);
    assert!(output.status.success());
    tar::Archive::new(&output.stdout[..]).unpack(other.path().join("backup")).unwrap();
    let there = other.path().join("there");
    done(&there, &["restore", other.path().join("backup").to_str().unwrap()]);
    assert_eq!(jobs_in(&there), 5);
}

/// Takes jobs, runs them, is copied while it does, and goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_made_under_load_runs_what_ran_once_more_at_most_and_its_counts_are_right()
{
    const ROUNDS: usize = 5;
    let (data, other) = (data_with(0).await, tempfile::tempdir().unwrap());
    let once = || KindRules {
        on_interrupt: OnInterrupt::Fail,
        max_attempts: 1,
        ..KindRules::new(Kind::named("once"))
    };
    let start = |data: &Path| {
        Engine::builder(open(data), Clock::system())
            .kind(once(), |_| async { Outcome::Done(true.into()) })
            .start()
            .unwrap()
    };
    let engine = start(data.path());
    let jobs = engine.jobs();
    let loading = tokio::spawn(async move {
        for _ in 0..200 {
            jobs.add_all((0..20).map(|_| NewJob::new(Kind::named("once"))).collect())
                .await
                .unwrap();
        }
    });
    let mut interrupted = 0;
    for round in 0..ROUNDS {
        let backup = other.path().join(format!("backup-{round}"));
        let (from, to) = (data.path().to_owned(), backup.clone());
        let asked = move || done(&from, &["backup", to.to_str().unwrap()]);
        tokio::task::spawn_blocking(asked).await.unwrap();
        let there = other.path().join(format!("there-{round}"));
        done(&there, &["restore", backup.to_str().unwrap()]);
        let before = jobs_in(&there);
        let copy = start(&there);
        in_time(lamplighter::testing::drain(copy.jobs().store(), &Clock::system())).await.unwrap();
        copy.stop(STUCK).await;
        let conn = foreign(&there);
        let count = |what: &str| -> i64 {
            conn.query_row(&format!("SELECT count(*) FROM jobs WHERE {what}"), [], |row| row.get(0))
                .unwrap()
        };
        assert_eq!(jobs_in(&there), before);
        assert_eq!(count("status NOT IN ('completed', 'failed')"), 0);
        assert_eq!(count("status = 'failed' AND error_code <> 'JOB-RUN-004'"), 0);
        interrupted += count("status = 'failed'");
        drop(conn);
        assert!(done(&there, &["check"]).contains("the counts of jobs are right"));
    }
    loading.await.unwrap();
    engine.stop(STUCK).await;
    println!(
        "{ROUNDS} copies; {interrupted} jobs ran when they were made and count as interrupted there"
    );
    let status = foreign(data.path());
    let sql = "SELECT count(*) FROM jobs WHERE status = 'failed'";
    assert_eq!(
        status.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(),
        0,
        "the original lost none"
    );
}
