//! The text of logs as rows, in layers, each small and pure.
//!
//! Bytes become text (`bytes`, `text`), a line loses what a system put around it (`envelope`), lines that belong together
//! become an event (`event`, with what a file's beginning teaches: `learn`), the event's text becomes fields
//! (`interpret`: the head of a line, `key=value`, cells, JSON), and fields become a row (`row`).
//!
//! The reader holds one event at a time, so that a file of any length is read in bounded memory. Nothing is refused: what is not
//! recognised is a row of level info whose message is the line, and a line that could not be read as text is counted.
//! What is stated beats what is guessed. Time grows with the length of a line, whatever stands in it.

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
mod row;
mod text;
mod time;
mod trace;
mod zone;

pub(super) use bytes::{Decoder, MAX_MARK, is_text};
pub(super) use learn::{Learned, MAX_LEARNED};
pub(super) use level::telemetry;
pub(super) use row::{cut, extra, field};

use crate::model::{NewLogRow, Timestamp};
use columns::Columns;
use event::Event;
use interpret::Known;
use time::Moment;

/// What a row takes where its line says nothing.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    /// The source, commonly the file's name without its suffix.
    pub(super) source: String,
    /// The instant, ISO 8601, commonly when the file was last changed; also lends its year to syslog lines.
    pub(super) timestamp: String,
}

/// Turns lines into rows and joins the lines of an event.
#[derive(Debug)]
pub(super) struct Reader {
    defaults: Defaults,
    latest: Moment,
    learned: Learned,
    pending: Option<Event>,
    /// The time of the last event, which those without one take in a file whose events are dated.
    last: Option<Moment>,
    unread: u64,
}

impl Reader {
    /// A reader of a file of which this is known.
    pub(super) fn new(defaults: Defaults, learned: Learned) -> Self {
        let latest = moment(&defaults.timestamp);
        Self { defaults, latest, learned, pending: None, last: None, unread: 0 }
    }

    /// Takes the next line, with or without its line break; answers the row before it once that is complete.
    pub(super) fn push(&mut self, line: &str) -> Option<NewLogRow> {
        let unread = text::is_unread(line);
        self.unread += u64::from(unread);
        let clean = text::clean(line);
        if clean.trim().is_empty() || (unread && text::is_noise(&clean)) {
            return None;
        }
        if let Some(columns) = &mut self.learned.columns
            && columns.is_head(&clean)
        {
            if let Some(Columns::Extended(names)) = Columns::header(&clean) {
                *columns = Columns::Extended(names);
            }
            return None;
        }
        let known =
            Known { latest: self.latest, columns: self.learned.columns.as_ref(), stamped: false };
        let line = event::line(envelope::peel(&clean, self.latest), known);
        if line.is_empty() {
            // Of what goes on in pieces, an empty one is the end.
            if let Some(event) = &mut self.pending {
                event.envelope.is_partial = false;
            }
            return None;
        }
        if let Some(event) = &mut self.pending
            && event.goes_on(&line, &self.learned, known)
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
        self.latest = moment(&timestamp);
        self.defaults.timestamp = timestamp;
    }

    /// Replaces what is known of the file.
    pub(super) fn learn(&mut self, learned: Learned) {
        self.learned = learned;
    }

    /// How many lines held what could not be read as text.
    pub(super) fn unread(&self) -> u64 {
        self.unread
    }

    fn row(&mut self, event: Event) -> NewLogRow {
        let known =
            Known { latest: self.latest, columns: self.learned.columns.as_ref(), stamped: false };
        let mut fields = interpret::read(&event.text, event.lead, event.envelope, known);
        if fields.time.is_none() && self.learned.dated {
            fields.time = self.last;
        }
        self.last = fields.time.or(self.last);
        row::row(fields, &self.defaults.source, || self.defaults.timestamp.clone())
    }
}

/// A line, or the lines of one event, as a row by itself.
pub(super) fn read_text(text: &str, defaults: &Defaults) -> NewLogRow {
    let lines: Vec<_> = text.trim_end().lines().map(text::clean).collect();
    let text = lines.join("\n");
    let known = Known { latest: moment(&defaults.timestamp), columns: None, stamped: false };
    // An envelope is around a line.
    let peeled = envelope::peel(&text, known.latest);
    let line = event::line(peeled, known);
    let fields = interpret::read(&line.peeled.text, line.lead, line.peeled.envelope, known);
    row::row(fields, &defaults.source, || defaults.timestamp.clone())
}

fn moment(timestamp: &str) -> Moment {
    Moment::exact(Timestamp::from_iso(timestamp).map_or(0, Timestamp::millis))
}

#[cfg(test)]
pub(super) mod tests;
