//! Tests of the pages of batches: what they show, what the button does, and for whom it is there.

use super::work::{HOSTILE, assert_inert, poll, settle};
use super::*;
use crate::model::{BatchId, Filter, Kind, NewJob, Outcome, Status};

/// A batch of this name with two jobs, which is followed by a job.
async fn open(site: &Site, name: &str) -> BatchId {
    let store = &site.web.store;
    let kind = |name: &str| NewJob::new(Kind::parse(name).unwrap());
    let id = store.open_batch(name.to_owned(), Some(kind("report")), START).await.unwrap();
    let job = NewJob { batch: Some(id), ..kind("import") };
    store.enqueue_all(vec![job.clone(), job], START).await.unwrap();
    id
}

#[tokio::test]
async fn the_pages_of_batches_say_how_far_each_is() {
    let site = Site::signed_in().await;
    assert!(site.see("/batches").await.body.contains("No batches"));
    let id = open(&site, HOSTILE).await;
    let lease = poll(&site, "import").await.unwrap();
    settle(&site, lease, Outcome::Done(true.into())).await;
    let list = site.see("/batches").await.body;
    assert!(list.contains("1 of 2 jobs over") && list.contains("Takes more jobs"), "{list}");
    assert_inert(&list);
    assert!(site.see("/jobs").await.body.contains(r#"href="/batches""#));
    let page = site.see(&format!("/batches/{id}")).await.body;
    assert_inert(&page);
    let completed = Filter::default().batch(id).status(Status::Completed).to_string();
    let completed = serde_urlencoded::to_string([("q", completed)]).unwrap();
    for text in [
        &format!(r#"href="/jobs?{completed}""#),
        r#"href="/jobs?q=batch%3A1+status%3Ascheduled%2Cqueued%2Crunning""#,
        "until it closes the batch",
        "a job that is made when the batch is finished",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let job = site.see("/jobs/1").await.body;
    assert!(job.contains(r#"<a href="/batches/1">batch 1</a>"#), "{job}");
    let part = site.part(&format!("/batches/{id}/part")).await;
    assert!(part.body.contains("1 of 2 jobs over") && !part.body.contains("<html"));
    for (path, status) in
        [("/batches/9", StatusCode::NOT_FOUND), ("/batches/x", StatusCode::BAD_REQUEST)]
    {
        assert_eq!(site.see(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn the_button_of_a_batch_cancels_it_once() {
    let site = Site::signed_in().await;
    let id = open(&site, "import").await;
    let path = format!("/batches/{id}/cancel");
    assert!(site.see("/batches/1").await.body.contains(&path));
    let cancelled = site.submit(&path, "").await;
    assert_eq!(
        (cancelled.status, cancelled.header("location")),
        (StatusCode::SEE_OTHER, "/batches/1")
    );
    let page = site.see("/batches/1").await.body;
    assert!(page.contains("Finished") && page.contains("2 of 2 jobs over"), "{page}");
    assert!(page.contains(r#"<a href="/jobs/3">job 3</a>"#) && !page.contains(&path), "{page}");
    let follows = site.see("/jobs/3").await.body;
    assert!(follows.contains("<dt>Follows</dt>"), "{follows}");
    let again = site.submit(&path, "").await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
    assert!(again.body.contains("JOB-BATCH-002"));
}

#[tokio::test]
async fn older_batches_are_on_the_next_page() {
    let site = Site::signed_in().await;
    for number in 0..51 {
        site.web.store.open_batch(format!("number {number}"), None, START).await.unwrap();
    }
    let first = site.see("/batches").await.body;
    assert!(first.contains("number 50") && !first.contains(">number 0<"), "{first}");
    assert!(first.contains(r#"href="/batches?before=2""#), "{first}");
    let second = site.see("/batches?before=2").await.body;
    assert!(second.contains(">number 0<") && !second.contains("number 1"), "{second}");
}
