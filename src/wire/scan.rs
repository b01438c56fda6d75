//! Scans: one scan with what it did, what it found, and what became of a request for one.

use super::Issue;
use crate::model;
use serde::Serialize;

/// A scan that was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct ScanQueued {
    /// Always `queued`.
    pub status: &'static str,
    /// Its id, which is its job's.
    pub scan_id: String,
    /// Jobs of its queue that start before it; `null` if that could not be read.
    pub ahead: Option<u64>,
}

/// A scan.
#[derive(Clone, Debug, Serialize)]
pub struct Scan {
    /// Its id, which is its job's.
    pub id: i64,
    /// Where its job is on its way.
    pub status: &'static str,
    /// What made it.
    pub trigger: &'static str,
    /// When it was asked for.
    pub created_at: String,
    /// When it began.
    pub started_at: Option<String>,
    /// When it was over.
    pub finished_at: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// Log rows that were examined.
    pub rows_examined: u64,
    /// Findings that became new issues.
    pub issues_created: u64,
    /// Findings that belong to a known issue.
    pub duplicates_skipped: u64,
    /// Findings that were commented on an issue that seems the same.
    pub potential_duplicates_commented: u64,
    /// Closed issues that were opened again.
    pub reopened: u64,
    /// Findings that the agent proposed and that were not accepted.
    pub rejected: u64,
    /// Acts at the tracker that are not done yet.
    pub waiting: u64,
    /// Acts that are done: issues, comments and reopenings.
    pub filed: u64,
    /// Of those that are not done, how many wait for a person's approval.
    pub awaiting_approval: u64,
    /// Of those that are not done, how many the tracker refused.
    pub refused: u64,
    /// Why the tracker refused last.
    pub filing_error: Option<String>,
    /// Why findings were rejected.
    pub rejections: Vec<String>,
    /// Who examined the rows, `builtin` or `claude`.
    pub analyzer: Option<String>,
    /// Why the built-in analyzer took the agent's place; `null` if it did not.
    pub fallback: Option<String>,
    /// The agent's model.
    pub model: Option<String>,
    /// What the agent's run cost.
    pub cost_usd: Option<f64>,
    /// Whether a run of the agent has left a transcript.
    pub has_transcript: bool,
    /// What it would have done; `null` unless it is a dry run.
    pub dry_run: Option<ScanDryRun>,
    /// Why it waits, in one line; `null` unless it waits.
    pub waits: Option<String>,
}

/// What a dry run would have done.
#[derive(Clone, Debug, Serialize)]
pub struct ScanDryRun {
    /// Log rows that were examined.
    pub rows_examined: u64,
    /// How many new issues it would have filed.
    pub would_file: u64,
    /// What would become of each finding.
    pub would: Vec<ScanVerdict>,
    /// Why findings were rejected.
    pub rejected: Vec<String>,
}

/// What would become of one finding.
#[derive(Clone, Debug, Serialize)]
pub struct ScanVerdict {
    /// The title of its issue to be.
    pub title: String,
    /// The act, and the tier that led to it.
    pub verdict: &'static str,
    /// The number of the known issue that it belongs to.
    pub issue: Option<i64>,
}

/// A scan with what it found.
#[derive(Clone, Debug, Serialize)]
pub struct ScanStory {
    /// The scan.
    #[serde(flatten)]
    pub scan: Scan,
    /// The issues that it was the first to find, oldest first.
    pub findings: Vec<Issue>,
}

impl Scan {
    /// A scan, with why it waits if it does.
    pub fn of(scan: &model::Scan, why: Option<&model::Why>) -> Self {
        let counts = scan.counts;
        Self {
            id: scan.id.0,
            status: scan.status.as_str(),
            trigger: scan.trigger.as_str(),
            created_at: scan.created_at.to_string(),
            started_at: scan.started_at.map(|at| at.to_string()),
            finished_at: scan.finished_at.map(|at| at.to_string()),
            error: scan.error.clone(),
            rows_examined: counts.rows_examined,
            issues_created: counts.issues_created,
            duplicates_skipped: counts.duplicates_skipped,
            potential_duplicates_commented: counts.potential_duplicates_commented,
            reopened: counts.reopened,
            rejected: counts.rejected,
            waiting: counts.waiting,
            filed: scan.filings.filed,
            awaiting_approval: scan.filings.awaiting,
            refused: scan.filings.refused,
            filing_error: scan.filings.why.clone(),
            rejections: scan.rejections.clone(),
            analyzer: scan.analyzer.clone(),
            fallback: scan.fallback.clone(),
            model: scan.model.clone(),
            cost_usd: scan.cost_usd,
            has_transcript: scan.has_transcript,
            dry_run: scan.dry_run.as_ref().map(ScanDryRun::from),
            waits: why.filter(|why| why.waits()).map(model::Why::headline),
        }
    }
}

impl From<&model::DryRun> for ScanDryRun {
    fn from(dry: &model::DryRun) -> Self {
        let verdict = |one: &model::FindingVerdict| ScanVerdict {
            title: one.title.clone(),
            verdict: one.verdict.as_str(),
            issue: one.issue,
        };
        Self {
            rows_examined: dry.rows_examined,
            would_file: dry.would_file(),
            would: dry.would.iter().map(verdict).collect(),
            rejected: dry.rejected.clone(),
        }
    }
}
