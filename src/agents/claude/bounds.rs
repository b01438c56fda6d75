//! The bounds of a run that the server itself keeps: a run that goes on beyond its budget or its turns is ended.

use super::event::Event;
use super::read::ReadLine;
use super::summary::Summary;
use super::verdict::Stop;
use super::versions::Version;

/// What a run may cost, and how many turns it may take.
///
/// The program keeps both itself and looks after each answer. So it is ended only when it begins one more answer, which is
/// all that it overshoots by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Dollars of this run.
    pub budget_usd: Option<f64>,
    /// Turns of this run.
    pub max_turns: Option<u32>,
    /// Dollars that the runs have cost which it resumes.
    pub cost_before: f64,
    /// The version that was looked up, for a program that does not say it.
    pub version: Version,
}

impl Bounds {
    /// Why the run is to be ended when this line comes after what was seen.
    pub fn stop(&self, seen: &Summary, line: &ReadLine) -> Option<Stop> {
        if !begins_an_answer(seen, line) {
            return None;
        }
        let cost = seen.cost(self.cost_before, self.version).map_or(0.0, |cost| cost.usd);
        if self.budget_usd.is_some_and(|budget| cost >= budget) {
            return Some(Stop::Budget);
        }
        let turns = seen.turns().unwrap_or(0);
        self.max_turns.is_some_and(|most| turns > u64::from(most)).then_some(Stop::Turns)
    }
}

/// Whether a line belongs to an answer of which nothing was seen yet. One without tokens does if it follows a report.
fn begins_an_answer(seen: &Summary, line: &ReadLine) -> bool {
    if let Some(usage) = &line.usage {
        return !usage.message.is_empty() && !seen.knows(usage);
    }
    let speaks = |event: &Event| matches!(event, Event::Text { .. } | Event::ToolUse { .. });
    seen.is_all_reported() && !line.is_partial && line.events.iter().any(speaks)
}

#[cfg(test)]
mod tests {
    use super::super::event::{Report, Tokens};
    use super::super::meter::Usage;
    use super::*;

    const BOUNDS: Bounds = Bounds {
        budget_usd: Some(1.5),
        max_turns: Some(3),
        cost_before: 0.0,
        version: Version::OLDEST,
    };

    /// A line of a message that costs as many dollars as it read million tokens.
    fn message(id: &str, input: u64) -> ReadLine {
        let tokens = Tokens { input, ..Tokens::default() };
        let model = "claude-haiku-4-5".to_owned();
        let usage = Usage { message: id.into(), model, tokens, ..Usage::default() };
        ReadLine { usage: Some(usage), ..ReadLine::default() }
    }

    fn said(text: &str) -> ReadLine {
        let text = Event::Text { text: text.into(), nested: false };
        ReadLine { events: vec![text], ..ReadLine::default() }
    }

    fn report(cost_usd: f64, num_turns: u64) -> ReadLine {
        let (cost_usd, num_turns) = (Some(cost_usd), Some(num_turns));
        let report = Report { subtype: "success".into(), cost_usd, num_turns, ..Report::default() };
        ReadLine { events: vec![Event::Report(Box::new(report))], ..ReadLine::default() }
    }

    /// The line at which a run is ended, and why.
    fn ended(lines: &[ReadLine]) -> Option<(usize, Stop)> {
        let mut seen = Summary::default();
        lines.iter().enumerate().find_map(|(at, line)| {
            let stop = BOUNDS.stop(&seen, line);
            seen.see_line(line);
            stop.map(|stop| (at, stop))
        })
    }

    #[test]
    fn a_run_over_its_budget_is_ended_when_it_begins_one_more_answer() {
        let million = |id| message(id, 1_000_000);
        let over = [million("a"), million("b"), million("b"), message("b", 1), million("c")];
        assert_eq!(ended(&over), Some((4, Stop::Budget)));
        assert_eq!(ended(&over[..4]), None, "what is over it is one answer");
        let reported = [said("1"), report(1.0, 1), said("2"), report(2.0, 1), said("3")];
        assert_eq!(ended(&reported), Some((4, Stop::Budget)));
    }

    #[test]
    fn a_run_over_its_turns_is_ended() {
        let all =
            [message("a", 1), message("b", 1), message("c", 1), message("d", 1), message("e", 1)];
        assert_eq!(ended(&all), Some((4, Stop::Turns)), "the program itself ends after the fourth");
        let reported = [said("1"), report(0.1, 4), said("2")];
        assert_eq!(ended(&reported), Some((2, Stop::Turns)));
        let nested = |mut line: ReadLine| {
            line.usage.as_mut().unwrap().nested = true;
            line
        };
        assert_eq!(ended(&all.map(nested)), None, "a subagent has its own turns");
    }
}
