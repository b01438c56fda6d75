//! Tests of what every page has: its frame, its errors, and no markup that came from outside.

use super::super::self_monitoring::page::PATH;
use super::work::{HOSTILE, assert_inert, complete_with_issue, enqueue, error, fail, poll, settle};
use super::*;
use crate::model::{Kind, Level, NewJob, NewLogRow, Outcome, Tracker};
use serde_json::json;

/// `HOSTILE` as a query's value.
fn hostile_query(name: &str) -> String {
    serde_urlencoded::to_string([(name, HOSTILE)]).unwrap()
}

/// `HOSTILE` as a page may show it.
fn escaped() -> String {
    maud::html! { (HOSTILE) }.into_string()
}

/// Counts how often a reader of the page sees `HOSTILE` as it was given.
fn count_shown(body: &str) -> usize {
    body.matches(&escaped()).count()
}

#[tokio::test]
async fn hostile_text_of_scans_and_issues_stays_text() {
    let site = Site::signed_in().await;
    site.submit("/admin/self-monitoring/run-now", "").await;
    complete_with_issue(&site, HOSTILE, Tracker::Local).await;
    site.submit("/admin/self-monitoring/run-now", "").await;
    fail(&site, HOSTILE).await;
    for (path, at_least) in [("/", 1), ("/jobs", 1), (PATH, 4), ("/jobs/2", 2)] {
        let body = site.see(path).await.body;
        assert!(count_shown(&body) >= at_least, "{path}: {}", count_shown(&body));
        assert_inert(&body);
    }
}

#[tokio::test]
async fn hostile_text_of_jobs_stays_text() {
    let site = Site::signed_in().await;
    let hostile = json!({ "text": HOSTILE });
    let job = NewJob {
        payload: hostile.clone().into(),
        correlation_id: Some(HOSTILE.into()),
        ..NewJob::new(Kind::parse("other").unwrap())
    };
    for outcome in
        [Outcome::Done(hostile), Outcome::Failed(error(HOSTILE)), Outcome::Fatal(error(HOSTILE))]
    {
        let id = site.web.store.enqueue(job.clone(), START).await.unwrap().id();
        let lease = poll(&site, "other").await.unwrap();
        settle(&site, lease, outcome).await;
        let body = site.see(&format!("/jobs/{id}")).await.body;
        assert!(count_shown(&body) >= 1, "the correlation id");
        assert!(body.contains("alert(1)&lt;/script&gt;\\&quot;&gt;"), "the payload");
        assert_inert(&body);
    }
    let list = site.see("/jobs").await.body;
    assert!(count_shown(&list) >= 1);
    assert_inert(&list);
}

#[tokio::test]
async fn hostile_text_of_log_rows_stays_text() {
    let site = Site::signed_in().await;
    let row = NewLogRow {
        correlation_id: Some(HOSTILE.into()),
        extra_data: Some(json!({ "text": HOSTILE }).to_string()),
        ..NewLogRow::new(HOSTILE, Level::Error, HOSTILE, HOSTILE)
    };
    site.logs().append(vec![row]).await.unwrap();
    let body = site.see("/logs").await.body;
    assert!(count_shown(&body) >= 4, "{}", count_shown(&body));
    assert_inert(&body);
}

#[tokio::test]
async fn hostile_conditions_stay_text() {
    let site = Site::signed_in().await;
    for name in ["text", "source", "code", "correlation_id"] {
        let answer = site.see(&format!("/logs?{}", hostile_query(name))).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(count_shown(&answer.body) >= 1, "{name}");
        assert_inert(&answer.body);
    }
    // The box keeps what was typed.
    for name in ["q", "kind", "queue", "status", "trigger", "id"] {
        let body = site.see(&format!("/jobs?{}", hostile_query(name))).await.body;
        assert!(body.contains("<html") && body.contains("&lt;script&gt;"), "{name}");
        assert_inert(&body);
    }
    let paths = [
        format!("/logs?{}", hostile_query("level")),
        format!("/jobs?{}", hostile_query("before")),
        format!("{PATH}?{}", hostile_query("size")),
        format!("/login?{}", hostile_query("next")),
        "/jobs/%3Cscript%3E".to_owned(),
        "/setup/%3Cscript%3E".to_owned(),
        "/%3Cscript%3E".to_owned(),
    ];
    for path in paths {
        let body = site.see(&path).await.body;
        assert!(body.contains("<html") && !body.contains("alert("), "{path}");
        assert_inert(&body);
    }
}

#[tokio::test]
async fn no_page_has_anything_inline() {
    let site = Site::signed_in().await;
    enqueue(&site, "other").await;
    for path in [
        "/",
        "/jobs",
        "/jobs/1",
        "/sessions",
        "/logs",
        PATH,
        "/repositories",
        "/queues",
        "/queues/default/figures",
        "/settings",
        "/settings/agents",
        "/settings/tracker",
        "/settings/retention",
        "/settings/system",
        "/login",
        "/setup/none",
        "/nowhere",
    ] {
        assert_inert(&site.see(path).await.body);
    }
}

#[tokio::test]
async fn values_in_the_address_that_do_not_fit_are_refused_with_a_page() {
    let site = Site::signed_in().await;
    let mut bad = vec![
        "/jobs/seven".to_owned(),
        "/jobs/9223372036854775808".to_owned(),
        "/logs?level=loud".to_owned(),
    ];
    for cursor in ["-1", "0", "x", "", "1e3", "9223372036854775808", "1%20OR%201"] {
        bad.push(format!("/jobs?before={cursor}"));
        bad.push(format!("/logs?before={cursor}"));
    }
    for size in ["0", "11", "25", "1000", "-10", "x", ""] {
        bad.push(format!("{PATH}?size={size}"));
        bad.push(format!("{PATH}?issue_size={size}"));
    }
    for page in ["0", "-1", "1000001", "x"] {
        bad.push(format!("{PATH}?page={page}"));
        bad.push(format!("{PATH}?issue_page={page}"));
    }
    for path in bad {
        let answer = site.see(&path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        let has = |text: &str| answer.body.contains(text);
        // A refusal of an action has the action's own code.
        assert!((has("WEB-INPUT-001") || has("JOB-VALUE-001")) && has("<h1"), "{path}");
    }
}

#[tokio::test]
async fn a_page_that_does_not_exist_says_so_within_the_navigation() {
    let site = Site::signed_in().await;
    for (path, code, title, what) in [
        ("/no-such-page", "WEB-PAGE-002", "There is no such page", "The address is wrong"),
        (
            "/jobs/7",
            "JOB-ID-001",
            "There is no such job",
            "Could not find job 7: jobs are kept for 30 days after their end.",
        ),
        ("/sessions/7", "JOB-ID-001", "There is no such job", "Could not find session 7."),
        (
            "/schedules/none",
            "SCHED-NAME-001",
            "There is no such schedule",
            "Could not show a schedule: there is no schedule none.",
        ),
    ] {
        let answer = site.see(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(answer.body.contains(code) && answer.body.contains(what), "{path}");
        assert!(answer.body.contains(title) && answer.body.contains("Sign out"));
        assert!(!answer.body.contains("sse-connect"), "nothing on it is live");
        let program = ask(Method::GET, path).header("cookie", &site.cookie);
        assert_eq!(site.send(bare(program)).await.json()["code"], code);
    }
}

#[tokio::test]
async fn an_error_outside_the_navigation_has_a_title_of_its_own() {
    let site = Site::empty();
    let answer = site.see("/setup/none").await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert!(answer.body.contains("<h1") && answer.body.contains("AUTH-SETUP-001"));
    assert!(!answer.body.contains("Sign out"));
}

#[tokio::test]
async fn the_frame_marks_the_open_page_and_names_the_account() {
    let site = Site::signed_in().await;
    for (path, key) in [
        ("/", "d"),
        ("/jobs", "j"),
        ("/schedules", "c"),
        ("/sessions", "e"),
        ("/logs", "l"),
        (PATH, "s"),
        ("/repositories", "r"),
        ("/queues", "q"),
        ("/settings", "t"),
    ] {
        let body = site.see(path).await.body;
        let open = format!(r#"<a href="{path}" data-key="{key}" aria-current="page">"#);
        // The navigation is there once: the menu of a narrow window is the same element.
        assert_eq!(body.matches(&open).count(), 1, "{path}");
        // The tabs beside the settings mark theirs too.
        let marked = if path == "/settings" { 2 } else { 1 };
        assert_eq!(body.matches(r#"aria-current="page""#).count(), marked, "{path}");
        assert!(body.contains(r#"<a href="/account"><strong>admin</strong></a>"#));
        assert_eq!(body.matches("<h1").count(), 1, "{path}");
        assert!(body.contains(r#"sse-connect="/events""#), "{path}");
    }
    assert!(!site.see("/login").await.body.contains("/events"));
}

#[tokio::test]
async fn a_server_beside_which_another_process_leads_says_so() {
    let site = Site::signed_in().await;
    assert!(!site.see("/jobs").await.body.contains("process leads"));
    site.leading.send(false).unwrap();
    assert!(
        site.see("/jobs")
            .await
            .body
            .contains("Another process leads the engine; this server runs jobs too")
    );
    assert!(!site.see("/login").await.body.contains("process leads"), "strangers learn nothing");
}
