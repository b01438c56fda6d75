//! The turns and the tokens of a run that was cut off: what the model's service has served to it counts at least.
//!
//! *Source:* a run that is ended in the middle of an answer leaves that answer's tokens out of its report, tells none at all if it
//! was the first one, and counts as turns its own messages about the interruption too.

use super::event::Tokens;
use super::summary::Summary;
use super::verdict::{Conclusion, Verdict};

/// What the model's service has served to a run, as it passed the network wall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Answers that told their tokens, those to subagents included.
    pub answers: u64,
    /// The tokens of all of them, as far as they came.
    pub tokens: Tokens,
}

impl Verdict {
    /// Has what was `served` count where the run was cut off.
    pub fn count(&mut self, run: &Summary, served: Served) {
        if self.conclusion == Conclusion::Done {
            return;
        }
        let told = self.tokens.unwrap_or_default();
        let known = told.max(served.tokens).max(run.metered());
        if known != told {
            self.tokens = Some(known);
            self.counts_at_least = true;
        }
        // Those to subagents are no turns of the run.
        let own = served.answers.saturating_sub(run.answers_to_subagents());
        if own > 0 && self.num_turns != Some(own) {
            self.num_turns = Some(own);
            self.counts_at_least |= !run.is_all_reported();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Report};
    use super::super::meter::Usage;
    use super::super::verdict::{End, OnDenial, Stop, verdict};
    use super::super::versions::Version;
    use super::*;
    use crate::model::Timestamp;

    fn tokens(input: u64, output: u64) -> Tokens {
        Tokens { input, output, ..Tokens::default() }
    }

    fn judged(run: &Summary, stop: Option<Stop>, served: Served) -> Verdict {
        let end = End {
            exit: Some(crate::agents::Exit::Code(0)),
            stop,
            stderr: "",
            structured: false,
            on_denial: OnDenial::Note,
            cost_before: 0.0,
            budget_usd: Some(1.0),
            version: Version::OLDEST,
        };
        let mut verdict = verdict(run, &end, Timestamp::from_millis(0));
        verdict.count(run, served);
        verdict
    }

    fn reported(subtype: &str, turns: u64, told: Tokens) -> Event {
        let (num_turns, tokens) = (Some(turns), Some(told));
        let report = Report { subtype: subtype.into(), num_turns, tokens, ..Report::default() };
        Event::Report(Box::new(report))
    }

    #[test]
    fn a_run_that_its_budget_cut_has_the_turns_and_tokens_that_were_served() {
        let mut run = Summary::default();
        run.see(&Event::Text { text: "so far".into(), nested: false });
        run.see(&reported("error_during_execution", 3, Tokens::default()));
        let served = Served { answers: 1, tokens: tokens(500, 20) };
        let cut = judged(&run, Some(Stop::Budget), served);
        assert_eq!((cut.num_turns, cut.tokens), (Some(1), Some(tokens(500, 20))));
        assert!(cut.counts_at_least);
        let alone = judged(&run, Some(Stop::Budget), Served::default());
        assert_eq!((alone.num_turns, alone.counts_at_least), (Some(3), false), "no wall counted");
    }

    #[test]
    fn answers_to_subagents_are_no_turns_and_a_run_that_is_done_is_as_it_said() {
        let mut run = Summary::default();
        for (message, nested) in [("a", false), ("b", true), ("c", false)] {
            let tokens = tokens(100, 10);
            run.meter(&Usage { message: message.into(), nested, tokens, ..Usage::default() });
        }
        let served = Served { answers: 3, tokens: tokens(300, 40) };
        let cut = judged(&run, Some(Stop::TimedOut), served);
        assert_eq!((cut.num_turns, cut.tokens), (Some(2), Some(tokens(300, 40))));
        assert!(cut.counts_at_least);
        run.see(&Event::Text { text: "it is well".into(), nested: false });
        run.see(&reported("success", 2, tokens(200, 30)));
        let done = judged(&run, None, served);
        assert_eq!(done.conclusion, Conclusion::Done);
        assert_eq!((done.num_turns, done.tokens), (Some(2), Some(tokens(200, 30))));
        assert!(!done.counts_at_least);
    }
}
