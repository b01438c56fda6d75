//! Tests of what a monitor asks, and of what a person is told when the server takes no work.

use super::super::settings::{self, checks};
use super::*;
use crate::error::Code;
use crate::model::{NewJob, Service};

async fn asked(site: &Site, path: &str) -> (u16, String) {
    let answer = site.send(bare(ask(Method::GET, path))).await;
    (answer.status.as_u16(), answer.body)
}

#[tokio::test]
async fn a_monitor_is_told_in_one_word_and_without_a_login_whether_the_server_takes_work() {
    let site = Site::signed_in().await;
    assert_eq!(asked(&site, "/readyz").await, (200, "ready\n".to_owned()));
    assert!(site.see(checks::PART_PATH).await.body.contains("This process takes work."));
    let path = site.folder.path().join("jobs.db");
    std::fs::rename(&path, path.with_extension("old")).unwrap();
    let write = site.web.store.enqueue(NewJob::new(Kind::named("probe")), START).await;
    assert_eq!(write.unwrap_err().code(), Code::StoreReplaced);
    assert_eq!(asked(&site, "/readyz").await, (503, "unready\n".to_owned()));
    // The process still answers.
    assert_eq!(asked(&site, "/healthz").await, (200, "ok\n".to_owned()));
    let said = site.see(settings::SYSTEM_PATH).await.body;
    assert!(said.contains("STORE-FILE-009"), "{said}");
}

#[tokio::test]
async fn a_look_for_work_is_remembered_and_a_failed_one_is_none() {
    let site = Site::signed_in().await;
    let before = site.web.store.last_look();
    site.web.store.ran(&Service::Poller, START, Err::<String, _>("no"));
    assert_eq!(site.web.store.last_look(), before);
    site.web.store.ran(&Service::Poller, START, Ok::<_, &str>("claimed 0 jobs".to_owned()));
    assert!(site.web.store.last_look() > before);
}
