//! A run that was watched to its end, and the record of it.

use crate::agents::Exit;
use crate::agents::claude::{Summary, Tokens, Verdict};
use crate::model::{Refusal, RunEnding, SessionEnd};

/// A run that was watched to its end.
pub(super) struct Ended {
    pub(super) summary: Summary,
    pub(super) verdict: Verdict,
    pub(super) exit: Option<Exit>,
    /// What its network wall has refused.
    pub(super) refused: Vec<Refusal>,
}

impl Ended {
    /// The record of the end of the run.
    pub(super) fn record(&self) -> SessionEnd {
        let Self { summary, verdict, exit, refused } = self;
        let limited = verdict.ending == RunEnding::Limit;
        let report = verdict.structured.as_ref().and_then(|answer| answer["report"].as_str());
        SessionEnd {
            exit_code: exit.and_then(|exit| match exit {
                Exit::Code(code) => Some(code),
                Exit::Signal(_) => None,
            }),
            ending: verdict.ending,
            model: summary.model.clone(),
            agent_version: None,
            // A run that met a limit before it did anything cannot be continued.
            cli_session_id: verdict.session.clone().filter(|_| !limited || summary.tool_uses > 0),
            response: report.or(verdict.response.as_deref()).map(str::to_owned),
            structured: verdict.structured.clone(),
            cost_usd: verdict.cost.map(|cost| cost.usd),
            note: verdict.note.clone(),
            cost_at_least: verdict.cost.is_some_and(|cost| cost.is_at_least),
            num_turns: verdict.num_turns,
            counts_at_least: verdict.counts_at_least,
            duration_ms: verdict.duration_ms,
            input_tokens: verdict.tokens.map(Tokens::read_by_model),
            output_tokens: verdict.tokens.map(|tokens| tokens.output),
            refused: refused.clone(),
        }
    }
}
