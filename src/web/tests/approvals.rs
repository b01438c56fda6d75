//! Tests of the page of filings that wait for approval: what it shows, and what its buttons do, once.

use super::work::{HOSTILE, assert_inert, complete_with_issue, lead, run_now};
use super::*;
use crate::Code;
use crate::model::{
    Actor, FilingEvent, FilingId, FilingPick, FilingState, IssueState, Place, RemoteKind, Tracker,
    WaitingFiling,
};
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
    let place = format!("{PATH}#filing-{}", filing.id.0);
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, &*place));
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
    let gone = store
        .edit_filing(FilingPick::of(FilingId(99)), None, "x".into(), Actor::cli(), START)
        .await;
    assert_eq!(gone.unwrap_err().code(), Code::FilingUnknown);
}

#[tokio::test]
async fn a_button_that_was_drawn_for_another_text_publishes_nothing_and_shows_the_new_one() {
    let site = Site::signed_in().await;
    let filing = waiting(&site).await;
    let page = site.see(PATH).await.body;
    assert!(page.contains(&format!(r#"name="version" value="{}""#, filing.version())), "{page}");
    let edited = format!("version={}&title=Mine&body=first", filing.version());
    assert_eq!(site.submit(&path(&filing, "edit"), &edited).await.status, StatusCode::SEE_OTHER);
    let stale = format!("version={}", filing.version());
    for deed in ["approve", "reject"] {
        let request = own_form(&path(&filing, deed))
            .header("cookie", &site.cookie)
            .header("hx-request", "true")
            .body(stale.clone().into())
            .unwrap();
        let refused = site.send(request).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{deed}");
        assert!(refused.body.contains("TRACK-FILE-003") && refused.body.contains("<p>first</p>"));
    }
    assert_eq!(site.submit(&path(&filing, "edit"), &edited).await.status, StatusCode::CONFLICT);
    let after = site.web.store.waiting_filings(10).await.unwrap().remove(0);
    assert_eq!(
        (after.state, after.title.as_deref()),
        (FilingState::AwaitingApproval, Some("Mine"))
    );
}

#[tokio::test]
async fn a_decision_is_a_line_in_the_place_of_its_card_and_can_be_taken_back() {
    let site = Site::signed_in().await;
    let filing = waiting(&site).await;
    for (deed, said) in [("reject", "Rejected"), ("approve", "Approved")] {
        let request = own_form(&path(&filing, deed))
            .header("cookie", &site.cookie)
            .header("hx-request", "true")
            .body(axum::body::Body::empty())
            .unwrap();
        let line = site.send(request).await;
        assert_eq!(line.status, StatusCode::OK, "{}", line.body);
        assert!(line.body.starts_with("<article") && line.body.contains(said), "{}", line.body);
        assert!(line.body.contains(" by you") && line.body.contains(">Undo</button>"));
        assert_inert(&line.body);
        assert!(site.see(PATH).await.body.contains(said), "it stays on the page");
        let back = site.submit(&path(&filing, "undo"), "").await;
        let place = format!("{PATH}#filing-{}", filing.id.0);
        assert_eq!((back.status, back.header("location")), (StatusCode::SEE_OTHER, &*place));
        let after = site.web.store.waiting_filings(10).await.unwrap().remove(0);
        assert_eq!((after.state, after.decided), (FilingState::AwaitingApproval, None));
        let (issues, _) = site.web.store.issue_list(0, 10).await.unwrap();
        assert_eq!(issues[0].state, IssueState::Open);
    }
    assert_eq!(site.submit(&path(&filing, "undo"), "").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn several_are_decided_together_after_a_page_that_names_them() {
    let site = Site::signed_in().await;
    let first = waiting(&site).await;
    run_now(&site, &[]).await;
    complete_with_issue_at(&site, "Stock is negative").await;
    let all = site.web.store.waiting_filings(10).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(site.see(PATH).await.body.contains("Approve selected"));
    let picks: Vec<_> =
        all.iter().map(|one| format!("pick={}.{}", one.id.0, one.version())).collect();
    let decide = format!("{PATH}/decide");
    let form = format!("{}&verdict=approve", picks.join("&"));
    let asked = site.submit(&decide, &form).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.body.contains("Approve 2 findings?") && asked.body.contains("Stock is negative"));
    assert_inert(&asked.body);
    let state = async |at: usize| site.web.store.waiting_filings(10).await.unwrap()[at].state;
    assert_eq!(state(0).await, FilingState::AwaitingApproval, "it was only asked");
    // One text has changed since: none is published.
    let edit = format!("title={}&body=new", "Other");
    site.submit(&path(&first, "edit"), &edit).await;
    let refused = site.submit(&decide, &format!("{form}&sure=yes")).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(state(1).await, FilingState::AwaitingApproval);
    let all = site.web.store.waiting_filings(10).await.unwrap();
    let picks: Vec<_> =
        all.iter().map(|one| format!("pick={}.{}", one.id.0, one.version())).collect();
    let done = site.submit(&decide, &format!("{}&verdict=approve&sure=yes", picks.join("&"))).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, PATH));
    assert_eq!([state(0).await, state(1).await], [FilingState::Pending; 2]);
    // One of them is at the tracker already: it stays on the page, too, and is no change elsewhere to the one who decided.
    let line = |body: &str| {
        let (_, rest) = body.split_once(r#"data-version="approved."#).unwrap();
        (body.matches("Approved by you").count(), rest[..16].to_owned())
    };
    let before = line(&site.see(PATH).await.body);
    let (store, now) = (&site.web.store, START);
    let act = store.next_filing(all[0].home.clone(), FilingId(0)).await.unwrap().unwrap();
    let begun = act.after(FilingEvent::Begun, now);
    store.save_filing(begun.clone(), act.state, now).await.unwrap();
    let place = Place { number: 7, url: "https://github.com/me/shop/issues/7".into() };
    let filed = begun.after(FilingEvent::Done(place), now);
    store.save_filing(filed, begun.state, now).await.unwrap();
    let body = site.see(PATH).await.body;
    assert_eq!((before.0, line(&body)), (2, before.clone()), "{body}");
    assert!(body.contains(">#7</a> in "), "{body}");
    let late = site.submit(&path(&all[0], "undo"), "").await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.body.contains("It is filed already as #7; it cannot be taken back."),
        "{}",
        late.body
    );
    for wrong in ["verdict=approve", "pick=x&verdict=approve", "pick=1.a&verdict=burn", "pick=1.a"]
    {
        assert!(site.submit(&decide, wrong).await.status.is_client_error(), "{wrong}");
    }
}
