//! Open issues of ours at the tracker that are one problem: the lowest number stays, the others are closed as its duplicates,
//! each once, and what people have had a hand in is left alone. By the engine and the built-in analyzer against the fake
//! GitHub; a crash at every moment of a closing is in `filing.rs`.

use super::tracker_issues::{CART, Site, fake, github};
use crate::support::github::{FakeGitHub, LOGIN};
use crate::support::{foreign, now};
use lamplighter::model::{
    Actor, DryRun, FilingId, FilingPick, FilingVerdict, IssueMark, JobId, Marker, Queue,
};
use lamplighter::monitor::Tracking;

/// The issue of the cart, filed by a scan of this site.
async fn filed(site: &Site, tracking: &Tracking) {
    site.log(&[CART.to_owned()]).await;
    assert_eq!(site.scan(tracking).await.issues_created, 1);
}

/// The same problem again, as a server of ours with another data directory has filed it.
fn twin(fake: &FakeGitHub, of: i64, author: &str, marker: u128) -> i64 {
    let issue = fake.issue(of);
    let (title, body) = (issue["title"].as_str().unwrap(), issue["body"].as_str().unwrap());
    let mark = IssueMark::in_body(body).unwrap();
    let body = body.replace(mark.marker.as_str(), Marker::new(marker).as_str());
    fake.add_issue(author, title, &body)
}

/// The state of each of these issues at the tracker, with its reason.
fn states(fake: &FakeGitHub, numbers: &[i64]) -> Vec<String> {
    let state = |number: &i64| {
        let issue = fake.issue(*number);
        let reason = issue["state_reason"].as_str().map(|why| format!(" {why}"));
        issue["state"].as_str().unwrap().to_owned() + &reason.unwrap_or_default()
    };
    numbers.iter().map(state).collect()
}

/// How often the tracker was told to change an issue.
fn patches(fake: &FakeGitHub) -> usize {
    fake.exchanges().iter().filter(|exchange| exchange.method == "PATCH").count()
}

async fn became(site: &Site, scan: JobId) -> String {
    site.store.scan(scan).await.unwrap().unwrap().became().unwrap()
}

/// What the list of issues says of the duplicate of this number.
async fn said(site: &Site, number: i64) -> String {
    let (issues, _) = site.store.issue_list(0, 50).await.unwrap();
    let issue = issues.into_iter().find(|issue| issue.number == Some(number)).unwrap();
    issue.duplicate_of.expect("a duplicate").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lowest_number_stays_and_the_others_are_closed_once_unless_people_had_a_hand_in_them() {
    let fake = fake();
    let site = Site::new();
    let tracking = github(&fake, site.folder.path());
    filed(&site, &tracking).await;
    let plain = twin(&fake, 1, LOGIN, 2);
    let told = twin(&fake, 1, LOGIN, 3);
    fake.add_comment(told, LOGIN, &format!("Seen again.\n\n{}\n", Marker::new(30)));
    let talked = twin(&fake, 1, LOGIN, 4);
    fake.add_comment(talked, "ann", "Is this the cart of last week?");
    let by_hand = twin(&fake, 1, LOGIN, 5);
    fake.add_comment(by_hand, LOGIN, "I look after this one.");
    let hers = twin(&fake, 1, "eve", 6);
    let all = [1, plain, told, talked, by_hand, hers];

    let dry = site.scan_as(&tracking, r#"{"dry_run":true}"#).await;
    let dry = site.store.scan(dry).await.unwrap().unwrap().dry_run.unwrap();
    let DryRun { would, .. } = dry;
    let would: Vec<_> = would.iter().map(|one| (one.verdict.to_string(), one.issue)).collect();
    let verdict = "closed: it is a duplicate of an older open issue".to_owned();
    assert_eq!(would, vec![(verdict, Some(1)); 4]);
    assert_eq!(patches(&fake), 0, "a dry run closes nothing");

    let scan = site.scan_as(&tracking, "{}").await;
    let closed = "closed duplicate";
    assert_eq!(states(&fake, &all), ["open", closed, closed, "open", "open", "open"]);
    for (number, told) in [(plain, 0), (told, 1), (talked, 1), (by_hand, 1)] {
        let comments = fake.comments(number);
        let is_ours = |text: &&String| text.starts_with("Duplicate of #1\n");
        let is_closed = states(&fake, &[number]) == [closed];
        assert_eq!(comments.iter().filter(is_ours).count(), usize::from(is_closed), "{comments:?}");
        assert_eq!(comments.len(), told + usize::from(is_closed));
    }
    let status = became(&site, scan).await;
    assert!(status.starts_with("2 filed. 2 duplicates stay open: "), "{status}");
    assert!(status.ends_with("has commented on it."), "{status}");
    assert_eq!(said(&site, plain).await, "It is closed as a duplicate of #1.");
    let kept = "It is a duplicate of #1 and stays open: ann has commented on it.";
    assert_eq!(said(&site, talked).await, kept);
    let (told_github, closings) = (fake.exchanges().len(), patches(&fake));
    assert_eq!(closings, 2);

    // A person opens one again.
    fake.reopen(plain);
    for _ in 0..3 {
        site.log(&[CART.to_owned()]).await;
        assert_eq!(site.scan(&tracking).await.duplicates_skipped, 1);
    }
    assert_eq!(states(&fake, &[1, plain, told]), ["open", "open reopened", closed]);
    assert_eq!((patches(&fake), fake.exchanges().len() - told_github), (2, 3), "three lists");
    let again = "It was closed as a duplicate of #1 and opened again; it is left alone.";
    assert_eq!(said(&site, plain).await, again);
    let deeds = site.store.deeds(100).await.unwrap();
    let noted = deeds.iter().filter(|deed| deed.action == "close").count();
    assert_eq!(noted, closings, "each is noted once: {deeds:#?}");
    println!(
        "duplicates: 5 doubles, {closings} closed once, 3 left alone, 1 left alone after a person opened it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_counted_at_a_duplicate_counts_at_the_issue_that_stays() {
    let (origin, fake) = (fake(), fake());
    let first = Site::new();
    filed(&first, &github(&origin, first.folder.path())).await;
    let older = origin.issue(1);
    let (title, body) = (older["title"].as_str().unwrap(), older["body"].as_str().unwrap());
    // The older issue shows only after this server has filed the problem itself.
    let stays = fake.add_issue(LOGIN, title, body);
    fake.delete(stays);
    let site = Site::new();
    let tracking = github(&fake, site.folder.path());
    filed(&site, &tracking).await;
    site.log(&[CART.to_owned(), CART.to_owned()]).await;
    site.scan(&tracking).await;
    fake.show(stays);
    // A day later.
    foreign(site.folder.path()).execute_batch("UPDATE tracker_news SET full_at = 1").unwrap();
    site.scan(&tracking).await;
    assert_eq!(states(&fake, &[stays, 2]), ["open", "closed duplicate"]);
    let (issues, _) = site.store.issue_list(0, 9).await.unwrap();
    let counted: Vec<_> = issues.iter().map(|issue| (issue.number, issue.occurrences)).collect();
    assert_eq!(counted, [(Some(stays), 3), (Some(2), 0)]);
    // What comes back after the one that stays was closed opens that one, and nothing is quiet because of the other.
    fake.close(stays, "completed");
    site.log(&[CART.to_owned()]).await;
    assert_eq!(site.scan(&tracking).await.reopened, 1);
    assert_eq!(states(&fake, &[stays, 2]), ["open reopened", "closed duplicate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_put_back_closes_nothing_twice() {
    let fake = fake();
    let site = Site::new();
    let tracking = github(&fake, site.folder.path());
    filed(&site, &tracking).await;
    let (second, third) = (twin(&fake, 1, LOGIN, 2), twin(&fake, 1, LOGIN, 3));
    let before_the_scan = site.backup();
    let why = "a test".to_owned();
    site.store.pause_queue(Queue::TRACKER, why, None, Actor::cli(), now()).await.unwrap();
    site.scan(&tracking).await;
    let before_the_closing = site.backup();
    site.store.resume_queue(Queue::TRACKER, Actor::cli(), now()).await.unwrap();
    site.scan(&tracking).await;
    let closed = "closed duplicate";
    assert_eq!(states(&fake, &[1, second, third]), ["open", closed, closed]);
    fake.reopen(third);
    for backup in [before_the_scan, before_the_closing] {
        let restored = Site::within(backup);
        let tracking = github(&fake, restored.folder.path());
        let conn = foreign(restored.folder.path());
        let resumed =
            "UPDATE job_queues SET paused_at = NULL, paused_by = NULL, pause_reason = NULL";
        conn.execute_batch(resumed).unwrap();
        for _ in 0..2 {
            restored.scan(&tracking).await;
        }
        assert_eq!(states(&fake, &[1, second, third]), ["open", closed, "open reopened"]);
        let kept = "It is a duplicate of #1 and stays open: it was opened again.";
        assert_eq!(said(&restored, third).await, kept);
    }
    assert_eq!(patches(&fake), 2);
    assert_eq!([second, third].map(|number| fake.comments(number).len()), [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_token_of_an_app_nothing_is_closed_and_the_scan_says_so() {
    let fake = fake();
    let site = Site::new();
    let tracking = github(&fake, site.folder.path());
    filed(&site, &tracking).await;
    fake.refuse_names();
    let tracking = github(&fake, site.folder.path());
    twin(&fake, 1, LOGIN, 2);
    for _ in 0..2 {
        let scan = site.scan_as(&tracking, "{}").await;
        let status = became(&site, scan).await;
        let expected = "Nothing to file. 1 duplicate stays open: the token belongs to no account, so nobody can tell which \
            issues it wrote.";
        assert_eq!(status, expected);
    }
    assert_eq!((states(&fake, &[1, 2]), patches(&fake)), (vec!["open".into(), "open".into()], 0));
    assert_eq!(fake.comments(2).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_wait_for_approval_where_issues_do_and_over_the_limit_of_a_scan() {
    // Everybody can read the issues of the first repository; at the second one, a scan may do one thing by itself.
    for (is_public, closed_at_once) in [(true, 0), (false, 1)] {
        let fake = fake();
        let site = Site::new();
        let tracking = github(&fake, site.folder.path());
        filed(&site, &tracking).await;
        if is_public {
            fake.make_public();
        } else {
            let one = vec![("tracker.issues_per_scan", Some("1".parse().unwrap()))];
            site.store.change_settings(one, Actor::cli(), now()).await.unwrap();
        }
        let tracking = github(&fake, site.folder.path());
        let twins: Vec<_> = (2..5).map(|marker| twin(&fake, 1, LOGIN, marker)).collect();
        let scan = site.scan_as(&tracking, "{}").await;
        assert_eq!(patches(&fake), closed_at_once);
        let waiting = site.store.waiting_filings(9).await.unwrap();
        assert_eq!(waiting.len(), 3 - closed_at_once);
        let status = became(&site, scan).await;
        let says = format!("{} wait for approval.", 3 - closed_at_once);
        assert!(status.ends_with(&says), "{status}");
        let [.., approved, rejected] = &waiting[..] else { panic!("{waiting:?}") };
        let open = "It is a duplicate of #1. Its closing waits for approval.";
        assert_eq!(said(&site, rejected.number.unwrap()).await, open);
        let (yes, no): (FilingId, FilingId) = (approved.id, rejected.id);
        site.store
            .decide_filings(FilingPick::all([yes]), FilingVerdict::Approve, Actor::cli(), now())
            .await
            .unwrap();
        site.store
            .decide_filings(FilingPick::all([no]), FilingVerdict::Reject, Actor::cli(), now())
            .await
            .unwrap();
        for _ in 0..2 {
            site.scan(&tracking).await;
        }
        assert_eq!(patches(&fake), closed_at_once + 1);
        assert_eq!(states(&fake, &twins[1..]), ["closed duplicate", "open"]);
        let kept = "It is a duplicate of #1 and stays open: a person has decided so.";
        assert_eq!(said(&site, twins[2]).await, kept);
    }
}

/// What becomes of a double about which something happens at the tracker between the scan and its turn: the states of both
/// issues, and what is said of it.
async fn double_of_which(happens: impl FnOnce(&FakeGitHub)) -> (Vec<String>, String) {
    let fake = fake();
    let site = Site::new();
    let tracking = github(&fake, site.folder.path());
    filed(&site, &tracking).await;
    twin(&fake, 1, LOGIN, 2);
    let why = "a test".to_owned();
    site.store.pause_queue(Queue::TRACKER, why, None, Actor::cli(), now()).await.unwrap();
    site.scan(&tracking).await;
    happens(&fake);
    site.store.resume_queue(Queue::TRACKER, Actor::cli(), now()).await.unwrap();
    site.scan(&tracking).await;
    (states(&fake, &[1, 2]), said(&site, 2).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_stays_open_whose_older_one_was_closed_before_its_turn() {
    let (states, said) = double_of_which(|fake| fake.close(1, "completed")).await;
    assert_eq!(states, ["closed completed", "open"]);
    assert_eq!(said, "It is a duplicate of #1 and stays open: #1 is closed by now.");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_stays_open_that_a_person_has_written_anew_before_its_turn() {
    let text = "This one is about the till, I have checked.";
    let (states, said) = double_of_which(|fake| fake.rewrite(2, text)).await;
    assert_eq!(states, ["open", "open"]);
    let why = "somebody has changed what is written in one of the two";
    assert_eq!(said, format!("It is a duplicate of #1 and stays open: {why}."));
}
