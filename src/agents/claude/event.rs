//! The events that the program can print, typed.

use crate::model::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// One thing that happened in a run.
///
/// A line of the stream holds one of them, or several where an older version puts several blocks into one line.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The program is ready. It comes again when a command that went to the background ends, and need not come first.
    Started {
        /// The program's own id of the session, for [`Settings::resume`](super::Settings::resume).
        session: String,
        /// The model as the program resolved it.
        model: String,
        /// The program's version; empty before 2.0.
        version: String,
        /// Where it works.
        directory: String,
        /// How many tools it offers the model.
        tools: usize,
        /// MCP servers that did not come up.
        broken_servers: Vec<String>,
    },
    /// The model says something.
    Text {
        /// What it says.
        text: String,
        /// Whether a subagent says it, which is not the run's own answer.
        nested: bool,
    },
    /// The model thinks aloud.
    Thinking(String),
    /// The model uses a tool.
    ToolUse {
        /// Names this use in its [`ToolResult`](Event::ToolResult).
        id: String,
        /// The tool.
        name: String,
        /// The one field that tells what it is about: the command, the file, the pattern, the address.
        telling: String,
        /// Whether a subagent uses it.
        nested: bool,
    },
    /// What a tool answered.
    ToolResult {
        /// Which use it answers.
        id: String,
        /// Its text; pictures and other blocks are named in brackets.
        text: String,
        /// Whether the tool failed, or was not allowed to run.
        is_error: bool,
    },
    /// What the program tells the model in the user's place: that its answer was cut off, that it must use a tool.
    Remark(String),
    /// A tool was not allowed.
    Denied(Denial),
    /// A request failed and will be tried again after a wait.
    Retry {
        /// Which try failed, from 1.
        attempt: u64,
        /// How many there will be at most.
        most: u64,
        /// How long the program waits now; it obeys the service's retry-after.
        wait: Duration,
        /// The HTTP status; `None` where no answer came.
        status: Option<u16>,
        /// The program's word for it: `rate_limit`, `authentication_failed`, `overloaded`, …
        error: String,
    },
    /// How the account stands with its usage limit.
    RateLimit(RateLimit),
    /// A request failed for good; the program says so in the model's place.
    ApiError {
        /// The program's word for it.
        error: String,
        /// The HTTP status, from versions that say it.
        status: Option<u16>,
        /// For people.
        text: String,
    },
    /// The program's account of a whole turn. Not the end of the run: see [`verdict`](super::verdict).
    Report(Box<Report>),
    /// An object of a kind that means nothing here.
    Other {
        /// Its type, and its subtype after a slash.
        name: String,
        /// The line as it came.
        raw: String,
    },
    /// A line that is no JSON object, as it came; bytes that are not UTF-8 are replaced.
    Raw {
        /// The line.
        text: String,
        /// How many bytes at its end were dropped because it was too long.
        dropped: u64,
    },
}

/// A use of a tool that was not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The tool.
    pub tool: String,
    /// The id of its use.
    pub id: String,
    /// What it was about, or why it was not allowed.
    pub telling: String,
}

/// How the account stands with its usage limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Whether requests are refused now.
    pub refused: bool,
    /// When the limit is lifted.
    pub until: Option<Timestamp>,
    /// Which limit: `five_hour`, `seven_day`, …; empty where the program does not say.
    pub which: String,
}

/// The program's account of a whole turn: a line of type `result`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// `success`, `error_max_turns`, …: says how the loop ended, not whether the answer is one.
    pub subtype: String,
    /// Whether it failed. It can be true with subtype `success`.
    pub is_error: bool,
    /// The answer; for a failure its text.
    pub text: Option<String>,
    /// What went wrong, from versions that say it.
    pub errors: Vec<String>,
    /// Why the loop ended: `completed`, `max_turns`, `aborted_tools`, …; newer versions.
    pub terminal_reason: Option<String>,
    /// The HTTP status of a request that failed for good.
    pub status: Option<u16>,
    /// What the whole session has cost, the runs it resumes included.
    pub cost_usd: Option<f64>,
    /// Turns of this report.
    pub num_turns: Option<u64>,
    /// Time of this report.
    pub duration_ms: Option<u64>,
    /// Tokens of this report.
    pub tokens: Option<Tokens>,
    /// Uses of tools that were not allowed.
    pub denials: Vec<Denial>,
    /// The answer that fits the schema.
    pub structured: Option<Value>,
    /// The program's own id of the session.
    pub session: Option<String>,
}

/// Tokens of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read by the model at full price.
    pub input: u64,
    /// Written by the model.
    pub output: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Put into the cache.
    pub cache_write: u64,
}

impl Tokens {
    /// The tokens of a `usage` as the model's service writes it.
    pub(super) fn read(usage: &Value) -> Self {
        let count = |key: &str| usage[key].as_u64().unwrap_or(0);
        Self {
            input: count("input_tokens"),
            output: count("output_tokens"),
            cache_read: count("cache_read_input_tokens"),
            cache_write: count("cache_creation_input_tokens"),
        }
    }

    /// Those that the model read, caches included.
    pub fn read_by_model(self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    /// Of each number the greater one.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cache_read: self.cache_read.max(other.cache_read),
            cache_write: self.cache_write.max(other.cache_write),
        }
    }

    /// What these are more than the others.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_sub(other.input),
            output: self.output.saturating_sub(other.output),
            cache_read: self.cache_read.saturating_sub(other.cache_read),
            cache_write: self.cache_write.saturating_sub(other.cache_write),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
        }
    }
}
