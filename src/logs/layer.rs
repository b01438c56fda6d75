//! Our own log lines as rows of the log database: a `tracing` layer and the task that writes what it takes.
//!
//! The layer never blocks and never logs: a line goes into a bounded queue or is dropped and counted, and the count
//! becomes a row of its own. What the database refuses goes to standard error.

use crate::clock::Clock;
use crate::error::Code;
use crate::model::{Level, NewLogRow};
use crate::store::LogStore;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines that may wait to be written: a few megabytes at most.
const MAX_WAITING: usize = 8_192;
/// Lines that share a commit.
const MAX_BATCH: usize = 1_024;
/// Longest message, in bytes.
const MAX_MESSAGE: usize = 64 * 1024;

/// The layer to install with `tracing_subscriber`.
#[derive(Debug)]
pub struct LogLayer {
    clock: Clock,
    lines: mpsc::Sender<NewLogRow>,
    dropped: Arc<AtomicU64>,
}

/// The task that writes. [`LogWriter::stop`] writes what waits and ends it.
#[derive(Debug)]
pub struct LogWriter {
    task: JoinSet<()>,
    stop: CancellationToken,
}

/// A layer for our log lines and, on the current tokio runtime, the task that writes them to `logs`.
pub fn log_layer(logs: LogStore, clock: Clock) -> (LogLayer, LogWriter) {
    let (sender, lines) = mpsc::channel(MAX_WAITING);
    let dropped = Arc::new(AtomicU64::new(0));
    let stop = CancellationToken::new();
    let layer = LogLayer { clock: clock.clone(), lines: sender, dropped: Arc::clone(&dropped) };
    let mut task = JoinSet::new();
    task.spawn(write(logs, clock, lines, dropped, stop.clone()));
    (layer, LogWriter { task, stop })
}

impl LogWriter {
    /// Writes the lines that wait, then ends. Later lines go nowhere.
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.task.join_next().await;
    }
}

async fn write(
    logs: LogStore,
    clock: Clock,
    mut lines: mpsc::Receiver<NewLogRow>,
    dropped: Arc<AtomicU64>,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    loop {
        tokio::select! {
            // A stop closes the queue; what is in it is still received.
            () = stop.cancelled(), if !lines.is_closed() => lines.close(),
            taken = lines.recv_many(&mut batch, MAX_BATCH) => {
                if taken == 0 {
                    return;
                }
                let lost = dropped.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    let text = format!("[{}] {lost} log lines dropped", Code::LogDropped);
                    batch.push(NewLogRow::new(clock.now().to_string(), Level::Warning, module_path!(), text));
                }
                save(&logs, std::mem::replace(&mut batch, Vec::with_capacity(MAX_BATCH))).await;
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "a failed write of the log must not be logged to the log")]
async fn save(logs: &LogStore, batch: Vec<NewLogRow>) {
    let lines = batch.len();
    if let Err(error) = logs.append(batch).await {
        eprintln!("[{}] {lines} log lines were not saved: {error}", Code::LogWrite);
    }
}

impl<S: tracing::Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        line.message.truncate(line.message.floor_char_boundary(MAX_MESSAGE));
        let extra =
            (!line.fields.is_empty()).then(|| serde_json::Value::Object(line.fields).to_string());
        let row = NewLogRow {
            correlation_id: line.correlation_id,
            extra_data: extra,
            ..NewLogRow::new(
                self.clock.now().to_string(),
                level(*event.metadata().level()),
                event.metadata().target(),
                line.message,
            )
        };
        if self.lines.try_send(row).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
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

/// The parts of one event.
#[derive(Default)]
struct Line {
    message: String,
    correlation_id: Option<String>,
    fields: serde_json::Map<String, serde_json::Value>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            // Writing to a String cannot fail.
            "message" => write!(self.message, "{value:?}").unwrap_or_default(),
            "correlation_id" => self.correlation_id = Some(format!("{value:?}")),
            name => {
                self.fields.insert(name.to_owned(), format!("{value:?}").into());
            }
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "correlation_id" => self.correlation_id = Some(value.to_owned()),
            name => {
                self.fields.insert(name.to_owned(), value.into());
            }
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.insert(field.name().to_owned(), value.into());
    }
}
