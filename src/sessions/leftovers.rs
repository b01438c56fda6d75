//! Clears what a killed server has left: processes of its runs, and folders without a job.

use super::Agents;
use crate::agents::{GRACE, Marker, Trace, sweep};
use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::warn_coded;
use std::path::Path;

/// Folders that are looked at at a time.
const MAX_FOLDERS: usize = 10_000;

/// Ends every process that the runs of an earlier server have left, and records that they are gone. The engine calls this
/// before this process leads: only then may other jobs get the keys of the interrupted runs.
///
/// A run that began in another file is not looked for: this database is a copy, and the run is that of another server, which
/// may well be at work. Here it is over.
///
/// # Errors
/// `AGENT-TREE-001` if some cannot be ended.
pub async fn clear_leftovers(agents: &Agents, clock: &Clock) -> Result<()> {
    let open = agents.store.open_runs().await?;
    let trace = |run: &crate::model::OpenRun| {
        let marker = Marker::parse(&run.marker).ok()?;
        // A directory that the request named does not belong to the run alone, so a process that works there is no suspect.
        let working_dir =
            run.working_dir.starts_with(&agents.data_dir).then(|| run.working_dir.clone());
        Some(Trace { marker, main: run.main.clone(), working_dir })
    };
    let (own, copied): (Vec<_>, Vec<_>) = open.iter().partition(|run| run.is_own);
    if !copied.is_empty() {
        tracing::info!(
            "{} runs began in another file, of which this database is a copy: they count as interrupted here, and their processes are left alone",
            copied.len()
        );
    }
    let traces: Vec<Trace> = own.into_iter().filter_map(trace).collect();
    if !traces.is_empty() {
        let swept = sweep(&traces, GRACE).await?;
        tracing::info!(
            "{} runs were interrupted; {} of their processes were ended",
            traces.len(),
            swept.ended
        );
    }
    for run in open {
        agents.store.close_run(run, clock.now()).await?;
    }
    if let Err(error) = remove_folders(agents).await {
        warn_coded!(Code::AgentStart, "remove the folders of jobs that are gone: {error}");
    }
    Ok(())
}

/// Removes the folders of jobs that were pruned.
pub(super) async fn remove_folders(agents: &Agents) -> Result<()> {
    let jobs = agents.data_dir.join("jobs");
    let Ok(entries) = std::fs::read_dir(&jobs) else { return Ok(()) };
    let names = entries.filter_map(std::result::Result::ok).take(MAX_FOLDERS);
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    for name in agents.store.orphaned_places(names).await? {
        remove(&jobs.join(name));
    }
    Ok(())
}

fn remove(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        warn_coded!(Code::AgentStart, "remove {}: {error}", folder.display());
    }
}
