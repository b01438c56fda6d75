//! Tests of the Self-Monitoring page and its button.

use super::super::self_monitoring::lists::PATH as LISTS_PATH;
use super::super::self_monitoring::page::PATH;
use super::super::self_monitoring::status::{PATH as STATUS_PATH, RUN_NOW_PATH};
use super::work::{assert_inert, claim, complete_with_issue, fail, job, run_now, settle};
use super::*;
use crate::model::{JobId, Kind, NewJob, Note, Outcome, Tracker, Trigger};
use std::time::Duration;
use tokio::task::JoinSet;

const RUNNING: &str = r#"<span class="badge tag-warn">Running...</span>"#;

/// Why a scan waits, as the store knows it.
async fn why(site: &Site, id: i64) -> String {
    site.web.store.why(JobId(id), site.web.clock.now()).await.unwrap().unwrap().to_string()
}

/// The words of a piece of HTML.
fn words(html: &str) -> String {
    let texts = html.split('<').map(|rest| rest.split_once('>').map_or(rest, |(_, text)| text));
    texts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn request_scans(site: &Site, count: usize) {
    let mut requests = JoinSet::new();
    for _ in 0..count {
        let store = site.web.store.clone();
        requests
            .spawn(async move { store.enqueue(NewJob::new(Kind::SELF_MONITORING), START).await });
    }
    requests.join_all().await.into_iter().collect::<crate::Result<Vec<_>>>().unwrap();
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
        let said = format!("Scan {n} is queued.");
        let (answer, n) = (answer.json(), n.to_string());
        assert_eq!((&answer["status"], &answer["scan_id"]), (&"queued".into(), &n.into()));
        assert_eq!(answer["answer"].as_str(), Some(said.as_str()));
    }
    let (scans, total) = site.web.store.scan_history(0, 1).await.unwrap();
    assert_eq!((scans[0].trigger, total), (Trigger::Manual, 3));
}

#[tokio::test]
async fn the_scans_job_carries_the_correlation_id_of_the_request() {
    let site = Site::signed_in().await;
    let answer = run_now(&site, &[]).await;
    let id = answer.header("x-request-id");
    assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    assert_eq!(job(&site, JobId(1)).await.correlation_id.as_deref(), Some(id));
    let page = site.see("/jobs/1").await;
    assert!(page.body.contains(&format!("<code>{id}</code>")), "{id}");
    assert_ne!(page.header("x-request-id"), id, "each request has its own");
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
    assert!(answer.body.starts_with("<section") && answer.body.contains(r#"id="scan-status""#));
    let (fragment, page) = (site.part(STATUS_PATH).await.body, site.see(PATH).await.body);
    let nobody = Note::NoProcess(Kind::SELF_MONITORING);
    let said = format!("Scan 1 is queued. {nobody}");
    assert!(answer.body.contains(&said), "{}", answer.body);
    let notice = answer.body.find("<div class=\"notice").unwrap();
    let end = notice + answer.body[notice..].find("</div>").unwrap() + "</div>".len();
    let mut bare = answer.body.clone();
    bare.replace_range(notice..end, "");
    assert_eq!(bare, fragment);
    assert!(page.contains(&fragment), "one component for both");
    assert_inert(&fragment);
}

#[tokio::test]
async fn run_now_is_queued_while_a_scan_runs() {
    let site = Site::signed_in().await;
    run_now(&site, &[]).await;
    claim(&site).await;
    for count in ["1 scan is waiting.", "2 scans are waiting."] {
        let answer = run_now(&site, &[]).await;
        assert_eq!(answer.json()["status"], "queued");
        let section = site.part(STATUS_PATH).await.body;
        assert!(section.contains(RUNNING) && section.contains(count), "{section}");
        assert!(section.contains(&why(&site, 2).await), "{section}");
    }
    let now = site.web.store.scan_now().await.unwrap();
    assert_eq!((now.running.is_some(), now.waiting), (true, 2));
}

#[tokio::test]
async fn run_now_refuses_the_scan_after_the_thousandth_that_waits() {
    let site = Site::signed_in().await;
    request_scans(&site, 1000).await;
    let json = run_now(&site, &[]).await;
    assert_eq!(json.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(json.header("content-type"), "application/problem+json");
    assert_eq!(json.json()["status"], 429);
    assert_eq!(json.json()["code"], "JOB-LIMIT-001");
    assert!(json.json()["title"].as_str().unwrap().contains("Too many"), "{}", json.body);
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
    const BUSY: &str = r#"id="run-now" type="submit" disabled>Running...</button>"#;
    let ready = |page: &str| {
        let button = page.split(r#"id="run-now" type="submit""#).nth(1).unwrap();
        button.starts_with('>') && words(button.split("</button>").next().unwrap()) == "Run Now"
    };
    let site = Site::signed_in().await;
    let idle = site.see(PATH).await.body;
    assert!(ready(&idle) && !idle.contains(REFRESH) && !idle.contains("Queue another"));
    assert!(idle.contains("No scan has run yet") && idle.contains("No issues yet"));

    site.submit(RUN_NOW_PATH, "").await;
    let waits = site.see(PATH).await.body;
    assert!(ready(&waits) && waits.contains(REFRESH) && !waits.contains("Queue another"));
    assert!(waits.contains(&why(&site, 1).await) && !waits.contains("Running..."), "{waits}");

    let lease = claim(&site).await;
    let running = site.see(PATH).await.body;
    assert!(running.contains(BUSY) && running.contains(REFRESH) && running.contains(RUNNING));
    settle(&site, lease, Outcome::Done(serde_json::json!({}))).await;

    site.submit(RUN_NOW_PATH, "").await;
    complete_with_issue(&site, "Payments fail", Tracker::Local).await;
    site.web.clock.advance(Duration::from_secs(5));
    let done = site.see(PATH).await.body;
    assert!(ready(&done) && !done.contains(REFRESH));
    let status = words(&site.part(STATUS_PATH).await.body);
    assert!(
        status.contains(
            "Completed Fri 15 Jan 2027, 08:00:00 UTC ( 5 s ago ) New findings: 1 1 filed."
        ),
        "{status}"
    );
    let text = words(&done);
    let row = "Payments fail #1 · SHOP-PAY-001 · first 5 s ago · last 5 s ago Server bug Open";
    assert!(text.contains(row), "{text}");
    assert!(text.contains("2 5 s ago manual Completed 1 filed. 0 ms 12 1 4 0"), "{text}");

    site.submit(RUN_NOW_PATH, "").await;
    fail(&site, "the log is gone").await;
    let failed = site.see(PATH).await.body;
    assert!(ready(&failed) && !failed.contains(REFRESH));
    let status = words(&site.part(STATUS_PATH).await.body);
    assert!(
        status.contains(
            "Failed Fri 15 Jan 2027, 08:00:05 UTC ( just now ) New findings: 0 Error: the log is gone"
        ),
        "{status}"
    );
    assert!(failed.contains("<summary>Error</summary><pre tabindex=\"0\">the log is gone</pre>"));
}

#[tokio::test]
async fn lists_come_in_pages_of_ten_twenty_fifty_or_a_hundred() {
    let site = Site::signed_in().await;
    request_scans(&site, 45).await;
    for (query, shown) in [
        ("?size=10", "Showing 1-10 of 45"),
        ("?size=10&page=5", "Showing 41-45 of 45"),
        ("", "Showing 1-20 of 45"),
        ("?page=2", "Showing 21-40 of 45"),
        ("?size=50", "Showing 1-45 of 45"),
        ("?size=100&page=1", "Showing 1-45 of 45"),
        ("?size=100&page=2", "Nothing on this page"),
    ] {
        let page = site.see(&format!("{PATH}{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert!(page.body.contains(shown), "{query}");
        assert!(site.part(&format!("{LISTS_PATH}{query}")).await.body.contains(shown), "{query}");
    }
    let page = site.see(&format!("{PATH}?size=10&page=2&issue_size=50")).await.body;
    let lists = page.split(r#"id="scan-lists""#).nth(1).unwrap();
    assert_eq!(lists.matches(r#"<a href="/jobs/"#).count(), 10);
    for link in [
        r#"rel="prev" href="/admin/self-monitoring?page=1&amp;size=10&amp;issue_size=50""#,
        r#"rel="next" href="/admin/self-monitoring?page=3&amp;size=10&amp;issue_size=50""#,
    ] {
        assert!(page.contains(link), "{link}");
    }
}
