//! A transcript as a file: Markdown to read, or its lines as they are kept.
//!
//! It is read in parts, so that a long one costs little memory, and ends where the transcript ended when it was asked for.
//! What it says has passed the redactor before it was kept. In the Markdown every text of the prompt, the agent and its
//! tools stands behind `>`: no text of theirs can look like a heading of ours.

use crate::agents::claude::{Event, Line, Lines, Reader};
use crate::error::Result;
use crate::heavy::heavy;
use crate::model::{JobId, Session, SessionRun};
use crate::store::Store;
use std::fmt::Write as _;

/// Bytes of transcript that are read at a time.
const CHUNK: u64 = 256 * 1024;

/// What a file of a transcript holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TranscriptForm {
    /// Markdown: the session, its prompt, and each thing that happened.
    Markdown,
    /// The lines that the agent program wrote, as they are kept: one JSON object each, if the program wrote that.
    Lines,
}

/// A transcript that is written to a file.
#[derive(Debug)]
pub struct TranscriptFile {
    store: Store,
    id: JobId,
    form: TranscriptForm,
    /// The beginning of the file, until it is taken.
    head: Option<String>,
    lines: Lines,
    /// The byte of the transcript at which the next part begins.
    at: u64,
    /// The byte at which the file ends.
    end: u64,
    dropped: u64,
}

impl TranscriptForm {
    /// The name of a session's file: digits and letters only, so that it is safe as a name everywhere.
    pub fn file_name(self, id: JobId) -> String {
        match self {
            Self::Markdown => format!("session-{id}.md"),
            Self::Lines => format!("session-{id}.jsonl"),
        }
    }
}

impl TranscriptFile {
    /// The transcript of a session as far as it has come.
    pub fn of(store: Store, session: &Session, form: TranscriptForm) -> Self {
        let run = session.run.as_ref();
        let head = match form {
            TranscriptForm::Markdown => Some(head(session)),
            TranscriptForm::Lines => None,
        };
        Self {
            store,
            id: session.id,
            form,
            head,
            lines: Lines::default(),
            at: 0,
            end: run.map_or(0, |run| run.transcript_bytes),
            dropped: run.map_or(0, |run| run.transcript_dropped),
        }
    }

    /// The next part of the file; `None` at its end.
    ///
    /// # Errors
    /// Those of reading the database.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head.into_bytes()));
        }
        while self.at < self.end {
            let bytes = self.read().await?;
            let part = match self.form {
                TranscriptForm::Lines => bytes,
                TranscriptForm::Markdown => self.markdown(&bytes).await,
            };
            if !part.is_empty() {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }

    /// The next bytes of the transcript. What could not be recorded leaves a gap, behind which it goes on.
    async fn read(&mut self) -> Result<Vec<u8>> {
        let pieces = self.store.transcript(self.id, self.at, CHUNK).await?;
        let mut bytes = Vec::new();
        for piece in &pieces {
            let skip = self.at.saturating_sub(piece.start) as usize;
            let most = self.end.saturating_sub(piece.start) as usize;
            let most = most.min(piece.bytes.len());
            bytes.extend_from_slice(piece.bytes.get(skip..most).unwrap_or_default());
            self.at = piece.end().max(self.at);
        }
        if pieces.is_empty() {
            self.at += CHUNK;
        }
        Ok(bytes)
    }

    async fn markdown(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut lines = self.lines.push(bytes);
        let is_last = self.at >= self.end;
        if is_last {
            lines.extend(self.lines.finish());
        }
        let dropped = self.dropped;
        let write = move || {
            let mut text = String::new();
            for line in &lines {
                write_line(&mut text, line);
            }
            if is_last && dropped > 0 {
                push(&mut text, format_args!("{dropped} bytes more were printed and not kept.\n"));
            }
            text.into_bytes()
        };
        heavy(bytes.len(), write).await
    }
}

/// Appends to a text.
fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a String takes every write");
}

/// What is known of the session, its prompt, its answer, and the heading of the transcript.
fn head(session: &Session) -> String {
    let (run, request) = (session.run.as_ref(), session.request.as_ref());
    let at = |instant: Option<crate::model::Timestamp>| instant.map(|at| at.to_string());
    let facts = [
        ("Status", Some(session.status.to_string())),
        ("Error", session.error.clone()),
        ("Note", run.and_then(|run| run.note.clone())),
        ("Asked for", Some(session.created_at.to_string())),
        ("Started", at(session.started_at)),
        ("Ended", at(session.finished_at)),
        ("Prompt file", request.and_then(|request| request.prompt_file.clone())),
        ("Tier", run.map(|run| run.tier.to_string())),
        ("Profile", run.and_then(|run| run.profile).map(|profile| profile.to_string())),
        ("Model", run.and_then(|run| run.model.clone())),
        ("Working directory", run.map(|run| run.working_dir.display().to_string())),
        ("Cost", run.and_then(SessionRun::cost).map(|cost| cost.to_string())),
    ];
    let mut text = format!("# Session {}\n\n", session.id);
    for (name, value) in facts {
        if let Some(value) = value {
            let value: String =
                value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            push(&mut text, format_args!("- {name}: {value}\n"));
        }
    }
    if let Some(prompt) = request.and_then(|request| request.prompt.as_deref()) {
        text.push_str("\n## Prompt\n\n");
        quote(&mut text, prompt);
    }
    if let Some(answer) = run.and_then(|run| run.response.as_deref()) {
        text.push_str("\n## Answer\n\n");
        quote(&mut text, answer);
    }
    text.push_str("\n## Transcript\n\n");
    text
}

/// What a line tells. A line that tells nothing to a reader is in the other form only.
fn write_line(text: &mut String, line: &Line) {
    for event in Reader::read(line) {
        if matches!(event, Event::Other { .. }) {
            continue;
        }
        push(text, format_args!("**{}**\n\n", event.label()));
        quote(text, &event.text());
        if let Event::Report(report) = &event {
            report.errors.iter().for_each(|error| quote(text, error));
        }
    }
}

/// A text with `>` before each of its lines, and without what a terminal would obey.
fn quote(text: &mut String, said: &str) {
    for line in said.split('\n') {
        text.push_str("> ");
        text.extend(line.chars().filter(|c| !c.is_control() || *c == '\t'));
        text.push('\n');
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_an_agent_or_a_tool_looks_like_ours_in_the_markdown() {
        let said = "one\n## Prompt\r\n**text**\u{1b}[2J";
        let line = serde_json::json!({"type": "assistant", "message": {"content": [{"type": "text", "text": said}]}});
        let mut text = String::new();
        write_line(&mut text, &Line { bytes: line.to_string().into_bytes(), dropped: 0 });
        assert_eq!(text, "**text**\n\n> one\n> ## Prompt\n> **text**[2J\n\n");
    }

    #[test]
    fn the_name_of_a_file_says_which_session_and_what_is_in_it() {
        assert_eq!(TranscriptForm::Markdown.file_name(JobId(7)), "session-7.md");
        assert_eq!(TranscriptForm::Lines.file_name(JobId(7)), "session-7.jsonl");
    }
}
