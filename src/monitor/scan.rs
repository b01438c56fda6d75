//! The handler of kind `self_monitoring`: one scan from the watermark to the commit.

use super::agent_run::{Answer, Folder, by_agent};
use super::analyzer::Choice;
use super::duplicates;
use super::filing;
use super::grouping::{Read, grouped};
use super::remote_issues;
use super::tracking::{Destination, Tracking};
use super::triage::{Triage, all_prints_of, triage};
use super::window::{Examined, Window};
use crate::engine::{Builder, Context};
use crate::error::{Code, Error, Result};
use crate::model::settings::default_retention;
use crate::model::{
    ConcurrencyKey, DryRun, FindingVerdict, JobError, Kind, KindRules, KnownIssue, Outcome, Queue,
    Retention, ScanCommit, ScanCounts, Tracker,
};
use crate::redact::redactor;
use crate::sessions::Agents;
use crate::store::{ScannedLog, Store};
use crate::tracker::inert;
use serde::Deserialize;
use serde_json::json;

/// The analyzer whose texts are our own.
const BUILTIN: &str = "builtin";
/// How often a commit is decided anew; each time somebody was quicker by milliseconds.
const MAX_TRIES: usize = 5;

/// What scans work on.
#[derive(Clone, Debug)]
struct Works {
    store: Store,
    logs: ScannedLog,
    /// `None`: the built-in analyzer does all of them.
    agents: Option<Agents>,
    tracking: Tracking,
}

/// The rules of kind `self_monitoring`: one at a time, one attempt, and a scan that was cut off runs again.
pub fn rules() -> KindRules {
    KindRules {
        queue: Queue::AGENT,
        max_attempts: 1,
        concurrency_key: Some(ConcurrencyKey::SELF_MONITORING),
        // The built-in analyzer needs no model. A scan that only the agent may examine parks itself.
        runs_while_limited: true,
        winds_up: true,
        retention: Retention::all(default_retention(&Kind::SELF_MONITORING)),
        ..KindRules::new(Kind::SELF_MONITORING)
    }
}

/// Lets an engine run scans of `logs`, our own or another program's, on the queue `agent`, which runs one job at a time. With `agents` the settings say
/// whether an agent or the built-in analyzer examines the rows. What is found goes to the tracker by jobs of their own.
pub fn register(
    builder: Builder,
    store: &Store,
    logs: impl Into<ScannedLog>,
    agents: Option<&Agents>,
    tracking: &Tracking,
) -> Builder {
    let works = Works {
        store: store.clone(),
        logs: logs.into(),
        agents: agents.cloned(),
        tracking: tracking.clone(),
    };
    filing::register(builder, store, tracking).queue(Queue::AGENT, 1).kind(
        rules(),
        move |context| {
            let works = works.clone();
            async move {
                let outcome = scan(&context, &works).await;
                outcome.unwrap_or_else(|error| Outcome::Failed(JobError::from(error)))
            }
        },
    )
}

fn summary(counts: ScanCounts) -> serde_json::Value {
    json!({
        "rows_examined": counts.rows_examined,
        "issues_created": counts.issues_created,
        "duplicates_skipped": counts.duplicates_skipped,
        "potential_duplicates_commented": counts.potential_duplicates_commented,
        "reopened": counts.reopened,
        "rejected": counts.rejected,
        "waiting": counts.waiting,
    })
}

/// The payload of a scan.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Request {
    /// Only says what would be filed: no issue, no comment, and the watermark stays.
    dry_run: bool,
}

/// Refuses a payload that no scan could be made of.
///
/// # Errors
/// `JOB-VALUE-001` with the member that does not fit.
pub fn check_scan(payload: &serde_json::Value) -> Result<()> {
    Request::deserialize(payload).map(drop).map_err(|error| {
        Error::new(Code::ModelInvalid, "read the payload of a self_monitoring").because(error)
    })
}

/// What a dry run would have done, one line a finding.
fn dry(examined: &Examined, would: Vec<FindingVerdict>) -> serde_json::Value {
    let rejected = examined.rejected.reasons.clone();
    json!(DryRun { dry_run: true, rows_examined: examined.rows, would, rejected })
}

async fn scan(context: &Context, works: &Works) -> Result<Outcome> {
    let Works { store, logs, agents, tracking } = works;
    // An earlier run of this job may have committed and died before it could settle.
    if let Some(counts) = store.committed_scan(context.job.id).await? {
        return Ok(Outcome::Done(summary(counts)));
    }
    let request: Request = match context.payload() {
        Ok(request) => request,
        Err(error) => return Ok(Outcome::Fatal(JobError::from(error))),
    };
    if !request.dry_run {
        tracking.check()?;
    }
    remote_issues::refresh(store, tracking, &context.clock).await?;
    let (logs, window) = Window::of(store, logs.clone()).await?;
    let works = &Works { logs, ..works.clone() };
    let choice = match agents {
        Some(agents) => Choice::of(agents).await?,
        None => Choice::Builtin,
    };
    let agents = agents.as_ref().filter(|_| choice != Choice::Builtin);
    let outcome = examine(context, works, (agents, choice), (&request, window)).await;
    // Unless another worker has the scan now: what must be kept is in the database.
    if let Some(agents) = agents
        && !outcome.as_ref().is_err_and(Error::is_lease_lost)
    {
        Folder::of(agents, context).remove(agents, context);
    }
    outcome
}

async fn examine(
    context: &Context,
    works: &Works,
    (agents, choice): (Option<&Agents>, Choice),
    (request, window): (&Request, Window),
) -> Result<Outcome> {
    let Works { store, logs, tracking, .. } = works;
    let answer = match agents {
        Some(agents) => match by_agent(agents, context, logs, (window, tracking.home())).await? {
            Answer::Examined(examined) => {
                Answer::Examined(with_templates(store, logs, window, examined).await?)
            }
            ended @ (Answer::Ended(_) | Answer::Kept { .. }) => ended,
        },
        None => Answer::Examined(by_builtin(store, logs, window).await?),
    };
    let answer = match answer {
        Answer::Kept { why, run, .. } if choice == Choice::AgentIfItCan => {
            tracing::info!(
                "scan {}: the built-in analyzer takes the agent's place: {why}",
                context.job.id
            );
            let examined = by_builtin(store, logs, window).await?;
            let (model, cost_usd) = run.map_or((None, None), |run| (run.model, run.cost_usd));
            Answer::Examined(Examined { fallback: Some(why), model, cost_usd, ..examined })
        }
        Answer::Examined(_) | Answer::Ended(_) | Answer::Kept { .. } => answer,
    };
    Ok(match answer {
        Answer::Examined(examined) if request.dry_run => {
            let mut would = decide(context, works, &examined).await?.0.decisions;
            would.extend(duplicates::verdicts(store, tracking).await?);
            Outcome::Done(dry(&examined, would))
        }
        Answer::Examined(examined) => {
            // The agent took its time, and people may have written meanwhile.
            remote_issues::refresh_old(store, tracking, &context.clock).await?;
            commit(context, works, window, &examined).await?;
            let counts = store.committed_scan(context.job.id).await?.unwrap_or_default();
            Outcome::Done(summary(counts))
        }
        Answer::Ended(outcome) => outcome,
        Answer::Kept { why, outcome, .. } => {
            context.progress(format!("The agent cannot examine the log: {why}")).await?;
            outcome
        }
    })
}

/// Decides what is new and commits it. Nobody else files meanwhile, but a person or the tracker may open an issue; then
/// it is decided anew.
async fn commit(
    context: &Context,
    works: &Works,
    window: Window,
    examined: &Examined,
) -> Result<()> {
    let store = &works.store;
    let mut tries = 0;
    loop {
        tries += 1;
        let scan = decided(context, works, window, examined).await?;
        match store.commit_scan(context.lease.clone(), scan, context.clock.now()).await {
            Err(error) if error.is_outcome_unknown() => {
                return store.committed_scan(context.job.id).await?.map(drop).ok_or(error);
            }
            Err(error) if error.code() == Code::StoreConstraint && tries < MAX_TRIES => {}
            saved => return saved,
        }
    }
}

/// What becomes of the findings by the issues that there are now, and those issues.
async fn decide(
    context: &Context,
    works: &Works,
    examined: &Examined,
) -> Result<(Triage, Vec<KnownIssue>)> {
    let findings = &examined.findings;
    let codes = findings.iter().flat_map(|f| f.error_codes.clone()).collect();
    let prints = findings.iter().flat_map(all_prints_of).collect();
    let templates = findings.iter().flat_map(|f| f.templates.known.clone()).collect();
    let home = works.tracking.home();
    let known = works.store.known_issues(home, codes, (prints, templates)).await?;
    Ok((triage(findings.clone(), &known, context.clock.now()), known))
}

/// What the scan leaves behind, by the issues that there are now.
async fn decided(
    context: &Context,
    works: &Works,
    window: Window,
    examined: &Examined,
) -> Result<ScanCommit> {
    let (triage, known) = decide(context, works, examined).await?;
    // Who can read the issues matters only if something is said.
    let duplicates = duplicates::decide(&works.store, &works.tracking).await?;
    let says_nothing =
        triage.new_issues.is_empty() && triage.remarks.is_empty() && duplicates.closing.is_empty();
    let destination = if says_nothing {
        Destination::default()
    } else {
        works.tracking.destination(&works.store).await?
    };
    let scan = context.job.id;
    let mut new_issues = destination.openings(scan, triage.new_issues, &known)?;
    let mut remarks = destination.comments(scan, triage.remarks)?;
    if examined.analyzer != BUILTIN {
        // The tracker's text is made from the text as the agent wrote it: a text made inert twice would show the escapes.
        for (new, _) in &mut new_issues {
            new.finding.body = inert(&new.finding.body);
        }
        if destination.tracker == Tracker::Local {
            let opened = new_issues.iter_mut().map(|(_, posting)| posting);
            for posting in opened.chain(remarks.iter_mut().map(|(_, posting)| posting)) {
                posting.body = inert(&posting.body);
            }
        }
    }
    Ok(ScanCommit {
        log: works.logs.identity().to_owned(),
        log_id_start: window.after,
        log_id_end: examined.end,
        log_row_end: works.logs.mark(examined.end).await?,
        counts: ScanCounts {
            rows_examined: examined.rows,
            issues_created: new_issues.len() as u64,
            duplicates_skipped: triage.skipped,
            potential_duplicates_commented: triage.commented,
            reopened: triage.reopened,
            rejected: examined.rejected.count,
            waiting: 0,
        },
        analyzer: examined.analyzer,
        fallback: examined.fallback.clone(),
        model: examined.model.clone(),
        cost_usd: examined.cost_usd,
        rejections: examined.rejected.reasons.clone(),
        tracker: destination.tracker,
        home: destination.home,
        caps: destination.caps,
        new_issues,
        seen_again: triage.seen_again,
        learned: triage.learned,
        shown: triage.shown,
        templates: examined.templates.clone(),
        remarks,
        duplicates,
        follow_up: examined.follow_up,
    })
}

/// Reads the window with the built-in analyzer.
async fn by_builtin(store: &Store, logs: &ScannedLog, window: Window) -> Result<Examined> {
    let (grouped, Read { rows, end, follow_up }) = grouped(store, logs, window).await?;
    let mut findings = grouped.findings;
    for finding in &mut findings {
        redactor().clean(&mut finding.title);
        redactor().clean(&mut finding.body);
    }
    Ok(Examined {
        analyzer: BUILTIN,
        findings,
        templates: grouped.templates,
        rows,
        end,
        follow_up,
        ..Examined::default()
    })
}

/// Has what an agent found in a window known by the templates of its rows.
async fn with_templates(
    store: &Store,
    logs: &ScannedLog,
    window: Window,
    mut examined: Examined,
) -> Result<Examined> {
    let read = Window { newest: examined.end, ..window };
    if read.newest > read.after {
        let (grouped, _) = grouped(store, logs, read).await?;
        for (finding, rows) in examined.findings.iter_mut().zip(&examined.shown) {
            grouped.identify(finding, rows);
        }
        examined.templates = grouped.templates;
    }
    Ok(examined)
}
