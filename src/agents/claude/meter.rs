//! The meter of a run: what the model's messages have cost at least, by the tokens that each of them reports.
//!
//! It takes records of tokens from anywhere: today from the lines that the program prints.

use super::event::Tokens;
use super::prices;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Messages that are still added to: subagents speak at the same time. An older one is over.
const MAX_OPEN: usize = 64;
/// How many bytes of an answer that is still being written are a token. The program itself counts four and a half.
const BYTES_A_TOKEN: u64 = 5;

/// Tokens of one message of the model, as far as they are known. A later record of the same message replaces what was less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The message's own id; empty: the one that began last.
    pub message: String,
    /// The model; empty where the record does not say it.
    pub model: String,
    /// Whether it is a subagent's.
    pub nested: bool,
    /// Its tokens so far.
    pub tokens: Tokens,
    /// Those of its writes into the cache that are for an hour.
    pub cache_hour: u64,
    /// Its searches of the web.
    pub web_searches: u64,
    /// Bytes of the answer that came with this record.
    pub written: u64,
    /// Whether the answer is over, so that its output is known.
    pub is_over: bool,
}

impl Usage {
    /// Reads the tokens of a message as the model's service reports them; `None` if it reports none.
    pub fn read(message: &str, model: &str, nested: bool, usage: &Value) -> Option<Self> {
        usage.as_object()?;
        Some(Self {
            message: message.to_owned(),
            model: model.to_owned(),
            nested,
            tokens: Tokens::read(usage),
            cache_hour: usage["cache_creation"]["ephemeral_1h_input_tokens"].as_u64().unwrap_or(0),
            web_searches: usage["server_tool_use"]["web_search_requests"].as_u64().unwrap_or(0),
            written: 0,
            is_over: false,
        })
    }

    /// The record as a line of a transcript, which is read as the same record again.
    pub fn line(&self) -> String {
        let Tokens { input, output, cache_read, cache_write } = self.tokens;
        json!({
            "type": "usage",
            "nested": self.nested,
            "message": {
                "id": self.message,
                "model": self.model,
                "usage": {
                    "input_tokens": input,
                    "output_tokens": output,
                    "cache_read_input_tokens": cache_read,
                    "cache_creation_input_tokens": cache_write,
                    "cache_creation": {"ephemeral_1h_input_tokens": self.cache_hour},
                    "server_tool_use": {"web_search_requests": self.web_searches},
                },
            },
        })
        .to_string()
    }
}

/// Adds up records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meter {
    /// Those that were told of last are at the back.
    open: VecDeque<Usage>,
    /// The message that began last.
    latest: String,
    closed: Amount,
    /// Messages of the run itself, subagents' left out.
    messages: u64,
    /// Those of its subagents.
    nested: u64,
}

/// Tokens, and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Amount {
    usd: f64,
    tokens: Tokens,
    /// Messages of models whose prices are not known.
    guessed: u64,
}

impl Meter {
    /// Takes one more record.
    pub fn see(&mut self, usage: &Usage) {
        let message = if usage.message.is_empty() { &self.latest } else { &usage.message };
        let known = self.open.iter().rposition(|open| open.message == *message);
        if let Some(mut open) = known.and_then(|at| self.open.remove(at)) {
            grow(&mut open, usage);
            return self.open.push_back(open);
        }
        if usage.message.is_empty() {
            return;
        }
        self.latest.clone_from(&usage.message);
        let count = if usage.nested { &mut self.nested } else { &mut self.messages };
        *count += 1;
        self.open.push_back(usage.clone());
        if self.open.len() > MAX_OPEN {
            let over = self.open.pop_front();
            self.closed = over.iter().fold(self.closed, Amount::plus);
        }
    }

    /// Whether a message was seen before.
    pub fn knows(&self, usage: &Usage) -> bool {
        self.open.iter().any(|open| open.message == usage.message)
    }

    /// What the messages have cost at least, in dollars.
    pub fn usd(&self) -> f64 {
        self.sum().usd
    }

    /// Their tokens.
    pub fn tokens(&self) -> Tokens {
        self.sum().tokens
    }

    /// Messages of the run itself.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Messages of its subagents.
    pub fn nested(&self) -> u64 {
        self.nested
    }

    /// Whether the prices of all its models are known.
    pub fn knows_prices(&self) -> bool {
        self.sum().guessed == 0
    }

    fn sum(&self) -> Amount {
        self.open.iter().fold(self.closed, Amount::plus)
    }
}

impl Amount {
    fn plus(self, usage: &Usage) -> Self {
        let written = if usage.is_over { 0 } else { usage.written / BYTES_A_TOKEN };
        let tokens = Tokens { output: usage.tokens.output.max(written), ..usage.tokens };
        let usd = prices::dollars(&usage.model, tokens, usage.cache_hour, usage.web_searches);
        Self {
            usd: self.usd + usd,
            tokens: self.tokens.plus(tokens),
            guessed: self.guessed + u64::from(!prices::is_known(&usage.model)),
        }
    }
}

/// Takes what a later record of the same message says.
fn grow(open: &mut Usage, later: &Usage) {
    open.tokens = open.tokens.max(later.tokens);
    open.cache_hour = open.cache_hour.max(later.cache_hour);
    open.web_searches = open.web_searches.max(later.web_searches);
    open.written = open.written.saturating_add(later.written);
    open.is_over |= later.is_over;
    if open.model.is_empty() {
        open.model.clone_from(&later.model);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: &str, input: u64, output: u64) -> Usage {
        let tokens = Tokens { input, output, ..Tokens::default() };
        let model = "claude-haiku-4-5".to_owned();
        Usage { message: message.into(), model, tokens, ..Usage::default() }
    }

    #[test]
    fn a_message_is_counted_once_however_often_it_is_told() {
        let mut meter = Meter::default();
        for usage in [of("a", 1_000, 1), of("a", 1_000, 1), of("", 0, 500), of("b", 2_000, 0)] {
            meter.see(&usage);
        }
        assert_eq!(meter.messages(), 2);
        assert!((meter.usd() - (0.003 + 0.0025)).abs() < 1e-12, "{}", meter.usd());
        assert_eq!(meter.tokens(), Tokens { input: 3_000, output: 500, ..Tokens::default() });
        meter.see(&Usage { written: 50_000, ..of("", 0, 0) });
        assert_eq!(
            meter.tokens().output,
            10_500,
            "an answer that is still written counts by its length"
        );
        meter.see(&Usage { is_over: true, ..of("", 0, 700) });
        assert_eq!(meter.tokens().output, 1_200, "the length of one that is over is known");
    }

    #[test]
    fn a_message_that_grows_stays_open_while_many_others_begin_and_end() {
        let mut meter = Meter::default();
        for n in 0..10 * MAX_OPEN as u64 {
            meter.see(&of("long", 1_000, n));
            meter.see(&of(&format!("m{n}"), 0, 0));
        }
        assert_eq!(meter.messages(), 1 + 10 * MAX_OPEN as u64);
        let output = 10 * MAX_OPEN as u64 - 1;
        assert_eq!(meter.tokens(), Tokens { input: 1_000, output, ..Tokens::default() });
        meter.see(&of("long", 0, output + 1));
        meter.see(&of("", 5, 0));
        assert_eq!(meter.tokens().input, 1_005);
        assert_eq!(meter.open.back().unwrap().tokens.input, 5, "it is the one that began last");
    }

    #[test]
    fn a_thousand_messages_are_added_up_and_few_are_kept() {
        let mut meter = Meter::default();
        (0..1_000).for_each(|n| meter.see(&of(&format!("m{n}"), 1_000, 0)));
        assert!((meter.usd() - 1.0).abs() < 1e-9);
        assert_eq!((meter.messages(), meter.open.len()), (1_000, MAX_OPEN));
        assert!(meter.knows_prices());
        meter.see(&Usage { model: "of tomorrow".into(), ..of("x", 1, 0) });
        assert!(!meter.knows_prices());
    }
}
