//! Tests of the pages of errors: what they list, the way to a retry of just the jobs of one error, and muting.

use super::work::{HOSTILE, assert_inert, enqueue, error, poll, settle};
use super::*;
use crate::model::{Outcome, Role, Username};
use std::time::Duration;

/// Jobs of a kind that fail for good with such a text; the number is a value of it.
async fn fail(site: &Site, kind: &str, text: &str, count: u32) {
    for number in 0..count {
        enqueue(site, kind).await;
        let lease = poll(site, kind).await.unwrap();
        let text = format!("{text} {number}");
        settle(site, lease, Outcome::Fatal(error(&text))).await;
    }
}

/// Lets hours pass, after which the admin signs in again.
async fn later(site: &mut Site, hours: u64) {
    site.web.clock.advance(Duration::from_hours(hours));
    let (admin, _) = site.web.store.account("admin".into()).await.unwrap().unwrap();
    site.cookie = site.login(&admin, &format!("after {hours} hours")).await;
}

/// The fingerprint of the error that the first link of a page leads to.
fn print_of(page: &str) -> String {
    page.split(r#"href="/errors/"#).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_job_that_is_not_there_is_told_with_code_as_code_under_jobs() {
    let site = Site::signed_in().await;
    let gone = site.see("/jobs/99999999").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.body.contains("<code>lamplighter jobs list</code>"), "{}", gone.body);
    let open = gone.body.split("aria-current=\"page\"").nth(1).expect("a page of the navigation");
    assert!(open.split("</a>").next().unwrap().contains("Jobs"), "{}", gone.body);
}

#[tokio::test]
async fn errors_are_listed_by_what_they_say_with_the_way_to_retry_what_is_left() {
    let mut site = Site::signed_in().await;
    let none = site.see("/errors").await.body;
    assert!(none.contains("No errors") && none.contains("Look back 30 days"), "{none}");
    fail(&site, "mail", "SMTP 421 after", 3).await;
    fail(&site, "charge", HOSTILE, 1).await;
    let page = site.see("/errors").await.body;
    assert_inert(&page);
    assert!(page.contains("SMTP ‹n› after ‹n›"), "{page}");
    assert!(
        page.find("SMTP").unwrap() < page.find("charge</code>").unwrap(),
        "the most frequent first"
    );
    assert!(page.contains(r#"Active <span class="count">2</span>"#), "{page}");
    assert!(page.contains("4 failed jobs."), "{page}");
    let print = print_of(&page);
    let retry = format!(
        r#"href="/jobs/bulk?act=retry&amp;q=status%3Afailed+is%3Astill_failed+error_group%3A{print}""#
    );
    assert!(page.contains(&retry) && page.contains("Retry 3"), "{page}");
    // The navigation counts what is new.
    assert!(page.contains(r#"<span class="count">2<span class="visually-hidden"> new</span>"#));
    assert!(site.see("/").await.body.contains(&retry), "the dashboard has the same button");
    let one = site.see(&format!("/errors/{print}")).await.body;
    assert_inert(&one);
    for text in ["3 jobs are left failed with it.", "SMTP 421 after 2", "Failures ever", &retry] {
        assert!(one.contains(text), "{text}: {one}");
    }
    later(&mut site, 30).await;
    assert!(site.see("/errors").await.body.contains("No errors"));
    let week = site.see("/errors?range=7d").await.body;
    assert!(week.contains("SMTP ‹n›") && !week.contains(">new</span>"), "{week}");
    for (path, status) in [
        ("/errors/nosuchprint", StatusCode::NOT_FOUND),
        ("/errors/no..such", StatusCode::BAD_REQUEST),
        ("/errors?range=2h", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(site.see(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_muted_error_is_in_its_own_tab_until_its_time() {
    let mut site = Site::signed_in().await;
    fail(&site, "mail", "SMTP 421 after", 1).await;
    let print = print_of(&site.see("/errors").await.body);
    let muted = site.submit(&format!("/errors/{print}/mute"), "length=1h").await;
    assert_eq!(
        (muted.status.as_u16(), muted.header("location")),
        (303, format!("/errors/{print}").as_str())
    );
    assert!(site.see("/errors").await.body.contains("No errors"));
    assert!(site.see("/").await.body.contains("No job has failed in the last 24 hours."));
    assert!(site.see("/errors?state=muted").await.body.contains("SMTP ‹n›"));
    let one = site.see(&format!("/errors/{print}")).await.body;
    assert!(one.contains("Muted by admin") && one.contains(">Unmute<"), "{one}");
    later(&mut site, 2).await;
    assert!(site.see("/errors").await.body.contains("SMTP ‹n›"), "its time is over");
    let refused = site.submit(&format!("/errors/{print}/mute"), "length=900d").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    let unknown = site.submit("/errors/nosuchprint/mute", "").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_viewer_sees_errors_without_buttons() {
    let mut site = Site::signed_in().await;
    fail(&site, "mail", "SMTP 421 after", 1).await;
    let print = print_of(&site.see("/errors").await.body);
    let store = &site.web.store;
    let eve = Username::parse("eve").unwrap();
    store.add_account(eve, Role::Viewer, "hash".into(), Actor::cli(), START).await.unwrap();
    let (eve, _) = store.account("eve".into()).await.unwrap().unwrap();
    site.cookie = site.login(&eve, "another id").await;
    for path in ["/errors".to_owned(), format!("/errors/{print}")] {
        let page = site.see(&path).await.body;
        assert!(page.contains("SMTP ‹n›") && !page.contains("/jobs/bulk"), "{page}");
        assert!(!page.contains("mute-error") && !page.contains("/mute"), "{page}");
    }
    let refused = site.submit(&format!("/errors/{print}/mute"), "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
