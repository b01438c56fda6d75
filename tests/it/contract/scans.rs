//! The contract about scans: issues, what is filed at a tracker, decisions of people about it.

use super::{Leader, done, later, rules};
use crate::support::START;
use lamplighter::Code;
use lamplighter::model::{
    Act, Actor, Caps, Classification, FilingEvent, FilingId, FilingState, Finding, Fingerprint,
    IssueChange, IssueState, JobId, Kind, KindRules, Lease, Marker, NewIssue, NewJob, Place,
    Posting, Queue, RemoteKind, Repository, ScanCommit, ScanCounts, Tracker,
};
use lamplighter::store::Store;

const REMOTE: Tracker = Tracker::Remote { kind: RemoteKind::Github, approval: false };

fn issue(title: &str, print: &str) -> NewIssue {
    NewIssue {
        finding: Finding {
            classification: Classification::ServerBug,
            title: title.into(),
            body: format!("Body of {title}"),
            error_codes: vec![format!("SHOP-{print}-001")],
            source: "shop".into(),
            template: "cart <*>".into(),
            occurrences: 3,
            evidence: vec![1, 2],
            last_seen: START.to_string(),
            source_files: Vec::new(),
            duplicate_of: None,
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
        counts: ScanCounts { rows_examined: 9, ..ScanCounts::default() },
        analyzer: "rules",
        model: None,
        cost_usd: None,
        rejections: Vec::new(),
        tracker,
        new_issues: issues.into_iter().enumerate().map(posting).collect(),
        seen_again: Vec::new(),
        remarks: Vec::new(),
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
    let two = commit(Tracker::Local, vec![issue("one", "a"), issue("two", "b")]);
    store.commit_scan(lease.clone(), two, later(1)).await.unwrap();
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
    let known = store.known_issues(vec!["SHOP-a-001".into()], Vec::new()).await.unwrap();
    assert!(known.iter().any(|known| known.id == first), "{known:?}");
    assert_eq!(store.recent_issues(later(9), 9).await.unwrap().len(), 2, "both are open");
    let closed = IssueState::Completed { closed_at: later(3) };
    let change = |change| store.change_issue(first, change, Actor::cli(), later(3));
    change(IssueChange::State(closed)).await.unwrap();
    change(IssueChange::Muted(true)).await.unwrap();
    let read = store.issue(first).await.unwrap().unwrap();
    assert_eq!((read.state, read.muted), (closed, true));
    assert_eq!(store.recent_issues(later(9), 9).await.unwrap().len(), 1);
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
    let (second, third) = (waiting[1].id, waiting[2].id);
    let edit = store.edit_filing(second, Some("new".into()), "text".into(), Actor::cli(), START);
    edit.await.unwrap();
    store.approve_filing(second, Actor::cli(), START).await.unwrap();
    let decided = store.approve_filing(second, Actor::cli(), START).await.unwrap_err();
    assert_eq!(decided.code(), Code::FilingDecided);
    store.reject_filing(third, Actor::cli(), START).await.unwrap();
    store.wake_filing(START).await.unwrap();
    let jobs = super::all(store).await;
    let of_filing = jobs.iter().filter(|job| job.kind == Kind::FILE_FINDINGS).count();
    assert_eq!(of_filing, 1, "one that waits is enough");

    let shop = || "me/shop".parse::<Repository>().unwrap();
    let next = |after| store.next_filing(RemoteKind::Github, shop(), after);
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
    assert_eq!(next(act.id).await.unwrap().unwrap().id, second);

    let since = store.tracker_news_since(RemoteKind::Github, shop()).await.unwrap();
    assert_eq!(since, Some(START), "since the first issue that is there");
    let closed = IssueState::NotPlanned { closed_at: later(3) };
    let news = vec![(place.url, closed)];
    assert_eq!(store.take_tracker_news(shop(), news, later(4), later(4)).await.unwrap(), 1);
    let since = store.tracker_news_since(RemoteKind::Github, shop()).await.unwrap();
    assert_eq!(since, Some(later(4)));
    assert!(store.scan(JobId(999)).await.unwrap().is_none());
}
