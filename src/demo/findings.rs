//! What a scan found on the day before the demo is opened, and a tracker that takes what is approved.

use crate::engine::Context;
use crate::error::Result;
use crate::model::{
    Caps, Classification, Duplicates, FilingId, FilingState, Finding, FindingTemplates,
    Fingerprint, IssueHome, Job, JobError, Marker, NewIssue, Outcome, Posting, RemoteKind,
    ScanCommit, ScanCounts, Timestamp, Tracker,
};
use crate::store::Store;
use serde_json::json;
use std::time::Duration;

/// How long the scan took.
const TOOK: Duration = Duration::from_secs(4);
/// The number of the first issue that the made-up tracker gives.
const FIRST_NUMBER: i64 = 163;

/// What it found: title, classification, source, rows, body.
const FOUND: [(&str, Classification, &str, u64, &str); 2] = [
    (
        "Newsletter links lead to a page that is gone",
        Classification::DocumentationGap,
        "shop.web",
        212,
        "`GET /spring-offers` answers 404 since the newsletter of Monday names it.\n\n## What to do\n\nRedirect `/spring-offers` to `/offers`, or take the link out of the next newsletter.",
    ),
    (
        "Stock of article ‹n› goes below zero",
        Classification::ServerBug,
        "shop.stock",
        37,
        "Two orders of the last piece are taken at the same time:\n\n```\nstock of LW-40218 is -1 after order 41907\n```\n\n## What to do\n\nTake the piece and write the order in one transaction.",
    ),
];

/// Commits the scan's findings. Answers how long it took and how it ended.
pub(super) async fn scan(store: &Store, job: &Job, at: Timestamp) -> Result<(Duration, Outcome)> {
    let Some(lease) = job.lease() else { return Ok((TOOK, Outcome::Done(json!({})))) };
    let new_issues = FOUND.iter().enumerate().map(|(number, found)| {
        let (title, classification, source, occurrences, body) = *found;
        let finding = Finding {
            classification,
            title: title.to_owned(),
            body: body.to_owned(),
            error_codes: Vec::new(),
            source: source.to_owned(),
            template: title.to_owned(),
            known_as: Vec::new(),
            occurrences,
            evidence: Vec::new(),
            last_seen: at.to_string(),
            source_files: Vec::new(),
            duplicate_of: None,
            templates: FindingTemplates::default(),
        };
        let posting = Posting {
            marker: Marker::new(number as u128 + 0xde_0001),
            title: finding.issue_title(),
            body: finding.body.clone(),
            labels: Vec::new(),
        };
        let print = Fingerprint::from_hex(format!("{:064x}", number + 0xde_0001));
        (NewIssue { finding, fingerprints: vec![print], follows: None }, posting)
    });
    let commit = ScanCommit {
        log: "demo-past".to_owned(),
        log_id_start: 0,
        log_id_end: 0,
        log_row_end: None,
        counts: ScanCounts { rows_examined: 5_208, issues_created: 2, ..ScanCounts::default() },
        analyzer: "builtin",
        fallback: None,
        model: None,
        cost_usd: None,
        rejections: Vec::new(),
        tracker: Tracker::Remote { kind: RemoteKind::Github, approval: true },
        home: IssueHome::local(),
        new_issues: new_issues.collect(),
        seen_again: Vec::new(),
        learned: Vec::new(),
        templates: Vec::new(),
        shown: Vec::new(),
        remarks: Vec::new(),
        duplicates: Duplicates::default(),
        caps: Caps::default(),
        follow_up: false,
    };
    store.commit_scan(lease, commit, at.plus(TOOK)).await?;
    Ok((TOOK, Outcome::Done(json!({"issues_created": 2}))))
}

/// Takes what is approved, as a tracker would: in the demo nothing is sent anywhere.
pub(super) async fn file(store: Store, context: Context) -> Outcome {
    match take(&store, &context).await {
        Ok(filed) => Outcome::Done(json!({"filed": filed})),
        Err(error) => Outcome::Failed(JobError::from(error)),
    }
}

async fn take(store: &Store, context: &Context) -> Result<u64> {
    let (mut filed, mut last) = (0, FilingId(0));
    while let Some(filing) = store.next_filing(IssueHome::local(), last).await? {
        last = filing.id;
        let was = filing.state;
        let number = filing.number.unwrap_or(FIRST_NUMBER + filing.id.0 - 1);
        let url = format!("https://tracker.example/lantern-wick/shop/issues/{number}");

        let done = crate::model::Filing {
            state: FilingState::Filed,
            number: Some(number),
            url: Some(url),
            sent_at: Some(context.clock.now()),
            ..filing
        };
        store.save_filing(done, was, context.clock.now()).await?;
        filed += 1;
    }
    Ok(filed)
}
