//! Events as the pages and the command line show them.

use super::cut;
use super::event::Event;
use serde_json::Value;
use std::time::Duration;

/// Fields of a tool's input that tell what its use is about, the most telling first.
const TELLING: [&str; 12] = [
    "command",
    "file_path",
    "notebook_path",
    "pattern",
    "url",
    "query",
    "sql",
    "path",
    "skill",
    "description",
    "prompt",
    "shell_id",
];
/// Longest telling field, in bytes: a script given on the command line is told by its beginning.
const MAX_TELLING: usize = 2_000;

/// The one field of a tool's input that tells what its use is about; of an unknown tool all of them.
pub(super) fn telling_field(input: &Value) -> String {
    let found = TELLING.iter().find_map(|key| input[key].as_str().filter(|text| !text.is_empty()));
    match found {
        Some(text) => cut(text, MAX_TELLING),
        None if input.as_object().is_none_or(serde_json::Map::is_empty) => String::new(),
        None => cut(&input.to_string(), MAX_TELLING),
    }
}

impl Event {
    /// What kind of event it is, one word: a page's style and a filter go by it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Text { .. } => "text",
            Self::Thinking(_) => "thinking",
            Self::ToolUse { .. } => "tool",
            Self::ToolResult { is_error: false, .. } => "answer",
            Self::ToolResult { is_error: true, .. } => "tool-error",
            Self::Remark(_) => "remark",
            Self::Denied(_) => "denied",
            Self::Retry { .. } => "retry",
            Self::RateLimit(_) => "limit",
            Self::ApiError { .. } => "error",
            Self::Report(_) => "report",
            Self::Other { .. } => "other",
            Self::Raw { .. } => "raw",
        }
    }

    /// The event as a text, of several lines where what was said has several.
    pub fn text(&self) -> String {
        match self {
            Self::Started { model, version, directory, tools, broken_servers, .. } => {
                let version = if version.is_empty() { "of an old version" } else { version };
                let broken = match broken_servers.as_slice() {
                    [] => String::new(),
                    names => format!(", MCP servers that failed: {}", names.join(", ")),
                };
                format!("{model} in {directory}, {tools} tools, program {version}{broken}")
            }
            Self::Text { text, .. }
            | Self::Thinking(text)
            | Self::Remark(text)
            | Self::ApiError { text, .. }
            | Self::ToolResult { text, .. }
            | Self::Other { raw: text, .. }
            | Self::Raw { text, dropped: 0 } => text.clone(),
            Self::ToolUse { name, telling, .. } if telling.is_empty() => name.clone(),
            Self::ToolUse { name, telling, .. } => format!("{name}: {telling}"),
            Self::Denied(denial) => format!("{} was not allowed: {}", denial.tool, denial.telling),
            Self::Retry { attempt, most, wait, status, error } => {
                let status = status.map_or(String::new(), |status| format!(" ({status})"));
                let seconds = wait.as_secs_f64();
                format!("{error}{status}, try {attempt} of {most}, next in {seconds:.1} s")
            }
            Self::RateLimit(limit) => {
                let which = if limit.which.is_empty() { "usage" } else { &limit.which };
                let word = if limit.refused { "is used up" } else { "is not used up" };
                let until =
                    limit.until.map_or(String::new(), |at| format!(", starts anew at {at}"));
                format!("the {which} limit {word}{until}")
            }
            Self::Report(report) => {
                let word = if report.is_error { "failed" } else { "done" };
                let turns = report.num_turns.map_or(String::new(), |n| format!(", {n} turns"));
                let cost = report.cost_usd.map_or(String::new(), |usd| format!(", ${usd:.4}"));
                let seconds = |ms| format!(", {:.1} s", Duration::from_millis(ms).as_secs_f64());
                let time = report.duration_ms.map_or(String::new(), seconds);
                format!("{word} ({}){turns}{cost}{time}", report.subtype)
            }
            Self::Raw { text, dropped } => format!("{text}… (cut, {dropped} bytes dropped)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_telling_field_of_a_tool_is_the_one_a_reader_looks_for() {
        for (input, telling) in [
            (json!({"description": "Count", "command": "wc -l x"}), "wc -l x"),
            (json!({"file_path": "/a", "content": "…"}), "/a"),
            (json!({"path": "/a", "pattern": "x+"}), "x+"),
            (json!({"url": "https://example.org", "prompt": "read"}), "https://example.org"),
            (json!({"issues": [1]}), r#"{"issues":[1]}"#),
            (json!({}), ""),
            (json!(null), ""),
        ] {
            assert_eq!(telling_field(&input), telling, "{input}");
        }
        let long = telling_field(&json!({"command": "ü".repeat(MAX_TELLING)}));
        assert!(long.ends_with("… (cut, 4000 bytes in all)") && long.len() < MAX_TELLING + 40);
    }
}
