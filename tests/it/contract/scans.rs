//! The contract about scans: issues, what is filed at a tracker, decisions of people about it.

use super::{Leader, done, later, rules};
use crate::support::START;
use lamplighter::Code;
use lamplighter::model::{
    Act, Actor, ApiUrl, Caps, Classification, Duplicates, FilingEvent, FilingId, FilingPick,
    FilingState, FilingVerdict, Finding, FindingTemplates, Fingerprint, IssueChange, IssueHome,
    IssueId, IssueMark, IssueOrder, IssueOwner, IssueState, JobId, Kind, KindRules, Lease, Marker,
    NewIssue, NewJob, Place, Posting, Queue, RemoteKind, ScanCommit, ScanCounts, SeenTemplate,
    Timestamp, Tracker, TrackerIssue, TrackerNews,
};
use lamplighter::store::Store;
use std::time::Duration;

const REMOTE: Tracker = Tracker::Remote { kind: RemoteKind::Github, approval: false };

/// The repository of a shop at GitHub.
fn shop() -> IssueHome {
    IssueHome::at(&ApiUrl::default(), &"me/shop".parse().unwrap())
}

fn issue(title: &str, print: &str) -> NewIssue {
    NewIssue {
        finding: Finding {
            classification: Classification::ServerBug,
            title: title.into(),
            body: format!("Body of {title}"),
            error_codes: vec![format!("SHOP-{print}-001")],
            source: "shop".into(),
            template: "cart <*>".into(),
            known_as: Vec::new(),
            occurrences: 3,
            evidence: vec![1, 2],
            last_seen: START.to_string(),
            source_files: Vec::new(),
            duplicate_of: None,
            templates: FindingTemplates::default(),
        },
        fingerprints: vec![Fingerprint::from_hex(print.repeat(64))],
        follows: None,
    }
}

fn commit(tracker: Tracker, issues: Vec<NewIssue>) -> ScanCommit {
    let posting = |(at, new): (usize, NewIssue)| {
        let posting = Posting {
            marker: Marker::new(at as u128 + 1),
            title: new.finding.issue_title(),
            body: new.finding.body.clone(),
            labels: vec!["bug".into()],
        };
        (new, posting)
    };
    ScanCommit {
        log: "log".into(),
        log_id_start: 0,
        log_id_end: 40,
        log_row_end: None,
        counts: ScanCounts { rows_examined: 9, ..ScanCounts::default() },
        analyzer: "rules",
        fallback: None,
        model: None,
        cost_usd: None,
        rejections: Vec::new(),
        tracker,
        home: if tracker == Tracker::Local { IssueHome::local() } else { shop() },
        new_issues: issues.into_iter().enumerate().map(posting).collect(),
        seen_again: Vec::new(),
        learned: Vec::new(),
        shown: Vec::new(),
        templates: Vec::new(),
        remarks: Vec::new(),
        duplicates: Duplicates::default(),
        caps: Caps::default(),
        follow_up: false,
    }
}

async fn scan(store: &Store) -> (Leader<'_>, Lease) {
    super::add(store, NewJob::new(Kind::SELF_MONITORING)).await;
    let of_scans = KindRules { kind: Kind::SELF_MONITORING, queue: Queue::DEFAULT, ..rules() };
    let mut leader = Leader::of(store, "w", of_scans).await;
    let lease = leader.claim(1).await.remove(0);
    (leader, lease)
}

pub async fn a_scan_leaves_everything_or_nothing(store: &Store) {
    let (mut leader, lease) = scan(store).await;
    let now = store.scan_now().await.unwrap();
    assert_eq!((now.running.map(|scan| scan.id), now.waiting), (Some(lease.id), 0));
    assert_eq!(store.committed_scan(lease.id).await.unwrap(), None);
    assert_eq!(store.log_watermark("log".into()).await.unwrap(), 0);
    let seen = SeenTemplate {
        source: "shop".into(),
        text: "cart <*> is lost".into(),
        hours: [(None, 3)].into(),
        ..SeenTemplate::default()
    };
    let mut one = issue("one", "a");
    one.finding.templates.met = vec![0];
    let two = commit(Tracker::Local, vec![one, issue("two", "b")]);
    let two = ScanCommit { templates: vec![seen], ..two };
    store.commit_scan(lease.clone(), two, later(1)).await.unwrap();
    let templates = store.log_templates("log".into(), 9).await.unwrap();
    assert_eq!((templates.len(), templates[0].origin.as_str()), (1, "cart <*> is lost"));
    assert!(store.log_templates("another".into(), 9).await.unwrap().is_empty());
    let (list, _) = store.issue_list(0, 9).await.unwrap();
    let ids: Vec<_> = list.iter().map(|issue| issue.id).collect();
    let hours = store.issue_hours(ids.clone(), START.minus(Duration::from_hours(9))).await.unwrap();
    assert_eq!(hours, [(ids[1], [(later(1).hour(), 3)].into())].into(), "the older one shows it");
    let none = (Vec::new(), vec![templates[0].id]);
    let known = store.known_issues(IssueHome::local(), Vec::new(), none).await.unwrap();
    assert!(known.iter().any(|known| known.templates == [templates[0].id]), "{known:?}");
    leader.settle(lease.clone(), done()).await;
    let again = commit(Tracker::Local, vec![issue("three", "c")]);
    let late = store.commit_scan(lease.clone(), again, later(2)).await.unwrap_err();
    assert_eq!(late.code(), Code::StoreLeaseLost, "P9");
    assert_eq!(store.log_watermark("log".into()).await.unwrap(), 40);
    let counts = store.committed_scan(lease.id).await.unwrap().unwrap();
    assert_eq!(counts.rows_examined, 9);
    let found = store.scan(lease.id).await.unwrap().unwrap();
    assert_eq!((found.id, found.analyzer.as_deref()), (lease.id, Some("rules")));
    let (history, count) = store.scan_history(0, 9).await.unwrap();
    assert_eq!((history.len(), count), (1, 1));
    let issues = store.issues_of_scan(lease.id).await.unwrap();
    let (list, count) = store.issue_list(0, 9).await.unwrap();
    assert_eq!((issues.len(), list.len(), count), (2, 2, 2));
    assert_eq!(issues.iter().map(|issue| issue.number).collect::<Vec<_>>(), [Some(1), Some(2)]);

    let first = issues[0].id;
    let known = store
        .known_issues(IssueHome::local(), vec!["SHOP-a-001".into()], (Vec::new(), Vec::new()))
        .await
        .unwrap();
    assert!(known.iter().any(|known| known.id == first), "{known:?}");
    assert_eq!(
        store.recent_issues(IssueHome::local(), later(9), 9).await.unwrap().len(),
        2,
        "both are open"
    );
    let closed = IssueState::Completed { closed_at: later(3) };
    let change = |change| store.change_issue(first, change, Actor::cli(), later(3));
    change(IssueChange::State(closed)).await.unwrap();
    change(IssueChange::Muted(true)).await.unwrap();
    let read = store.issue(first).await.unwrap().unwrap();
    assert_eq!((read.state, read.muted), (closed, true));
    assert_eq!(store.recent_issues(IssueHome::local(), later(9), 9).await.unwrap().len(), 1);
}

/// Two issues, of which the older one shows three rows of an hour.
pub async fn issues_are_told_with_their_days_codes_and_acts(store: &Store) {
    let (mut leader, lease) = scan(store).await;
    let mut one = issue("one", "a");
    one.finding.templates.met = vec![0];
    let seen = SeenTemplate {
        source: "shop".into(),
        text: "cart <*> is lost".into(),
        hours: [(None, 3)].into(),
        ..SeenTemplate::default()
    };
    let two = commit(Tracker::Local, vec![one, issue("two", "b")]);
    let two = ScanCommit { templates: vec![seen], ..two };
    store.commit_scan(lease.clone(), two, later(1)).await.unwrap();
    leader.settle(lease.clone(), done()).await;
    let issues = store.issues_of_scan(lease.id).await.unwrap();
    let ids: Vec<_> = issues.iter().map(|issue| issue.id).collect();
    let since = later(1).hour().minus(Duration::from_hours(24));
    let days = store.issue_days(ids.clone(), since, 3).await.unwrap();
    assert_eq!(days, [(ids[0], vec![0, 3, 0])].into());
    assert!(store.issue_days(ids.clone(), since, 1).await.unwrap().is_empty(), "a later day's");
    let codes = ["SHOP-a-001", "SHOP-b-001", "SHOP-c-001"].map(str::to_owned).into();
    let of_codes = store.issues_of_codes(codes).await.unwrap();
    assert_eq!(of_codes.into_values().collect::<Vec<_>>(), ids, "no issue has the third");
    let template = store.log_templates("log".to_owned(), 9).await.unwrap()[0].id;
    let of_templates = store.issues_of_templates(vec![template, 999]).await.unwrap();
    assert_eq!(of_templates, [(template, ids[0])].into(), "the other issue shows no row of it");
    for order in IssueOrder::ALL {
        let (list, count) = store.issues_in_order(*order, 1, 9).await.unwrap();
        let found = (list[0].id, list.len(), count);
        assert_eq!(found, (ids[0], 1, 2), "{order}: of equal ones the newest comes first");
    }
    let record = store.issue_record(ids[0]).await.unwrap().unwrap();
    assert_eq!((&record.issue, record.acts), (&issues[0], vec![]), "nothing is to be done");
    assert_eq!(record.fingerprints, [Fingerprint::from_hex("a".repeat(64))]);
    assert_eq!(store.issue_record(IssueId(999)).await.unwrap(), None);
}

pub async fn what_is_filed_waits_for_a_person_and_is_sent_once(store: &Store) {
    let (mut leader, lease) = scan(store).await;
    let caps = Caps { scan: 1, ..Caps::default() };
    let acts = vec![issue("one", "a"), issue("two", "b"), issue("three", "c")];
    let acts = ScanCommit { caps, ..commit(REMOTE, acts) };
    store.commit_scan(lease.clone(), acts, START).await.unwrap();
    leader.settle(lease, done()).await;
    let waiting = store.waiting_filings(9).await.unwrap();
    let states: Vec<_> = waiting.iter().map(|filing| filing.state).collect();
    let held = FilingState::AwaitingApproval;
    assert_eq!(states, [FilingState::Pending, held, held], "beyond the cap a person decides");
    assert_eq!(store.filings_to_approve(9).await.unwrap(), (2, Some(START)));
    assert_eq!(store.filings_to_approve(1).await.unwrap().0, 1);
    let (second, third) = (waiting[1].id, waiting[2].id);
    let shown = FilingPick { id: second, version: Some(waiting[1].version()) };
    let text =
        |pick| store.edit_filing(pick, Some("new".into()), "text".into(), Actor::cli(), START);
    text(shown.clone()).await.unwrap();
    assert_eq!(text(shown.clone()).await.unwrap_err().code(), Code::FilingChanged);
    let decide = |picks, verdict| store.decide_filings(picks, verdict, Actor::cli(), START);
    let (yes, no, undo) = (FilingVerdict::Approve, FilingVerdict::Reject, FilingVerdict::TakeBack);
    let both = vec![FilingPick::of(third), shown];
    assert_eq!(decide(both, yes).await.unwrap_err().code(), Code::FilingChanged);
    let state = async |id| store.filing_text(id).await.unwrap().unwrap().state;
    assert_eq!(state(third).await, held, "all of them or none");
    let only = |id| FilingPick::all([id]);
    decide(only(second), yes).await.unwrap();
    assert_eq!(decide(only(second), yes).await.unwrap_err().code(), Code::FilingDecided);
    decide(only(second), undo).await.unwrap();
    assert_eq!(state(second).await, held);
    decide(only(second), yes).await.unwrap();
    decide(only(third), no).await.unwrap();
    let rejected = store.rejected_filings(START, 9).await.unwrap();
    assert_eq!((rejected.len(), rejected[0].id), (1, third));
    assert_eq!(rejected[0].decided, Some(("cli".to_owned(), START)));
    assert!(store.rejected_filings(later(1), 9).await.unwrap().is_empty());
    store.wake_filing(START).await.unwrap();
    let jobs = super::all(store).await;
    let of_filing = jobs.iter().filter(|job| job.kind == Kind::FILE_FINDINGS).count();
    assert_eq!(of_filing, 1, "one that waits is enough");

    let next = |after| store.next_filing(shop(), after);
    let act = next(FilingId(0)).await.unwrap().unwrap();
    assert_eq!((act.act, act.state), (Act::Open, FilingState::Pending));
    let begun = act.after(FilingEvent::Begun, later(1));
    store.save_filing(begun.clone(), act.state, later(1)).await.unwrap();
    let twice = store.save_filing(begun.clone(), act.state, later(1)).await.unwrap_err();
    assert_eq!(twice.code(), Code::StoreLeaseLost, "somebody else has it");
    let place = Place { number: 5, url: "https://github.com/me/shop/issues/5".into() };
    let filed = begun.after(FilingEvent::Done(place.clone()), later(2));
    store.save_filing(filed, begun.state, later(2)).await.unwrap();
    assert_eq!(store.filing(act.id).await.unwrap().unwrap().state, FilingState::Filed);
    let act = next(act.id).await.unwrap().unwrap();
    assert_eq!(act.id, second);
    let states = [(second, FilingState::Pending), (third, FilingState::Rejected)];
    assert_eq!(on_show(store, START).await, states, "nobody approved the first");
    let begun = act.after(FilingEvent::Begun, later(2));
    store.save_filing(begun.clone(), act.state, later(2)).await.unwrap();
    let place = Place { number: 6, url: "https://github.com/me/shop/issues/6".into() };
    let filed = begun.after(FilingEvent::Done(place), later(3));
    store.save_filing(filed, begun.state, later(3)).await.unwrap();
    is_shown_once_and_not_taken_back(store, (second, third)).await;

    assert!(store.scan(JobId(999)).await.unwrap().is_none());
}

/// What people see of the acts since then.
async fn on_show(store: &Store, since: Timestamp) -> Vec<(FilingId, FilingState)> {
    let shown = store.filings_on_show(since, 9).await.unwrap();
    shown.into_iter().map(|filing| (filing.id, filing.state)).collect()
}

/// What was approved and is filed stands there once, beside what was rejected, and is not taken back.
async fn is_shown_once_and_not_taken_back(store: &Store, (filed, rejected): (FilingId, FilingId)) {
    let states = [(filed, FilingState::Filed), (rejected, FilingState::Rejected)];
    assert_eq!(on_show(store, START).await, states, "each once");
    assert_eq!(on_show(store, later(1)).await, []);
    let (pick, undo) = (FilingPick::all([filed]), FilingVerdict::TakeBack);
    let late = store.decide_filings(pick, undo, Actor::cli(), START).await.unwrap_err();
    assert_eq!(late.code(), Code::FilingSent);
    assert_eq!(late.sentence(), "It is filed already as #6; it cannot be taken back.");
}

/// An issue as the tracker shows it.
fn shown(number: i64, title: &str, state: IssueState, owner: IssueOwner) -> TrackerIssue {
    let url = format!("https://github.com/me/shop/issues/{number}");
    let error_codes = vec![format!("SHOP-PAY-{number:03}")];
    TrackerIssue {
        number,
        url,
        title: title.into(),
        state,
        is_duplicate: false,
        error_codes,
        owner,
    }
}

pub async fn what_the_tracker_shows_is_known_and_what_it_has_no_longer_is_not(store: &Store) {
    let eve = || IssueOwner::Person("eve".into());
    let prints = || vec![Fingerprint::from_hex("e".repeat(64))];
    let ours = |marker| IssueOwner::Ours {
        mark: IssueMark { marker: Marker::new(marker), fingerprints: prints() },
        classification: Some(Classification::ServerBug),
        body: "Body".into(),
    };
    let take = async |issues: Vec<TrackerIssue>, gone: Vec<i64>, second: u64| {
        let news = TrackerNews {
            is_full: second == 1,
            newest: Some(later(second)),
            etag: Some("x".into()),
            asked_at: later(second),
            issues,
            gone,
        };
        store.take_tracker_news(RemoteKind::Github, shop(), news, later(second)).await.unwrap()
    };
    assert_eq!(store.tracker_reading(shop()).await.unwrap().newest, None);
    let open = IssueState::Open;
    let shown_first = vec![
        shown(5, "SHOP-PAY-005 is slow", open, eve()),
        shown(6, "[BUG] ours", open, ours(99)),
        shown(7, "[BUG] ours, too", open, ours(98)),
        shown(8, "done", IssueState::Completed { closed_at: START }, eve()),
    ];
    assert_eq!(take(shown_first, vec![], 1).await, 0, "none of them was known to change");
    let reading = store.tracker_reading(shop()).await.unwrap();
    assert_eq!((reading.newest, reading.full_at), (Some(later(1)), Some(later(1))));
    assert_eq!(store.open_tracker_issues(shop()).await.unwrap(), [5, 6, 7]);
    let known = async |home| store.known_issues(home, vec![], (prints(), vec![])).await.unwrap();
    let at_home = known(shop()).await;
    let facts: Vec<_> = at_home.iter().map(|i| (i.number, i.ours, i.fingerprints.len())).collect();
    assert_eq!(facts, [(Some(5), false, 0), (Some(6), true, 1), (Some(7), true, 1)]);
    assert!(known(IssueHome::local()).await.is_empty(), "they are known where they can be seen");
    let (list, count) = store.issue_list(0, 9).await.unwrap();
    assert_eq!((list.len(), count), (2, 2), "a person's that no scan has met is not listed");

    let duplicates = store.duplicates(shop()).await.unwrap();
    let facts: Vec<_> = duplicates.iter().map(|one| (one.number, one.of)).collect();
    assert_eq!(facts, [(7, 6)], "the lowest number stays");
    assert!(store.duplicates(IssueHome::local()).await.unwrap().is_empty());

    store.tracker_refused(shop(), "401".into(), later(2)).await.unwrap();
    let refused = store.tracker_reading(shop()).await.unwrap().refused;
    assert_eq!(refused, Some((later(2), "401".into())));
    let closed = IssueState::NotPlanned { closed_at: later(3) };
    let news =
        vec![shown(5, "SHOP-PAY-005 is slow", closed, eve()), shown(6, "x", closed, ours(99))];
    assert_eq!(take(news, vec![7], 3).await, 2);
    assert_eq!(store.open_tracker_issues(shop()).await.unwrap(), [0_i64; 0]);
    let facts: Vec<_> = known(shop()).await.iter().map(|i| (i.number, i.state)).collect();
    assert_eq!(facts, [(Some(6), closed)], "nothing is known by what is gone");
    assert_eq!(store.tracker_reading(shop()).await.unwrap().refused, None);
    store.doubt_tracker_issues(shop(), later(4)).await.unwrap();
    assert_eq!(store.tracker_reading(shop()).await.unwrap().full_at, None);
    let filed = store.filed_markers(shop(), vec![Marker::new(99)]).await.unwrap();
    assert!(filed.is_empty(), "this database has filed none of them");
}

pub async fn what_is_open_elsewhere_is_filed_at_a_new_home_once(store: &Store) {
    let (mut leader, lease) = scan(store).await;
    let problems = vec![issue("one", "a"), issue("two", "b"), issue("three", "c")];
    let local = commit(Tracker::Local, problems);
    store.commit_scan(lease.clone(), local, START).await.unwrap();
    leader.settle(lease, done()).await;
    let offered = async || {
        let offer = store.refile_offer(shop()).await.unwrap();
        (offer.problems, offer.accepted, offer.from)
    };
    assert_eq!(offered().await, (3, false, vec![IssueHome::local()]));
    let here = store.refile_offer(IssueHome::local()).await.unwrap();
    assert_eq!(here.problems, 0, "they are at home there");
    let left = store.leave_elsewhere(shop(), Actor::cli(), later(1)).await.unwrap();
    assert_eq!((left, offered().await), (3, (0, false, vec![])));
    assert_eq!(store.open_elsewhere(shop()).await.unwrap(), []);
    let asked = store.ask_refiling(shop(), Actor::cli(), later(2)).await.unwrap();
    assert_eq!((asked, offered().await), (3, (3, true, vec![IssueHome::local()])));

    // The new home knows one of them by now.
    let eve = IssueOwner::Person("eve".into());
    let known = TrackerIssue {
        error_codes: vec!["SHOP-a-001".into()],
        ..shown(9, "one", IssueState::Open, eve)
    };
    let open = store.open_elsewhere(shop()).await.unwrap();
    let news = TrackerNews { issues: vec![known], asked_at: later(3), ..TrackerNews::default() };
    store.take_tracker_news(RemoteKind::Github, shop(), news, later(3)).await.unwrap();
    let posting = |n: usize| Posting {
        marker: Marker::new(0x77 + n as u128),
        title: "t".into(),
        body: "b".into(),
        labels: Vec::new(),
    };
    let again = async || {
        let open = open.iter().cloned().enumerate().map(|(n, open)| (open, posting(n))).collect();
        let caps = Caps { scan: 1, ..Caps::default() };
        store.refile((REMOTE, shop()), open, caps, later(4)).await.unwrap()
    };
    assert_eq!((again().await, again().await), (2, 0));
    assert_eq!(offered().await, (0, false, vec![]));
    let waiting = store.waiting_filings(9).await.unwrap();
    let states: Vec<_> = waiting.iter().map(|filing| filing.state).collect();
    assert_eq!(states, [FilingState::Pending, FilingState::AwaitingApproval]);
}
