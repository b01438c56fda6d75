//! Tests of saved views: who sees them, what removes them, and what is refused.

use super::work::enqueue;
use super::*;
use crate::model::{Actor, ListPage};

#[tokio::test]
async fn a_query_is_kept_under_a_name_above_the_filters_until_it_is_removed() {
    let site = Site::signed_in().await;
    enqueue(&site, "mail").await;
    assert!(!site.see("/jobs").await.body.contains("Save this view"), "there is no query");
    let fresh = site.see("/jobs?q=kind:mail").await.body;
    assert!(fresh.contains("Save this view") && !fresh.contains("Saved views"));
    let answer = site.submit("/views", "page=jobs&name=+My+%3Cb%3E+mails+&q=kind:mail").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/jobs?q=kind%3Amail");
    let kept = site.see("/jobs?q=kind:mail").await.body;
    let way = r#"<a href="/jobs?q=kind%3Amail" title="kind:mail" aria-current="true"><span>My &lt;b&gt; mails</span></a>"#;
    assert!(kept.contains(way), "{kept}");
    assert!(!kept.contains("Save this view"), "it is kept already");
    let (views, filters) =
        (kept.find("Saved views").unwrap(), kept.find("<h2>Since</h2>").unwrap());
    assert!(views < filters, "they stand over the filters");
    assert!(!site.see("/sessions").await.body.contains("Saved views"), "each list has its own");
    let other = site.web.store.views("ada".into(), ListPage::Jobs).await.unwrap();
    assert!(other.is_empty(), "each person has their own");
    let answer = site.submit("/views/1/remove", "page=jobs&q=kind:mail").await;
    assert_eq!(answer.header("location"), "/jobs?q=kind%3Amail");
    assert!(!site.see("/jobs?q=kind:mail").await.body.contains("Saved views"));
}

#[tokio::test]
async fn a_view_of_sessions_leads_back_to_sessions() {
    let site = Site::signed_in().await;
    let answer = site.submit("/views", "page=sessions&name=Failed&q=status:failed").await;
    assert_eq!(answer.header("location"), "/sessions?q=status%3Afailed");
    for path in ["/sessions", "/sessions?q=lamp"] {
        let page = site.see(path).await.body;
        assert!(page.contains(r#"<a href="/sessions?q=status%3Afailed" title="status:failed""#));
    }
}

#[tokio::test]
async fn a_view_of_somebody_else_is_neither_shown_nor_removed() {
    let site = Site::signed_in().await;
    let view = (ListPage::Jobs, "Hers".to_owned(), "kind:mail".to_owned());
    site.web.store.save_view("ada".into(), view, Actor::named("ada"), START).await.unwrap();
    assert!(!site.see("/jobs").await.body.contains("Hers"));
    site.submit("/views/1/remove", "page=jobs").await;
    let kept = site.web.store.views("ada".into(), ListPage::Jobs).await.unwrap();
    assert_eq!(kept.len(), 1);
}

#[tokio::test]
async fn a_view_needs_a_name_a_list_and_a_query_that_can_be_read() {
    let site = Site::signed_in().await;
    let long = format!("page=jobs&name={}&q=kind:mail", "x".repeat(61));
    for (form, why) in [
        ("page=jobs&name=+&q=kind:mail", "it needs a name"),
        (long.as_str(), "60 characters at most"),
        ("page=jobs&name=x&q=", "its query is empty"),
        ("page=jobs&name=x&q=statsu:failed", "did you mean status?"),
        ("page=logs&name=x&q=kind:mail", "of the list"),
    ] {
        let answer = site.submit("/views", form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form}");
        assert!(answer.body.contains(why), "{form}: {}", answer.body);
    }
    assert!(site.web.store.views("admin".into(), ListPage::Jobs).await.unwrap().is_empty());
}
