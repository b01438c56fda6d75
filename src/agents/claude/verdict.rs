//! The verdict on a run that is over: it succeeded, or it failed and why.
//!
//! # Source
//! A run has succeeded if its exit code is 0, it reported, the report's subtype is `success` and it is no error, the
//! structured answer is there if one was asked for, and no denial matters. Each of these was seen to be missing while
//! the others held: a refused key is subtype `success`, an interrupted run exits 0, prose instead of the structured
//! answer is a success to the program, and so is a run whose tools were all denied.

use super::cut;
use super::event::{Denial, Report, Tokens};
use super::problem::{Problem, ProblemKind};
use super::reset::wait_until;
use super::summary::{MAX_RESPONSE, Summary};
use super::versions::Version;
use crate::agents::{self, Exit};
use crate::model::{Cost, JobError, Outcome, RunEnding, Timestamp, usd};
use serde_json::Value;
use std::time::Duration;

/// Longest text of an error taken into the message, in bytes.
const MAX_ERROR: usize = 2_000;
/// How long the queue waits after the service has refused the key or the account: a person is to act, and asking again costs
/// nothing.
const REFUSED_WAIT: Duration = Duration::from_mins(15);
/// How an old version begins a report that says success and means a limit.
const OLD_LIMIT: &str = "Claude AI usage limit reached|";

/// How the program ended, and what was wanted of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End<'a> {
    /// How it ended; `None` if nobody knows.
    pub exit: Option<Exit>,
    /// Why we stopped it; `None` if it ended by itself.
    pub stop: Option<Stop>,
    /// The last of what it wrote to standard error.
    pub stderr: &'a str,
    /// Whether a structured answer was asked for.
    pub structured: bool,
    /// Whether a tool that was not allowed makes it a failure.
    pub on_denial: OnDenial,
    /// What the runs that it resumes have cost.
    pub cost_before: f64,
    /// What it may cost.
    pub budget_usd: Option<f64>,
    /// The version that was looked up, for a program that does not say it.
    pub version: Version,
}

/// Why we stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A person asked for it.
    Cancelled,
    /// It took too long.
    TimedOut,
    /// It showed no sign of life for too long.
    Idle,
    /// It wrote too much.
    OutputLimit,
    /// It took too much memory.
    MemoryLimit,
    /// It had too many processes.
    ProcessLimit,
    /// It took too much of a disk.
    DiskLimit,
    /// It cost more than it may.
    Budget,
    /// It took more turns than it may.
    Turns,
    /// [`Summary::hopeless`] said so.
    GaveUp,
    /// The server stopped, or its supervisor was killed.
    Interrupted,
}

impl Stop {
    /// Why a run ended, as its supervisor reports it; `asked` is the reason of an ordered stop.
    pub fn of(reason: agents::Reason, asked: Option<Self>) -> Option<Self> {
        match reason {
            agents::Reason::Exited => None,
            agents::Reason::Stopped => Some(asked.unwrap_or(Self::Cancelled)),
            agents::Reason::TimedOut => Some(Self::TimedOut),
            agents::Reason::Idle => Some(Self::Idle),
            agents::Reason::OutputLimit => Some(Self::OutputLimit),
            agents::Reason::MemoryLimit => Some(Self::MemoryLimit),
            agents::Reason::ProcessLimit => Some(Self::ProcessLimit),
            agents::Reason::DiskLimit => Some(Self::DiskLimit),
            agents::Reason::ServerGone | agents::Reason::SupervisorLost => Some(Self::Interrupted),
        }
    }
}

/// Whether a tool that was not allowed makes a run a failure that is a success otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDenial {
    /// The run is done all the same, and [`Verdict::ending`] tells it.
    Note,
    /// The run has failed.
    Fail,
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What it means for the job.
    pub conclusion: Conclusion,
    /// How it ended, in a word.
    pub ending: RunEnding,
    /// How it ended, for people; what to do about it included where only a person can help.
    pub message: String,
    /// What it has cost; `None` if it asked the model nothing.
    pub cost: Option<Cost>,
    /// Turns; without a report the messages of the model.
    pub num_turns: Option<u64>,
    /// The program's own time; `None` without a report.
    pub duration_ms: Option<u64>,
    /// Tokens; without a report those of the model's messages.
    pub tokens: Option<Tokens>,
    /// Whether turns and tokens may have been more.
    pub counts_at_least: bool,
    /// The model's answer, or what it said last; never the program's own words about a failure. Cut at 1 MiB.
    pub response: Option<String>,
    /// The structured answer.
    pub structured: Option<Value>,
    /// The program's own id of the session.
    pub session: Option<String>,
    /// Uses of tools that were not allowed.
    pub denials: Vec<Denial>,
    /// What a person should know of a run that ended well.
    pub note: Option<String>,
}

/// What the end of a run means for its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// It is done.
    Done,
    /// It failed; another try might not.
    Failed,
    /// It failed, and trying again would not help.
    Fatal,
    /// A limit forbids it until then.
    Limited {
        /// When the limit is lifted, as far as is known.
        until: Timestamp,
    },
}

impl Verdict {
    /// The same for the engine; a completed job keeps `result`.
    pub fn outcome(&self, result: Value) -> Outcome {
        let error = || JobError::new(self.ending.code(), &self.message);
        match self.conclusion {
            Conclusion::Done => Outcome::Done(result),
            Conclusion::Failed => Outcome::Failed(error()),
            Conclusion::Fatal => Outcome::Fatal(error()),
            Conclusion::Limited { until } => {
                let code = self.ending.code();
                Outcome::Limited { until, reason: format!("[{code}] {}", self.message) }
            }
        }
    }
}

/// Says what became of a run.
pub fn verdict(run: &Summary, end: &End<'_>, now: Timestamp) -> Verdict {
    let (ending, detail) = how(run, end);
    let noted = ending == RunEnding::Denied && end.on_denial == OnDenial::Note;
    let conclusion = if ending == RunEnding::Done || noted {
        Conclusion::Done
    } else if ending == RunEnding::Limit {
        Conclusion::Limited { until: limit_end(run, &detail, now) }
    } else if ending.stops_every_run() {
        // The next run would be refused too: all wait, and one tries again from time to time.
        Conclusion::Limited { until: now.plus(REFUSED_WAIT) }
    } else if ending.needs_a_person() {
        Conclusion::Fatal
    } else {
        Conclusion::Failed
    };
    let report = run.report.as_ref();
    Verdict {
        conclusion,
        ending,
        message: message(ending, &detail),
        cost: run.cost(end.cost_before, end.version),
        num_turns: run.turns(),
        duration_ms: run.duration_ms,
        tokens: run.all_tokens(),
        counts_at_least: run.turns().is_some() && !run.is_all_reported(),
        response: response(run),
        structured: report.and_then(|report| report.structured.clone()),
        session: run.session.clone(),
        denials: run.denials.clone(),
        note: note(run, end),
    }
}

/// What stands out although the run is done: it only waited at its end, it was denied a tool, or it cost more than it may.
fn note(run: &Summary, end: &End<'_>) -> Option<String> {
    let report = run.report.as_ref()?;
    let waited = match end.stop {
        Some(Stop::TimedOut) if only_waited(run, report) => Some("it took too long"),
        Some(Stop::Idle) if only_waited(run, report) => {
            Some("it showed no sign of life for too long")
        }
        _ => None,
    };
    let waited = waited.map(|why| {
        format!("The agent had reported its success and only waited for what it had started, so it was ended: {why}.")
    });
    let cost = run.cost(end.cost_before, end.version);
    let over = cost.zip(end.budget_usd).filter(|(cost, budget)| cost.usd > *budget);
    let over = over.map(|(cost, budget)| {
        format!("The run cost {cost}, more than its budget of {}.", usd(budget))
    });
    let denied = run.denials.first().map(|first| {
        let Denial { tool, telling, .. } = first;
        let more = others(run.denials.len() - 1);
        format!("A tool was not allowed: {tool}: {telling}{more}.")
    });
    let notes: Vec<String> = waited.into_iter().chain(denied).chain(over).collect();
    (!notes.is_empty()).then(|| notes.join(" "))
}

/// How it ended, and the text that tells more.
fn how(run: &Summary, end: &End<'_>) -> (RunEnding, String) {
    match (end.stop, &run.report) {
        (Some(Stop::TimedOut | Stop::Idle), Some(report)) if only_waited(run, report) => {
            told(run, report, end)
        }
        (Some(stop), _) => stopped(run, stop),
        (None, Some(report)) if has_failed(run, report) => failed(run, report),
        (None, Some(report)) => succeeded(run, report, end),
        (None, None) => unreported(run, end),
    }
}

/// A run that we stopped. If it was waiting for something that it could not get, the verdict names that.
fn stopped(run: &Summary, stop: Stop) -> (RunEnding, String) {
    let waiting = run.waiting.as_ref().map(|(problem, _)| problem);
    let plain = |ending| (ending, String::new());
    match (stop, waiting) {
        (Stop::GaveUp, Some(problem)) => of_problem(problem),
        (Stop::TimedOut | Stop::Idle, Some(problem)) if !is_passing(problem.kind) => {
            of_problem(problem)
        }
        (Stop::Cancelled, _) => plain(RunEnding::Cancelled),
        (Stop::TimedOut, _) => plain(RunEnding::TimedOut),
        (Stop::Idle, _) => plain(RunEnding::Idle),
        (Stop::OutputLimit, _) => plain(RunEnding::OutputLimit),
        (Stop::MemoryLimit, _) => plain(RunEnding::MemoryLimit),
        (Stop::ProcessLimit, _) => plain(RunEnding::ProcessLimit),
        (Stop::DiskLimit, _) => plain(RunEnding::DiskLimit),
        (Stop::Budget, _) => plain(RunEnding::Budget),
        (Stop::Turns, _) => plain(RunEnding::MaxTurns),
        (Stop::GaveUp | Stop::Interrupted, _) => plain(RunEnding::Interrupted),
    }
}

/// Whether the next try may well succeed.
fn is_passing(kind: ProblemKind) -> bool {
    match kind {
        ProblemKind::Overloaded | ProblemKind::Service => true,
        ProblemKind::Authentication
        | ProblemKind::Billing
        | ProblemKind::Limit
        | ProblemKind::Request => false,
    }
}

fn has_failed(run: &Summary, report: &Report) -> bool {
    let old_limit = report.text.as_ref().is_some_and(|text| text.starts_with(OLD_LIMIT));
    report.is_error || report.subtype != "success" || run.failure.is_some() || old_limit
}

fn failed(run: &Summary, report: &Report) -> (RunEnding, String) {
    let detail = match (report.errors.as_slice(), &report.text) {
        ([], text) => text.clone().unwrap_or_default(),
        (errors, _) => errors.join("; "),
    };
    let reason = report.terminal_reason.as_deref().unwrap_or_default();
    let ending = match report.subtype.as_str() {
        "error_max_turns" => RunEnding::MaxTurns,
        "error_max_budget_usd" => RunEnding::Budget,
        "error_max_structured_output_retries" => RunEnding::Unstructured,
        _ if reason.starts_with("aborted") => RunEnding::Interrupted,
        // The session that should be continued is gone: the program reports that before it is ready.
        "error_during_execution" if !run.started => RunEnding::NotStarted,
        subtype => {
            let told = run.failure.clone().or_else(|| Problem::of_text(&detail));
            let read = || Problem::read("", report.status, &detail);
            return match told.or_else(|| (subtype == "success").then(read)) {
                // A used-up limit explains more than a failure of an unknown kind.
                Some(problem) if run.limit.is_some() && is_passing(problem.kind) => {
                    (RunEnding::Limit, problem.text)
                }
                Some(problem) => of_problem(&problem),
                None => (RunEnding::Failed, detail),
            };
        }
    };
    (ending, detail)
}

/// A run that says it has succeeded.
fn succeeded(run: &Summary, report: &Report, end: &End<'_>) -> (RunEnding, String) {
    match killed_by(end.exit) {
        Some(how) => return (RunEnding::Killed, format!("{how}, after it had reported success")),
        None if end.exit != Some(Exit::Code(0)) => {
            let text = format!("{} although it reported success", exit_text(end));
            return (RunEnding::Failed, text);
        }
        None => {}
    }
    told(run, report, end)
}

/// Whether a run that we ended had reported its success and done nothing since: something that it started kept it.
fn only_waited(run: &Summary, report: &Report) -> bool {
    !has_failed(run, report) && run.is_all_reported()
}

/// What the report of a run that has succeeded is worth.
fn told(run: &Summary, report: &Report, end: &End<'_>) -> (RunEnding, String) {
    if end.structured && report.structured.is_none() {
        return (RunEnding::Unstructured, "the model answered in prose".into());
    }
    let has_answer = report.structured.is_some() || response(run).is_some();
    // The program itself answers a prompt that begins with a slash, and counts no turn for it.
    let is_idle = run.turns().map_or(!has_answer, |turns| turns == 0);
    if is_idle && run.tool_uses == 0 && report.structured.is_none() {
        return (RunEnding::Nothing, report.text.clone().unwrap_or_default());
    }
    match run.denials.as_slice() {
        [] => (RunEnding::Done, String::new()),
        [first, rest @ ..] => {
            let more = others(rest.len());
            (RunEnding::Denied, format!("{}: {}{more}", first.tool, first.telling))
        }
    }
}

/// So many others, as the end of a clause.
fn others(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", and {count} more") }
}

/// A run that ended without a word about its end.
fn unreported(run: &Summary, end: &End<'_>) -> (RunEnding, String) {
    let ours = run.failure.clone().or_else(|| run.waiting.as_ref().map(|(p, _)| p.clone()));
    if let Some(problem) = ours.or_else(|| Problem::of_text(end.stderr)) {
        return of_problem(&problem);
    }
    if let Some(limit) = &run.limit {
        return (RunEnding::Limit, limit.which.clone());
    }
    if let Some(how) = killed_by(end.exit) {
        return (RunEnding::Killed, how);
    }
    let ending = match end.exit {
        Some(Exit::Code(code)) if code != 0 && !run.started => RunEnding::NotStarted,
        _ => RunEnding::NoReport,
    };
    (ending, exit_text(end) + &last_words(run, end))
}

fn of_problem(problem: &Problem) -> (RunEnding, String) {
    let ending = match problem.kind {
        ProblemKind::Authentication => RunEnding::Authentication,
        ProblemKind::Billing => RunEnding::Billing,
        ProblemKind::Limit => RunEnding::Limit,
        ProblemKind::Request => RunEnding::Request,
        ProblemKind::Overloaded => RunEnding::Overloaded,
        ProblemKind::Service => RunEnding::Service,
    };
    (ending, problem.text.clone())
}

/// The signal that ended it. A sandbox tells it as a shell does: 128 and the signal's number.
fn killed_by(exit: Option<Exit>) -> Option<String> {
    match exit? {
        Exit::Signal(signal) => Some(format!("ended by signal {signal}")),
        Exit::Code(code @ 129..=192) => Some(format!("ended by signal {}", code - 128)),
        Exit::Code(_) => None,
    }
}

fn exit_text(end: &End<'_>) -> String {
    match end.exit {
        Some(Exit::Code(code)) => format!("exit code {code}"),
        Some(Exit::Signal(signal)) => format!("signal {signal}"),
        None => "its exit code is not known".to_owned(),
    }
}

/// What it wrote last to standard error, or to standard output in no known form.
fn last_words(run: &Summary, end: &End<'_>) -> String {
    let stderr = end.stderr.trim();
    let words = if stderr.is_empty() { run.last_words.as_deref() } else { Some(stderr) };
    words.map_or(String::new(), |words| format!(": {words}"))
}

fn limit_end(run: &Summary, detail: &str, now: Timestamp) -> Timestamp {
    let waits = run.waiting.as_ref().map(|(_, wait)| now.plus(*wait));
    wait_until(run.limit_end().or(waits), detail, now)
}

fn message(ending: RunEnding, detail: &str) -> String {
    let mut message = ending.sentence().to_owned();
    // Old programs write the time of its end behind a limit, in seconds.
    let detail = match detail.trim().rsplit_once('|') {
        Some((told, time)) if ending == RunEnding::Limit && is_number(time) => told,
        Some(_) | None => detail,
    };
    if !detail.trim().is_empty() {
        message.push_str(": ");
        message.push_str(&cut(detail.trim(), MAX_ERROR));
    }
    message
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The answer; where the report holds none, or only the program's words about a failure, what the model said last.
fn response(run: &Summary) -> Option<String> {
    let report = run.report.as_ref().filter(|report| !has_failed(run, report));
    let told = report.and_then(|report| report.text.as_deref());
    let told = told.filter(|text| !text.trim().is_empty());
    told.map(|text| cut(text, MAX_RESPONSE)).or_else(|| run.last_text.clone())
}
