//! The handler of kind `self_monitoring`: one scan from the watermark to the commit.

use super::builtin::Analyzer;
use super::triage::{print_of, triage};
use crate::engine::{Builder, Context};
use crate::error::{Code, Result};
use crate::model::{
    ConcurrencyKey, Finding, JobError, Kind, KindRules, Outcome, Queue, ScanCommit, ScanCounts,
    redactor,
};
use crate::store::{LogStore, Store};
use crate::warn_coded;
use serde_json::json;

/// Rows of warning or worse that one scan examines; a follow-up scan takes what is left.
const MAX_ROWS: u64 = 50_000;
/// Rows read at a time: a megabyte or so, and a reader is never held for long.
const CHUNK: usize = 1_000;

/// The rules of kind `self_monitoring`: one at a time, one attempt, and a scan that was cut off runs again.
pub fn rules() -> KindRules {
    KindRules {
        queue: Queue::AGENT,
        max_attempts: 1,
        concurrency_key: Some(ConcurrencyKey::SELF_MONITORING),
        ..KindRules::new(Kind::SELF_MONITORING)
    }
}

/// Lets an engine run scans of `logs` on the queue `agent`, which runs one job at a time.
pub fn register(builder: Builder, store: &Store, logs: &LogStore) -> Builder {
    let (store, logs) = (store.clone(), logs.clone());
    builder.queue(Queue::AGENT, 1).kind(rules(), move |context| {
        let (store, logs) = (store.clone(), logs.clone());
        async move {
            match scan(&context, &store, &logs).await {
                Ok(counts) => Outcome::Done(summary(counts)),
                Err(error) => Outcome::Failed(JobError::from(error)),
            }
        }
    })
}

fn summary(counts: ScanCounts) -> serde_json::Value {
    json!({
        "rows_examined": counts.rows_examined,
        "issues_created": counts.issues_created,
        "duplicates_skipped": counts.duplicates_skipped,
        "potential_duplicates_commented": counts.potential_duplicates_commented,
    })
}

async fn scan(context: &Context, store: &Store, logs: &LogStore) -> Result<ScanCounts> {
    // An earlier run of this job may have committed and died before it could settle.
    if let Some(counts) = store.committed_scan(context.job.id).await? {
        return Ok(counts);
    }
    let (log_id_start, newest) = window(store, logs).await?;
    let read = read(logs, log_id_start, newest).await?;
    let codes = read.findings.iter().flat_map(|f| f.error_codes.clone()).collect();
    let prints = read.findings.iter().map(print_of).collect();
    let known = store.known_issues(codes, prints).await?;
    let triage = triage(read.findings, &known);
    let counts = ScanCounts {
        rows_examined: read.rows,
        issues_created: triage.new_issues.len() as u64,
        duplicates_skipped: triage.duplicates_skipped,
        potential_duplicates_commented: 0,
    };
    let commit = ScanCommit {
        log: logs.identity().to_owned(),
        log_id_start,
        log_id_end: read.end,
        counts,
        analyzer: "builtin",
        new_issues: triage.new_issues,
        seen_again: triage.seen_again,
        follow_up: read.end < newest,
    };
    match store.commit_scan(context.lease.clone(), commit, context.clock.now()).await {
        Err(error) if error.is_outcome_unknown() => {
            let saved = store.committed_scan(context.job.id).await?;
            saved.ok_or(error)
        }
        saved => saved.map(|()| counts),
    }
}

/// The watermark and the newest row. A log that has become shorter is read from its start.
async fn window(store: &Store, logs: &LogStore) -> Result<(i64, i64)> {
    let watermark = store.log_watermark(logs.identity().to_owned()).await?;
    let newest = logs.last_id().await?;
    if newest < watermark {
        warn_coded!(
            Code::ScanWatermark,
            "the newest log row is {newest}, below the watermark {watermark}: reading from the start"
        );
        return Ok((0, newest));
    }
    Ok((watermark, newest))
}

/// What reading a window gave.
struct Read {
    findings: Vec<Finding>,
    rows: u64,
    /// The last row that was examined or needed no look.
    end: i64,
}

async fn read(logs: &LogStore, start: i64, newest: i64) -> Result<Read> {
    let mut analyzer = Analyzer::new();
    let (mut rows, mut end) = (0, start);
    loop {
        let room = MAX_ROWS - rows;
        let limit = CHUNK.min(room as usize);
        let mut chunk = logs.warnings(end, newest, limit).await?;
        rows += chunk.len() as u64;
        if let Some(last) = chunk.last() {
            end = last.id;
        }
        for row in &mut chunk {
            // Other programs write rows too. Before the analyzer cuts anything: half a token has no shape.
            redactor().clean_row(&mut row.row);
            analyzer.push(row);
        }
        if chunk.len() < limit {
            return Ok(Read { findings: findings(analyzer), rows, end: newest });
        }
        if rows == MAX_ROWS {
            return Ok(Read { findings: findings(analyzer), rows, end });
        }
    }
}

/// What the analyzer found, with no secret in what becomes an issue.
fn findings(analyzer: Analyzer) -> Vec<Finding> {
    let mut findings = analyzer.finish();
    for finding in &mut findings {
        redactor().clean(&mut finding.title);
        redactor().clean(&mut finding.body);
    }
    findings
}
