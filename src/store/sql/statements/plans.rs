//! The plan of each hot statement is one and the same, whatever the file holds, and reads no table that grows.
//!
//! What ANALYZE counts would change plans. The engine removes it (`sqlite/statistics.rs`), and a file in which that was done is one of
//! those whose plans are compared. plans.txt has the plan of each statement, and why a sort or the reading of a whole table does
//! no harm.

use super::hot::hot;
use crate::store::SCHEMA;
use crate::store::sql::simulation::database;
use crate::store::sqlite::{open, statistics};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::fmt::Write as _;
use std::path::Path;

/// Rows of jobs in a file in which much has happened.
const JOBS: u32 = 60_000;
/// The same in one in which little has.
const FEW: u32 = 40;
/// The tables whose rows grow with the jobs that were run and the lines that were logged. Any other holds what is there now, or
/// what people made, or the problems that were found.
const GROWING: [&str; 21] = [
    "job_after",
    "job_attempts",
    "job_audit",
    "job_batches",
    "job_decisions",
    "job_ended",
    "job_error_hours",
    "job_errors",
    "job_events",
    "job_keys",
    "job_rates",
    "job_stats",
    "job_tags",
    "jobs",
    "log_template_hours",
    "log_templates",
    "logs",
    "self_monitoring_scans",
    "session_changes",
    "sessions",
    "transcript_pieces",
];
/// Indexes with few rows whatever the table holds: what runs, what a batch or an agent has open.
const SHORT: [&str; 5] =
    ["job_batches_due", "jobs_open_filings", "jobs_running", "sessions_open", "jobs_open_scans"];
/// Parts of hot statements that sort or that read something whole, and why that does no harm.
const JUDGED: &[(&str, &str)] = &[
    (
        "SELECT 'worker' AS what",
        "each EXISTS stops at its first row; what is sorted is a month's days and the kinds of processes",
    ),
    ("SELECT NOT (EXISTS (SELECT 1 FROM jobs", "each EXISTS stops at its first row"),
    ("FROM job_audit ORDER BY id DESC LIMIT :rows) a", "the newest 1,000 rows of the audit log"),
    ("LIMIT :limit) fresh)", "only what came since the last poll waits for admission"),
    (
        "FROM (SELECT status FROM jobs WHERE waits_for = 'admission'",
        "LIMIT takes the first 10,000 of one index",
    ),
    (
        "(SELECT id FROM jobs WHERE waits_for = 'admission' ORDER BY id LIMIT :limit)",
        "LIMIT takes the first of one index",
    ),
    (
        "(SELECT id FROM jobs WHERE waits_for = 'admission' ORDER BY id LIMIT ?6)",
        "LIMIT takes the first 10,000 of one index, which are sorted",
    ),
    ("ORDER BY started_at DESC, id DESC LIMIT ?5", "what is sorted are jobs that run"),
    (
        "WITH RECURSIVE found",
        "LIMIT takes the first of one index; what is sorted is what is claimed",
    ),
    ("SELECT value FROM json_each(:running)", "what is sorted are jobs that run"),
    (
        "WITH RECURSIVE kinds (kind) AS ( SELECT min(kind) FROM jobs WHERE queue",
        "what is sorted is the first of each kind of a queue",
    ),
    (
        "row_number() OVER (PARTITION BY concurrency_key",
        "what is sorted holds the keys of the jobs on a page",
    ),
    ("FROM job_workers w LEFT JOIN job_leader l", "processes are few"),
    (
        "FROM job_kinds k JOIN job_workers w ON w.id = k.worker_id WHERE w.lost_at IS NULL ORDER BY k.registered_at DESC, k.worker_id, k.kind LIMIT :limit",
        "processes and their kinds are few",
    ),
    ("WITH held AS", "the processes that limit one queue are few"),
    ("INSERT INTO job_stats", "what is sorted are the lengths of one minute or hour, by bucket"),
    ("SELECT DISTINCT kind FROM job_counts", "there is one count for each kind, queue and status"),
    (
        "FROM job_spend WHERE day >= :from",
        "what is sorted is what one day's kinds and schedules cost",
    ),
    (
        "FROM sqlite_schema m JOIN pragma_foreign_key_list",
        "what is sorted are the application's tables",
    ),
    (
        "SELECT count(*) FROM jobs WHERE kind = 'self_monitoring'\n",
        "a scan is made once an hour or by a person, and kept for a time",
    ),
    ("ORDER BY status = 'scheduled', claim_order IS NULL", "scans that are not over are few"),
    (
        "FROM jobs j LEFT JOIN self_monitoring_scans s ON s.job_id = j.id WHERE j.kind = 'self_monitoring' ORDER BY j.id DESC",
        "LIMIT takes the newest of one index",
    ),
    (
        "FROM jobs j LEFT JOIN sessions s ON s.job_id = j.id WHERE j.kind = 'agent_session' ORDER BY j.id DESC",
        "LIMIT takes the newest of one index",
    ),
    (
        "AND +j.finished_at IS NOT NULL ORDER BY j.id DESC LIMIT 1",
        "LIMIT takes the newest of one index; newer ones are not over, and so few",
    ),
    (
        "AND j.status = 'running' ORDER BY j.started_at DESC LIMIT 1",
        "what is sorted are sessions that run",
    ),
    ("AND j.status = 'running' ORDER BY s.job_id", "what is sorted are sessions that run"),
    ("FROM self_monitoring_issues d JOIN", "what is sorted are open issues of one problem"),
    (
        "SELECT json_group_array(fingerprint) FROM self_monitoring_issue_fingerprints WHERE issue_id = i.id), state, state_reason, closed_at, muted_at, url, author IS NULL, (SELECT json_group_array(template_id) FROM self_monitoring_issue_templates WHERE issue_id = i.id) FROM self_monitoring_issues i WHERE (home = :home OR",
        "what is sorted are the newest 2,000 open issues",
    ),
    (
        "FROM log_templates WHERE log = :log ORDER BY last_seen DESC",
        "what is sorted are as many as the miner keeps",
    ),
    (
        "FROM self_monitoring_issue_templates AS t JOIN",
        "what is sorted are the hours of a page's issues",
    ),
    ("WHERE k.code IN", "what is sorted are the issues of a page's codes"),
    ("WHERE k.template_id IN", "what is sorted are the issues of a page's templates"),
    (
        "ORDER BY occurrences DESC, id DESC LIMIT",
        "what is sorted are the ids of the problems that were found, and then a page of them",
    ),
    (
        "ORDER BY last_seen_at DESC, id DESC LIMIT",
        "what is sorted are the ids of the problems that were found, and then a page of them",
    ),
    (
        "DELETE FROM job_errors",
        "there are 10,000 of them at most, and it runs when a new one comes",
    ),
    (
        "SELECT fingerprint AS met, sum(failures) AS often",
        "what is sorted are the errors of the hours of a page, of 10,000 at most",
    ),
    ("FROM users u LEFT JOIN logins l", "what is sorted are accounts"),
];

/// The plans of the statements on files of each sort.
fn on_each_file(statements: &[String]) -> Vec<(&'static str, Vec<Vec<String>>)> {
    let plans = |conn: &Connection| statements.iter().map(|sql| plan(conn, sql)).collect();
    let mut all = vec![("empty", plans(&database()))];
    let folder = tempfile::tempdir().unwrap();
    for (name, jobs) in [("looked at when there was little", FEW), ("full and looked at", JOBS)] {
        let file = filled(jobs);
        all.push((if jobs == FEW { "nearly empty" } else { "full" }, plans(&file)));
        let path = folder.path().join(jobs.to_string());
        file.execute("VACUUM INTO ?1", [path.to_str().unwrap()]).unwrap();
        let conn = connect(&path);
        conn.execute_batch("PRAGMA journal_mode = WAL; ANALYZE").unwrap();
        let changed: Vec<Vec<String>> = plans(&conn);
        assert_ne!(changed, all[0].1, "ANALYZE changes nothing: there is nothing to remove");
        let open = connect(&path);
        assert!(statistics::clear(&conn, &path, SCHEMA.components));
        all.push((name, plans(&open)));
    }
    all
}

#[expect(clippy::disallowed_methods, reason = "a file of this test's own")]
fn connect(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    open::tune(&conn).unwrap();
    conn
}

/// A database with so many jobs, nine of ten of them over.
fn filled(jobs: u32) -> Connection {
    let conn = database();
    let mut statement = conn
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid")
        .unwrap();
    let triggers = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let triggers: Vec<(String, String)> = triggers.map(Result::unwrap).collect();
    drop(statement);
    for (name, _) in &triggers {
        conn.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    conn.execute_batch(&format!(
        "CREATE TEMP TABLE generated (value INTEGER PRIMARY KEY);
         WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {jobs})
         INSERT INTO generated SELECT value FROM n;"
    ))
    .unwrap();
    conn.execute_batch(include_str!("full.sql")).unwrap();
    if cfg!(feature = "web") {
        conn.execute_batch(include_str!("full_program.sql")).unwrap();
    }
    conn.execute_batch("DROP TABLE generated").unwrap();
    for (_, sql) in &triggers {
        conn.execute_batch(sql).unwrap();
    }
    conn
}

/// The steps of a statement's plan, those of the triggers that it runs included.
fn plan(conn: &Connection, sql: &str) -> Vec<String> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRIGGER_EQP, true).unwrap();
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let (mut rows, mut steps) = (statement.raw_query(), Vec::new());
    while let Some(row) = rows.next().unwrap() {
        // A trigger's steps come after its name; what a foreign key does to other rows has none.
        let step: Option<String> = row.get(3).unwrap();
        steps.push(step.unwrap_or_else(|| "-- FOREIGN KEY".to_owned()));
    }
    steps
}

/// What a plan calls the tables that grow, in a statement.
fn names(sql: &str) -> Vec<String> {
    let words: Vec<&str> = sql
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let of = |at: usize| {
        let alias = words.get(at + 1).filter(|word| word.chars().all(char::is_lowercase));
        std::iter::once(words[at].to_owned()).chain(alias.map(|word| (*word).to_owned()))
    };
    (0..words.len()).filter(|at| GROWING.contains(&words[*at])).flat_map(of).collect()
}

/// Whether a step of a plan sorts, or reads the whole of something that grows.
fn sorts_or_reads_all(sql: &str, steps: &[String], step: &str) -> bool {
    let Some(scanned) = step.strip_prefix("SCAN ") else { return step.contains("TEMP B-TREE") };
    let table = scanned.split(' ').next().unwrap_or_default();
    let index = scanned.split("INDEX ").nth(1).and_then(|name| name.split(' ').next());
    let is_short = index.is_some_and(|index| SHORT.contains(&index));
    let is_query = ["CO-ROUTINE", "MATERIALIZE"]
        .iter()
        .any(|made| steps.iter().any(|step| *step == format!("{made} {table}")));
    let is_virtual = scanned.contains("VIRTUAL TABLE");
    names(sql).iter().any(|name| name == table) && !is_short && !is_query && !is_virtual
}

#[test]
fn the_hot_statements_keep_their_plans_on_every_file() {
    let words = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let statements: Vec<String> = hot().into_iter().map(words).collect();
    let files = on_each_file(&statements);
    let (mut text, mut wrong) = (String::new(), Vec::new());
    for (at, sql) in statements.iter().enumerate() {
        let steps = &files[0].1[at];
        for (name, _) in files.iter().filter(|(_, plans)| plans[at] != *steps) {
            wrong.push(format!("{sql}\n  has another plan on a file that is {name}"));
        }
        let costs: Vec<_> =
            steps.iter().filter(|step| sorts_or_reads_all(sql, steps, step)).collect();
        let judged = JUDGED.iter().find(|(part, _)| format!("{sql}\n").contains(part));
        if costs.is_empty() == judged.is_some() {
            wrong.push(format!("{sql}\n  costs {costs:?}, and is judged: {judged:?}"));
        }
        write!(text, "{sql}\n  {}\n", steps.join("\n  ")).unwrap();
        if let Some((_, why)) = judged {
            writeln!(text, "  Does no harm: {why}").unwrap();
        }
        text.push('\n');
    }
    golden(&text);
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Compares with plans.txt, or writes it.
fn golden(plans: &str) {
    if cfg!(not(all(feature = "web", feature = "monitor"))) {
        // The stored plans are those of a build with the program's tables.
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sql/plans.txt");
    if std::env::var_os("LAMPLIGHTER_BLESS").is_some() {
        std::fs::write(&path, plans).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = plans.lines().zip(stored.lines()).find(|(made, stored)| made != stored);
    assert!(
        plans == stored,
        "plans.txt is stale ({differs:?}): look, then run with LAMPLIGHTER_BLESS=1"
    );
}
