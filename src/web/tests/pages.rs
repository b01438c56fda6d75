//! What the pages show and the button does.

use super::super::self_monitoring::{PATH, RUN_NOW_PATH, STATUS_PATH};
use super::*;
use crate::model::{
    AttemptEnd, Classification, Finding, Fingerprint, JobError, Kind, KindRules, Lease, NewJob,
    OnInterrupt, Outcome, PollRequest, Queue, ScanCommit, ScanCounts, Trigger, WorkerId,
};
use std::time::Duration;
use tokio::task::JoinSet;

const HOSTILE: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>";

/// The three ways to ask, and what each is answered.
async fn run_now(site: &Site, headers: &[(&str, &str)]) -> Answer {
    let mut request = own_form(RUN_NOW_PATH).header("cookie", &site.cookie);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    site.send(bare(request)).await
}

async fn claim(site: &Site) -> Lease {
    let request = PollRequest {
        worker: WorkerId::parse("tests").unwrap(),
        kinds: [KindRules::new(Kind::SELF_MONITORING)].into(),
        room: vec![(Queue::DEFAULT, 1)],
    };
    let polled = site.web.store.poll(request, site.web.clock.now()).await.unwrap();
    polled.claimed[0].lease().unwrap()
}

async fn settle(site: &Site, lease: Lease, outcome: Outcome) {
    let (end, now) = (AttemptEnd::Answered(outcome), site.web.clock.now());
    site.web.store.settle(lease, end, OnInterrupt::Retry, 0.5, now).await.unwrap();
}

async fn fail(site: &Site, message: &str) {
    let lease = claim(site).await;
    let error = JobError { code: "SCAN-RUN-001".into(), message: message.into() };
    settle(site, lease, Outcome::Fatal(error)).await;
}

async fn complete_with_issue(site: &Site, title: &str) {
    let lease = claim(site).await;
    let finding = Finding {
        classification: Classification::ServerBug,
        title: title.into(),
        body: format!("Body: {title}"),
        error_codes: vec!["SHOP-PAY-001".into()],
        source: "shop".into(),
        template: "payment <*> failed".into(),
        occurrences: 3,
        evidence: vec![1, 2, 3],
        last_seen: "2027-01-15T08:00:00Z".into(),
    };
    let commit = ScanCommit {
        log: "log".into(),
        log_id_start: 0,
        log_id_end: 12,
        counts: ScanCounts {
            rows_examined: 12,
            issues_created: 1,
            duplicates_skipped: 4,
            ..ScanCounts::default()
        },
        analyzer: "builtin",
        new_issues: vec![(finding, Fingerprint::from_hex("f".repeat(64)))],
        seen_again: vec![],
        follow_up: false,
    };
    let now = site.web.clock.now();
    site.web.store.commit_scan(lease.clone(), commit, now).await.unwrap();
    settle(site, lease, Outcome::Done(serde_json::json!({}))).await;
}

/// Panics where the HTML has something that the content security policy would refuse.
fn assert_inert(body: &str) {
    let tags = body.split('<').skip(1).map(|rest| rest.split('>').next().unwrap().to_lowercase());
    for tag in tags {
        assert!(!tag.starts_with("script") && !tag.starts_with("style"), "<{tag}>");
        for attribute in tag.split_whitespace().skip(1) {
            assert!(!attribute.starts_with("style="), "<{tag}>");
            assert!(!(attribute.starts_with("on") && attribute.contains('=')), "<{tag}>");
            assert!(!attribute.contains("javascript:"), "<{tag}>");
        }
    }
}

#[tokio::test]
async fn run_now_answers_programs_with_json() {
    let site = Site::signed_in().await;
    for (n, accept) in
        [(1, "application/json"), (2, "*/*"), (3, "text/html;q=0.5, application/json")]
    {
        let answer = run_now(&site, &[("accept", accept)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{accept}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(
            answer.json(),
            serde_json::json!({"status": "queued", "scan_id": n.to_string()})
        );
    }
    let scan = &site.web.store.scans(None, 1).await.unwrap().rows[0];
    assert_eq!(scan.trigger, Trigger::Manual);
}

#[tokio::test]
async fn run_now_leads_a_browser_back_to_the_page() {
    let site = Site::signed_in().await;
    let answer = site.submit(RUN_NOW_PATH, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, PATH));
    assert_eq!(site.web.store.scan_now().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn run_now_gives_htmx_the_status_section_that_the_page_shows() {
    let site = Site::signed_in().await;
    let answer = run_now(&site, &[("hx-request", "true"), ("accept", "*/*")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.body.starts_with(r#"<section class="card" id="scan-status""#),
        "{}",
        answer.body
    );
    let (fragment, page) = (site.see(STATUS_PATH).await.body, site.see(PATH).await.body);
    assert_eq!(answer.body, fragment);
    assert!(page.contains(&fragment), "one component for both");
    assert_inert(&fragment);
}

#[tokio::test]
async fn run_now_is_queued_while_a_scan_runs() {
    let site = Site::signed_in().await;
    run_now(&site, &[]).await;
    claim(&site).await;
    let answer = run_now(&site, &[]).await;
    assert_eq!(answer.json()["status"], "queued");
    let now = site.web.store.scan_now().await.unwrap();
    assert_eq!((now.running.is_some(), now.waiting), (true, 1));
    assert!(site.see(STATUS_PATH).await.body.contains("1 more waiting"));
}

#[tokio::test]
async fn run_now_refuses_the_scan_after_the_thousandth_that_waits() {
    let site = Site::signed_in().await;
    let mut requests = JoinSet::new();
    for _ in 0..1000 {
        let store = site.web.store.clone();
        requests.spawn(async move {
            store.request_scan(NewJob::new(Kind::SELF_MONITORING), START).await
        });
    }
    requests.join_all().await.into_iter().collect::<crate::Result<Vec<_>>>().unwrap();
    let json = run_now(&site, &[]).await;
    assert_eq!(json.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(json.json()["status"], "error");
    assert_eq!(json.json()["code"], "JOB-LIMIT-001");
    assert!(json.json()["error"].as_str().unwrap().contains("Too many"));
    let page = run_now(&site, &[("accept", BROWSER)]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.body.contains("JOB-LIMIT-001") && page.body.contains("aria-label=\"Pages\""));
    let fragment = run_now(&site, &[("hx-request", "true")]).await;
    assert_eq!(fragment.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(fragment.body.starts_with("<section") && fragment.body.contains(r#"id="scan-status""#));
    assert!(fragment.body.contains("JOB-LIMIT-001"));
    assert_eq!(site.web.store.scan_now().await.unwrap().waiting, 1000);
}

#[tokio::test]
async fn the_page_follows_a_scan_from_queued_to_completed() {
    const REFRESH: &str = r#"<meta http-equiv="refresh" content="2">"#;
    const BUTTON: &str = r#"<button id="run-now" type="submit">Run Now</button>"#;
    const BUSY: &str = r#"<button id="run-now" type="submit" disabled>Running...</button>"#;
    let site = Site::signed_in().await;
    let idle = site.see(PATH).await.body;
    assert!(idle.contains(BUTTON) && !idle.contains(REFRESH) && !idle.contains("Queue another"));
    assert!(idle.contains("No scan has run yet") && idle.contains("No issues here"));

    site.submit(RUN_NOW_PATH, "").await;
    let queued = site.see(PATH).await.body;
    assert!(queued.contains(BUSY) && queued.contains(REFRESH) && queued.contains("Queue another"));
    assert!(queued.contains(r#"<span class="badge badge-queued">Queued</span>"#));

    let lease = claim(&site).await;
    let running = site.see(PATH).await.body;
    assert!(running.contains(BUSY) && running.contains(REFRESH));
    assert!(running.contains(r#"<span class="badge badge-running">Running...</span>"#));
    settle(&site, lease, Outcome::Done(serde_json::json!({}))).await;

    site.submit(RUN_NOW_PATH, "").await;
    complete_with_issue(&site, "Payments fail").await;
    site.web.clock.advance(Duration::from_secs(5));
    let done = site.see(PATH).await.body;
    assert!(done.contains(BUTTON) && !done.contains(REFRESH));
    assert!(done.contains("Issues created: <strong>1</strong>"));
    assert!(done.contains(r#"title="2027-01-15 08:00:00 UTC">5 s ago</time>"#));
    assert!(
        done.contains("[BUG] Payments fail")
            && done.contains("SHOP-PAY-001")
            && done.contains("server_bug")
    );
    assert!(done.contains(
        r#"<td class="number">12</td><td class="number">1</td><td class="number">4</td>"#
    ));

    site.submit(RUN_NOW_PATH, "").await;
    fail(&site, "the log is gone").await;
    let failed = site.see(PATH).await.body;
    assert!(failed.contains(BUTTON) && !failed.contains(REFRESH));
    assert!(failed.contains(r#"<p class="error">the log is gone</p>"#));
    assert!(failed.contains("<summary>Error</summary><pre>the log is gone</pre>"));
}

#[tokio::test]
async fn hostile_text_stays_text_and_no_page_has_anything_inline() {
    let site = Site::signed_in().await;
    site.submit(RUN_NOW_PATH, "").await;
    complete_with_issue(&site, HOSTILE).await;
    site.submit(RUN_NOW_PATH, "").await;
    fail(&site, HOSTILE).await;
    let kind = Kind::parse("other").unwrap();
    site.web.store.enqueue(NewJob::new(kind), START).await.unwrap();
    let escaped =
        "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&gt;&lt;img src=x onerror=alert(2)&gt;";
    for path in ["/jobs", PATH] {
        let body = site.see(path).await.body;
        assert!(body.contains(escaped), "{path}");
        assert_inert(&body);
    }
    for path in [
        "/login?next=%2F%22onfocus%3Dx",
        "/setup/none",
        "/%3Cscript%3E",
        "/jobs?before=%3Cscript%3E",
    ] {
        assert_inert(&site.see(path).await.body);
    }
}

#[tokio::test]
async fn lists_go_on_where_the_page_ends() {
    let site = Site::signed_in().await;
    for _ in 0..21 {
        run_now(&site, &[]).await;
    }
    let first = site.see(PATH).await.body;
    assert!(
        first.contains(r#"href="/admin/self-monitoring?before=2""#) && !first.contains("Newest")
    );
    let rest = site.see(&format!("{PATH}?before=2")).await.body;
    assert!(
        rest.contains(r#"<td class="number">1</td>"#)
            && !rest.contains("Older")
            && rest.contains("Newest")
    );
    for _ in 21..51 {
        site.web.store.enqueue(NewJob::new(Kind::parse("other").unwrap()), START).await.unwrap();
    }
    let jobs = site.see("/jobs").await.body;
    assert!(jobs.contains(r#"href="/jobs?before=2""#));
    assert!(jobs.contains("Waits for the engine to look at it."));
    let jobs = site.see("/jobs?before=2").await.body;
    assert_eq!(jobs.matches(r#"<td class="number">"#).count(), 1);
    assert!(site.see("/jobs?before=1").await.body.contains("There are no older jobs."));
}

#[tokio::test]
async fn cursors_that_do_not_fit_are_refused_with_a_page() {
    let site = Site::signed_in().await;
    for bad in ["-1", "0", "x", "", "1e3", "9223372036854775808", "1%20OR%201"] {
        for path in [
            format!("/jobs?before={bad}"),
            format!("{PATH}?before={bad}"),
            format!("{PATH}?issues_before={bad}"),
        ] {
            let answer = site.see(&path).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
            assert!(
                answer.body.contains("WEB-INPUT-001") && answer.body.contains("<h1>"),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_page_that_does_not_exist_says_so_within_the_navigation() {
    let site = Site::signed_in().await;
    let answer = site.see("/schedules").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.body.contains("WEB-PAGE-002") && answer.body.contains("There is no such page"));
    assert!(
        answer.body.contains(r#"<a href="/jobs">Jobs</a>"#) && answer.body.contains("Sign out")
    );
}

#[tokio::test]
async fn the_frame_marks_the_open_page_and_names_the_account() {
    let site = Site::signed_in().await;
    let jobs = site.see("/jobs").await;
    assert!(jobs.body.contains(r#"<a href="/jobs" aria-current="page">Jobs</a>"#));
    assert!(jobs.body.contains(r#"<a href="/admin/self-monitoring">Self-Monitoring</a>"#));
    assert!(jobs.body.contains("<span>admin</span>") && jobs.body.contains("No jobs yet."));
    assert_eq!(site.see("/").await.header("location"), PATH);
    let stylesheet = site.see(super::super::assets::stylesheet_path()).await;
    assert!(jobs.body.contains(super::super::assets::stylesheet_path()));
    assert_eq!(stylesheet.header("cache-control"), "public, max-age=31536000, immutable");
    assert!(stylesheet.body.contains(".badge-failed"));
}

#[tokio::test]
async fn a_server_that_stands_by_says_so() {
    let site = Site::signed_in().await;
    assert!(!site.see("/jobs").await.body.contains("stands by"));
    site.leading.send(false).unwrap();
    assert!(site.see("/jobs").await.body.contains("This server stands by."));
    assert!(!site.see("/login").await.body.contains("stands by"), "strangers learn nothing");
}
