//! Following the system's journal: `journalctl` under a supervisor of ours, from the stored cursor on.

use super::{RETRY, Trouble};
use crate::agents::{Exit, Isolation, Launcher, Limits, Marker, Reason, Run, Spec, Stream};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::logs::journal_row;
use crate::model::{LogSource, LogStep, NewLogRow, Resources, Service, Timestamp, journal_key};
use crate::store::LogStore;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;

/// How long one run of `journalctl` goes on before it is begun again from its cursor.
const RUN: Duration = Duration::from_hours(24);
/// Entries that share a commit.
const MAX_BATCH: usize = 1_000;
/// How long entries wait for more before they are stored.
const GATHER: Duration = Duration::from_millis(200);
/// Longest entry, in bytes; journald's own fields are far below. A longer one is passed over.
const MAX_ENTRY: usize = 4 * 1024 * 1024;
/// Bytes of what `journalctl` complains of that are said.
const MAX_COMPLAINT: usize = 500;

/// Whether a run ended because it was to end.
fn has_run_its_day(reason: Reason) -> bool {
    matches!(reason, Reason::TimedOut | Reason::Idle | Reason::Stopped)
}

/// A journal, or the part of one unit, that is followed.
#[derive(Debug)]
pub struct Journal {
    unit: Option<String>,
    source: String,
    logs: LogStore,
    launcher: Launcher,
    path: String,
    /// The position as it is stored.
    stored: Option<String>,
}

impl Journal {
    /// The journal of `unit`, or all of it, to be followed into `logs` from the stored cursor on, the first time from
    /// now on. `journalctl` is looked for in `path`, as a shell does in `PATH`.
    pub fn new(
        unit: Option<String>,
        source: Option<String>,
        logs: LogStore,
        launcher: Launcher,
        path: String,
    ) -> Self {
        let source = source.unwrap_or_else(|| "journal".to_owned());
        Self { unit, source, logs, launcher, path, stored: None }
    }

    /// Follows until `stop`, whenever `leading` says so.
    pub(super) async fn serve(
        mut self,
        clock: Clock,
        mut leading: Receiver<bool>,
        stop: CancellationToken,
    ) {
        let mut trouble = Trouble::default();
        loop {
            let leads = async { leading.wait_for(|leads| *leads).await.is_ok() };
            if stop.run_until_cancelled(leads).await != Some(true) {
                return;
            }
            let stored = self.run_once(&clock, &mut leading, &stop).await;
            let ended = stored.as_ref().map(|stored| format!("stored {stored} entries"));
            let log = LogSource::Journal { unit: self.unit.clone(), source: None };
            self.logs.ran(&Service::Log(log.to_string()), clock.now(), ended);
            match stored {
                Ok(stored) if stored > 0 => trouble.ends(),
                Ok(_) => {}
                Err(error) => trouble.says(Code::LogJournal, &error),
            }
            if stop.run_until_cancelled(tokio::time::sleep(RETRY)).await.is_none() {
                return;
            }
        }
    }

    /// Runs `journalctl` once, until it ends, `stop`, or the end of the lead. Answers how many entries were stored.
    ///
    /// # Errors
    /// `LOGS-JOURNAL-001` if it cannot be started or ended with an error, and those of the log database. The next call
    /// goes on from the stored cursor.
    pub async fn run_once(
        &mut self,
        clock: &Clock,
        leading: &mut Receiver<bool>,
        stop: &CancellationToken,
    ) -> Result<u64> {
        self.stored = self
            .logs
            .progress(&journal_key(self.unit.as_deref()))
            .await?
            .map(|progress| progress.position);
        let failed = || Error::new(Code::LogJournal, "follow the journal");
        let mut run =
            self.launcher.start(self.spec()).await.map_err(|error| failed().because(error))?;
        let ended = async {
            tokio::select! {
                () = stop.cancelled() => {}
                _ = leading.wait_for(|leads| !*leads) => {}
            }
        };
        let read = tokio::select! {
            read = self.read(&mut run, clock) => Some(read),
            () = ended => None,
        };
        run.stop().await;
        let end = run.ended().await?;
        match read {
            None => Ok(0),
            Some(Ok((stored, _))) if end.exit == Some(Exit::Code(0)) => Ok(stored),
            // Ended by us: a day is over.
            Some(Ok((stored, _))) if has_run_its_day(end.reason) => Ok(stored),
            Some(Ok((_, complaint))) => Err(failed().because(format!("it ended: {complaint}"))),
            Some(Err(error)) => Err(error),
        }
    }

    fn spec(&self) -> Spec {
        let words = ["journalctl", "--output=json", "--follow", "--no-pager", "--quiet"];
        let mut argv: Vec<String> = words.map(str::to_owned).into();
        match self.cursor() {
            Some(cursor) => argv.extend(["--lines=all".into(), format!("--after-cursor={cursor}")]),
            None => argv.push("--lines=0".into()),
        }
        if let Some(unit) = &self.unit {
            argv.push(format!("--unit={unit}"));
        }
        // It works for the server: no disk that is nearly full, and no place behind others, must keep it from its work.
        let resources = Resources { disk_left: 0, nice: 0, ..Resources::default() };
        Spec {
            argv,
            env: BTreeMap::from([("PATH".to_owned(), self.path.clone())]),
            working_dir: PathBuf::from("/"),
            folder: None,
            stdin: Vec::new(),
            limits: Limits {
                wall: RUN,
                idle: RUN,
                output: u64::MAX,
                resources,
                ..Limits::default()
            },
            isolation: Isolation::None,
            marker: Marker::random(),
        }
    }

    fn cursor(&self) -> Option<String> {
        let stored: serde_json::Value = serde_json::from_str(self.stored.as_deref()?).ok()?;
        Some(stored.get("cursor")?.as_str()?.to_owned())
    }

    /// Stores entries until the program ends; answers their number and what the program complained of.
    async fn read(&mut self, run: &mut Run, clock: &Clock) -> Result<(u64, String)> {
        let (mut line, mut complaint, mut batch, mut stored) =
            (Vec::new(), Vec::new(), Batch::default(), 0);
        loop {
            let chunk = if batch.rows.is_empty() {
                run.next().await
            } else {
                let Ok(chunk) = tokio::time::timeout(GATHER, run.next()).await else {
                    stored += self.save(&mut batch).await?;
                    continue;
                };
                chunk
            };
            let Some(chunk) = chunk else { break };
            if chunk.stream == Stream::Stderr {
                let room = MAX_COMPLAINT.saturating_sub(complaint.len());
                complaint.extend(&chunk.bytes[..chunk.bytes.len().min(room)]);
                continue;
            }
            for part in chunk.bytes.split_inclusive(|b| *b == b'\n') {
                // One byte over the limit is kept, which tells that it was too long.
                let room = (MAX_ENTRY + 1).saturating_sub(line.len());
                line.extend(&part[..part.len().min(room)]);
                if part.ends_with(b"\n") {
                    if line.len() <= MAX_ENTRY {
                        batch.take(&line, &self.source, clock.now());
                    }
                    line.clear();
                }
            }
            if batch.rows.len() >= MAX_BATCH {
                stored += self.save(&mut batch).await?;
            }
        }
        stored += self.save(&mut batch).await?;
        Ok((stored, String::from_utf8_lossy(&complaint).trim().to_owned()))
    }

    async fn save(&mut self, batch: &mut Batch) -> Result<u64> {
        let Some(cursor) = batch.cursor.take() else {
            return Ok(0);
        };
        let rows = std::mem::take(&mut batch.rows);
        let count = rows.len() as u64;
        let to = json!({"cursor": cursor}).to_string();
        let (key, from) = (journal_key(self.unit.as_deref()), self.stored.clone());
        let step = LogStep { from, to: to.clone(), unread: 0 };
        if !self.logs.append_from(rows, &key, step).await? {
            let doing = "store the journal: somebody else follows it too";
            return Err(Error::new(Code::LogJournal, doing));
        }
        self.stored = Some(to);
        Ok(count)
    }
}

/// Entries to be stored together.
#[derive(Default)]
struct Batch {
    rows: Vec<NewLogRow>,
    /// Of the last of them.
    cursor: Option<String>,
}

impl Batch {
    fn take(&mut self, line: &[u8], source: &str, now: Timestamp) {
        if let Some((row, cursor)) = journal_row(&String::from_utf8_lossy(line), source, now) {
            self.rows.extend(row);
            self.cursor = Some(cursor);
        }
    }
}
