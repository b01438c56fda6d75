//! Tests of pages that keep themselves fresh.

use super::super::app::MAX_STREAMS;
use super::super::live::PATH;
use super::super::self_monitoring::page;
use super::work::{claim, enqueue, run_now};
use super::*;
use crate::model::{Level, NewLogRow};
use axum::body::{BodyDataStream, Bytes};
use axum::response::Response;
use futures_util::StreamExt;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than any step of a test takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

async fn open(site: &Site) -> Response {
    let request = ask(Method::GET, PATH).header("accept", "text/event-stream");
    site.router.clone().oneshot(bare(request.header("cookie", &site.cookie))).await.unwrap()
}

async fn event(stream: &mut BodyDataStream) -> String {
    let bytes: Bytes = timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn log(site: &Site, message: &str) {
    let row = NewLogRow::new("2027-01-15T08:00:00Z", Level::Error, "shop", message);
    site.logs().append(vec![row]).await.unwrap();
}

/// The address at which a live part of the page asks again.
fn part_path(page: &str, id: &str) -> String {
    let start = page.find(&format!(r#"id="{id}""#)).unwrap();
    let path = page[start..].split("hx-get=\"").nth(1).unwrap().split('"').next().unwrap();
    path.replace("&amp;", "&")
}

#[tokio::test]
async fn a_stream_says_change_at_once_and_after_each_commit() {
    let site = Site::signed_in().await;
    let response = open(&site).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    // A browser drops an event without data.
    let change = "event: change\ndata: change\nretry: 1000\n\n";
    assert_eq!(event(&mut stream).await, change);
    enqueue(&site, "other").await;
    assert_eq!(event(&mut stream).await, change);
    log(&site, "lamp out").await;
    assert_eq!(event(&mut stream).await, change);
}

#[tokio::test]
async fn a_stream_needs_a_login() {
    let site = Site::empty();
    let answer = site.send(bare(ask(Method::GET, PATH))).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn streams_are_limited_and_a_closed_one_makes_room() {
    let site = Site::signed_in().await;
    let mut streams = Vec::new();
    for _ in 0..MAX_STREAMS {
        streams.push(open(&site).await);
    }
    assert_eq!(streams.len(), 64);
    let request = ask(Method::GET, PATH).header("cookie", &site.cookie);
    let refused = site.send(bare(request)).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json()["code"], "WEB-LIVE-001");
    streams.pop();
    assert_eq!(open(&site).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_part_answers_204_while_it_is_as_shown_and_itself_when_something_changed() {
    let site = Site::signed_in().await;
    run_now(&site, &[]).await;
    log(&site, "first").await;
    let parts = [
        ("/", "dashboard"),
        ("/jobs", "job-list"),
        ("/jobs?status=queued", "job-list"),
        ("/jobs/1", "job"),
        ("/logs?level=ERROR", "log-list"),
        (page::PATH, "scan-status"),
        (page::PATH, "scan-lists"),
    ];
    let mut asked = Vec::new();
    for (path, id) in parts {
        let again = part_path(&site.see(path).await.body, id);
        let same = site.part(&again).await;
        assert_eq!((same.status, same.body.as_str()), (StatusCode::NO_CONTENT, ""), "{path}");
        asked.push((again, id));
    }
    claim(&site).await;
    log(&site, "second").await;
    for (again, id) in asked {
        let part = site.part(&again).await;
        assert_eq!(part.status, StatusCode::OK, "{again}");
        assert!(part.body.starts_with('<') && !part.body.contains("<html"), "{again}");
        let next = part_path(&part.body, id);
        assert_ne!(next, again, "a new version");
        assert_eq!(site.part(&next).await.status, StatusCode::NO_CONTENT, "{next}");
    }
}

#[tokio::test]
async fn a_part_is_the_component_that_the_page_shows() {
    let site = Site::signed_in().await;
    enqueue(&site, "other").await;
    for (path, part) in [("/", "/dashboard/part"), ("/jobs", "/jobs/part"), ("/logs", "/logs/part")]
    {
        let part = site.part(part).await.body;
        assert!(site.see(path).await.body.contains(&part), "{path}");
    }
}
