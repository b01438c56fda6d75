//! What a scan found on the day before the demo is opened, the log rows that show it, and the filing of what is approved in the demo's own list.

use crate::engine::Context;
use crate::error::{Error, Result};
use crate::model::template::mine_read;
use crate::model::{
    Caps, Classification, Duplicates, FilingId, FilingState, Finding, FindingTemplates,
    Fingerprint, IssueHome, Job, JobError, Level, Marker, NewIssue, NewLogRow, Outcome, Posting,
    RemoteKind, ScanCommit, ScanCounts, SeenTemplate, Service, Timestamp, Tracker, sha256_hex,
};
use crate::store::Store;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long the scan took.
const TOOK: Duration = Duration::from_secs(4);
/// The length of the log that it read.
const READ: Duration = Duration::from_hours(24);
/// Ids of rows that an issue names: the first four and the latest.
const NAMED: usize = 4;

/// Something that it found.
struct Found {
    title: &'static str,
    class: Classification,
    level: Level,
    source: &'static str,
    rows: u64,
    /// What its rows say; `{n}` and `{m}` are numbers.
    says: &'static str,
    body: &'static str,
}

static FOUND: [Found; 2] = [
    Found {
        title: "Newsletter links lead to a page that is gone",
        class: Classification::DocumentationGap,
        level: Level::Warning,
        source: "shop.web",
        rows: 212,
        says: "GET /spring-offers answered 404 in {n} ms, the newsletter of Monday led there",
        body: "`GET /spring-offers` answers 404 since the newsletter of Monday names it.\n\n## What to do\n\nRedirect `/spring-offers` to `/offers`, or take the link out of the next newsletter.",
    },
    Found {
        title: "Stock of article ‹n› goes below zero",
        class: Classification::ServerBug,
        level: Level::Error,
        source: "shop.stock",
        rows: 37,
        says: "stock of LW-4{n} is -1 after order 41{m}",
        body: "Two orders of the last piece are taken at the same time:\n\n```\nstock of LW-4100 is -1 after order 41100\n```\n\n## What to do\n\nTake the piece and write the order in one transaction.",
    },
];

/// The log that the scan has read, which ran at this instant: the rows of what it found, oldest first.
pub(crate) fn log(scanned: Timestamp) -> Vec<NewLogRow> {
    rows(scanned).into_iter().map(|(_, row)| row).collect()
}

/// The same rows, each with the place of what it shows.
fn rows(scanned: Timestamp) -> Vec<(usize, NewLogRow)> {
    let mut rows = Vec::new();
    for (place, found) in FOUND.iter().enumerate() {
        for nth in 0..found.rows {
            // They are spread over the day, and no two of them say the same.
            let since = READ.as_millis() as u64 * nth / found.rows + nth * 7_919 % 60_000;
            let at = scanned.minus(READ).plus(Duration::from_millis(since));
            let (n, m) = ((100 + nth * 37 % 900).to_string(), (100 + nth * 61 % 900).to_string());
            let says = found.says.replace("{n}", &n).replace("{m}", &m);
            rows.push((place, NewLogRow::new(at.to_string(), found.level, found.source, says)));
        }
    }
    rows.sort_by(|(_, a), (_, b)| a.timestamp.cmp(&b.timestamp));
    rows
}

/// The issues of what it found, with the templates of their rows.
fn issues(
    rows: &[(usize, NewLogRow)],
    at: Timestamp,
) -> (Vec<(NewIssue, Posting)>, Vec<SeenTemplate>) {
    let issues = FOUND.iter().enumerate().map(|(place, found)| {
        let shown = rows.iter().zip(1..).filter(|((of, _), _)| *of == place);
        let shown: Vec<(i64, &NewLogRow)> = shown.map(|((_, row), id)| (id, row)).collect();
        let latest = shown.last().filter(|_| shown.len() > NAMED);
        let evidence = shown.iter().take(NAMED).chain(latest).map(|(id, _)| *id).collect();
        let hours = hours(&shown);
        let finding = Finding {
            classification: found.class,
            title: found.title.to_owned(),
            body: found.body.to_owned(),
            error_codes: Vec::new(),
            source: found.source.to_owned(),
            template: found.title.to_owned(),
            known_as: Vec::new(),
            occurrences: found.rows,
            evidence,
            last_seen: shown
                .last()
                .map_or_else(|| at.to_string(), |(_, row)| row.timestamp.clone()),
            source_files: Vec::new(),
            duplicate_of: None,
            templates: FindingTemplates {
                met: vec![place],
                hours: hours.clone(),
                ..FindingTemplates::default()
            },
        };
        let posting = Posting {
            marker: Marker::new(place as u128 + 0xde_0001),
            title: finding.issue_title(),
            body: finding.body.clone(),
            labels: Vec::new(),
        };
        let print =
            sha256_hex(&format!("{}|{}|{}", found.class.as_str(), found.source, found.title));
        let print = Fingerprint::from_hex(print);
        let text = shown.first().map(|(_, row)| mine_read(&row.message, |_| None).template);
        let seen = SeenTemplate {
            source: found.source.to_owned(),
            text: text.unwrap_or_default(),
            hours,
            ..SeenTemplate::default()
        };
        ((NewIssue { finding, fingerprints: vec![print], follows: None }, posting), seen)
    });
    issues.unzip()
}

/// Commits the scan's findings. Its rows are the first ones of the log. Answers how long it took and how it ended.
pub(super) async fn scan(
    store: &Store,
    log: &str,
    job: &Job,
    at: Timestamp,
) -> Result<(Duration, Outcome)> {
    let Some(lease) = job.lease() else { return Ok((TOOK, Outcome::Done(json!({})))) };
    let rows = rows(at.hour());
    let (new_issues, templates) = issues(&rows, at);
    let commit = ScanCommit {
        log: log.to_owned(),
        log_id_start: 0,
        log_id_end: rows.len() as i64,
        log_row_end: None,
        counts: ScanCounts {
            rows_examined: rows.len() as u64,
            issues_created: 2,
            ..ScanCounts::default()
        },
        analyzer: "builtin",
        fallback: None,
        model: None,
        cost_usd: None,
        rejections: Vec::new(),
        tracker: Tracker::Remote { kind: RemoteKind::Github, approval: true },
        home: IssueHome::local(),
        new_issues,
        seen_again: Vec::new(),
        learned: Vec::new(),
        templates,
        shown: Vec::new(),
        remarks: Vec::new(),
        duplicates: Duplicates::default(),
        caps: Caps::default(),
        follow_up: false,
    };
    store.commit_scan(lease, commit, at.plus(TOOK)).await?;
    Ok((TOOK, Outcome::Done(json!({"issues_created": 2}))))
}

/// How many rows each hour has.
fn hours(rows: &[(i64, &NewLogRow)]) -> BTreeMap<Option<Timestamp>, u64> {
    let mut hours = BTreeMap::new();
    for (_, row) in rows {
        *hours.entry(Timestamp::from_iso(&row.timestamp).map(Timestamp::hour)).or_default() += 1;
    }
    hours
}

/// Files what is approved in the database's own list, where an issue has the number of its row: in the demo nothing is sent
/// anywhere.
pub(super) async fn file(store: Store, context: Context) -> Outcome {
    match take(&store, &context).await {
        Ok(filed) => {
            let said = Ok::<_, Error>(format!("filed {filed}"));
            store.ran(&Service::Filings, context.clock.now(), said);
            Outcome::Done(json!({"filed": filed}))
        }
        Err(error) => Outcome::Failed(JobError::from(error)),
    }
}

async fn take(store: &Store, context: &Context) -> Result<u64> {
    let (mut filed, mut last) = (0, FilingId(0));
    while let Some(filing) = store.next_filing(IssueHome::local(), last).await? {
        last = filing.id;
        let was = filing.state;
        let issue = store.filing_text(filing.id).await?.map(|waiting| waiting.issue.0);
        let done = crate::model::Filing {
            state: FilingState::Filed,
            number: filing.number.or(issue),
            sent_at: Some(context.clock.now()),
            ..filing
        };
        store.save_filing(done, was, context.clock.now()).await?;
        filed += 1;
    }
    Ok(filed)
}
