//! Clears what a killed server has left: processes of its runs, and folders without a job.

use super::changes::Look;
use super::{Agents, given, loans};
use crate::agents::claude::{Lines, Reader, Summary, Tokens, Version};
use crate::agents::{GRACE, Marker, Trace, sweep};
use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::heavy::heavy;
use crate::model::{Cost, OpenRun, RunSpent};
use crate::warn_coded;
use std::path::Path;

/// Folders that are looked at at a time.
const MAX_FOLDERS: usize = 10_000;
/// Bytes of a transcript that are read at a time.
const READ: u64 = 1024 * 1024;

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
    let trace = |run: &OpenRun| {
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
    let mut runs = Vec::with_capacity(open.len());
    for run in open {
        // While what was lent to the runs is still lent: git may be the user to whom it is.
        let changes = Look::after_kill(agents, &run).await;
        runs.push((run, changes));
    }
    loans::give_back_all(agents).await;
    for (run, changes) in runs {
        if run.is_own {
            given::remove_servers(agents, &run);
        }
        let spent = if run.is_own { spent(agents, &run).await? } else { RunSpent::default() };
        let closed = agents.store.close_run(run.clone(), spent, changes, clock.now()).await?;
        for alarm in closed {
            warn_coded!(Code::AgentAlarm, "{alarm}");
        }
        Look::forget(agents, &run);
    }
    if let Err(error) = remove_folders(agents).await {
        warn_coded!(Code::AgentStart, "remove the folders of jobs that are gone: {error}");
    }
    Ok(())
}

/// What a run has cost that was cut off, as far as its transcript tells.
async fn spent(agents: &Agents, run: &OpenRun) -> Result<RunSpent> {
    let (mut lines, mut summary) = (Lines::default(), Summary::default());
    // An earlier attempt was paid at its own end.
    let mut from = run.transcript_from;
    loop {
        let pieces = agents.store.transcript(run.id, from, READ).await?;
        let Some(last) = pieces.last() else { break };
        let next = last.end();
        let see = move || {
            for line in pieces.iter().flat_map(|piece| lines.push(&piece.bytes)) {
                summary.see_line(&Reader::read_all(&line));
            }
            (lines, summary)
        };
        (lines, summary) = heavy((next - from) as usize, see).await;
        from = next;
    }
    if let Some(line) = lines.finish() {
        summary.see_line(&Reader::read_all(&line));
    }
    // The version is of the run that is gone; one that did not say its version was too old to say it.
    let cost = summary.cost(run.cost_before, Version::OLDEST);
    let tokens = summary.all_tokens();
    Ok(RunSpent {
        cost: cost.map(|cost| Cost::at_least(cost.usd)),
        num_turns: summary.turns(),
        counts_at_least: true,
        input_tokens: tokens.map(Tokens::read_by_model),
        output_tokens: tokens.map(|tokens| tokens.output),
    })
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
