//! A scan by an agent, except the run itself: what the agent is given, and what becomes of its answer.
//!
//! *Invariant:* an agent proposes. Which rows show a finding, which codes they hold, how many there are and how far the
//! watermark goes is read from the snapshot by this code.

use super::fence::{closed, fenced};
use super::prompt::{self, Values};
use super::reply::{self, Proposal, Rejected, Reply};
use super::template::{codes, mask};
use super::triage::QUIET;
use super::window::{MAX_ROWS, Window};
use crate::error::{Code, Result};
use crate::model::{Cited, Finding, IssueHome, Timestamp};
use crate::redact::redactor;
use crate::store::{ScannedLog, Snapshot, SnapshotPlan, Store};
use crate::tracker::inert_line;
use crate::warn_coded;
use serde_json::Value;
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
    path: PathBuf,
    now: Timestamp,
) -> Result<Option<Prepared>> {
    if logs.warnings(window.after, window.newest, 1).await?.is_empty() {
        return Ok(None);
    }
    let Window { after, newest: upto } = window;
    let plan = SnapshotPlan { path, after, upto, max_rows: MAX_ROWS, mask: template };
    let snapshot = logs.snapshot(plan).await?;
    let season = now.minus(QUIET);
    let known = store.recent_issues(home, season, MAX_TOLD).await?;
    let prompt = prompt::prompt(
        &prompt::load(store).await?.text,
        &Values {
            log_db_path: &snapshot.path.to_string_lossy(),
            schema: Snapshot::SCHEMA,
            last_scan_log_id: after,
            dedup_context: &prompt::dedup_context(&known),
        },
    );
    Ok(Some(Prepared { snapshot, prompt, schema: reply::schema() }))
}

/// What an answer is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// What triage decides about.
    pub findings: Vec<Finding>,
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
pub async fn digest(structured: Option<&Value>, text: &str, snapshot: &Snapshot) -> Result<Digest> {
    let Reply { max_log_id_processed, proposals, mut rejected } = reply::parse(structured, text)?;
    let mut findings = Vec::new();
    for proposal in proposals {
        let cited = snapshot.cited(proposal.source_log_ids.clone(), template).await?;
        match outside(&proposal, &cited) {
            Some(id) => rejected.add(|| {
                let title = short(&redactor().text(&proposal.title));
                format!("{title:?}: it cites log row {id}, which the scan did not examine")
            }),
            None => findings.push(finding(proposal, &cited)),
        }
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
    Ok(Digest { findings, rejected, end, follow_up })
}

/// Why the watermark stays: nobody says that the rows were read.
fn unread(said: Option<i64>, after: i64) -> String {
    let what = match said {
        None => "names no max_log_id_processed".to_owned(),
        Some(said) => format!("names {said} as the last row, and the scan began after row {after}"),
    };
    format!("{what}, so the next scan examines the same rows again")
}

fn template(message: &str) -> String {
    mask(message).template
}

/// A row that a finding cites and the snapshot does not have.
fn outside(proposal: &Proposal, cited: &[Cited]) -> Option<i64> {
    let missing = |id: &i64| cited.binary_search_by_key(id, |cited| cited.row.id).is_err();
    proposal.source_log_ids.iter().copied().find(missing)
}

/// The finding with what its rows say. There is at least one row.
fn finding(proposal: Proposal, cited: &[Cited]) -> Finding {
    let mut ways: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for Cited { row, template, alike } in cited {
        // A row of context has no template in the snapshot and stands for itself.
        let rows = ways.entry((&row.row.source, template)).or_insert(*alike);
        *rows = (*rows).max(1);
    }
    let rows = |cited: &Cited| ways[&(cited.row.row.source.as_str(), cited.template.as_str())];
    let occurrences = ways.values().sum();
    // Of several messages that are equally frequent, the first one counts.
    let top = cited.iter().rev().max_by_key(|cited| rows(cited));
    let top = top.expect("a finding cites a row");
    let evidence = evidence(cited);
    let mut body = format!(
        "{}\n\n## Evidence\n\n{}\nLog rows: {}\n",
        closed(&shortened(&redactor().text(&proposal.body), MAX_TEXT)),
        fenced(&quoted(&evidence)),
        evidence.iter().map(|cited| cited.row.id.to_string()).collect::<Vec<_>>().join(", ")
    );
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
        template: top.template.clone(),
        known_as: Vec::new(),
        occurrences,
        evidence: evidence.iter().map(|cited| cited.row.id).collect(),
        last_seen: cited.last().map(|cited| cited.row.row.timestamp.clone()).unwrap_or_default(),
        source_files: proposal.source_files,
        duplicate_of: proposal.duplicate_of,
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
        let message: String =
            super::visible::visible(&row.message).chars().take(MAX_SHOWN).collect();
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
