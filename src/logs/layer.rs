//! Our own log lines as rows of the log database: a `tracing` layer and the task that writes what it takes.
//!
//! The layer never blocks and never logs: a line is redacted and goes into a bounded queue, or is dropped and counted,
//! low levels first, and the counts become a row of their own. What the database refuses is dropped and counted too,
//! and said on standard error.

mod queue;
mod writer;

pub use queue::LogCounts;
pub use writer::LogWriter;

use crate::clock::Clock;
use crate::model::{Level, NewLogRow};
use crate::redact::redactor;
use crate::store::LogStore;
use queue::Sender;
use serde_json::{Map, Value};
use std::fmt::{self, Write as _};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Longest message, in bytes: a deep stack trace; more is cut.
const MAX_MESSAGE: usize = 64 * 1024;
/// Longest id or path, in bytes: columns that are looked up, not read.
const MAX_COLUMN: usize = 1024;
/// Most bytes of other fields; more are left out as a whole, since half a JSON object is none.
const MAX_EXTRA: usize = 64 * 1024;
/// The source of rows that count dropped lines.
const SOURCE: &str = module_path!();

/// The layer to install with `tracing_subscriber`.
#[derive(Debug)]
pub struct LogLayer {
    clock: Clock,
    lines: Sender,
}

/// A layer for our log lines and, on the current tokio runtime, the task that writes them to `logs`.
pub fn log_layer(logs: LogStore, clock: Clock) -> (LogLayer, LogWriter) {
    let (lines, receiver) = queue::queue();
    let writer = LogWriter::start(logs, clock.clone(), receiver);
    (LogLayer { clock, lines }, writer)
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut columns = Columns::default();
        attributes.record(&mut columns);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(columns);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(columns) = span.extensions_mut().get_mut::<Columns>()
        {
            values.record(columns);
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let level = level(*event.metadata().level());
        if !self.lines.offer(level) {
            return;
        }
        let mut line = Line::default();
        event.record(&mut line);
        // The innermost span that has a column decides it.
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(columns) = span.extensions().get::<Columns>() {
                line.columns.fill_from(columns);
            }
        }
        let source = event.metadata().target();
        let row = NewLogRow::new(self.clock.now().to_string(), level, source, "");
        self.lines.take(line.into_row(row));
    }
}

fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::TRACE | tracing::Level::DEBUG => Level::Debug,
        tracing::Level::INFO => Level::Info,
        tracing::Level::WARN => Level::Warning,
        tracing::Level::ERROR => Level::Error,
    }
}

/// The fields that have a column of their own, of an event or a span.
#[derive(Debug, Default)]
struct Columns {
    correlation_id: Option<String>,
    user_id: Option<String>,
    request_path: Option<String>,
}

impl Columns {
    fn named(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "correlation_id" => Some(&mut self.correlation_id),
            "user_id" => Some(&mut self.user_id),
            "request_path" => Some(&mut self.request_path),
            _ => None,
        }
    }

    fn fill_from(&mut self, outer: &Self) {
        let fill = |own: &mut Option<String>, outer: &Option<String>| {
            if own.is_none() {
                own.clone_from(outer);
            }
        };
        fill(&mut self.correlation_id, &outer.correlation_id);
        fill(&mut self.user_id, &outer.user_id);
        fill(&mut self.request_path, &outer.request_path);
    }
}

impl Visit for Columns {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some(column) = self.named(field.name()) {
            *column = Some(format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(column) = self.named(field.name()) {
            *column = Some(value.to_owned());
        }
    }
}

/// The parts of one event.
#[derive(Default)]
struct Line {
    message: String,
    columns: Columns,
    fields: Map<String, Value>,
}

impl Line {
    /// The row without secrets, then cut to the longest row. The order matters, because half a token has no shape.
    fn into_row(self, row: NewLogRow) -> NewLogRow {
        let Columns { correlation_id, user_id, request_path } = self.columns;
        let extra = (!self.fields.is_empty()).then(|| Value::Object(self.fields).to_string());
        let mut row = NewLogRow {
            message: self.message,
            correlation_id,
            user_id,
            request_path,
            extra_data: extra,
            ..row
        };
        redactor().clean_row(&mut row);
        row.message.truncate(row.message.floor_char_boundary(MAX_MESSAGE));
        let columns = [&mut row.correlation_id, &mut row.user_id, &mut row.request_path];
        for text in columns.into_iter().flatten() {
            text.truncate(text.floor_char_boundary(MAX_COLUMN));
        }
        row.extra_data = row.extra_data.filter(|extra| extra.len() <= MAX_EXTRA);
        row
    }

    fn add(&mut self, field: &Field, value: Value) {
        match (self.columns.named(field.name()), value) {
            (Some(column), Value::String(text)) => *column = Some(text),
            (Some(column), value) => *column = Some(value.to_string()),
            (None, value) => {
                self.fields.insert(field.name().to_owned(), value);
            }
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            if write!(self.message, "{value:?}").is_err() {
                self.message.push_str(" (the rest cannot be shown)");
            }
        } else {
            self.add(field, format!("{value:?}").into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.add(field, value.into());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }
}
