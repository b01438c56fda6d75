//! Tests of the page of golden repositories: what it shows, and what its form and its buttons do.

use super::super::repositories::{PART_PATH, PATH};
use super::work::{HOSTILE, assert_inert};
use super::*;
use crate::model::{DescribedBy, Description, Kind, KindRules};
use crate::repositories;
use std::path::PathBuf;

/// A git repository in the site's own folder.
fn repository(site: &Site, name: &str) -> PathBuf {
    let path = site.folder.path().join(name);
    std::fs::create_dir_all(path.join(".git")).unwrap();
    path.canonicalize().unwrap()
}

fn form(path: &str, name: &str) -> String {
    serde_urlencoded::to_string([("path", path), ("name", name)]).unwrap()
}

/// Stores a description of repository 1, as its job would.
async fn describe(site: &Site, text: &str, by: DescribedBy) {
    let kinds = vec![repositories::rules(), KindRules::new(Kind::parse("other").unwrap())];
    let poll = site.leads(kinds).await;
    let polled = site.web.store.poll(poll, START).await.unwrap();
    let lease = polled.claimed[0].lease().unwrap();
    let list = || vec![text.to_owned()];
    let about = Description {
        summary: text.into(),
        technologies: list(),
        features: list(),
        use_cases: list(),
        purpose: text.into(),
    };
    site.web.store.describe_repository(lease.clone(), 1, about, by, START).await.unwrap();
    super::work::settle(site, lease, crate::model::Outcome::Done(true.into())).await;
}

#[tokio::test]
async fn a_repository_is_added_described_refreshed_and_removed() {
    let site = Site::signed_in().await;
    let empty = site.see(PATH).await.body;
    assert!(empty.contains("No repositories yet") && empty.contains("Register a git repository"));
    let path = repository(&site, "shop");
    let answer = site.submit(PATH, &form(path.to_str().unwrap(), "")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, PATH));
    let waits = site.see(PATH).await.body;
    assert!(waits.contains("Not described yet") && waits.contains("Describing..."), "{waits}");
    assert!(waits.contains(r#"<a href="/jobs/1">Job 1</a>"#));
    describe(&site, "It sells lamps.", DescribedBy::Files).await;
    let plain = site.part(PART_PATH).await.body;
    assert!(plain.contains("Described plainly by its files") && !plain.contains("Describing"));
    for heading in ["Purpose", "Technologies", "Features", "Use cases"] {
        assert!(plain.contains(heading), "{heading}");
    }
    site.submit("/repositories/1/refresh", "").await;
    describe(&site, "It sells <b>lamps</b>.", DescribedBy::Agent).await;
    let described = site.part(PART_PATH).await.body;
    assert!(described.contains("Described by the agent"));
    assert_eq!(described.matches("It sells &lt;b&gt;lamps&lt;/b&gt;.").count(), 5);
    assert!(described.contains("forgets shop and its description"), "the consequence");
    site.submit("/repositories/1/remove", "").await;
    assert!(site.web.store.repositories().await.unwrap().is_empty());
    assert!(path.join(".git").exists());
    let deeds = site.web.store.deeds(50).await.unwrap();
    assert!(deeds.iter().any(|deed| deed.action == "remove" && deed.by.name == "admin"));
}

#[tokio::test]
async fn what_cannot_be_added_is_refused_with_the_reason_and_what_was_typed() {
    let site = Site::signed_in().await;
    let shop = repository(&site, "shop");
    let shop = shop.to_str().unwrap();
    site.submit(PATH, &form(shop, "")).await;
    let folder = site.folder.path().to_str().unwrap();
    for (path, name, status, why) in [
        ("relative/path", "", 400, "begins with /"),
        ("/no/such/folder", "", 404, "No such file"),
        (folder, "", 400, "it has no .git"),
        (shop, "a b", 400, "1 to 64 letters"),
        (shop, "shop2", 409, "REPO-NAME-001"),
        ("/<script>", HOSTILE, 404, "No such file"),
    ] {
        let answer = site.submit(PATH, &form(path, name)).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.body.contains(why), "{path}: {}", answer.body);
        let typed = maud::html! { input value=(path); }.into_string();
        assert!(answer.body.contains(typed.trim_start_matches("<input ").trim_end_matches('>')));
        assert_inert(&answer.body);
    }
    assert_eq!(site.web.store.repositories().await.unwrap().len(), 1);
    for path in ["/repositories/9/refresh", "/repositories/x/remove", "/repositories/shop/remove"] {
        assert_eq!(site.submit(path, "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(site.see("/repositories?size=7").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn hostile_text_of_descriptions_stays_text() {
    let site = Site::signed_in().await;
    let path = repository(&site, "shop");
    site.submit(PATH, &form(path.to_str().unwrap(), "")).await;
    describe(&site, HOSTILE, DescribedBy::Agent).await;
    let body = site.see(PATH).await.body;
    assert_eq!(body.matches(&maud::html! { (HOSTILE) }.into_string()).count(), 5);
    assert_inert(&body);
}
