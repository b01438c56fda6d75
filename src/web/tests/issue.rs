//! Tests of the list of issues and of the page of one: what they say, and what leads where.

use super::super::self_monitoring::issue::PART_PATH;
use super::super::self_monitoring::lists::PATH as LISTS_PATH;
use super::super::self_monitoring::page::PATH;
use super::work::{
    HOSTILE, assert_inert, claim, commit_of, complete_with_issue, lead, run_now, settle,
};
use super::*;
use crate::model::{
    FilingPick, FilingVerdict, IssueId, Level, NewLogRow, Outcome, RemoteKind, Role, SeenTemplate,
    Tracker, Username,
};
use std::time::Duration;

const APPROVED: Tracker = Tracker::Remote { kind: RemoteKind::Github, approval: true };

/// What the page of the first issue says.
async fn said(site: &Site) -> String {
    site.see(&format!("{PATH}/issues/1")).await.body
}

#[tokio::test]
async fn the_page_tells_an_issue_from_its_finding_to_the_decision_about_it() {
    let site = Site::signed_in().await;
    lead(&site).await;
    let row = NewLogRow::new("2027-01-15T08:00:00Z", Level::Error, "shop", "[SHOP-PAY-001] no");
    site.logs().append(vec![row]).await.unwrap();
    run_now(&site, &[]).await;
    complete_with_issue(&site, "Payments fail", APPROVED).await;
    let page = said(&site).await;
    for shown in [
        "A server bug, seen in 3 log rows. It waits for approval.",
        r#"<a class="btn btn-sm btn-primary" href="/admin/self-monitoring/approvals#filing-1">Approve or reject</a>"#,
        "<p>Body: Payments fail</p>",
        "Raw text, as it is sent",
        r#"<a href="/logs?ids=1">[SHOP-PAY-001] no</a>"#,
        r#"href="/logs?ids=1%2C2%2C3""#,
        r#"<b>Found</b> by <a href="/jobs/1">scan 1</a>"#,
        "not filed yet",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let filing = site.web.store.waiting_filings(1).await.unwrap().remove(0);
    let (by, now) = (Actor { name: "ann".into(), remote: None }, site.web.clock.now());
    let rejected = site.web.store.decide_filings(
        vec![FilingPick::of(filing.id)],
        FilingVerdict::Reject,
        by,
        now,
    );
    rejected.await.unwrap();
    let page = said(&site).await;
    assert!(page.contains("ann rejected it, so it is never filed"), "{page}");
    assert!(page.contains("<b>Rejected by ann</b>") && !page.contains("Closed at the tracker"));
    assert!(!page.contains("Approve or reject"));
}

#[tokio::test]
async fn a_part_is_sent_again_when_something_became_of_the_issue_and_an_unknown_one_is_refused() {
    let site = Site::signed_in().await;
    run_now(&site, &[]).await;
    complete_with_issue(&site, "Payments fail", Tracker::Local).await;
    let page = said(&site).await;
    let asks = page.split("hx-get=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(asks.starts_with(&PART_PATH.replace("{id}", "1")), "{asks}");
    assert_eq!(site.part(asks).await.status, StatusCode::NO_CONTENT);
    site.submit(&format!("{PATH}/issues/1/close"), "").await;
    let part = site.part(asks).await;
    assert_eq!(part.status, StatusCode::OK);
    assert!(part.body.contains("<b>Closed by admin</b>") && part.body.contains(">Reopen</button>"));
    for unknown in ["issues/9", "issues/9/part", "issues/x"] {
        let answer = site.see(&format!("{PATH}/{unknown}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{unknown}");
        assert!(answer.body.contains("SCAN-ISSUE-001"));
    }
}

#[tokio::test]
async fn hostile_text_of_an_issue_stays_text_and_a_viewer_has_no_button() {
    let site = Site::signed_in().await;
    run_now(&site, &[]).await;
    complete_with_issue(&site, HOSTILE, Tracker::Local).await;
    for body in [said(&site).await, site.see(PATH).await.body] {
        assert!(body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert_inert(&body);
    }
    assert!(said(&site).await.contains("Close as completed"));
    let (store, eve) = (&site.web.store, Username::parse("eve").unwrap());
    store.add_account(eve, Role::Viewer, "no hash".into(), Actor::cli(), START).await.unwrap();
    let (account, _) = store.account("eve".into()).await.unwrap().unwrap();
    let cookie = site.login(&account, "another login id").await;
    let request = ask(Method::GET, &format!("{PATH}/issues/1")).header("accept", BROWSER);
    let seen = site.send(bare(request.header("cookie", &cookie))).await.body;
    assert!(seen.contains("A server bug, seen in 3 log rows."), "{seen}");
    assert!(
        !seen.contains("Close as completed") && !seen.contains("method=\"post\" action=\"/admin")
    );
}

/// The titles of the list in their order.
fn titles(body: &str) -> Vec<&str> {
    let links = body.split("<a class=\"title\" href=\"/admin/self-monitoring/issues/").skip(1);
    links.map(|rest| rest.split('>').nth(1).unwrap().split('<').next().unwrap()).collect()
}

#[tokio::test]
async fn issues_are_listed_by_occurrences_unless_another_order_is_chosen() {
    let site = Site::signed_in().await;
    for (title, again) in [("Mail is slow", 4), ("Cart is lost", 0), ("Login fails", 9)] {
        run_now(&site, &[]).await;
        let id = site.web.store.issue_list(0, 1).await.unwrap().1 as i64 + 1;
        complete_with_issue(&site, title, Tracker::Local).await;
        site.web.clock.advance(Duration::from_mins(1));
        meet_again(&site, id, again).await;
    }
    let cart = "[BUG] SHOP-PAY-001 Cart is lost";
    let mail = "[BUG] SHOP-PAY-001 Mail is slow";
    let login = "[BUG] SHOP-PAY-001 Login fails";
    for (order, expected) in [
        ("", [login, mail, cart]),
        ("?issue_order=newest", [login, cart, mail]),
        ("?issue_order=occurrences", [login, mail, cart]),
        ("?issue_order=last_seen", [login, cart, mail]),
    ] {
        assert_eq!(titles(&site.see(&format!("{PATH}{order}")).await.body), expected, "{order}");
        assert_eq!(titles(&site.part(&format!("{LISTS_PATH}{order}")).await.body), expected);
    }
    let wrong = site.see(&format!("{PATH}?issue_order=colour")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let page = site.see(PATH).await.body;
    assert!(page.contains(r#"href="/admin/self-monitoring?issue_order=newest#issues""#), "{page}");
}

/// Has a scan meet an issue again in so many rows of a template, two days ago.
async fn meet_again(site: &Site, issue: i64, rows: u64) {
    run_now(site, &[]).await;
    let lease = claim(site).await;
    let ago = site.web.clock.now().minus(Duration::from_hours(49)).hour();
    let seen = SeenTemplate {
        source: "shop".into(),
        text: format!("payment <*> of {issue} failed"),
        hours: [(Some(ago), rows)].into(),
        ..SeenTemplate::default()
    };
    let commit = commit_of(vec![(IssueId(issue), rows)], seen);
    site.web.store.commit_scan(lease.clone(), commit, site.web.clock.now()).await.unwrap();
    settle(site, lease, Outcome::Done(serde_json::json!({}))).await;
}

#[tokio::test]
async fn the_days_on_which_an_issue_was_met_are_seen_in_the_list_and_on_its_page() {
    let site = Site::signed_in().await;
    run_now(&site, &[]).await;
    complete_with_issue(&site, "Payments fail", Tracker::Local).await;
    meet_again(&site, 1, 12).await;
    let list = site.see(PATH).await.body;
    assert!(list.contains("Rows a day of [BUG] SHOP-PAY-001 Payments fail, 30 days: 12 at most"));
    let page = said(&site).await;
    assert!(page.contains("12 rows in 30 days") && page.contains("<title>13 Jan: 12</title>"));
    let day = "/logs?code=SHOP-PAY-001&amp;since=2027-01-13T00%3A00%3A00Z&amp;until=2027-01-14T00%3A00%3A00Z";
    assert_eq!(page.matches(day).count(), 2, "the bar and the row of the table lead there: {page}");
    assert!(page.contains("Days of UTC."));
    let request = ask(Method::GET, &format!("{PATH}/issues/1")).header("accept", BROWSER);
    let cookie = format!("{}; lamplighter-zone=Asia/Tokyo", site.cookie);
    let there = site.send(bare(request.header("cookie", cookie))).await.body;
    assert!(there.contains("Days of Asia/Tokyo.") && there.contains("<title>13 Jan: 12</title>"));
    assert!(there.contains("since=2027-01-12T15%3A00%3A00Z"), "{there}");
}
