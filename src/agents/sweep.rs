//! Ends the processes that are left of runs whose supervisor and server were both killed.
//!
//! The server calls this at its start, before any job gets the key of a run that was interrupted.

use super::Marker;
use crate::error::Result;
use crate::model::Process;
use std::path::PathBuf;

/// The traces by which a run can be found after a crash; they are stored with the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The marker in the environment of its processes: stored before the start.
    pub marker: Marker,
    /// Its main process, if it is known: found even if it has cleared its environment.
    pub main: Option<Process>,
    /// The folder in which only this run worked: a process that still works there is reported.
    pub working_dir: Option<PathBuf>,
}

/// What was left of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many processes were ended.
    pub ended: usize,
    /// Processes that work in the folder of a run but are not proven to belong to it: they are logged and left alone.
    pub suspects: Vec<Process>,
}

/// Ends every process that is proven to be of one of these runs: the main one of that start time and boot, those that
/// carry the marker, and their descendants. TERM, after the grace KILL; answers when none is left.
///
/// # Errors
/// `AGENT-TREE-001` if some cannot be ended: the keys of these runs must not be given on.
///
/// # Cancel safety
/// It can be called again.
#[cfg(target_os = "linux")]
pub async fn sweep(traces: &[Trace], grace: std::time::Duration) -> Result<Swept> {
    linux::sweep(traces, grace).await
}

/// On this system nothing could run, so nothing can be left.
#[cfg(not(target_os = "linux"))]
pub async fn sweep(_traces: &[Trace], _grace: std::time::Duration) -> Result<Swept> {
    Ok(Swept::default())
}

#[cfg(target_os = "linux")]
mod linux {
    use super::super::table::{Entry, Table};
    use super::super::{RUN_VARIABLE, SUPERVISOR_VARIABLE};
    use super::{Process, Swept, Trace};
    use crate::error::{Code, Error, Result};
    use rustix::process::Signal;
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::{Duration, Instant};

    /// The time between two looks: a process that is not our child does not tell us when it ends.
    const LOOK_EVERY: Duration = Duration::from_millis(20);
    /// How long killed processes may take to be gone; the kernel tears a large one down in seconds.
    const MAX_DYING: Duration = Duration::from_secs(30);

    /// What one look has found.
    #[derive(Default)]
    struct Found {
        /// Of the runs; `true` for a supervisor.
        members: Vec<(Entry, bool)>,
        suspects: Vec<Process>,
    }

    pub(super) async fn sweep(traces: &[Trace], grace: Duration) -> Result<Swept> {
        let since = Instant::now();
        let mut ended = BTreeMap::new();
        let mut refused = None;
        loop {
            let traces = traces.to_vec();
            let found = tokio::task::spawn_blocking(move || look(&traces)).await;
            let found = found.map_err(|error| failed().because(error))??;
            if found.members.is_empty() {
                return Ok(report(ended.len(), found.suspects));
            }
            let age = since.elapsed();
            if age > 2 * grace + MAX_DYING {
                let pids: Vec<u32> = found.members.iter().map(|(entry, _)| entry.pid).collect();
                let why = refused.map(|error: std::io::Error| error.to_string());
                let why = why.unwrap_or_else(|| "they were killed".to_owned());
                return Err(failed().because(format!("still there: {pids:?}: {why}")));
            }
            for (entry, is_supervisor) in found.members {
                let process = entry.process();
                // A supervisor ends its tree better than we can, because only the supervisor knows what it has adopted.
                let kill_after = if is_supervisor { 2 * grace } else { grace };
                let signal = match ended.insert(process.pid, process.start.clone()) {
                    _ if age >= kill_after => Some(Signal::KILL),
                    Some(start) if start == process.start => None,
                    Some(_) | None => Some(Signal::TERM),
                };
                if let Some(signal) = signal {
                    refused = entry.signal(signal).err().or(refused);
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn failed() -> Error {
        Error::new(Code::AgentTree, "end what is left of interrupted runs")
    }

    fn report(ended: usize, suspects: Vec<Process>) -> Swept {
        for suspect in &suspects {
            crate::warn_coded!(
                Code::AgentSuspect,
                "process {} works in the folder of an interrupted run",
                suspect.pid
            );
        }
        Swept { ended, suspects }
    }

    fn look(traces: &[Trace]) -> Result<Found> {
        let table = Table::read().map_err(|error| failed().because(error))?;
        let own = std::process::id();
        let mut found = Found::default();
        let living = || table.all().filter(|entry| entry.pid != own && !entry.is_over);
        let mut members = BTreeMap::new();
        for trace in traces {
            let marker = trace.marker.as_str();
            let mut roots = Vec::new();
            for entry in living() {
                let is_supervisor = entry.has_variable(SUPERVISOR_VARIABLE, marker);
                if is_supervisor || entry.has_variable(RUN_VARIABLE, marker) {
                    roots.push((entry, is_supervisor));
                }
            }
            let main = trace.main.as_ref().and_then(|main| table.find(main));
            roots.extend(main.map(|main| (main, false)));
            let pids: Vec<u32> = roots.iter().map(|(entry, _)| entry.pid).collect();
            let below = table.descendants(pids).into_iter().map(|entry| (entry, false));
            for (entry, is_supervisor) in below.chain(roots) {
                if entry.pid != own && !entry.is_over {
                    *members.entry(entry.pid).or_insert(false) |= is_supervisor;
                }
            }
        }
        let folders: BTreeSet<_> =
            traces.iter().filter_map(|trace| trace.working_dir.as_deref()).collect();
        for entry in living() {
            if let Some(is_supervisor) = members.get(&entry.pid) {
                found.members.push((entry.clone(), *is_supervisor));
            } else if folders.iter().any(|folder| entry.works_in(folder)) {
                found.suspects.push(entry.process());
            }
        }
        Ok(found)
    }
}
