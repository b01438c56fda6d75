//! Runs that take too much of the machine: each is ended, says of what it took too much, and the server answers meanwhile.
//!
//! How soon is printed: within five seconds, and answers within one, on a machine that does nothing else.

use crate::support::desk::Desk;
use crate::support::office::stub;
use crate::support::server::Browser;
use crate::support::{in_time, until};
use lamplighter::agents::{Exit, Isolation, Launcher, Limits, Marker, Reason, Sandbox, Spec};
use lamplighter::model::Resources;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const MIB: u64 = 1024 * 1024;

/// Small limits, so that the machine of the test does not notice.
const SMALL: Resources = Resources {
    memory: 300 * MIB,
    processes: 60,
    file: 20 * MIB,
    open_files: 256,
    disk_left: 64 * MIB,
    nice: 5,
};

const FORKS: &str = "forks() { forks & forks & wait; }; forks";
const FILLS: &str = "exec perl -e '$text .= \"x\" x (16 << 20) while 1'";
const WRITES: &str = "exec cat /dev/zero > large";

/// A run of a shell script with small limits.
fn spec(folder: &Path, script: &str, isolation: Isolation) -> Spec {
    let path = ("PATH".to_owned(), "/usr/bin:/bin".to_owned());
    Spec {
        argv: ["sh", "-c", script].map(str::to_owned).into(),
        env: BTreeMap::from([path]),
        working_dir: folder.to_owned(),
        folder: None,
        stdin: Vec::new(),
        limits: Limits { resources: SMALL, ..Limits::default() },
        isolation,
        marker: Marker::random(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_too_much_is_killed_soon_and_its_end_names_what_it_took() {
    let launcher = Launcher::with_program(env!("CARGO_BIN_EXE_lamplighter"));
    for (script, reason) in
        [(FORKS, Reason::ProcessLimit), (FILLS, Reason::MemoryLimit), (WRITES, Reason::DiskLimit)]
    {
        for isolation in [Isolation::None, Isolation::Bwrap(Sandbox::default())] {
            let folder = tempfile::tempdir().unwrap();
            let spec = spec(folder.path(), script, isolation);
            let marker = spec.marker.clone();
            let since = Instant::now();
            let mut run = launcher.start(spec).await.unwrap();
            let ended = in_time(run.ended()).await.unwrap();
            let took = since.elapsed();
            println!("{reason:?}, sandbox {}: over after {took:?}", run.is_sandboxed());
            assert_eq!(ended.reason, reason, "{script}: {ended:?}");
            assert!(left(marker.as_str()).is_empty(), "{:?}", left(marker.as_str()));
        }
    }
}

/// Processes whose environment holds a word.
fn left(word: &str) -> Vec<String> {
    let folders = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let bears = |path: &Path| {
        let variables = std::fs::read(path.join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&variables).contains(word)
    };
    let paths = folders.map(|folder| folder.path()).filter(|path| bears(path));
    paths.map(|path| path.display().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_may_have_is_not_taken_from_it() {
    let launcher = Launcher::with_program(env!("CARGO_BIN_EXE_lamplighter"));
    let folder = tempfile::tempdir().unwrap();
    // Children that share what their parent has are not counted once more each.
    let script = r#"exec perl -e '
        my $all = "x" x (60 << 20);
        my @kids = map { my $kid = fork; if (!$kid) { sleep 2; exit } $kid } 1 .. 10;
        waitpid $_, 0 for @kids;
        open my $file, ">", "small"; print $file "x" x (19 << 20); close $file;
        open my $core, "<", "/proc/self/limits"; print grep { /core|open files/ } <$core>;
        select undef, undef, undef, 0.1 while getpriority(0, 0) < 5;
        print "nice ", getpriority(0, 0), "\n";
        open my $score, "<", "/proc/self/oom_score_adj"; print "score ", <$score>;
    '"#;
    let spec = spec(folder.path(), script, Isolation::Bwrap(Sandbox::default()));
    let mut run = launcher.start(spec).await.unwrap();
    let mut said = Vec::new();
    while let Some(chunk) = run.next().await {
        said.extend(chunk.bytes);
    }
    let said = String::from_utf8_lossy(&said).into_owned();
    let ended = run.ended().await.unwrap();
    assert_eq!((ended.reason, ended.exit), (Reason::Exited, Some(Exit::Code(0))), "{said}");
    let words: Vec<_> =
        said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert!(
        words.iter().any(|line| line.starts_with(&["Max", "core", "file", "size", "1"])),
        "{said}"
    );
    assert!(words.iter().any(|line| line.starts_with(&["Max", "open", "files", "256"])), "{said}");
    assert!(said.contains("nice 5\n") && said.contains("score 500\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_greedy_sessions_are_ended_the_server_answers_and_tells_why() {
    let folder = tempfile::tempdir().unwrap();
    let agent = stub(folder.path(), "2.1.329");
    let desk = Desk::start(
        &agent,
        &[
            ("LAMPLIGHTER_AGENT_LIMITS_MEMORY", "300MiB"),
            ("LAMPLIGHTER_AGENT_LIMITS_PROCESSES", "60"),
            ("LAMPLIGHTER_AGENT_LIMITS_FILE", "20MiB"),
        ],
    );
    let is_over = Arc::new(AtomicBool::new(false));
    let (url, told) = (desk.server.as_ref().unwrap().url.clone(), Arc::clone(&is_over));
    let asking = std::thread::spawn(move || {
        let mut browser = Browser::signed_in(&url);
        let mut slowest = Duration::ZERO;
        while !told.load(Ordering::Relaxed) {
            let begun = Instant::now();
            assert_eq!(browser.get("/sessions", &[]).status, 200);
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    });
    for (script, ending, said) in [
        (FORKS, "process_limit", "started more processes than "),
        (FILLS, "memory_limit", "took more memory than "),
        (WRITES, "disk_limit", "wrote a file of more than 20 MiB (agent.limits.file)"),
    ] {
        let begun = Instant::now();
        let id = desk.enqueue(&json!({"prompt": script, "profile": "workspace"}));
        let job = until(&desk.store, id, |job| job.status.is_final()).await;
        println!("{ending}: {:?} after it was asked for", begun.elapsed());
        assert_eq!(job.error_code.as_deref(), Some("AGENT-LIMIT-005"));
        assert_eq!(desk.session(id)["ending"], ending);
        let shown = desk.ask(&["jobs", "show", &id.to_string()]);
        assert!(shown.contains(said), "{said}: {shown}");
    }
    is_over.store(true, Ordering::Relaxed);
    let slowest = asking.join().unwrap();
    println!("the slowest answer meanwhile took {slowest:?}");
}
