//! What the tests of the pages do to jobs and scans, as a worker would.

use super::super::self_monitoring::status::RUN_NOW_PATH;
use super::*;
use crate::model::{
    AttemptEnd, Caps, Classification, Duplicates, Finding, FindingTemplates, Fingerprint,
    IssueHome, IssueId, Job, JobError, JobId, Kind, KindRules, Lease, Marker, NewIssue, NewJob,
    Outcome, Posting, ScanCommit, ScanCounts, SeenTemplate, Tracker,
};
use std::time::Duration;

/// A text that a careless page would take for markup.
pub(super) const HOSTILE: &str =
    "<script>alert(1)</script>\"><img src=x onerror=alert(2)>' javascript:alert(3) <svg/onload=x>";

/// Presses Run Now with these headers.
pub(super) async fn run_now(site: &Site, headers: &[(&str, &str)]) -> Answer {
    let mut request = own_form(RUN_NOW_PATH).header("cookie", &site.cookie);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    site.send(bare(request)).await
}

/// Stores a job of a kind that nobody has claimed yet.
pub(super) async fn enqueue(site: &Site, kind: &str) -> JobId {
    let job = NewJob::new(Kind::parse(kind).unwrap());
    site.web.store.enqueue(job, site.web.clock.now()).await.unwrap().id()
}

pub(super) async fn job(site: &Site, id: JobId) -> Job {
    site.web.store.job(id).await.unwrap().unwrap()
}

/// Looks for work of this kind as the poller does.
pub(super) async fn poll(site: &Site, kind: &str) -> Option<Lease> {
    let request = site.leads(vec![KindRules::new(Kind::parse(kind).unwrap())]).await;
    let polled = site.web.store.poll(request, site.web.clock.now()).await.unwrap();
    polled.claimed.first().map(|job| job.lease().unwrap())
}

/// Registers a worker of these tests as the one that leads.
pub(super) async fn lead(site: &Site) {
    let worker = site.leads(Vec::new()).await.worker;
    let lock = site.web.store.try_lead(&worker).unwrap();
    let mut leads = site.leads.lock().unwrap();
    *leads = lock.or_else(|| leads.take());
}

pub(super) async fn claim(site: &Site) -> Lease {
    poll(site, Kind::SELF_MONITORING.as_str()).await.unwrap()
}

pub(super) async fn settle(site: &Site, lease: Lease, outcome: Outcome) {
    let (end, now) = (AttemptEnd::Answered(outcome), site.web.clock.now());
    site.web.store.settle(lease, end, Duration::from_secs(10), now).await.unwrap();
}

pub(super) fn error(message: &str) -> JobError {
    JobError { code: "SCAN-RUN-001".into(), message: message.into() }
}

pub(super) async fn fail(site: &Site, message: &str) {
    let lease = claim(site).await;
    settle(site, lease, Outcome::Fatal(error(message))).await;
}

pub(super) async fn complete_with_issue(site: &Site, title: &str, tracker: Tracker) {
    let lease = claim(site).await;
    let finding = Finding {
        classification: Classification::ServerBug,
        title: title.into(),
        body: format!("Body: {title}"),
        error_codes: vec!["SHOP-PAY-001".into()],
        source: "shop".into(),
        template: "payment <*> failed".into(),
        known_as: Vec::new(),
        occurrences: 3,
        evidence: vec![1, 2, 3],
        last_seen: "2027-01-15T08:00:00Z".into(),
        source_files: vec![],
        duplicate_of: None,
        templates: FindingTemplates::default(),
    };
    let digest = crate::model::sha256_hex(title);
    let posting = Posting {
        marker: Marker::from_hex(&digest[..32]).unwrap(),
        title: finding.issue_title(),
        body: finding.body.clone(),
        labels: vec![],
    };
    let prints = vec![Fingerprint::from_hex(digest.clone())];
    let new = NewIssue { finding, fingerprints: prints, follows: None };
    let commit = ScanCommit {
        log: "log".into(),
        log_id_start: 0,
        log_id_end: 12,
        log_row_end: None,
        counts: ScanCounts {
            rows_examined: 12,
            issues_created: 1,
            duplicates_skipped: 4,
            ..ScanCounts::default()
        },
        analyzer: "builtin",
        fallback: None,
        model: None,
        cost_usd: None,
        rejections: vec![],
        tracker,
        home: IssueHome::local(),
        new_issues: vec![(new, posting)],
        seen_again: Vec::new(),
        learned: Vec::new(),
        shown: Vec::new(),
        templates: Vec::new(),
        remarks: vec![],
        duplicates: Duplicates::default(),
        caps: Caps::default(),
        follow_up: false,
    };
    let now = site.web.clock.now();
    site.web.store.commit_scan(lease.clone(), commit, now).await.unwrap();
    settle(site, lease, Outcome::Done(serde_json::json!({}))).await;
}

/// What a scan commits that has met these issues again in so many rows of a template.
pub(super) fn commit_of(again: Vec<(IssueId, u64)>, seen: SeenTemplate) -> ScanCommit {
    let shown = again.iter().map(|(issue, _)| (*issue, vec![0])).collect();
    ScanCommit {
        log: "log".into(),
        log_id_start: 0,
        log_id_end: 12,
        log_row_end: None,
        counts: ScanCounts::default(),
        analyzer: "builtin",
        fallback: None,
        model: None,
        cost_usd: None,
        rejections: vec![],
        tracker: Tracker::Local,
        home: IssueHome::local(),
        new_issues: Vec::new(),
        seen_again: again,
        learned: Vec::new(),
        shown,
        templates: vec![seen],
        remarks: vec![],
        duplicates: Duplicates::default(),
        caps: Caps::default(),
        follow_up: false,
    }
}

/// Panics where the HTML has something that the content security policy would refuse.
pub(super) fn assert_inert(body: &str) {
    for tag in body.split('<').skip(1).map(|rest| rest.split('>').next().unwrap().to_lowercase()) {
        let own = tag.starts_with("script src=\"/assets/");
        assert!(own || !tag.starts_with("script"), "<{tag}>");
        assert!(!tag.starts_with("style") && !tag.contains("=\"javascript:"), "<{tag}>");
        // Only names are looked at: what is in quotes is text.
        let names = tag.split('"').step_by(2).collect::<String>();
        for attribute in names.split_whitespace().skip(1) {
            let inline = ["style=", "on", "hx-on", "srcdoc="];
            let inline = inline.into_iter().any(|name| attribute.starts_with(name));
            assert!(!(inline && attribute.contains('=')), "<{tag}>");
        }
    }
}
