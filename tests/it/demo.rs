//! The program as a newcomer meets it: the demo, sign-in by the printed link, Run Now, and an imported file.

use crate::analyzer::{Filed, Score, filed, score};
use crate::support::server::{Browser, PASSWORD, Server, program};
use crate::support::{START, foreign};
use lamplighter::model::Classification;
use lamplighter::monitor::demo::{PROBLEMS, Problem, answered_day};
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// What the README promises for the demo's first scan.
const PROMISED: Duration = Duration::from_secs(5);

fn page_when_done(browser: &mut Browser) -> String {
    let begun = Instant::now();
    loop {
        let page = browser.get("/admin/self-monitoring", &[]);
        assert_eq!(page.status, 200);
        if page.body.contains("Completed") || page.body.contains("Failed") {
            return page.body;
        }
        assert!(begun.elapsed() < crate::support::STUCK, "{}", page.body);
    }
}

/// Which problem each log row of the server shows, by the row's source and message: the program logs there too.
fn answers(data: &Path) -> HashMap<i64, usize> {
    let key: HashMap<(String, String), usize> = answered_day(START)
        .into_iter()
        .filter_map(|(row, shows)| Some(((row.source, row.message), shows?)))
        .collect();
    let conn = rusqlite::Connection::open(data.join("logs.db")).unwrap();
    let mut statement = conn.prepare("SELECT id, source, message FROM logs").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
    rows.unwrap()
        .map(Result::unwrap)
        .filter_map(|(id, said)| Some((id, *key.get(&said)?)))
        .collect()
}

/// Whether an issue names a problem and counts all its rows.
fn tells(issue: &Filed, problem: &Problem) -> bool {
    issue.title.contains(problem.title) && issue.occurrences == problem.rows as u64
}

/// Prints the score and the titles, and holds them against the answer key.
fn assert_fits_the_answer_key(data: &Path, issues: &[Filed], page: &str) {
    let answers = answers(data);
    let classes: Vec<Classification> = PROBLEMS.iter().map(|p| p.classification).collect();
    let score = score(&classes, issues, |row| answers.get(&row).copied());
    println!("demo: {score}");
    for issue in issues {
        println!("  {} ({})", issue.title, issue.occurrences);
        assert!(page.contains(&escaped(&issue.title)), "{} is on the page", issue.title);
    }
    let Score { precision, recall, misses, .. } = &score;
    assert!(*precision >= 0.9 && *recall >= 0.9, "{score} {misses:#?}");
    for problem in PROBLEMS {
        assert!(issues.iter().any(|issue| tells(issue, problem)), "{problem:?}");
    }
}

/// Text as it stands in a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A browser signed in by the one-time link, which works once.
fn signed_in_by_the_link(server: &Server) -> Browser {
    let link = server.setup.clone().expect("a link is printed while there is no admin");
    let mut browser = Browser::new(&server.url);
    assert_eq!(browser.get("/admin/self-monitoring", &[("Accept", "text/html")]).status, 303);
    assert_eq!(browser.get(&link, &[]).status, 200);
    let form = [("password", PASSWORD), ("repeat", PASSWORD)];
    let signed_in = browser.post(&link, &form, &[]);
    assert_eq!(signed_in.status, 303, "{signed_in:?}");
    assert_eq!(
        Browser::new(&server.url).post(&link, &form, &[]).status,
        410,
        "the link counts once"
    );
    browser
}

#[test]
fn the_demo_finds_each_problem_once_after_signing_in_by_the_one_time_link() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = Server::start_with(data, &["--demo"], None);
    let mut browser = signed_in_by_the_link(&server);

    let clicked = Instant::now();
    let answer = browser.post("/admin/self-monitoring/run-now", &[], &[("Accept", "text/html")]);
    assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/admin/self-monitoring")));
    let scans = "SELECT count(*) FROM jobs WHERE kind = 'self_monitoring' AND status = 'completed'";
    until(data, scans, 2);
    let page = page_when_done(&mut browser);
    let took = clicked.elapsed();
    println!("demo: Run Now to Completed in {took:?}");
    assert!(page.contains("Completed"), "{page}");
    assert!(took < PROMISED, "the README promises {PROMISED:?}");

    // Before the day of its logs there was a scan too.
    let issues = filed(data).split_off(2);
    assert_fits_the_answer_key(data, &issues, &page);

    let id = browser.run_now();
    let done = format!("SELECT count(*) FROM jobs WHERE id = {id} AND status = 'completed'");
    let begun = Instant::now();
    while foreign(data).query_row(&done, [], |row| row.get::<_, i64>(0)).unwrap() == 0 {
        assert!(begun.elapsed() < crate::support::STUCK);
    }
    assert_eq!(filed(data).len(), issues.len() + 2, "a second scan files nothing twice");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn the_demo_opens_on_a_week_that_was_lived_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = Server::start_with(data, &["--demo"], None);
    let mut browser = signed_in_by_the_link(&server);
    let number = |sql: &str| foreign(data).query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert!(number("SELECT count(*) FROM jobs") > 1_500);
    assert!(number("SELECT count(DISTINCT kind) FROM jobs") >= 8);
    assert!(number("SELECT count(DISTINCT at) FROM job_stats WHERE minutes = 60") >= 150);
    assert!(
        number("SELECT count(*) FROM jobs WHERE kind = 'send_email' AND status = 'failed'") >= 140
    );
    assert!(number("SELECT count(*) FROM jobs WHERE payload ->> '$.customer_id' = 1207") > 1);
    assert!(number("SELECT count(*) FROM transcript_pieces") >= 35);
    let same =
        "SELECT count(*) - count(DISTINCT response) FROM sessions WHERE ended_at IS NOT NULL";
    assert_eq!(number(same), 0, "no two sessions answer the same");
    let charges = "SELECT count(*) - count(DISTINCT payload) FROM jobs WHERE queue = 'billing' AND status = 'queued'";
    assert_eq!(number(charges), 0, "no two charges that wait are the same");
    // What an issue says of its rows is what the log has.
    let logs = rusqlite::Connection::open(data.join("logs.db")).unwrap();
    for (issue, says) in
        [(1, "GET /spring-offers answered 404 in %"), (2, "stock of LW-% is -1 after order %")]
    {
        let of = |column: &str| {
            number(&format!("SELECT {column} FROM self_monitoring_issues WHERE id = {issue}"))
        };
        let by_hours = "SELECT sum(count) FROM log_template_hours JOIN self_monitoring_issue_templates USING (template_id)";
        let hours = number(&format!("{by_hours} WHERE issue_id = {issue}"));
        let rows =
            logs.query_row("SELECT count(*) FROM logs WHERE message LIKE ?1", [says], |row| {
                row.get::<_, i64>(0)
            });
        assert_eq!([rows.unwrap(), hours], [of("occurrences"); 2], "{says}");
    }
    assert_eq!(
        number("SELECT count(*) FROM jobs WHERE created_at > unixepoch('subsec') * 1000"),
        0
    );
    let running = "SELECT count(*) FROM jobs WHERE kind = 'agent_session' AND status = 'running'";
    until(data, running, 1);

    // A mail that was tried again in that hour is refused like the 140 of it.
    let refused = number(
        "SELECT count(*) FROM jobs WHERE kind = 'send_email' AND status = 'failed' AND error LIKE '%refuses mail of this sender%'",
    );
    let page = browser.get("/", &[("Accept", "text/html")]).body;
    for told in [
        "2 findings wait for approval",
        "Queue billing is paused",
        "6 crm_sync jobs have no worker",
        &format!("New error: {refused} send_email jobs failed"),
        "Schedule export_orders failed 6 times in a row",
        "scripted agent",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let approved = browser.post("/admin/self-monitoring/approvals/1/approve", &[], &[]);
    assert_eq!(approved.status, 200, "{approved:?}");
    // In its own list an issue has one number.
    until(data, "SELECT number = issue_id FROM filings WHERE id = 1 AND state = 'filed'", 1);
    // A customer comes each minute.
    until(
        data,
        "SELECT count(*) > 0 FROM jobs WHERE trigger = 'parent' AND status = 'completed'",
        1,
    );
    assert_eq!(server.terminate(), Some(0));

    let before = number("SELECT count(*) FROM jobs");
    let again = Server::start_with(data, &["--demo"], Some(PASSWORD));
    until(data, running, 1);
    assert!(number("SELECT count(*) FROM jobs") < before + 50, "nothing is made up twice");
    assert_eq!(number("SELECT count(*) FROM filings"), 2);
    assert_eq!(again.terminate(), Some(0));
}

/// Waits until a query of one number answers this.
fn until(data: &Path, sql: &str, number: i64) {
    let begun = Instant::now();
    while foreign(data).query_row(sql, [], |row| row.get::<_, i64>(0)).ok() != Some(number) {
        assert!(begun.elapsed() < crate::support::STUCK, "{sql} is not {number}");
        std::thread::yield_now();
    }
}

#[test]
fn an_imported_file_is_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("worker.log");
    let lines = (0..500).map(|n| {
        format!(
            "2026-11-21 08:{:02}:{:02} ERROR upload {n} of user {} failed: disk quota exceeded\n",
            n / 60 % 60,
            n % 60,
            n * 3
        )
    });
    std::fs::write(&file, lines.collect::<String>() + "2026-11-21 09:00:00 INFO all quiet\n")
        .unwrap();
    let imported = program(&data).args(["logs", "import"]).arg(&file).output().unwrap();
    let said = String::from_utf8(imported.stdout).unwrap();
    assert!(imported.status.success() && said.starts_with("501 rows"), "{said}");
    // Queued before any server runs: the row waits for it.
    let queued = program(&data).arg("run-now").output().unwrap();
    assert_eq!(String::from_utf8(queued.stdout).unwrap().trim(), "1");

    let server = Server::start(&data, &[]);
    let mut browser = Browser::signed_in(&server.url);
    let page = page_when_done(&mut browser);
    let filed = filed(&data);
    assert_eq!(filed.len(), 1, "{filed:#?}");
    assert!(page.contains("disk quota exceeded") && page.contains("500"), "{page}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_missing_file_is_refused_with_its_code_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path()).args(["logs", "import", "nowhere.log"]).output().unwrap();
    assert_eq!(output.status.code(), Some(69));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("[INPUT-FILE-001]") && said.contains("Check the path"), "{said}");
}

#[test]
fn an_address_others_can_reach_is_refused_without_proxy_and_admin() {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path()).args(["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8(output.stderr).unwrap().contains("[CONFIG-LISTEN-001]"));
}
