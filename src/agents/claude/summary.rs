//! A summary of a run from the events seen so far.

use super::cut;
use super::event::{Denial, Event, RateLimit, Report, Tokens};
use super::meter::{Meter, Usage};
use super::problem::{Problem, ProblemKind};
use super::read::ReadLine;
use super::versions::Version;
use crate::model::{Cost, Timestamp};
use std::time::Duration;

/// Longest answer that is kept, in bytes; the transcript has all of it.
pub(super) const MAX_RESPONSE: usize = 1024 * 1024;
/// Denials that are kept; a run that is refused again and again is told by the first ones.
const MAX_DENIALS: usize = 100;
/// Longest line kept of what is no event, in bytes: the program's last words.
const MAX_WORDS: usize = 1_000;
/// The longest wait between tries that a run may sit out. A longer one parks the job, which frees its place.
const MAX_PATIENCE: Duration = Duration::from_mins(2);

/// Gathers the events of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The program's own id of the session.
    pub session: Option<String>,
    /// The model as the program resolved it.
    pub model: Option<String>,
    /// The program's version.
    pub version: Option<String>,
    /// What the model said last, subagents aside.
    pub last_text: Option<String>,
    /// Uses of tools that were not allowed, each once.
    pub denials: Vec<Denial>,
    /// Whether the program got ready.
    pub started: bool,
    /// Uses of tools, for a sign of progress.
    pub tool_uses: u64,
    /// The last report.
    pub report: Option<Report>,
    /// Turns of all reports.
    pub num_turns: Option<u64>,
    /// Time of all reports.
    pub duration_ms: Option<u64>,
    /// Tokens of all reports.
    pub tokens: Option<Tokens>,
    /// All messages, by their tokens.
    meter: Meter,
    /// The messages since the last report.
    unreported: Meter,
    /// The last line that was no event.
    pub last_words: Option<String>,
    /// What the program waits for since its last try; `None` once it went on.
    pub(super) waiting: Option<(Problem, Duration)>,
    /// What the program said in the model's place, if it spoke last.
    pub(super) failure: Option<Problem>,
    /// The usage limit, while it is used up.
    pub(super) limit: Option<RateLimit>,
}

impl Summary {
    /// A summary of these events.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut summary = Self::default();
        events.into_iter().for_each(|event| summary.see(event));
        summary
    }

    /// Takes one more event.
    pub fn see(&mut self, event: &Event) {
        match event {
            Event::Started { session, model, version, .. } => {
                self.started = true;
                let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
                self.session = some(session).or(self.session.take());
                self.model = some(model).or(self.model.take());
                self.version = some(version).or(self.version.take());
            }
            Event::Text { text, nested } => {
                self.go_on();
                if !nested && !text.trim().is_empty() {
                    self.last_text = Some(cut(text, MAX_RESPONSE));
                }
            }
            Event::ToolUse { .. } => {
                self.go_on();
                self.tool_uses += 1;
            }
            Event::Thinking(_) => self.go_on(),
            Event::Denied(denial) => self.deny(denial),
            Event::Retry { wait, status, error, .. } => {
                self.waiting = Some((Problem::read(error, *status, ""), *wait));
            }
            Event::RateLimit(limit) => self.limit = limit.refused.then(|| limit.clone()),
            Event::ApiError { error, status, text } => {
                self.waiting = None;
                self.failure = Some(Problem::read(error, *status, text));
            }
            Event::Report(report) => self.take_report(report),
            Event::Raw { text, .. } => self.last_words = Some(cut(text, MAX_WORDS)),
            Event::ToolResult { .. } | Event::Remark(_) | Event::Other { .. } => {}
        }
    }

    /// Takes all that a line tells.
    pub fn see_line(&mut self, line: &ReadLine) {
        if let Some(usage) = &line.usage {
            self.meter(usage);
        }
        // A part of an answer is no event: it comes again with the whole of it.
        if !line.is_partial {
            line.events.iter().for_each(|event| self.see(event));
        }
    }

    /// Takes the tokens of a message.
    pub fn meter(&mut self, usage: &Usage) {
        self.meter.see(usage);
        self.unreported.see(usage);
    }

    /// Whether a message was seen before.
    pub(super) fn knows(&self, usage: &Usage) -> bool {
        self.meter.knows(usage)
    }

    /// Why the run should be ended now instead of trying on: only a person can help it, or it waits for longer than a run
    /// may hold its place. The caller asks this after every event; [`verdict`](super::verdict) with
    /// [`Stop::GaveUp`](super::Stop::GaveUp) then says what became of it.
    ///
    /// # Source
    /// The program tries a refused key ten times, for minutes, and sits out a retry-after of any length.
    pub fn hopeless(&self) -> Option<&Problem> {
        let (problem, wait) = self.waiting.as_ref()?;
        let hopeless = match problem.kind {
            ProblemKind::Authentication | ProblemKind::Billing | ProblemKind::Request => true,
            ProblemKind::Limit => *wait > MAX_PATIENCE,
            ProblemKind::Overloaded | ProblemKind::Service => false,
        };
        hopeless.then_some(problem)
    }

    /// What the run has cost so far, `before` of which was spent by the runs that it resumes; `None` if it asked the model
    /// nothing. The program's own version decides what its report counts; `installed` is the version that was looked up,
    /// for a program that does not say it.
    ///
    /// A program that could not report, or went on after its report, has cost at least what its messages did. A report
    /// below that is believed only for models whose prices are not known: the runs before it may have been booked at more
    /// than the program knows of.
    pub fn cost(&self, before: f64, installed: Version) -> Option<Cost> {
        let version = self.version.as_deref().and_then(Version::parse).unwrap_or(installed);
        let since = self.unreported.usd();
        let reported = self.report.as_ref().and_then(|report| report.cost_usd).map(|total| {
            let is_sum = version.counts_earlier_cost() && total >= before;
            let own = if is_sum { total - before } else { total };
            if before > 0.0 && self.meter.knows_prices() {
                own.max(self.meter.usd() - since)
            } else {
                own
            }
        });
        match reported {
            Some(own) if since == 0.0 => Some(Cost::exactly(own)),
            Some(own) => Some(Cost::at_least(own + since)),
            None if self.started || self.meter.messages() > 0 => {
                Some(Cost::at_least(self.meter.usd()))
            }
            None => None,
        }
    }

    /// Turns of all reports, and the messages since the last one.
    pub fn turns(&self) -> Option<u64> {
        let since = self.unreported.messages();
        if since == 0 {
            self.num_turns
        } else {
            Some(self.num_turns.unwrap_or(0).saturating_add(since))
        }
    }

    /// Whether the model has said nothing since the last report.
    pub(super) fn is_all_reported(&self) -> bool {
        self.report.is_some() && self.unreported.messages() == 0
    }

    /// Tokens of all messages that were seen, whatever reports say.
    pub(super) fn metered(&self) -> Tokens {
        self.meter.tokens()
    }

    /// Messages of subagents that were seen.
    pub(super) fn answers_to_subagents(&self) -> u64 {
        self.meter.nested()
    }

    /// Tokens of all reports, and of the messages since the last one.
    pub fn all_tokens(&self) -> Option<Tokens> {
        let since = self.unreported.tokens();
        if since == Tokens::default() {
            self.tokens
        } else {
            Some(self.tokens.unwrap_or_default().plus(since))
        }
    }

    /// The usage limit's end, while it is used up.
    pub(super) fn limit_end(&self) -> Option<Timestamp> {
        self.limit.as_ref().and_then(|limit| limit.until)
    }

    /// The model answers, so earlier waits and failures no longer count.
    fn go_on(&mut self) {
        self.waiting = None;
        self.failure = None;
    }

    /// A use is denied once, but told twice: at once, with the reason, and in the report, with what it was about.
    fn deny(&mut self, denial: &Denial) {
        if let Some(known) = self.denials.iter_mut().find(|known| known.id == denial.id) {
            known.clone_from(denial);
        } else if self.denials.len() < MAX_DENIALS {
            self.denials.push(denial.clone());
        }
    }

    /// # Source
    /// A command that outlives its turn makes the program report again when it ends. Turns, time and tokens of a
    /// report are its own, the cost is of the whole session.
    fn take_report(&mut self, report: &Report) {
        let sum = |old: Option<u64>, new: Option<u64>| {
            new.map_or(old, |new| Some(old.unwrap_or(0).saturating_add(new)))
        };
        // The report of a run that we interrupt tells nothing of what it was waiting for.
        if report.subtype != "error_during_execution" {
            self.waiting = None;
        }
        self.num_turns = sum(self.num_turns, report.num_turns);
        self.duration_ms = sum(self.duration_ms, report.duration_ms);
        if let Some(tokens) = report.tokens {
            self.tokens = Some(self.tokens.unwrap_or_default().plus(tokens));
        }
        report.denials.iter().for_each(|denial| self.deny(denial));
        if report.session.is_some() {
            self.session.clone_from(&report.session);
        }
        let is_cut = report.subtype == "error_during_execution" && self.is_all_reported();
        match self.report.as_mut().filter(|earlier| is_cut && earlier.subtype == "success") {
            // It was interrupted while it only waited: its answer stands, and the later report knows the whole cost.
            Some(earlier) => earlier.cost_usd = report.cost_usd.or(earlier.cost_usd),
            None => self.report = Some(report.clone()),
        }
        self.unreported = Meter::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(error: &str, seconds: u64) -> Event {
        Event::Retry {
            attempt: 1,
            most: 10,
            wait: Duration::from_secs(seconds),
            status: None,
            error: error.into(),
        }
    }

    #[test]
    fn a_run_that_only_a_person_can_help_or_that_would_wait_long_is_hopeless() {
        for (event, hopeless) in [
            (retry("authentication_failed", 1), true),
            (retry("billing_error", 1), true),
            (retry("rate_limit", 3), false),
            (retry("rate_limit", 600), true),
            (retry("overloaded", 600), false),
            (retry("unknown", 1), false),
        ] {
            assert_eq!(Summary::of([&event]).hopeless().is_some(), hopeless, "{event:?}");
        }
        let cut = Report { subtype: "error_during_execution".into(), ..Report::default() };
        let cut = [retry("authentication_failed", 1), Event::Report(Box::new(cut))];
        assert!(Summary::of(&cut).hopeless().is_some(), "why it was interrupted stays known");
        let text = Event::Text { text: "on".into(), nested: false };
        assert_eq!(Summary::of([&retry("authentication_failed", 1), &text]).hopeless(), None);
    }

    #[test]
    fn a_subagents_words_and_empty_ones_are_not_the_answer() {
        let say = |text: &str, nested| Event::Text { text: text.into(), nested };
        let seen = Summary::of(&[say("mine", false), say("its", true), say("  ", false)]);
        assert_eq!(seen.last_text.as_deref(), Some("mine"));
    }

    const OLD: Version = Version(2, 1, 273);
    const NEW: Version = Version(2, 1, 277);

    fn reported(cost_usd: Option<f64>) -> Summary {
        let report = Report { cost_usd, ..Report::default() };
        Summary::of([&Event::Report(Box::new(report))])
    }

    /// A message that costs a dollar.
    fn dollar(message: &str) -> Usage {
        let tokens = Tokens { input: 1_000_000, ..Tokens::default() };
        let model = "claude-haiku-4-5".to_owned();
        Usage { message: message.into(), model, tokens, ..Usage::default() }
    }

    #[test]
    fn the_cost_of_a_resumed_session_is_what_came_on_top_if_its_version_counts_all_of_it() {
        let costs = |cost_usd, before, version| reported(cost_usd).cost(before, version);
        assert_eq!(costs(Some(0.75), 0.5, NEW), Some(Cost::exactly(0.25)));
        assert_eq!(costs(Some(0.25), 0.5, NEW), Some(Cost::exactly(0.25)));
        assert_eq!(costs(Some(0.75), 0.5, OLD), Some(Cost::exactly(0.75)));
        assert_eq!(costs(None, 0.5, NEW), None);
        assert_eq!(Summary::default().cost(0.5, NEW), None);
        let mut said = reported(Some(0.75));
        said.version = Some(OLD.to_string());
        assert_eq!(said.cost(0.5, NEW), Some(Cost::exactly(0.75)), "the program knows its version");
    }

    #[test]
    fn a_run_that_could_not_report_has_cost_at_least_what_its_messages_did() {
        let mut run = Summary::default();
        run.meter(&dollar("a"));
        run.meter(&dollar("b"));
        assert_eq!(run.cost(0.0, NEW), Some(Cost::at_least(2.0)));
        assert_eq!((run.turns(), run.all_tokens().unwrap().input), (Some(2), 2_000_000));
        let told = Report { cost_usd: Some(2.5), num_turns: Some(2), ..Report::default() };
        run.see(&Event::Report(Box::new(told)));
        assert_eq!((run.cost(0.0, NEW), run.turns()), (Some(Cost::exactly(2.5)), Some(2)));
        run.meter(&dollar("c"));
        assert_eq!((run.cost(0.0, NEW), run.turns()), (Some(Cost::at_least(3.5)), Some(3)));
    }

    #[test]
    fn a_run_that_resumes_a_killed_one_is_not_paid_by_it() {
        // The killed run was booked at a dollar, of which the program that goes on knows nothing.
        let mut run = Summary::default();
        run.meter(&dollar("a"));
        run.see(&Event::Report(Box::new(Report { cost_usd: Some(1.1), ..Report::default() })));
        assert_eq!(run.cost(1.0, NEW), Some(Cost::exactly(1.0)));
    }
}
