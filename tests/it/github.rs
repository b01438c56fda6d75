//! The GitHub client against the fake GitHub, and the fake against GitHub's own description of its API.

use crate::support::START;
use crate::support::github::{FakeGitHub, Fault, LOGIN, On, Plug, REPOSITORY, TOKEN};
use crate::support::openapi::Description;
use lamplighter::clock::Clock;
use lamplighter::model::{Marker, Reason, Timestamp, Visibility};
use lamplighter::tracker::{CloseReason, GitHub, Options, TokenSource};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
/// Before everything that a test does.
const BEFORE: Timestamp = Timestamp::from_millis(0);

fn fake() -> (FakeGitHub, GitHub, Clock) {
    let clock = Clock::skipping(START);
    let fake = FakeGitHub::start(clock.clone(), Arc::new(Plug::default()));
    let client = client(&fake.url(), &clock, known_token());
    (fake, client, clock)
}

fn known_token() -> TokenSource {
    TokenSource { variable: "GITHUB_TOKEN", env: |_| Some(TOKEN.into()), file: None }
}

fn client(url: &str, clock: &Clock, token: TokenSource) -> GitHub {
    let options = Options {
        api_url: url.parse().unwrap(),
        repository: REPOSITORY.parse().unwrap(),
        token,
        limit: Duration::from_secs(10),
    };
    GitHub::new(options, clock.clone())
}

#[tokio::test]
async fn an_issue_is_made_found_commented_on_and_reopened() {
    let (fake, github, _) = fake();
    let marker = Marker::new(1);
    let body = format!("It broke.\n\n{marker}\n");
    let labels = ["bug".to_owned()];
    let made = github.turn().await.create_issue("[BUG] It broke", &body, &labels).await.unwrap();
    assert_eq!(github.find_issue(&marker, BEFORE).await.unwrap(), Some(made.clone()));
    fake.close(made.number, "completed");
    let closed = github.issue(made.number).await.unwrap();
    assert_eq!(closed.closed.unwrap().reason, CloseReason::Completed);
    assert_eq!((closed.author.as_deref(), &closed.labels[..]), (Some(LOGIN), &labels[..]));

    github.turn().await.reopen(made.number).await.unwrap();
    let again = Marker::new(2);
    let text = format!("Again.\n\n{again}");
    let comment = github.turn().await.create_comment(made.number, &text).await.unwrap();
    let found = github.find_comment(made.number, &again, BEFORE).await.unwrap();
    assert_eq!(found, Some(comment));
    assert_eq!(github.find_comment(made.number, &marker, BEFORE).await.unwrap(), None);
    github.turn().await.set_labels(made.number, &["seen".to_owned()]).await.unwrap();
    let issue = github.issue(made.number).await.unwrap();
    assert_eq!((issue.closed, &issue.labels[..]), (None, &["seen".to_owned()][..]));
    assert!(issue.reopened);

    // A server that is older than the reason takes another one.
    for (fault, reason) in
        [(None, CloseReason::Duplicate), (Some(Fault::Invalid), CloseReason::NotPlanned)]
    {
        if let Some(fault) = fault {
            fake.inject(On::Patch, fault);
        }
        github.turn().await.close_as_duplicate(made.number).await.unwrap();
        let issue = github.issue(made.number).await.unwrap();
        assert_eq!((issue.closed.unwrap().reason, issue.reopened), (reason, false));
        github.turn().await.reopen(made.number).await.unwrap();
    }
}

#[tokio::test]
async fn writes_are_a_second_apart() {
    let (fake, github, _) = fake();
    for n in 0..3 {
        github.turn().await.create_issue(&format!("{n}"), "", &[]).await.unwrap();
    }
    let at: Vec<_> = fake.exchanges().iter().map(|exchange| exchange.at.since(START)).collect();
    assert_eq!(at, [0, 1, 2].map(Duration::from_secs));
}

#[tokio::test]
async fn a_list_goes_on_to_its_last_page_and_leaves_pull_requests_out() {
    let (fake, github, _) = fake();
    fake.limit_pages(3);
    for n in 0..10 {
        fake.add_issue("eve", &format!("issue {n}"), "");
        fake.add_pull_request("eve", "");
    }
    fake.close(1, "not_planned");
    let all = github.issues_changed_since(BEFORE, None).await.unwrap().unwrap().issues;
    assert_eq!(all.len(), 10);
    assert_eq!(
        all.iter()
            .filter(|issue| issue.closed.is_some_and(|c| c.reason == CloseReason::NotPlanned))
            .count(),
        1
    );
    assert_eq!(fake.exchanges().len(), 20_usize.div_ceil(3));
}

#[tokio::test]
async fn a_list_that_has_not_changed_is_not_read_again() {
    let (fake, github, clock) = fake();
    fake.limit_pages(2);
    for n in 0..5 {
        fake.add_issue("eve", &format!("issue {n}"), "");
    }
    let first = github.issues_changed_since(BEFORE, None).await.unwrap().unwrap();
    assert_eq!((first.issues.len(), fake.exchanges().len()), (5, 3));
    let again = async || github.issues_changed_since(BEFORE, first.etag.as_deref()).await.unwrap();
    assert_eq!((again().await, fake.exchanges().len()), (None, 4));
    clock.advance(MINUTE);
    fake.close(1, "completed");
    assert_eq!(again().await.unwrap().issues.len(), 5);
    assert_eq!(github.open_issues().await.unwrap().len(), 4);
    let closed = github.issues_closed_since(BEFORE).await.unwrap();
    assert_eq!(closed.iter().map(|issue| issue.number).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_marker_counts_in_an_issue_of_ours_alone() {
    let (fake, github, _) = fake();
    let marker = Marker::new(5);
    fake.add_issue("eve", "copied", &format!("x\n{marker}\n"));
    fake.add_pull_request(LOGIN, &format!("x\n{marker}\n"));
    fake.add_issue(LOGIN, "quoted", &format!("see {marker}"));
    assert_eq!(github.find_issue(&marker, BEFORE).await.unwrap(), None);
    let ours = fake.add_issue(LOGIN, "ours", &format!("x\n{marker}\n"));
    fake.close(ours, "not_planned");
    assert_eq!(github.find_issue(&marker, BEFORE).await.unwrap().unwrap().number, ours);
}

#[tokio::test]
async fn a_token_that_may_not_ask_who_it_is_finds_the_first_with_its_marker() {
    let (fake, github, _) = fake();
    fake.refuse_names();
    let marker = Marker::new(5);
    let first = fake.add_issue("app[bot]", "ours", &marker.to_string());
    fake.add_issue("eve", "copied", &marker.to_string());
    assert_eq!(github.find_issue(&marker, BEFORE).await.unwrap().unwrap().number, first);
}

#[tokio::test]
async fn a_look_does_not_read_what_is_older_than_it_needs() {
    let (fake, github, clock) = fake();
    fake.limit_pages(2);
    for _ in 0..20 {
        fake.add_issue("eve", "old", "");
    }
    clock.advance(Duration::from_hours(48));
    fake.add_issue("eve", "new", "");
    let since = clock.now();
    assert_eq!(github.find_issue(&Marker::new(1), since).await.unwrap(), None);
    assert_eq!(fake.exchanges().len(), 1);
}

#[tokio::test]
async fn every_refusal_is_told_apart() {
    let (fake, github, clock) = fake();
    for (fault, reason, unknown) in [
        (Fault::Forbidden, Reason::Forbidden, false),
        (Fault::Gone, Reason::Gone, false),
        (Fault::Invalid, Reason::Invalid, false),
        (Fault::Moved, Reason::Moved, false),
        (Fault::Broken, Reason::Server, true),
        (Fault::BadGatewayAfterCommit, Reason::Server, true),
        (Fault::DroppedAfterCommit, Reason::Network, true),
        (Fault::DroppedBeforeCommit, Reason::Network, true),
        (Fault::Garbled, Reason::Garbled, true),
    ] {
        fake.inject(On::Post, fault);
        let failure = github.turn().await.create_issue("x", "", &[]).await.unwrap_err();
        assert_eq!((failure.reason, failure.outcome_unknown), (reason, unknown), "{fault:?}");
    }
    for (fault, wait) in [
        (Fault::PrimaryLimit(10 * MINUTE), 10 * MINUTE),
        (Fault::SecondaryLimit(2 * MINUTE), 2 * MINUTE),
        (Fault::TooMany, MINUTE),
    ] {
        fake.inject(On::Get, fault);
        let failure = github.issue(1).await.unwrap_err();
        assert_eq!(failure.reason, Reason::RateLimited(clock.now().plus(wait)), "{fault:?}");
        assert!(!failure.outcome_unknown && failure.said.starts_with('4'), "{failure:?}");
    }
    let missing = github.issue(999).await.unwrap_err();
    assert_eq!((missing.reason, missing.outcome_unknown), (Reason::NotFound, false));
}

#[tokio::test]
async fn a_post_is_sent_once_whatever_happens_to_it() {
    let (fake, github, _) = fake();
    for fault in
        [Fault::DroppedBeforeCommit, Fault::DroppedAfterCommit, Fault::Broken, Fault::Moved]
    {
        let before = fake.exchanges().len();
        fake.inject(On::Post, fault);
        github.turn().await.create_issue("x", "", &[]).await.unwrap_err();
        assert_eq!(fake.exchanges().len(), before + 1, "{fault:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_was_surely_not_written() {
    // Nobody listens on port 1.
    let github = client("http://127.0.0.1:1", &Clock::skipping(START), known_token());
    let failure = github.turn().await.create_issue("x", "", &[]).await.unwrap_err();
    assert_eq!((failure.reason, failure.outcome_unknown), (Reason::Network, false), "{failure}");
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_gets_no_token_where_encryption_is_asked_for() {
    let (fake, _, clock) = fake();
    let github = client(&fake.url().replace("http:", "https:"), &clock, known_token());
    let failure = github.turn().await.create_issue("x", "", &[]).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Network, "{failure}");
    assert_eq!(fake.exchanges().len(), 0);
}

#[tokio::test]
async fn the_token_is_read_for_every_request() {
    let (fake, _, clock) = fake();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let source = TokenSource { variable: "GITHUB_TOKEN", env: |_| None, file: Some(path.clone()) };
    let github = client(&fake.url(), &clock, source);
    assert_eq!(github.visibility().await.unwrap_err().reason, Reason::NoToken);
    for (token, expected) in
        [("an-old-token", Err(Reason::Unauthorised)), (TOKEN, Ok(Visibility::Private))]
    {
        fs::write(&path, token).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(github.visibility().await.map_err(|failure| failure.reason), expected);
    }
    fake.make_public();
    assert_eq!(github.visibility().await, Ok(Visibility::Public));
}

#[tokio::test]
async fn the_token_goes_to_no_other_address() {
    let (fake, _, clock) = fake();
    fake.limit_pages(1);
    for _ in 0..2 {
        fake.add_issue("eve", "x", "");
    }
    // The same server under another name, so that its links lead elsewhere.
    let url = fake.url().replace("127.0.0.1", "localhost");
    let github = client(&url, &clock, known_token());
    let failure = github.issues_changed_since(BEFORE, None).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Garbled);
    assert!(failure.said.contains("the next page is elsewhere"), "{failure}");
    assert_eq!(fake.exchanges().len(), 1);
}

/// Sees to it that every operation is used and every described refusal given.
async fn everything(fake: &FakeGitHub, github: &GitHub, clock: &Clock) {
    let turn = || github.turn();
    let labels = ["bug".to_owned()];
    let number = turn().await.create_issue("x", "y", &labels).await.unwrap().number;
    fake.add_pull_request("eve", "z");
    fake.add_comment(number, "eve", "z");
    turn().await.create_comment(number, "z").await.unwrap();
    for reason in ["completed", "not_planned", "duplicate"] {
        fake.close(number, reason);
        github.issue(number).await.unwrap();
    }
    turn().await.reopen(number).await.unwrap();
    turn().await.close_as_duplicate(number).await.unwrap();
    turn().await.set_labels(number, &labels).await.unwrap();
    github.comments(number, BEFORE).await.unwrap();
    fake.limit_pages(1);
    github.issues_changed_since(BEFORE, None).await.unwrap().unwrap();
    github.open_issues().await.unwrap();
    github.issues_closed_since(BEFORE).await.unwrap();
    fake.add_issue(LOGIN, "x", &Marker::new(1).to_string());
    let fresh = client(&fake.url(), clock, known_token());
    fresh.find_issue(&Marker::new(1), BEFORE).await.unwrap().unwrap();
    github.visibility().await.unwrap();
    fake.make_public();
    github.visibility().await.unwrap();

    turn().await.create_issue("", "y", &[]).await.unwrap_err();
    turn().await.create_issue("x", "y", &["l".repeat(51)]).await.unwrap_err();
    turn().await.create_comment(999, "z").await.unwrap_err();
    github.issue(999).await.unwrap_err();
    for fault in [Fault::Forbidden, Fault::Gone, Fault::Invalid, Fault::SecondaryLimit(MINUTE)] {
        fake.inject(On::Post, fault);
        turn().await.create_issue("x", "y", &[]).await.unwrap_err();
        fake.inject(On::Patch, fault);
        turn().await.reopen(number).await.unwrap_err();
        fake.inject(On::Post, fault);
        turn().await.create_comment(number, "z").await.unwrap_err();
    }
    for fault in [Fault::Gone, Fault::Moved] {
        fake.inject(On::Get, fault);
        github.issue(number).await.unwrap_err();
    }
    fake.refuse_names();
    let nameless = client(&fake.url(), clock, known_token());
    nameless.find_issue(&Marker::new(1), BEFORE).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_the_fake_answers_and_we_ask_is_what_github_describes() {
    let (fake, github, clock) = fake();
    everything(&fake, &github, &clock).await;
    let description = Description::of_github();
    let exchanges = fake.exchanges();
    let mut seen = BTreeSet::new();
    for exchange in &exchanges {
        let (method, path, status) = (exchange.method.as_str(), exchange.path, exchange.status);
        let answered = description.check_answer(method, path, status, &exchange.body);
        assert_eq!(answered, Ok(()), "{}", exchange.body);
        let request = exchange.request.as_ref();
        assert_eq!(description.check_request(method, path, &exchange.query, request), Ok(()));
        seen.insert((method.to_owned(), path.to_owned(), status));
    }
    let used: BTreeSet<_> =
        seen.iter().map(|(method, path, _)| (method.clone(), path.clone())).collect();
    assert_eq!(used, description.operations());
    println!(
        "fake GitHub: {} answers of {} kinds are as GitHub describes them",
        exchanges.len(),
        seen.len()
    );
}

#[test]
fn the_checker_of_the_description_finds_what_is_wrong() {
    let description = Description::of_github();
    let clock = Clock::skipping(START);
    let fake = FakeGitHub::start(clock, Arc::default());
    let number = fake.add_issue("eve", "x", "y");
    let path = "/repos/{owner}/{repo}/issues/{issue_number}";
    let right = fake.issue(number);
    let check = |issue: &serde_json::Value| description.check_answer("GET", path, 200, issue);
    assert_eq!(check(&right), Ok(()));
    for (field, value, complaint) in [
        ("number", "7".into(), "not of type"),
        ("state_reason", "bored".into(), "not one of"),
        ("created_at", "yesterday".into(), "no date-time"),
        ("user", serde_json::json!({ "login": "eve" }), "lacks"),
        ("title", serde_json::Value::Null, "not of type"),
        ("mood", "good".into(), "field of its own"),
        ("labels", serde_json::json!([7]), "not of type"),
    ] {
        let mut wrong = right.clone();
        wrong[field] = value;
        let why = check(&wrong).unwrap_err();
        assert!(why.contains(complaint), "{field}: {why}");
    }
    let mut lacking = right;
    lacking.as_object_mut().unwrap().remove("html_url");
    assert!(check(&lacking).unwrap_err().contains("lacks"));
    assert!(description.check_answer("GET", path, 418, &lacking).unwrap_err().contains("418"));
    let query = [("sort".to_owned(), "mood".to_owned())];
    let list = "/repos/{owner}/{repo}/issues";
    assert!(description.check_request("GET", list, &query, None).is_err());
    let query = [("mood".to_owned(), "good".to_owned())];
    assert!(description.check_request("GET", list, &query, None).is_err());
    let untitled = serde_json::json!({ "body": "y" });
    assert!(description.check_request("POST", list, &[], Some(&untitled)).is_err());
}
