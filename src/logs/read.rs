//! How lines become rows, in layers, each small and pure.
//!
//! Bytes become text (`bytes`, `text`), a line loses what a system put around it (`envelope`), lines that belong together
//! become an event (`event`, with what a file's beginning teaches: `learn`), the event's text becomes fields
//! (`interpret`: the head of a line, `key=value`, cells, JSON), and fields become a row (`row`).
//!
//! The reader holds one event at a time, so that a file of any length is read in bounded memory. Nothing is refused: what is not
//! recognised is a row of level info whose message is the line, and a line that could not be read as text is counted.
//! What is stated beats what is guessed. Time grows with the length of a line, whatever stands in it.
//!
//! `stream` brings the lines of a whole log here, `follow` those of a log that grows.

mod access;
mod bytes;
mod columns;
mod envelope;
mod event;
mod fields;
mod head;
mod interpret;
mod json;
mod learn;
mod level;
mod logfmt;
mod names;
mod row;
mod text;
mod time;
mod trace;
mod zone;

pub(super) use bytes::{Decoder, MAX_MARK, is_text};
pub(super) use learn::{Learned, MAX_LEARNED};
pub(super) use level::telemetry;
pub(super) use row::{cut, extra, field};

use crate::model::{LogRules, NewLogRow, Timestamp};
use chrono_tz::Tz;
use columns::Columns;
use event::Event;
use interpret::Known;
use serde::{Deserialize, Serialize};
use time::{Moment, TimeFrame};

/// What is known of a log besides its lines, and what a row takes where its line says nothing.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    /// The source, commonly the file's name without its suffix.
    pub(super) source: String,
    /// The instant, ISO 8601, commonly when the file was last changed; also lends its year to syslog lines.
    pub(super) timestamp: String,
    /// The zone of times that name none, and where events begin.
    pub(super) rules: LogRules,
}

impl Defaults {
    /// Those of a log of which nothing more is known.
    pub(super) fn new(source: impl Into<String>, timestamp: impl Into<String>) -> Self {
        Self { source: source.into(), timestamp: timestamp.into(), rules: LogRules::default() }
    }

    /// Those of a log that is read by these rules.
    pub(super) fn ruled(self, rules: LogRules) -> Self {
        Self { rules, ..self }
    }

    fn frame(&self) -> TimeFrame {
        frame(&self.timestamp, self.rules.tz())
    }
}

/// What a reader takes with it from one event to the next, besides what the file's beginning taught: with it another reader goes on
/// where this one ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Carried {
    /// The time of the last event, which those without one take in a file whose events are dated.
    last: Option<Moment>,
    /// The columns that the last header named, where a file has several.
    columns: Option<Columns>,
}

/// Turns lines into rows and joins the lines of an event.
#[derive(Debug)]
pub(super) struct LineReader {
    defaults: Defaults,
    frame: TimeFrame,
    learned: Learned,
    pending: Option<Event>,
    carried: Carried,
    unread: u64,
}

impl LineReader {
    /// A reader of a file of which this is known.
    pub(super) fn new(defaults: Defaults, learned: Learned) -> Self {
        let (frame, carried) = (defaults.frame(), Carried::default());
        Self { defaults, frame, learned, pending: None, carried, unread: 0 }
    }

    /// A reader that goes on where another one of the same file carried this.
    pub(super) fn carrying(self, carried: Carried) -> Self {
        Self { carried, ..self }
    }

    /// What it carries to the next event. A row that waits may change it yet.
    pub(super) fn carried(&self) -> &Carried {
        &self.carried
    }

    /// Takes the next line, with or without its line break; answers the row before it once that is complete.
    pub(super) fn push(&mut self, line: &str) -> Option<NewLogRow> {
        let unread = text::is_unread(line);
        self.unread += u64::from(unread);
        let clean = text::clean(line);
        if unread && text::is_noise(&clean) {
            return None;
        }
        let begins = self.defaults.rules.begin(&clean);
        if clean.trim().is_empty() {
            // An event that an empty line begins has its text from the next one on.
            return if begins == Some(true) { self.finish() } else { None };
        }
        if self.columns().is_some_and(|columns| columns.is_head(&clean)) {
            // What waits is of the columns before.
            let before = self.finish();
            if let Some(named @ Columns::Extended(_)) = Columns::header(&clean) {
                self.carried.columns = Some(named);
            }
            return before;
        }
        let columns = self.carried.columns.as_ref().or(self.learned.columns.as_ref());
        let known = Known { frame: self.frame, columns, stamped: false };
        let line = event::line(envelope::peel(&clean, self.frame), known);
        if line.is_empty() {
            // Of what goes on in pieces, an empty one is the end.
            if let Some(event) = &mut self.pending {
                event.envelope.is_partial = false;
            }
            return None;
        }
        let begins =
            begins.map(|begins| begins || self.defaults.rules.begin(line.text()) == Some(true));
        if let Some(event) = &mut self.pending
            && event.goes_on(&line, begins, (&self.learned, known))
        {
            event.join(&line);
            return None;
        }
        let before = self.pending.replace(Event::begin(line));
        before.map(|event| self.row(event))
    }

    /// The last row of the file, or of those so far: what comes after begins a row of its own.
    pub(super) fn finish(&mut self) -> Option<NewLogRow> {
        let event = self.pending.take()?;
        Some(self.row(event))
    }

    /// Whether a row waits for the next line.
    pub(super) fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// Gives later lines without a time this one, ISO 8601.
    pub(super) fn set_time(&mut self, timestamp: String) {
        self.defaults.timestamp = timestamp;
        self.frame = self.defaults.frame();
    }

    /// How many lines the row has that waits.
    pub(super) fn waiting_lines(&self) -> usize {
        self.pending.as_ref().map_or(0, Event::lines)
    }

    /// Replaces what the file's beginning taught.
    pub(super) fn learn(&mut self, learned: Learned) {
        self.learned = learned;
    }

    /// How many lines held what could not be read as text.
    pub(super) fn unread(&self) -> u64 {
        self.unread
    }

    fn columns(&self) -> Option<&Columns> {
        self.carried.columns.as_ref().or(self.learned.columns.as_ref())
    }

    fn row(&mut self, event: Event) -> NewLogRow {
        let known = Known { frame: self.frame, columns: self.columns(), stamped: false };
        let mut fields = interpret::read(&event.text, event.lead, event.envelope, known);
        if fields.time.is_none() && self.learned.dated {
            fields.time = self.carried.last;
        }
        self.carried.last = fields.time.or(self.carried.last);
        row::row(fields, &self.defaults.source, || self.defaults.timestamp.clone())
    }
}

/// A line, or the lines of one event, as a row by itself.
pub(super) fn read_text(text: &str, defaults: &Defaults) -> NewLogRow {
    let lines: Vec<_> = text.trim_end().lines().map(text::clean).collect();
    let text = lines.join("\n");
    let known = Known { frame: defaults.frame(), columns: None, stamped: false };
    // An envelope is around a line.
    let peeled = envelope::peel(&text, known.frame);
    let line = event::line(peeled, known);
    let fields = interpret::read(&line.peeled.text, line.lead, line.peeled.envelope, known);
    row::row(fields, &defaults.source, || defaults.timestamp.clone())
}

/// What a line says that is a JSON object and nothing else.
pub(crate) fn said_by_object(line: &str) -> Option<String> {
    let line = line.trim();
    let keys = (line.starts_with('{') && line.ends_with('}')).then(|| serde_json::from_str(line));
    let keys: serde_json::Map<String, serde_json::Value> = keys?.ok()?;
    let frame = TimeFrame { latest: Moment::exact(0), zone: None };
    Some(json::read(keys, line, frame).message).filter(|message| message != line)
}

fn frame(timestamp: &str, zone: Option<Tz>) -> TimeFrame {
    let latest = Moment::exact(Timestamp::from_iso(timestamp).map_or(0, Timestamp::millis));
    TimeFrame { latest, zone }
}

#[cfg(test)]
pub(super) mod tests;
