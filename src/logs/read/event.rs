//! Where an event ends: which lines go on with the one before them.

use super::columns;
use super::envelope::{Envelope, Joins, Peeled};
use super::head::{self, Lead};
use super::interpret::{self, Known, is_speaker};
use super::learn::Learned;
use super::level;
use super::logfmt;
use super::row::MAX_MESSAGE;
use super::time;
use super::trace::{self, Open};
use crate::model::Level;
use std::borrow::Cow;

/// Bytes of an event that are kept: its message and the head before it.
const MAX_TEXT: usize = MAX_MESSAGE + 4 * 1024;
/// Most lines of an event: what does not end, as a JSON object or a cell may, begins anew.
pub(super) const MAX_OPEN_LINES: usize = 10_000;

/// A line and its place among the others.
pub(super) struct Line<'a> {
    pub(super) peeled: Peeled<'a>,
    pub(super) lead: Option<Lead>,
}

impl Line<'_> {
    pub(super) fn text(&self) -> &str {
        &self.peeled.text
    }

    /// The text behind the time.
    fn body(&self) -> &str {
        self.lead.map_or(self.text(), |lead| &self.text()[lead.end..]).trim_start()
    }
}

/// An event whose lines are still coming.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) text: String,
    pub(super) lead: Option<Lead>,
    pub(super) envelope: Envelope<'static>,
    lines: usize,
    open: Open,
    /// It holds a trace.
    traced: bool,
    /// The last line leads on to a further trace.
    leads_on: bool,
    /// A cell in quotes has not ended.
    quoted: bool,
    shape: Shape,
}

/// What an event's first line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    /// Whole in its line: JSON or pairs.
    Structured,
    /// A JSON object in many lines that has not ended.
    Unclosed,
}

impl Event {
    pub(super) fn begin(line: Line<'_>) -> Self {
        let body = line.body();
        let shape = match line.text() {
            "{" => Shape::Unclosed,
            _ if body.starts_with('{') || logfmt::read(body).is_some() => Shape::Structured,
            _ => Shape::Text,
        };
        let traced = trace::opens(body) || trace::is_exception(body);
        let open = trace::expects(body).unwrap_or_default();
        let quoted = columns::leaves_open(line.text(), false);
        Self {
            lead: line.lead,
            envelope: line.peeled.envelope.into_owned(),
            text: line.peeled.text.into_owned(),
            lines: 1,
            open,
            traced,
            leads_on: false,
            quoted,
            shape,
        }
    }

    /// How many lines it has.
    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    /// Adds a line that goes on with this event.
    pub(super) fn join(&mut self, line: &Line<'_>) {
        let text = line.text();
        let kernel = self.open == Open::Kernel;
        if let Some(open) = trace::expects(text) {
            self.open = open;
        } else if self.open == Open::LastLine && !text.starts_with([' ', '\t']) {
            self.open = Open::Closed;
        }
        if kernel {
            self.open = if trace::ends_kernel(line.body()) { Open::Closed } else { Open::Kernel };
        }
        self.traced |= trace::opens(text)
            || trace::continues(text)
            || trace::is_exception(text)
            || trace::is_frame(text);
        self.leads_on = trace::leads_on(text);
        if self.shape == Shape::Unclosed && text.starts_with('}') {
            self.shape = Shape::Structured;
        }
        self.quoted = columns::leaves_open(text, self.quoted);
        if self.text.len() < MAX_TEXT {
            if !self.envelope.is_partial {
                self.text.push('\n');
            }
            self.text.push_str(if kernel { line.body() } else { text });
        }
        self.envelope.is_partial = line.peeled.envelope.is_partial;
        self.lines += 1;
    }

    /// Whether the line goes on with this event. `begins` is what an operator's rule says of the line, if there is one.
    pub(super) fn goes_on(
        &self,
        line: &Line<'_>,
        begins: Option<bool>,
        (learned, known): (&Learned, Known<'_>),
    ) -> bool {
        if self.lines >= MAX_OPEN_LINES {
            return false;
        }
        if let Some(begins) = begins {
            return self.envelope.is_partial || !begins;
        }
        let envelope = &line.peeled.envelope;
        if envelope.lane != self.envelope.lane {
            return false;
        }
        if self.envelope.is_partial {
            return true;
        }
        self.is_continued_by(line, learned, known)
    }

    /// The same for a whole line that came the same way.
    fn is_continued_by(&self, line: &Line<'_>, learned: &Learned, known: Known<'_>) -> bool {
        let (text, envelope) = (line.text(), &line.peeled.envelope);
        if envelope.joins == Joins::Tabs {
            return text.starts_with('\t');
        }
        if self.shape == Shape::Unclosed {
            return line.lead.is_none() && !text.starts_with('{');
        }
        if let Some(columns) = known.columns {
            return self.quoted && columns.has_quotes();
        }
        if self.open == Open::Kernel {
            return trace::is_kernel(line.body());
        }
        if text.starts_with([' ', '\t']) {
            return !learned.indented;
        }
        if text.starts_with('{') || line.lead.is_some() {
            return false;
        }
        self.goes_on_at_the_start(text, learned.dated && envelope.joins == Joins::All, known)
    }

    /// The same for a line that is not indented and has no time.
    fn goes_on_at_the_start(&self, text: &str, dated: bool, known: Known<'_>) -> bool {
        if self.open == Open::Frames && trace::is_go(text) {
            return true;
        }
        if trace::opens(text) {
            return self.may_crash(dated, known);
        }
        if trace::is_certain(text) || (self.traced && trace::continues(text)) {
            return self.shape == Shape::Text;
        }
        if self.open == Open::LastLine {
            return true;
        }
        if dated && self.lead.is_some() {
            if level::stated(text).is_some_and(|stated| stated.length > 0) {
                // A line that says only who speaks is completed by the next one.
                return self.lines == 1
                    && self.lead.is_some_and(|lead| is_speaker(&self.text[lead.end..]));
            }
            return self.shape == Shape::Text
                && logfmt::read(text).is_none()
                && time::bracketed(text, known.frame).is_none();
        }
        // An error and the exception that it tells of.
        trace::is_exception(text)
            && self.shape == Shape::Text
            && !self.traced
            && self.lines == 1
            && self.is_grave(known)
    }

    /// Whether what only a crash writes belongs to this event: a program logs an error together with its traceback, but
    /// a traceback after a line of another level is an event of its own.
    fn may_crash(&self, dated: bool, known: Known<'_>) -> bool {
        if self.shape != Shape::Text {
            return false;
        }
        if self.traced {
            return self.leads_on;
        }
        self.is_grave(known) || (dated && self.level(known).is_none())
    }

    fn is_grave(&self, known: Known<'_>) -> bool {
        let first = self.text.lines().next().unwrap_or_default();
        self.level(known).unwrap_or_else(|| level::guess(first)) >= Level::Warning
    }

    /// The level that the event states.
    fn level(&self, known: Known<'_>) -> Option<Level> {
        let first = self.text.lines().next().unwrap_or_default();
        let envelope = Envelope { level: self.envelope.level, ..Envelope::default() };
        interpret::read(first, self.lead, envelope, known).level.map(|(_, level)| level)
    }
}

impl Line<'_> {
    /// Whether nothing is in it, and nothing goes on.
    pub(super) fn is_empty(&self) -> bool {
        self.text().is_empty() && !self.peeled.envelope.is_partial
    }
}

/// A line with its time looked at, without blanks at its end unless it goes on.
pub(super) fn line<'a>(peeled: Peeled<'a>, known: Known<'_>) -> Line<'a> {
    let mut peeled = peeled;
    if !peeled.envelope.is_partial {
        match &mut peeled.text {
            Cow::Borrowed(text) => *text = text.trim_end(),
            Cow::Owned(text) => text.truncate(text.trim_end().len()),
        }
    }
    let text = peeled.text.as_ref();
    let start = text.len() - text.trim_start().len();
    // An indented line may be dated too.
    let lead = head::lead(&text[start..], known.frame).map(|lead| lead.behind(start));
    Line { peeled, lead }
}
