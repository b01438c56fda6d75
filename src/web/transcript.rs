//! A session's transcript: reads whole lines of it in bounded parts, and says what is shown of each line.

use super::components::folded;
use crate::agents::claude::{Event, Line, MAX_LINE_BYTES, Reader};
use crate::error::Result;
use crate::model::{JobId, Session};
use crate::store::Store;
use maud::{Markup, html};

/// How many bytes of transcript a page shows: some hundred events.
pub(super) const WINDOW: u64 = 256 * 1024;
/// The longest text of one event that is shown, in bytes. The database has the whole of a longer text.
const MAX_SHOWN: usize = 1024 * 1024;

/// How much of a transcript there is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// How many bytes there are.
    pub(super) bytes: u64,
    /// How many lines have ended.
    pub(super) lines: u64,
    /// Whether no more will come. If so, a last text without a line end counts as a line.
    pub(super) over: bool,
}

impl Extent {
    pub(super) fn of(session: &Session) -> Self {
        let run = session.run.as_ref();
        Self {
            bytes: run.map_or(0, |run| run.transcript_bytes),
            lines: run.map_or(0, |run| run.transcript_lines),
            over: session.status.is_final(),
        }
    }
}

/// A whole line of a transcript.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its number, from 1.
    pub(super) number: u64,
    /// The byte of the transcript after it.
    pub(super) end: u64,
    line: Line,
}

/// A part of a transcript: whole lines, without the blank ones.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// The byte at which the part begins.
    pub(super) start: u64,
    /// The byte after its last line.
    pub(super) end: u64,
    /// How many lines of the transcript end before that byte.
    pub(super) lines: u64,
    /// The lines.
    pub(super) entries: Vec<Entry>,
}

/// The part that a page shows. It begins at the line that holds byte `from`; without `from` it is the end of what there
/// is.
pub(super) async fn window(
    store: &Store,
    id: JobId,
    from: Option<u64>,
    extent: Extent,
) -> Result<Part> {
    let wanted = from.unwrap_or(extent.bytes.saturating_sub(WINDOW)).min(extent.bytes);
    let start = line_start(store, id, wanted).await?;
    let most = if from.is_some() { WINDOW } else { (extent.bytes - start).max(WINDOW) };
    read(store, id, start, most, extent).await
}

/// Where the earlier page begins, which ends at byte `start`.
pub(super) async fn earlier(store: &Store, id: JobId, start: u64) -> Result<Option<u64>> {
    if start == 0 {
        return Ok(None);
    }
    let wanted = start.saturating_sub(WINDOW);
    let begins = line_start(store, id, wanted).await?;
    if begins == wanted {
        return Ok(Some(begins));
    }
    // The byte is inside a line. The page begins at the next line, or at this one if this line ends at `start`.
    let ends = store.transcript(id, wanted, start - wanted).await?.iter().find_map(|piece| {
        let skip = wanted.saturating_sub(piece.start) as usize;
        let end = piece.bytes[skip..].iter().position(is_end)?;
        Some(piece.start + (skip + end) as u64 + 1)
    });
    Ok(ends.filter(|end| *end < start).or(Some(begins)))
}

/// The lines that begin within about `most` bytes after byte `from`. A line must begin at `from`.
pub(super) async fn read(
    store: &Store,
    id: JobId,
    from: u64,
    most: u64,
    extent: Extent,
) -> Result<Part> {
    let mut at = from;
    // A piece that could not be recorded leaves a gap. What is behind the gap is read all the same.
    let pieces = loop {
        let pieces = store.transcript(id, at, most).await?;
        at += most;
        if !pieces.is_empty() || at >= extent.bytes {
            break pieces;
        }
    };
    let Some((first, others)) = pieces.split_first() else {
        return Ok(Part { start: from, end: from, lines: extent.lines, entries: Vec::new() });
    };
    let start = from.max(first.start);
    let (before, after) = first.bytes.split_at((start - first.start) as usize);
    let lines = first.first_line + before.split(is_end).skip(1).count() as u64;
    let mut bytes = after.to_vec();
    for piece in others {
        if piece.start != start + bytes.len() as u64 {
            break;
        }
        bytes.extend_from_slice(&piece.bytes);
    }
    // The last line may go on in further pieces.
    while !bytes.ends_with(b"\n") {
        let at = start + bytes.len() as u64;
        let more = store.transcript(id, at, 1).await?;
        let Some(piece) = more.first() else { break };
        let rest = &piece.bytes[(at - piece.start) as usize..];
        bytes.extend(rest.split_inclusive(is_end).next().unwrap_or_default());
    }
    let broken_off = start + (bytes.len() as u64) < extent.bytes;
    if !extent.over && !broken_off {
        bytes.truncate(bytes.iter().rposition(is_end).map_or(0, |end| end + 1));
    }
    Ok(cut(start, lines, &bytes))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "slices ask by reference")]
fn is_end(byte: &u8) -> bool {
    *byte == b'\n'
}

/// Cuts bytes into lines.
fn cut(start: u64, lines: u64, bytes: &[u8]) -> Part {
    let mut part = Part { start, end: start, lines, entries: Vec::new() };
    for raw in bytes.split_inclusive(is_end) {
        part.end += raw.len() as u64;
        let number = part.lines + 1;
        part.lines += u64::from(raw.ends_with(b"\n"));
        let text = raw.trim_ascii_end();
        if text.trim_ascii_start().is_empty() {
            continue;
        }
        let kept = &text[..text.len().min(MAX_LINE_BYTES)];
        let line = Line { bytes: kept.to_vec(), dropped: (text.len() - kept.len()) as u64 };
        part.entries.push(Entry { number, end: part.end, line });
    }
    part
}

/// The byte at which the line begins that holds this byte.
pub(super) async fn line_start(store: &Store, id: JobId, byte: u64) -> Result<u64> {
    let mut end = byte;
    while end > 0 {
        let from = end.saturating_sub(WINDOW);
        let pieces = store.transcript(id, from, end - from).await?;
        for piece in pieces.iter().rev() {
            let before = (end - piece.start).min(piece.bytes.len() as u64) as usize;
            if let Some(at) = piece.bytes[..before].iter().rposition(is_end) {
                return Ok(piece.start + at as u64 + 1);
            }
        }
        end = pieces.first().map_or(from, |piece| piece.start.min(from));
    }
    Ok(0)
}

impl Entry {
    /// The line as text: a label and what was said, for each thing that happened.
    pub(super) fn text(&self) -> String {
        let events = Reader::read(&self.line);
        let text = |event: &Event| format!("[{}] {}", event.label(), said(event));
        events.iter().map(text).collect::<Vec<_>>().join("\n")
    }

    /// The line as rows of a page's list, one for each thing that happened.
    pub(super) fn rows(&self) -> Markup {
        let events = Reader::read(&self.line);
        html! { @for (nth, event) in events.iter().enumerate() { (self.row(nth, event)) } }
    }

    fn row(&self, nth: usize, event: &Event) -> Markup {
        let (label, id) = (event.label(), format!("line-{}-{nth}", self.number));
        html! {
            li id=(id) class={ "event event-" (label) } {
                span.at { @if nth == 0 { (self.number) } }
                span.who { (word(label)) }
                div.said { (shown(event, &format!("{id}-more"))) }
            }
        }
    }
}

/// The text of an event, with every line end as `\n`: a stream of events knows no others.
fn said(event: &Event) -> String {
    let text = event.text();
    let kept = &text[..text.floor_char_boundary(MAX_SHOWN)];
    let said = kept.replace("\r\n", "\n").replace('\r', "\n");
    match text.len() {
        all if all == kept.len() => said,
        all => format!("{said}… (cut, {all} bytes in all)"),
    }
}

/// An event as a row of a page. A text that is long and seldom read is folded.
fn shown(event: &Event, id: &str) -> Markup {
    let text = said(event);
    match event {
        Event::ToolUse { name, telling, nested, .. } => html! {
            @if *nested { span.soft { "by a subagent: " } }
            strong { (name) } @if !telling.is_empty() { " " code { (telling) } }
        },
        Event::Text { nested: true, .. } => {
            html! { span.soft { "by a subagent: " } (folded(id, &text)) }
        }
        Event::Report(report) => html! {
            (text)
            @for error in &report.errors { p { (error) } }
            @for denial in &report.denials { p.bad { (denial.tool) " was not allowed: " (denial.telling) } }
        },
        Event::Thinking(_)
        | Event::ToolResult { .. }
        | Event::Other { .. }
        | Event::Raw { .. }
        | Event::Remark(_) => folded(id, &text),
        Event::Started { .. }
        | Event::Text { nested: false, .. }
        | Event::Denied(_)
        | Event::Retry { .. }
        | Event::RateLimit(_)
        | Event::ApiError { .. } => html! { (text) },
    }
}

/// A label as people read it.
fn word(label: &str) -> &str {
    match label {
        "started" => "Start",
        "text" => "Agent",
        "thinking" => "Thinking",
        "tool" => "Tool",
        "answer" => "Result",
        "tool-error" => "Error",
        "remark" => "Remark",
        "denied" => "Denied",
        "retry" => "Retry",
        "limit" => "Limit",
        "error" => "Failure",
        "report" => "End",
        "raw" => "Raw",
        _ => "Other",
    }
}
