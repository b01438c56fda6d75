//! The store refuses for a time while a session begins: the session is not over before its agent was started, and runs once.

use crate::support::mounted::Mounted;
use crate::support::server::program;
use crate::support::{STUCK, foreign, open, say_loudly, until};
use lamplighter::model::{Job, JobId, Kind, NewJob, Status, Timestamp};
use lamplighter::store::Store;
use rusqlite::Connection;
use serde_json::json;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// How long a lock is held in the long form (`LAMPLIGHTER_LOCKS=long`); else until the server has said that it was refused.
const LONG: Duration = Duration::from_secs(40);
/// Bytes of the small file system.
const ROOM: &str = "24m";
/// Files and folders of it.
const NAMES: u32 = 200;

/// A server that has claimed one session. It does not begin before the agent program has told its version, which waits.
struct Claimed {
    server: Child,
    /// `http://127.0.0.1:port`.
    url: String,
    /// What the server logs.
    lines: Receiver<String>,
    /// Outside of the data directory.
    files: tempfile::TempDir,
    store: Store,
    id: JobId,
    watching: tokio::task::JoinHandle<()>,
}

impl Claimed {
    async fn on(data: &Path) -> Self {
        let files = tempfile::tempdir().unwrap();
        let (tell, ran) = (files.path().join("tell"), files.path().join("ran"));
        let agent = agent(files.path(), &tell);
        let mut command = program(data);
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("LAMPLIGHTER_AGENT_COMMAND", agent)
            .env("LAMPLIGHTER_ADMIN_PASSWORD", "lantern and wick 42")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut server = command.spawn().unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
        let first = said.next().expect("the server says where it is").unwrap();
        let url = first.split_once(" on ").expect("an address").1.to_owned();
        std::thread::spawn(move || said.for_each(drop));
        let (sender, lines) = mpsc::channel();
        let logged = BufReader::new(server.stderr.take().unwrap());
        // It reads on after the test has heard enough, so that the server can go on logging.
        std::thread::spawn(move || {
            logged.lines().for_each(|line| drop(sender.send(line.unwrap())));
        });
        let store = open(data);
        let heard = store.clone();
        let watching = tokio::spawn(async move { drop(heard.watch_foreign_commits().await) });
        let prompt = format!("echo ran >> {}", ran.display());
        let payload = json!({"prompt": prompt, "profile": "full"}).into();
        let job = NewJob { payload, ..NewJob::new(Kind::AGENT_SESSION) };
        let id = store.enqueue(job, Timestamp::from_millis(1)).await.unwrap().id();
        until(&store, id, |job| job.status == Status::Running).await;
        Self { server, url, lines, files, store, id, watching }
    }

    /// Lets the session begin.
    fn begin(&self) {
        fs::write(self.files.path().join("tell"), "").unwrap();
    }

    /// What it says to programs that watch it.
    fn ready(&self) -> u16 {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        agent.get(format!("{}/readyz", self.url)).call().unwrap().status().as_u16()
    }

    /// Waits until the server logs a line with all of these words.
    fn until_logged(&self, words: &[&str]) -> String {
        let (begun, mut heard) = (Instant::now(), Vec::new());
        loop {
            let left = STUCK.saturating_sub(begun.elapsed());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("the server does not log {words:?}, but {heard:#?}");
            };
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
            heard.push(line);
        }
    }

    /// The session, which completes, and whose agent has run once.
    async fn completes(self) -> Job {
        let job = until(&self.store, self.id, |job| job.status.is_final()).await;
        assert_eq!(self.ready(), 200);
        assert_eq!((job.status, &job.error), (Status::Completed, &None));
        assert_eq!(fs::read_to_string(self.files.path().join("ran")).unwrap(), "ran\n");
        job
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.watching.abort();
        // Also where the test fails.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// An agent program that tells its version when a file is there, and runs its prompt as a shell script.
fn agent(folder: &Path, tell: &Path) -> PathBuf {
    let result = r#"{"type":"result","subtype":"success","is_error":false,"num_turns":1,"duration_ms":1,"total_cost_usd":0,"result":"done","session_id":"67cf1229-f18b-4200-b873-0881f221331e","usage":{"input_tokens":1,"output_tokens":1}}"#;
    let script = format!(
        "#!/bin/sh
         if [ \"$1\" = --version ]; then
           while ! [ -e {} ]; do sleep 0.02; done
           echo '2.1.329 (Claude Code)'; exit
         fi
         eval \"$(cat)\"; echo '{result}'\n",
        tell.display()
    );
    let path = folder.join("agent");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_a_session_that_another_programs_lock_kept_from_beginning_begins_when_the_lock_is_gone()
{
    let folder = tempfile::tempdir().unwrap();
    let claimed = Claimed::on(folder.path()).await;
    let lock = foreign(folder.path());
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    claimed.begin();
    let line = claimed.until_logged(&["STORE-BUSY-001", "begins later"]);
    if std::env::var("LAMPLIGHTER_LOCKS").is_ok_and(|form| form == "long") {
        std::thread::park_timeout(LONG.saturating_sub(begun.elapsed()));
    }
    lock.execute_batch("ROLLBACK").unwrap();
    let held = begun.elapsed();
    claimed.completes().await;
    println!(
        "the lock was held for {held:?}, the session was over after {:?}: {line}",
        begun.elapsed()
    );
}

/// A file system of so many bytes and names. Dropped, it is gone.
struct Small {
    // Dropped first, so that the folder can be removed.
    _mounted: Mounted,
    folder: tempfile::TempDir,
}

impl Small {
    /// `None`: this user may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let room = format!("size={ROOM},nr_inodes={NAMES}");
        let mounted = Mounted::memory(&room, folder.path());
        if mounted.is_none() {
            say_loudly(
                "SKIPPED: a full disk is a small file system, and this user may not mount one",
            );
        }
        Some(Self { folder, _mounted: mounted? })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn filler(&self) -> PathBuf {
        self.folder.path().join("filler")
    }

    /// Uses up every byte.
    fn fill(&self) {
        fs::create_dir(self.filler()).unwrap();
        let mut file = File::create(self.filler().join("bytes")).unwrap();
        let full = loop {
            if let Err(error) = file.write_all(&[1; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull);
    }

    /// Uses up every name.
    fn use_up_names(&self) {
        fs::create_dir(self.filler()).unwrap();
        let full = (0..=NAMES).find_map(|n| File::create(self.filler().join(n.to_string())).err());
        assert_eq!(full.unwrap().kind(), ErrorKind::StorageFull);
    }

    fn free(&self) {
        fs::remove_dir_all(self.filler()).unwrap();
    }
}

/// Holds the write lock of a file whose log has no bytes that a commit could use.
fn locked_without_log(file: &Path) -> Connection {
    let conn = Connection::open(file).unwrap();
    conn.busy_timeout(STUCK).unwrap();
    loop {
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        if fs::metadata(file.with_extension("db-wal")).unwrap().len() == 0 {
            return conn;
        }
        conn.execute_batch("ROLLBACK").unwrap();
    }
}

/// A session begins on a disk that is full in this way, which is said, and runs once there is room.
async fn begins_when_there_is_room(full: impl Fn(&Small), readiness: u16) {
    let Some(disk) = Small::mount() else { return };
    fs::create_dir(disk.data()).unwrap();
    let claimed = Claimed::on(&disk.data()).await;
    let lock = locked_without_log(&disk.data().join("lamplighter.db"));
    // A commit to this file that fails would give bytes back, because its log goes when the server opens it anew.
    let of_logs = locked_without_log(&disk.data().join("logs.db"));
    full(&disk);
    drop(lock);
    claimed.begin();
    let line = claimed.until_logged(&["STORE-FULL-001", "begins later"]);
    assert_eq!(claimed.ready(), readiness);
    disk.free();
    drop(of_logs);
    let begun = Instant::now();
    claimed.completes().await;
    println!("the session was over {:?} after there was room: {line}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_a_session_that_a_full_disk_kept_from_beginning_begins_when_there_is_room() {
    begins_when_there_is_room(Small::fill, 503).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_a_session_whose_folder_could_not_be_made_on_a_full_disk_begins_when_there_is_room() {
    begins_when_there_is_room(Small::use_up_names, 200).await;
}
