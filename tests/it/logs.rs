//! The log store: what becomes of a line, what it is tied to, that no secret stays in it, and the page of codes.

use crate::support::server::{Browser, program, uncoded};
use crate::support::{STUCK, foreign, in_time, open, until};
use lamplighter::clock::Clock;
use lamplighter::logs::{import, log_layer, redacted};
use lamplighter::model::{JobError, Kind, KindRules, Level, NewJob, Outcome, Status};
use lamplighter::redact::{REDACTED, redactor};
use lamplighter::store::{LogStore, OpenMode};
use lamplighter::{Code, Engine, error_coded, warn_coded};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tracing::Dispatch;
use tracing::dispatcher::{set_default, with_default};
use tracing_subscriber::prelude::*;

fn logs() -> (TempDir, LogStore) {
    let folder = tempfile::tempdir().unwrap();
    let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
    (folder, logs)
}

/// The rows of a log database as one text a row, its columns joined by `|`.
fn rows(folder: &Path, columns: &str) -> Vec<String> {
    let conn = rusqlite::Connection::open(folder.join("logs.db")).unwrap();
    let sql = format!("SELECT concat_ws('|', {columns}) FROM logs ORDER BY id");
    let mut statement = conn.prepare(&sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn in_a_flood_every_line_is_either_written_or_counted_as_dropped() {
    const THREADS: u64 = 4;
    const LINES: u64 = 10_000;
    let (folder, logs) = logs();
    let (layer, writer) = log_layer(logs, Clock::system());
    let subscriber = Dispatch::new(tracing_subscriber::registry().with(layer));
    let shout = || {
        for n in 0..LINES {
            match n % 20 {
                0 => warn_coded!(Code::StoreBusy, "line {n}"),
                1..=5 => tracing::info!(n, "line"),
                _ => tracing::debug!(n, "line"),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| with_default(&subscriber, shout));
        }
    });
    let counts = in_time(writer.stop()).await;
    assert_eq!(counts.offered, THREADS * LINES);
    assert_eq!(counts.offered, counts.written + counts.dropped());
    assert!(counts.dropped_of(Level::Debug) > 0, "the flood was none: {counts:?}");

    // The database says the same: the rows, and the rows that tell what is not there.
    let messages = rows(folder.path(), "message");
    let told = messages.iter().filter_map(|line| line.strip_prefix("[LOGS-DROP-001] "));
    let told: Vec<u64> =
        told.map(|text| text.split(' ').next().unwrap().parse().unwrap()).collect();
    assert_eq!(told.iter().sum::<u64>(), counts.dropped());
    assert_eq!((messages.len() - told.len()) as u64, counts.written);
}

#[tokio::test]
async fn a_line_takes_its_ids_from_itself_else_from_the_innermost_span_that_has_them() {
    let (folder, logs) = logs();
    let (layer, writer) = log_layer(logs, Clock::system());
    {
        let _here = set_default(&Dispatch::new(tracing_subscriber::registry().with(layer)));
        let request = tracing::info_span!(
            "request",
            correlation_id = "req-1",
            request_path = "/jobs",
            user_id = tracing::field::Empty
        );
        request.in_scope(|| tracing::info!("before the sign-in is known"));
        request.record("user_id", 7);
        let _request = request.enter();
        let _job = tracing::info_span!("job", correlation_id = "job-2").entered();
        let _step = tracing::info_span!("step", n = 1).entered();
        tracing::info!(n = 3, "inside");
        tracing::info!(correlation_id = "own-3", user_id = 8, request_path = "/own", "by itself");
    }
    writer.stop().await;
    let columns = "message, correlation_id, coalesce(user_id, '-'), request_path, extra_data";
    assert_eq!(
        rows(folder.path(), columns),
        [
            "before the sign-in is known|req-1|-|/jobs",
            "inside|job-2|7|/jobs|{\"n\":3}",
            "by itself|own-3|8|/own"
        ]
    );
}

#[tokio::test]
async fn what_the_database_refuses_counts_as_dropped() {
    let (folder, logs) = logs();
    let conn = rusqlite::Connection::open(folder.path().join("logs.db")).unwrap();
    conn.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON logs WHEN NEW.level = 'INFO'
         BEGIN SELECT raise(ABORT, 'no'); END",
    )
    .unwrap();
    let (layer, writer) = log_layer(logs, Clock::system());
    {
        let _here = set_default(&Dispatch::new(tracing_subscriber::registry().with(layer)));
        tracing::info!("refused");
    }
    let counts = writer.stop().await;
    assert_eq!((counts.offered, counts.written), (1, 0));
    assert_eq!(counts.dropped_of(Level::Info), 1);
    assert_eq!(
        rows(folder.path(), "level, message"),
        ["WARNING|[LOGS-DROP-001] 1 log lines were dropped: 1 INFO"]
    );
}

/// Standard error as a test can read it.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A token of GitHub's shape, put together here so that no scanner takes this file for a leak.
fn token() -> String {
    format!("ghp_{}", "A1b2C3d4E5f6".repeat(3))
}

/// What no sink may hold: the token, a part of it, and two secrets without a shape.
fn assert_nowhere(bytes: &[u8], place: &str, secrets: &[&str]) {
    for secret in secrets {
        let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{secret} is in {place}");
    }
}

/// Looks into every file of a folder, the WAL and what SQLite has not overwritten included.
fn assert_in_no_file(folder: &Path, secrets: &[&str]) {
    let mut looked_at = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert_nowhere(&std::fs::read(&path).unwrap(), &path.display().to_string(), secrets);
            looked_at += 1;
        }
    }
    assert!(looked_at >= 2, "{}", folder.display());
}

#[tokio::test]
async fn a_token_in_a_message_a_job_error_or_an_imported_line_is_in_no_file_and_not_on_stderr() {
    let (folder, logs) = logs();
    let store = open(folder.path());
    let clock = Clock::system();
    redactor().learn("a secret of plain words");
    let said = format!("{} and a secret of plain words", token());
    let (layer, writer) = log_layer(logs.clone(), clock.clone());
    let (text, json) = (Memory::default(), Memory::default());
    let (to_text, to_json) = (text.clone(), json.clone());
    let subscriber = tracing_subscriber::registry()
        .with(layer)
        .with(tracing_subscriber::fmt::layer().with_writer(redacted(move || to_text.clone())))
        .with(
            tracing_subscriber::fmt::layer().json().with_writer(redacted(move || to_json.clone())),
        );
    let here = set_default(&Dispatch::new(subscriber));

    tracing::info_span!("request", request_path = format!("/x?token={}", token())).in_scope(|| {
        error_coded!(Code::StoreIo, "push with {said}");
        tracing::info!(password = "lantern and wick", said, "fields");
    });
    let kind = Kind::parse("leaky").unwrap();
    let (fails, panics) = (said.clone(), Kind::parse("panics").unwrap());
    let panic = said.clone();
    let engine = Engine::builder(store.clone(), clock.clone())
        .kind(KindRules { max_attempts: 1, ..KindRules::new(kind.clone()) }, move |_| {
            let error = JobError::new(Code::StoreIo, &fails);
            async { Outcome::Failed(error) }
        })
        .kind(KindRules { max_attempts: 1, ..KindRules::new(panics.clone()) }, move |_| {
            let panic = panic.clone();
            async move { std::panic::panic_any(panic) }
        })
        .start()
        .unwrap();
    for kind in [kind, panics] {
        let id = store.enqueue(NewJob::new(kind), clock.now()).await.unwrap().id();
        let job = until(&store, id, |job| job.status == Status::Failed).await;
        let error = format!("{:?}", job.error);
        assert!(error.contains(&format!("{REDACTED} and {REDACTED}")), "{error}");
    }
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("app.log");
    let quoted =
        serde_json::json!({"level": "ERROR", "message": said, "password": "lantern and wick"});
    std::fs::write(&file, format!("ERROR {said}\n{quoted}\n")).unwrap();
    let imported = import(&file, &logs, clock.now()).await.unwrap();
    assert_eq!((imported.rows, imported.unread), (2, 0));

    engine.stop(Duration::from_secs(5)).await;
    drop(here);
    writer.stop().await;
    let secrets = [&token()[..16], "secret of plain words", "lantern and wick"];
    assert_in_no_file(folder.path(), &secrets);
    for (name, stderr) in [("text", text), ("JSON", json)] {
        let bytes = stderr.0.lock().unwrap().clone();
        assert!(bytes.windows(REDACTED.len()).any(|part| part == REDACTED.as_bytes()));
        assert_nowhere(&bytes, name, &secrets);
    }
    drop((store, logs));
    assert_in_no_file(folder.path(), &secrets);
}

#[test]
fn the_program_keeps_the_secrets_of_its_environment_and_its_requests_to_itself() {
    const PASSWORD: &str = "the password of this very test";
    const SECRET: &str = "wholly made of plain words";
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("app.log"));
    let token = token();
    std::fs::write(&file, format!("ERROR refused {token} {SECRET} {PASSWORD}\n")).unwrap();
    let with_secrets = |command: &mut Command| {
        command.env("LAMPLIGHTER_ADMIN_PASSWORD", PASSWORD).env("GITHUB_TOKEN", SECRET);
        command.env("LAMPLIGHTER_LOG", "trace");
    };
    let mut importing = program(&data);
    with_secrets(importing.args(["logs", "import"]).arg(&file));
    assert!(importing.output().unwrap().status.success());

    let stderr = folder.path().join("stderr");
    let mut serving = program(&data);
    with_secrets(serving.args(["serve", "--listen", "127.0.0.1:0"]));
    serving.stdout(Stdio::piped()).stderr(File::create(&stderr).unwrap());
    let mut child = serving.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    let url = first.trim().split_once(" on ").unwrap().1.to_owned();
    // Its last line comes when the account is there.
    while !first.contains("LAMPLIGHTER_ADMIN_PASSWORD") {
        assert!(stdout.read_line(&mut first).unwrap() > 0, "{first}");
    }

    let mut browser = Browser::new(&url);
    let form = |password| [("username", "admin"), ("password", password)];
    assert_eq!(browser.post("/login", &form(&token), &[]).status, 401);
    assert_eq!(browser.post("/login", &form(PASSWORD), &[]).status, 303);
    assert_eq!(browser.get(&format!("/jobs?token={token}"), &[]).status, 200);
    browser.run_now();
    let begun = Instant::now();
    loop {
        let page = browser.get("/admin/self-monitoring", &[("Accept", "text/html")]).body;
        assert_nowhere(page.as_bytes(), "a page", &[&token, SECRET, PASSWORD]);
        if page.contains("Completed") {
            assert!(page.contains(REDACTED), "the issue shows where a secret was: {page}");
            break;
        }
        assert!(begun.elapsed() < STUCK, "{page}");
    }
    let secrets = [token.as_str(), SECRET, PASSWORD];
    assert_in_no_file(&data, &secrets);

    // What another program writes into our rows stays there, but our log lines name it.
    let foreign_token = format!("gho_{}", "Z9y8X7w6V5u4".repeat(3));
    let sql = "INSERT INTO jobs (kind, correlation_id) VALUES ('self_monitoring', ?1)";
    foreign(&data).execute(sql, [&foreign_token]).unwrap();
    let done = "SELECT count(*) FROM jobs WHERE status = 'completed'";
    while foreign(&data).query_row(done, [], |row| row.get::<_, i64>(0)).unwrap() < 2 {
        assert!(begun.elapsed() < STUCK);
    }
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(child.wait().unwrap().success());
    for file in std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = std::fs::read(&file).unwrap();
        assert_nowhere(&bytes, &file.display().to_string(), &secrets);
        if file.ends_with("logs.db") {
            assert_nowhere(&bytes, "the log", &[&foreign_token]);
        }
    }
    let said = std::fs::read_to_string(&stderr).unwrap();
    assert!(said.contains("\"correlation_id\":\"[redacted]\""), "{said}");
    assert_nowhere(said.as_bytes(), "standard error", &secrets);
    assert_nowhere(said.as_bytes(), "standard error", &[&foreign_token]);
    assert!(said.contains(" a sign-in from "), "there was a warning: {said}");
    assert_eq!(uncoded(&data), Vec::<String>::new());
}

/// `docs/error-codes.md` as the registry has it.
fn page_of_codes() -> String {
    let mut areas: BTreeMap<&str, Vec<&Code>> = BTreeMap::new();
    for code in Code::ALL {
        areas.entry(code.as_str().split('-').next().unwrap()).or_default().push(code);
    }
    let mut page = "# Error codes\n\nEvery warning and error of Lamplighter begins with one of these codes, \
        in the log, on pages and on the command line. A code never changes its meaning.\n\n\
        This page is made from `src/error/code.rs` by `LAMPLIGHTER_BLESS=1 cargo test --test it error_codes`.\n"
        .to_owned();
    for (area, codes) in areas {
        let head = "| Code | What | Usual cause | What to do |\n|---|---|---|---|";
        writeln!(page, "\n## {area}\n\n{head}").unwrap();
        for code in codes {
            let cells = [code.title(), code.cause(), code.remedy()];
            let cells = cells.map(|text| text.replace('|', "\\|")).join(" | ");
            writeln!(page, "| `{code}` | {cells} |").unwrap();
        }
    }
    page
}

#[test]
fn the_page_of_error_codes_says_what_the_registry_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/error-codes.md");
    if std::env::var_os("LAMPLIGHTER_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, page_of_codes()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == page_of_codes(),
        "docs/error-codes.md is stale: LAMPLIGHTER_BLESS=1 cargo test --test it error_codes"
    );
}
