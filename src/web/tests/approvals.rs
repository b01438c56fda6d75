//! Tests of the page of filings that wait for approval: what it shows, and what its buttons do, once.

use super::work::{HOSTILE, assert_inert, complete_with_issue, lead, run_now};
use super::*;
use crate::Code;
use crate::model::{Actor, FilingId, FilingState, IssueState, RemoteKind, Tracker, WaitingFiling};
use crate::web::approvals::PATH;

/// An issue that is to be opened once somebody has approved it.
async fn waiting(site: &Site) -> WaitingFiling {
    lead(site).await;
    run_now(site, &[]).await;
    complete_with_issue_at(site, HOSTILE).await;
    let mut all = site.web.store.waiting_filings(10).await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

async fn complete_with_issue_at(site: &Site, title: &str) {
    complete_with_issue(site, title, Tracker::Remote { kind: RemoteKind::Github, approval: true })
        .await;
}

fn path(filing: &WaitingFiling, deed: &str) -> String {
    format!("{PATH}/{}/{deed}", filing.id.0)
}

#[tokio::test]
async fn the_exact_text_is_shown_and_nothing_in_it_acts() {
    let site = Site::signed_in().await;
    assert!(site.see(PATH).await.body.contains("Nothing to approve"));
    let filing = waiting(&site).await;
    assert_eq!(filing.state, FilingState::AwaitingApproval);
    assert!(!filing.body.contains("lamplighter:"), "the marker is ours: {}", filing.body);
    let body = site.see(PATH).await.body;
    assert!(body.contains("Waits for approval: nothing was sent."), "{body}");
    assert!(body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{body}");
    assert_inert(&body);
}

#[tokio::test]
async fn an_approved_one_goes_on_and_is_decided_once() {
    let site = Site::signed_in().await;
    let filing = waiting(&site).await;
    let answer = site.submit(&path(&filing, "approve"), "").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, PATH));
    let after = site.web.store.waiting_filings(10).await.unwrap();
    assert_eq!(after[0].state, FilingState::Pending);
    for deed in ["approve", "reject"] {
        let again = site.submit(&path(&filing, deed), "").await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{deed}");
    }
    let unknown = site.submit(&format!("{PATH}/999/approve"), "").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_rejected_one_is_never_sent_and_its_problem_stays_quiet() {
    let site = Site::signed_in().await;
    let filing = waiting(&site).await;
    site.submit(&path(&filing, "reject"), "").await;
    assert!(site.web.store.waiting_filings(10).await.unwrap().is_empty());
    let (issues, _) = site.web.store.issue_list(0, 10).await.unwrap();
    assert!(matches!(issues[0].state, IssueState::NotPlanned { .. }), "{:?}", issues[0].state);
}

#[tokio::test]
async fn an_edited_text_is_what_will_be_sent_and_keeps_its_marker() {
    let site = Site::signed_in().await;
    let filing = waiting(&site).await;
    let edit = |title: &str, body: &str| {
        let form = serde_urlencoded::to_string([("title", title), ("body", body)]).unwrap();
        let path = path(&filing, "edit");
        let site = &site;
        async move { site.submit(&path, &form).await.status }
    };
    assert_eq!(edit("[BUG] Mine", "first\r\nsecond").await, StatusCode::SEE_OTHER);
    let after = site.web.store.waiting_filings(10).await.unwrap().remove(0);
    assert_eq!(after.title.as_deref(), Some("[BUG] Mine"));
    assert_eq!(after.body, "first\nsecond");
    for (title, body) in [("", "x"), ("a\nb", "x"), ("t", " ")] {
        assert_eq!(edit(title, body).await, StatusCode::BAD_REQUEST, "{title:?}");
    }
    assert_eq!(edit("t", &"x".repeat(60_001)).await, StatusCode::PAYLOAD_TOO_LARGE);
    let store = &site.web.store;
    let gone = store.edit_filing(FilingId(99), None, "x".into(), Actor::cli(), START).await;
    assert_eq!(gone.unwrap_err().code(), Code::FilingUnknown);
}
