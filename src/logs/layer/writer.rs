//! The task that writes what the layer took.

use super::queue::{LogCounts, Receiver};
use crate::clock::Clock;
use crate::error::Code;
use crate::model::{Level, NewLogRow};
use crate::store::LogStore;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Lines that share a commit: enough to spread its cost thin, few enough to end within some milliseconds, so that the
/// processor is free for a request again.
const MAX_BATCH: usize = 256;
/// Least time between two rows that count dropped lines, so that a flood adds one row a second.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// The task that writes. [`LogWriter::stop`] writes what waits and ends it.
#[derive(Debug)]
pub struct LogWriter {
    task: JoinSet<LogCounts>,
    stop: CancellationToken,
}

impl LogWriter {
    /// Starts the task on the current tokio runtime.
    pub(super) fn start(logs: LogStore, clock: Clock, lines: Receiver) -> Self {
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        let writer = Writer {
            logs,
            clock,
            reported: LogCounts::default(),
            next_report: None,
            failing: false,
        };
        task.spawn(writer.serve(lines, stop.clone()));
        Self { task, stop }
    }

    /// Writes the lines that wait, then ends and answers what became of all lines. Later lines are not written.
    pub async fn stop(mut self) -> LogCounts {
        self.stop.cancel();
        self.task.join_next().await.and_then(Result::ok).unwrap_or_default()
    }
}

struct Writer {
    logs: LogStore,
    clock: Clock,
    /// The numbers when dropped lines were last told.
    reported: LogCounts,
    /// When dropped lines may be reported again; `None` before the first report.
    next_report: Option<Duration>,
    /// The last batch was refused, which was said.
    failing: bool,
}

impl Writer {
    async fn serve(mut self, mut lines: Receiver, stop: CancellationToken) -> LogCounts {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        loop {
            let untold = lines.tally().counts().dropped() > self.reported.dropped();
            let report_in =
                self.next_report.unwrap_or_default().saturating_sub(self.clock.uptime());
            let taken = tokio::select! {
                // A stop closes the queue; what is in it is still received.
                () = stop.cancelled(), if !lines.is_closed() => {
                    lines.close();
                    continue;
                }
                taken = lines.recv_many(&mut batch, MAX_BATCH) => taken,
                // A flood may end with lines that nobody has told of.
                () = self.clock.sleep(report_in), if untold => {
                    self.report(&lines).await;
                    continue;
                }
            };
            if taken == 0 {
                self.report(&lines).await;
                return lines.tally().counts();
            }
            let begun = Instant::now();
            self.save(&lines, std::mem::replace(&mut batch, Vec::with_capacity(MAX_BATCH))).await;
            if self.next_report.is_none_or(|at| self.clock.uptime() >= at) {
                self.report(&lines).await;
            }
            if !lines.is_closed() {
                // A third of the time is for other work: in a flood, dropping lines is better than slowing a request.
                tokio::time::sleep(begun.elapsed() / 2).await;
            }
        }
    }

    /// Saves a batch; what the database refuses counts as dropped.
    async fn save(&mut self, lines: &Receiver, batch: Vec<NewLogRow>) {
        let levels: Vec<Level> = batch.iter().map(|row| row.level).collect();
        if self.append(batch).await {
            lines.tally().write(levels.len() as u64);
        } else {
            for level in levels {
                lines.tally().lose(level);
            }
        }
    }

    /// Reports the lines that were dropped since the last report, by a row. If that row is refused too, a later one
    /// tells.
    async fn report(&mut self, lines: &Receiver) {
        let counts = lines.tally().counts();
        if counts.dropped() == self.reported.dropped() {
            return;
        }
        let now = self.clock.now();
        self.next_report = Some(self.clock.uptime() + REPORT_EVERY);
        let text = report_of(&self.reported, &counts);
        let row = NewLogRow::new(now.to_string(), Level::Warning, super::SOURCE, text);
        if self.append(vec![row]).await {
            self.reported = counts;
        }
    }

    /// Whether the rows were saved. Says on standard error when the database begins to refuse them.
    #[expect(
        clippy::print_stderr,
        reason = "a failed write of the log must not be logged to the log"
    )]
    async fn append(&mut self, rows: Vec<NewLogRow>) -> bool {
        let saved = self.logs.append(rows).await;
        if let Err(error) = &saved
            && !self.failing
        {
            eprintln!("[{}] log lines are not saved: {error}", Code::LogWrite);
        }
        self.failing = saved.is_err();
        saved.is_ok()
    }
}

/// `[LOGS-DROP-001] 17 log lines were dropped: 12 DEBUG, 5 INFO`.
fn report_of(before: &LogCounts, now: &LogCounts) -> String {
    let of = |level| now.dropped_of(level) - before.dropped_of(level);
    let levels = Level::ALL.into_iter().filter(|level| of(*level) > 0);
    let levels: Vec<String> = levels.map(|level| format!("{} {level}", of(level))).collect();
    let all = now.dropped() - before.dropped();
    format!("[{}] {all} log lines were dropped: {}", Code::LogDropped, levels.join(", "))
}
