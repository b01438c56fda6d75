//! The program as a newcomer meets it: the demo, sign-in by the printed link, Run Now, and an imported file.

use crate::support::foreign;
use crate::support::server::{Browser, PASSWORD, Server, program};
use lamplighter::monitor::demo::PROBLEMS;
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

fn issues(data: &Path) -> Vec<(String, String)> {
    let conn = foreign(data);
    let sql = "SELECT classification, title || error_codes FROM self_monitoring_issues ORDER BY id";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn check_against_the_answer_key(filed: &[(String, String)], page: &str) {
    assert_eq!(filed.len(), PROBLEMS.len(), "one issue per problem: {filed:#?}");
    for problem in PROBLEMS {
        let classification = problem.classification.as_str();
        let telling = problem.code.unwrap_or(problem.title);
        let hits =
            filed.iter().filter(|(class, text)| class == classification && text.contains(telling));
        assert_eq!(hits.count(), 1, "{problem:?} in {filed:#?}");
        assert!(page.contains(telling), "{telling} is on the page");
    }
}

#[test]
fn the_demo_finds_each_problem_once_after_signing_in_by_the_one_time_link() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = Server::start_with(data, &["--demo"], None);
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

    let clicked = Instant::now();
    let answer = browser.post("/admin/self-monitoring/run-now", &[], &[("Accept", "text/html")]);
    assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/admin/self-monitoring")));
    let page = page_when_done(&mut browser);
    let took = clicked.elapsed();
    println!(
        "demo: Run Now to Completed in {took:?}, {} issues for {} problems",
        issues(data).len(),
        PROBLEMS.len()
    );
    assert!(page.contains("Completed"), "{page}");
    assert!(took < PROMISED, "the README promises {PROMISED:?}");

    check_against_the_answer_key(&issues(data), &page);

    let id = browser.run_now();
    let done = format!("SELECT count(*) FROM jobs WHERE id = {id} AND status = 'completed'");
    let begun = Instant::now();
    while foreign(data).query_row(&done, [], |row| row.get::<_, i64>(0)).unwrap() == 0 {
        assert!(begun.elapsed() < crate::support::STUCK);
    }
    assert_eq!(issues(data).len(), PROBLEMS.len(), "a second scan files nothing twice");
    assert_eq!(server.terminate(), Some(0));
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
    let filed = issues(&data);
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
    assert!(
        said.contains("[LOGS-INPUT-001]") && said.contains("Name a readable text file"),
        "{said}"
    );
}

#[test]
fn an_address_others_can_reach_is_refused_without_proxy_and_admin() {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path()).args(["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8(output.stderr).unwrap().contains("[CONFIG-LISTEN-001]"));
}
