//! A scan by an agent, except the run itself: what the agent is given, and what becomes of its answer.
//!
//! *Invariant:* an agent proposes. Which rows show a finding, which codes they hold, how many there are and how far the
//! watermark goes is read from the snapshot by this code.

use super::fence::{closed, fenced};
use super::grouping::grouped;
use super::prompt::{self, Values};
use super::reply::{self, Proposal, Rejected, Reply};
use super::template::{codes, mask};
use super::triage::QUIET;
use super::verify::{Checkout, CodePlace};
use super::visible::visible;
use super::window::{MAX_ROWS, Window};
use crate::error::{Code, Result};
use crate::heavy::heavy;
use crate::model::{Cited, Finding, FindingTemplates, IssueHome, NewLogRow, Timestamp};
use crate::redact::redactor;
use crate::store::{Grouping, ScannedLog, Snapshot, SnapshotPlan, Store};
use crate::tracker::inert_line;
use crate::warn_coded;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Issues that the agent is told of.
const MAX_TOLD: usize = 1_000;
/// Longest title, in characters; what an issue list shows without wrapping.
const MAX_TITLE: usize = 80;
/// The longest text of an agent that is kept, in characters: an issue of a tracker has room for it and its evidence.
const MAX_TEXT: usize = 4_000;
/// Rows kept and shown as evidence: the first four and the latest.
const MAX_EVIDENCE: usize = 5;
/// Longest message shown of one of them, in characters: a stack trace down to the frames that matter.
const MAX_SHOWN: usize = 1_500;

/// What an agent is given.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The copy of the log that it may query.
    pub snapshot: Snapshot,
    /// Its prompt.
    pub prompt: String,
    /// The shape of its answer.
    pub schema: Value,
}

/// Makes the snapshot at `path` and the prompt; `None` if nothing in the window is of warning or worse, so that no agent
/// is needed.
pub async fn prepare(
    store: &Store,
    logs: &ScannedLog,
    (window, home): (Window, IssueHome),
    (path, checkout): (PathBuf, Option<&Checkout>),
    now: Timestamp,
) -> Result<Option<Prepared>> {
    if logs.warnings(window.after, window.newest, 1).await?.is_empty() {
        return Ok(None);
    }
    let Window { after, newest: upto } = window;
    // What the rows are grouped by is the same for the agent and for the built-in analyzer.
    let (grouped, _) = grouped(store, logs, window).await?;
    let grouping = Grouping::by(move |row| grouped.template_of(row));
    let plan = SnapshotPlan { path, after, upto, max_rows: MAX_ROWS, grouping };
    let snapshot = logs.snapshot(plan).await?;
    let season = now.minus(QUIET);
    let known = store.recent_issues(home, season, MAX_TOLD).await?;
    let text = prompt::load(store).await?.text;
    let prompt = prompt::prompt(
        (&text, checkout.map(Checkout::asks).as_deref()),
        &Values {
            log_db_path: &snapshot.path.to_string_lossy(),
            schema: Snapshot::SCHEMA,
            last_scan_log_id: after,
            dedup_context: &prompt::dedup_context(&known),
        },
    );
    Ok(Some(Prepared { snapshot, prompt, schema: reply::schema(checkout.is_some()) }))
}

/// What an answer is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// What triage decides about.
    pub findings: Vec<Finding>,
    /// A row of each template that each of them shows, the most frequent first.
    pub shown: Vec<Vec<NewLogRow>>,
    /// What was proposed besides and not accepted.
    pub rejected: Rejected,
    /// The new watermark: the last row that the agent examined, and never a row past the snapshot.
    pub end: i64,
    /// Whether there are rows above it that a further scan should examine at once.
    pub follow_up: bool,
}

/// Checks an answer against the snapshot.
///
/// # Errors
/// As [`reply::parse`]; `STORE-IO-001` if the snapshot is gone.
pub async fn digest(
    structured: Option<&Value>,
    text: &str,
    snapshot: &Snapshot,
    checkout: Option<&Checkout>,
) -> Result<Digest> {
    let Reply { max_log_id_processed, proposals, mut rejected } = reply::parse(structured, text)?;
    let (mut findings, mut shown, mut elsewhere) = (Vec::new(), Vec::new(), 0);
    for proposal in proposals {
        let cited = snapshot.cited(proposal.source_log_ids.clone()).await?;
        if let Some(id) = outside(&proposal, &cited) {
            rejected.add(|| {
                let title = short(&redactor().text(&proposal.title));
                format!("{title:?}: it cites log row {id}, which the scan did not examine")
            });
            continue;
        }
        let rows = ways(&cited);
        let (places, dropped) = verified(checkout, &proposal).await;
        elsewhere += dropped;
        findings.push(finding(proposal, &cited, &rows, &places));
        shown.push(rows.iter().map(|(cited, _)| cited.row.row.clone()).collect());
    }
    if elsewhere > 0 {
        rejected.note(format!(
            "places at which findings were verified: {elsewhere} were left out: the repository has no such line"
        ));
    }
    let end = match max_log_id_processed {
        Some(said) if said > snapshot.after => said.min(snapshot.last_id),
        said => {
            let why = unread(said, snapshot.after);
            warn_coded!(Code::ScanReply, "the agent's answer {why}");
            rejected.note(format!("the end of the answer: it {why}"));
            snapshot.after
        }
    };
    // Without progress, a scan that follows at once would do the same again.
    let follow_up = end > snapshot.after && (snapshot.more || end < snapshot.last_id);
    Ok(Digest { findings, shown, rejected, end, follow_up })
}

/// The places at which a finding was verified, and how many of those that it names are not there.
async fn verified(
    checkout: Option<&Checkout>,
    proposal: &Proposal,
) -> (Vec<(CodePlace, String)>, u64) {
    let Some(checkout) = checkout.cloned() else {
        return (Vec::new(), proposal.verified_at.len() as u64);
    };
    let places = proposal.verified_at.clone();
    heavy(usize::MAX, move || checkout.verified(&places)).await
}

/// Why the watermark stays: nobody says that the rows were read.
fn unread(said: Option<i64>, after: i64) -> String {
    let what = match said {
        None => "names no max_log_id_processed".to_owned(),
        Some(said) => format!("names {said} as the last row, and the scan began after row {after}"),
    };
    format!("{what}, so the next scan examines the same rows again")
}

/// The template of a row. A row of context has none, and stands for itself.
fn template(cited: &Cited) -> String {
    cited.template.clone().unwrap_or_else(|| mask(&cited.row.row.message).template)
}

/// A row of each template and source, and how many rows these have: the most frequent first, and of several that are
/// equally frequent the first one.
fn ways(cited: &[Cited]) -> Vec<(&Cited, u64)> {
    let mut ways: BTreeMap<(&str, String), (usize, u64)> = BTreeMap::new();
    for (nth, cited) in cited.iter().enumerate() {
        let way = ways.entry((&cited.row.row.source, template(cited))).or_insert((nth, 0));
        way.1 = cited.alike.max(1);
    }
    let mut ways: Vec<_> = ways.into_values().collect();
    ways.sort_by_key(|(nth, rows)| (Reverse(*rows), *nth));
    ways.into_iter().map(|(nth, rows)| (&cited[nth], rows)).collect()
}

/// A row that a finding cites and the snapshot does not have.
fn outside(proposal: &Proposal, cited: &[Cited]) -> Option<i64> {
    let missing = |id: &i64| cited.binary_search_by_key(id, |cited| cited.row.id).is_err();
    proposal.source_log_ids.iter().copied().find(missing)
}

/// The finding with what its rows say. There is at least one row.
fn finding(
    proposal: Proposal,
    cited: &[Cited],
    ways: &[(&Cited, u64)],
    places: &[(CodePlace, String)],
) -> Finding {
    let occurrences = ways.iter().map(|(_, rows)| rows).sum();
    let (top, _) = *ways.first().expect("a finding cites a row");
    let evidence = evidence(cited);
    let mut body = format!(
        "{}\n\n## Evidence\n\n{}\nLog rows: {}\n",
        closed(&shortened(&redactor().text(&proposal.body), MAX_TEXT)),
        fenced(&quoted(&evidence)),
        evidence.iter().map(|cited| cited.row.id.to_string()).collect::<Vec<_>>().join(", ")
    );
    if !places.is_empty() {
        let lines =
            places.iter().map(|(place, text)| format!("{}:{}: {text}", place.file, place.line));
        let lines = visible(&lines.collect::<Vec<_>>().join("\n"));
        body.push_str("\n## Verified in the source\n\n");
        body.push_str(&fenced(&lines));
    }
    let mut title = short(&inert_line(&proposal.title));
    // Secrets are removed again: the process may have learned one since the snapshot, and an agent may join two halves.
    redactor().clean(&mut title);
    redactor().clean(&mut body);
    Finding {
        classification: proposal.classification,
        title,
        body,
        error_codes: error_codes(&proposal, cited, top),
        source: top.row.row.source.clone(),
        template: template(top),
        known_as: Vec::new(),
        occurrences,
        evidence: evidence.iter().map(|cited| cited.row.id).collect(),
        last_seen: cited.last().map(|cited| cited.row.row.timestamp.clone()).unwrap_or_default(),
        source_files: proposal.source_files,
        duplicate_of: proposal.duplicate_of,
        templates: FindingTemplates::default(),
    }
}

/// The codes that the agent names, as far as its rows hold them, else the first code of the most frequent row.
fn error_codes(proposal: &Proposal, cited: &[Cited], top: &Cited) -> Vec<String> {
    let mut found = proposal.error_codes.clone();
    found.retain(|code| cited.iter().any(|cited| codes(&cited.row.row.message).any(|c| c == code)));
    if found.is_empty() {
        found.extend(codes(&top.row.row.message).next().map(str::to_owned));
    }
    found
}

fn evidence(cited: &[Cited]) -> Vec<&Cited> {
    let first = cited.iter().take(MAX_EVIDENCE - 1);
    let latest = cited.iter().skip(MAX_EVIDENCE - 1).next_back();
    first.chain(latest).collect()
}

fn quoted(evidence: &[&Cited]) -> String {
    let line = |cited: &&Cited| {
        let row = &cited.row.row;
        let message: String = visible(&row.message).chars().take(MAX_SHOWN).collect();
        format!(
            "{} {} {} {}: {}",
            cited.row.id,
            row.timestamp,
            row.level,
            row.source,
            message.trim_end()
        )
    };
    evidence.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A title that fits a list.
fn short(title: &str) -> String {
    shortened(title, MAX_TITLE)
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most - 1).collect();
    cut.trim_end().to_owned() + "…"
}
