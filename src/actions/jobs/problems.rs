//! The errors of failed jobs, grouped by what they say, as scans group the rows of logs.

use super::read::{JobsAsk, find};
use crate::error::Result;
use crate::heavy::heavy;
use crate::model::{Filter, Job, JobId, Status, Timestamp};
use crate::monitor::miner::Miner;
use crate::store::Store;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Failed jobs that are looked at, the newest.
const MAX_JOBS: usize = 5_000;
/// Looks at the table, each through a bounded number of ids.
const MAX_READS: usize = 20;
/// Read at a time.
const CHUNK: usize = 1_000;

/// What failed jobs have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobProblem {
    /// The kind of the jobs.
    pub kind: String,
    /// Their error code, if they have one.
    pub code: Option<String>,
    /// What their errors say, with `<*>` for what differs.
    pub template: String,
    /// How many they are.
    pub count: u64,
    /// The first of them that failed.
    pub first: JobId,
    /// The last.
    pub last: JobId,
    /// When the last one ended.
    pub last_at: Option<Timestamp>,
}

/// The problems of failed jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobProblems {
    /// The most frequent first.
    pub problems: Vec<JobProblem>,
    /// How many failed jobs were looked at.
    pub jobs: u64,
    /// Whether there are older ones.
    pub more: bool,
}

/// The problems of the newest failed jobs that fit a query.
///
/// # Errors
/// As [`find`].
pub async fn problems(store: &Store, query: &str, now: Timestamp) -> Result<JobProblems> {
    let failed = Filter::parse(query)?.of_any_status().status(Status::Failed);
    let (mut jobs, mut before, mut more) = (Vec::new(), None, false);
    for _ in 0..MAX_READS {
        let ask = JobsAsk { query: failed.to_string(), before, rows: CHUNK };
        let found = find(store, ask, now).await?;
        jobs.extend(found.rows);
        before = found.next;
        more = before.is_some();
        if !more || jobs.len() >= MAX_JOBS {
            break;
        }
    }
    // Nobody has counted how long the errors are.
    Ok(heavy(usize::MAX, move || grouped(&jobs, more)).await)
}

/// A template, a kind and a code.
type Key<'a> = (u32, &'a str, Option<&'a str>);

fn grouped(jobs: &[Job], more: bool) -> JobProblems {
    // The oldest first, as they came.
    let errors = jobs.iter().rev().filter_map(|job| Some((job, job.error.as_deref()?)));
    let mut miner = Miner::new();
    let pushed: Vec<_> = errors.map(|(job, error)| (job, miner.push(error))).collect();
    miner.settle();
    let texts: BTreeMap<u32, String> =
        miner.templates().into_iter().map(|template| (template.id, template.text)).collect();
    let mut groups: BTreeMap<Key<'_>, Vec<&Job>> = BTreeMap::new();
    for (job, pushed) in pushed {
        let key = (miner.id(pushed), job.kind.as_str(), job.error_code.as_deref());
        groups.entry(key).or_default().push(job);
    }
    let problem = |((id, kind, code), jobs): (Key<'_>, Vec<&Job>)| {
        let (first, last) = (jobs.first()?, jobs.last()?);
        Some(JobProblem {
            kind: kind.to_owned(),
            code: code.map(str::to_owned),
            template: texts.get(&id).cloned().or_else(|| last.error.clone())?,
            count: jobs.len() as u64,
            first: first.id,
            last: last.id,
            last_at: last.finished_at,
        })
    };
    let mut problems: Vec<_> = groups.into_iter().filter_map(problem).collect();
    problems.sort_by_key(|problem| (Reverse(problem.count), Reverse(problem.last.0)));
    JobProblems { problems, jobs: jobs.len() as u64, more }
}
