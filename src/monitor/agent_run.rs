//! The agent's run of a scan: once it is paid for, its answer is used, also after a crash.

use super::agent::{self, Digest, Prepared};
use super::analyzer::{usage_limit, was_kept_from_it};
use super::breaker;
use super::verify::{Checkout, checkout};
use super::window::{Examined, Window};
use crate::agents::claude::{Conclusion, Model, OnDenial, Settings};
use crate::agents::create_job_dir;
use crate::engine::Context;
use crate::error::{Code, Error, Result};
use crate::model::settings::{SCAN_BUDGET, SCAN_MODEL};
use crate::model::{IssueHome, JobError, Outcome, Profile, RunEnding, SessionRun, Setting};
use crate::sessions::{self, Agents, Dollars, Given, Plan, Wishes};
use crate::store::{ScannedLog, Snapshot};
use crate::warn_coded;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the copy of the log in the scan's folder.
const SNAPSHOT: &str = "snapshot.db";
/// The name of what describes it.
const DESCRIPTION: &str = "snapshot.json";

/// When a limit is asked about again of which nobody knows when it ends.
const LOOK_AGAIN: Duration = Duration::from_mins(5);

/// What came of it.
pub(super) enum Answer {
    /// Findings to decide about.
    Examined(Examined),
    /// The agent gave no answer: how the job goes on.
    Ended(Outcome),
    /// The agent could not look, for a reason that is not in the log: how the job goes on if nobody takes its place.
    Kept {
        /// Why, a sentence for people.
        why: String,
        /// How the job goes on.
        outcome: Outcome,
        /// The agent's run, if there was one.
        run: Option<Ran>,
    },
}

/// A run of an agent, as the scan's record tells it.
pub(super) struct Ran {
    /// The model, if the program said it.
    pub(super) model: Option<String>,
    /// Dollars; `None` if it asked the model nothing.
    pub(super) cost_usd: Option<f64>,
}

impl Answer {
    /// The agent was kept from its run.
    fn kept(why: String, outcome: Outcome) -> Self {
        Self::Kept { why, outcome, run: None }
    }
}

/// Has the agent examine a window.
pub(super) async fn by_agent(
    agents: &Agents,
    context: &Context,
    logs: &ScannedLog,
    about: (Window, IssueHome),
) -> Result<Answer> {
    let (given, kept) = match checkout(&agents.store, &agents.data_dir).await? {
        Some(Ok(given)) => (Some(given), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let mut answer = with_checkout(agents, context, logs, about, given.as_ref()).await?;
    if let (Answer::Examined(examined), Some(why)) = (&mut answer, kept)
        && examined.rows > 0
    {
        examined.rejected.note(why);
    }
    Ok(answer)
}

/// Has it examined, with the repository that it may check against.
async fn with_checkout(
    agents: &Agents,
    context: &Context,
    logs: &ScannedLog,
    (window, home): (Window, IssueHome),
    given: Option<&Checkout>,
) -> Result<Answer> {
    let folder = Folder::of(agents, context);
    if let Some((snapshot, run)) = answered_before(agents, context, &folder, window).await? {
        let structured = run.structured.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let text = run.response.as_deref().unwrap_or_default();
        let digest = agent::digest(structured.as_ref(), text, &snapshot, given).await?;
        return Ok(Answer::Examined(examined(digest, &snapshot, run.model, run.cost_usd)));
    }
    if let Some(kept) = kept_from_it(agents, context).await? {
        return Ok(kept);
    }
    let wishes = sessions::wishes(&agents.store).await?;
    let wanted = SCAN_BUDGET.of(&agents.store.settings([SCAN_BUDGET.key]).await?).as_f64();
    let wanted = wanted.unwrap_or(wishes.run_usd);
    let budget = match sessions::reserve(agents, context, wanted, None).await? {
        Dollars::Granted(usd) => usd,
        Dollars::None { why, outcome } => {
            return Ok(Answer::kept(format!("{why}."), outcome));
        }
    };
    create_job_dir(&folder.0)?;
    let (path, now) = (folder.0.join(SNAPSHOT), context.clock.now());
    let prepared = agent::prepare(&agents.store, logs, (window, home), (path, given), now).await?;
    let Some(Prepared { snapshot, prompt, schema }) = prepared else {
        return Ok(Answer::Examined(nothing(window)));
    };
    folder.describe(&snapshot)?;
    let asked = Asked { prompt, schema, given };
    let plan = plan(agents, context, &snapshot, asked, (wishes, budget)).await?;
    let verdict = match sessions::run(agents, context, plan).await {
        Ok(verdict) => verdict,
        Err(error) if [Code::AgentBox, Code::AgentMissing].contains(&error.code()) => {
            let (why, outcome) = (error.sentence(), Outcome::Failed(JobError::from(error)));
            return Ok(Answer::kept(why, outcome));
        }
        Err(error) => return Err(error),
    };
    let model = agents.store.session(context.job.id).await?.and_then(|session| session.run);
    let model = model.and_then(|run| run.model);
    let cost_usd = verdict.cost.map(|cost| cost.usd);
    // Prose may hold the answer all the same.
    let is_answer =
        verdict.conclusion == Conclusion::Done || verdict.ending == RunEnding::Unstructured;
    if was_kept_from_it(verdict.ending) {
        let outcome = verdict.outcome(Value::Null);
        if let Outcome::Limited { until, reason } = &outcome {
            // The built-in analyzer may take its place, and the job then ends without a word of the limit.
            let (lease, now) = (context.lease.clone(), context.clock.now());
            agents.store.meet_limit(lease, reason.clone(), *until, now).await?;
        }
        let run = Some(Ran { model, cost_usd });
        return Ok(Answer::Kept { why: verdict.message, outcome, run });
    }
    if !is_answer {
        return Ok(Answer::Ended(verdict.outcome(Value::Null)));
    }
    let text = verdict.response.as_deref().unwrap_or_default();
    match agent::digest(verdict.structured.as_ref(), text, &snapshot, given).await {
        Ok(digest) => Ok(Answer::Examined(examined(digest, &snapshot, model, cost_usd))),
        Err(_) if verdict.ending == RunEnding::Unstructured => {
            Ok(Answer::Ended(verdict.outcome(Value::Null)))
        }
        Err(error) => Err(error),
    }
}

/// What keeps the agent from a run at this moment, if anything does.
async fn kept_from_it(agents: &Agents, context: &Context) -> Result<Option<Answer>> {
    if let Some(until) = breaker::rests_until(agents, context).await? {
        let why = format!(
            "the last three scans by the agent failed; it is asked again at {until}, or when a person presses Run Now."
        );
        let error =
            Error::new(Code::ScanHeld, "have the agent examine the log").because(why.clone());
        return Ok(Some(Answer::kept(why, Outcome::Failed(JobError::from(error)))));
    }
    if let Some(reason) = agents.unboxed().await {
        let why = format!("the sandbox cannot be used: {reason}.");
        let error = Error::new(Code::AgentBox, "examine the log in the sandbox").because(reason);
        return Ok(Some(Answer::kept(why, Outcome::Failed(JobError::from(error)))));
    }
    if let Some(pause) = usage_limit(agents).await? {
        let until = pause.resume_at.unwrap_or_else(|| context.clock.now().plus(LOOK_AGAIN));
        let why = format!("the model's service takes no runs now ({}).", pause.reason);
        return Ok(Some(Answer::kept(why, Outcome::Limited { until, reason: pause.reason })));
    }
    Ok(None)
}

/// The answer that an earlier attempt of this scan was given, and paid for, before it was cut off.
async fn answered_before(
    agents: &Agents,
    context: &Context,
    folder: &Folder,
    window: Window,
) -> Result<Option<(Snapshot, SessionRun)>> {
    let session = agents.store.session(context.job.id).await?;
    let Some(run) = session.and_then(|session| session.run) else { return Ok(None) };
    let usable = [RunEnding::Done, RunEnding::Denied, RunEnding::Unstructured];
    let answered = run.ending.is_some_and(|ending| usable.contains(&ending));
    let snapshot = folder.described().filter(|snapshot| {
        // Rows that another scan has examined meanwhile are not examined again.
        answered && snapshot.after == window.after && snapshot.path.is_file()
    });
    Ok(snapshot.map(|snapshot| (snapshot, run)))
}

/// What the agent is asked.
struct Asked<'a> {
    prompt: String,
    schema: Value,
    /// The repository that it may check against.
    given: Option<&'a Checkout>,
}

async fn plan(
    agents: &Agents,
    context: &Context,
    snapshot: &Snapshot,
    Asked { prompt, schema, given }: Asked<'_>,
    (wishes, budget): (Wishes, f64),
) -> Result<Plan> {
    let set = agents.store.settings([SCAN_MODEL.key]).await?;
    let settings = Settings {
        model: Some(Model::parse(&Setting::text(&SCAN_MODEL.of(&set)))?),
        max_turns: Some(wishes.max_turns),
        budget_usd: Some(budget),
        resumable: false,
        json_schema: Some(schema),
        reads: given.map(|given| given.path.clone()),
        ..Settings::new(Profile::Scan)
    };
    Ok(Plan {
        settings,
        prompt,
        tier: 1,
        prompt_file: Some("self_monitoring".to_owned()),
        typed: None,
        continues: None,
        // Each attempt has a new folder, because an earlier agent may have left files in its own.
        place: format!("{}-{}", context.job.id, context.lease.epoch),
        working_dir: None,
        given: Given::default(),
        readable: std::iter::once(snapshot.path.clone())
            .chain(given.map(|given| given.path.clone()))
            .collect(),
        wall: wishes.wall,
        idle: wishes.idle,
        on_denial: OnDenial::Note,
        answer_of: None,
        cost_before: 0.0,
    })
}

fn examined(
    digest: Digest,
    snapshot: &Snapshot,
    model: Option<String>,
    cost_usd: Option<f64>,
) -> Examined {
    Examined {
        analyzer: "claude",
        fallback: None,
        model,
        cost_usd,
        findings: digest.findings,
        shown: digest.shown,
        templates: Vec::new(),
        rejected: digest.rejected,
        rows: snapshot.rows,
        end: digest.end,
        follow_up: digest.follow_up,
    }
}

/// No row was of level warning or worse, so no agent was needed.
fn nothing(window: Window) -> Examined {
    Examined { analyzer: "claude", end: window.newest, ..Examined::default() }
}

/// The folder of a scan's snapshot, which is not the agent's: `jobs/<id>.scan` in the data directory.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder of this scan.
    pub(super) fn of(agents: &Agents, context: &Context) -> Self {
        Self(agents.data_dir.join("jobs").join(format!("{}.scan", context.job.id)))
    }

    fn describe(&self, snapshot: &Snapshot) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::new(Code::StoreIo, "describe the snapshot").because(error)
        };
        let text = serde_json::to_vec(snapshot).map_err(|error| failed(error.into()))?;
        std::fs::write(self.0.join(DESCRIPTION), text).map_err(failed)
    }

    fn described(&self) -> Option<Snapshot> {
        serde_json::from_slice(&std::fs::read(self.0.join(DESCRIPTION)).ok()?).ok()
    }

    /// Removes the folder of the snapshot and the folders of the scan's agents; the database has everything that must be kept.
    pub(super) fn remove(&self, agents: &Agents, context: &Context) {
        let jobs = agents.data_dir.join("jobs");
        let attempt = |epoch| jobs.join(format!("{}-{epoch}", context.job.id));
        for folder in (1..=context.lease.epoch).map(attempt).chain([self.0.clone()]) {
            remove(&folder);
        }
    }
}

fn remove(folder: &Path) {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            warn_coded!(Code::StoreIo, "remove {}: {error}", folder.display());
        }
        Ok(()) | Err(_) => {}
    }
}
