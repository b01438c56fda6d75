//! `lamplighter scans`: lists scans, and shows one with what it found.

use super::{Cli, output};
use crate::actions::{self, scans};
use crate::error::Result;
use crate::model::{JobId, Scan, Why};
use crate::store::Store;
use crate::wire;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the newest scans
    List {
        /// At most this many, 1 to 1000
        #[arg(long, default_value = "50")]
        limit: String,
    },
    /// Show one scan: why it waits, what it did, and the issues that it found
    Show {
        /// The scan's id
        id: i64,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let store = cli.existing_store()?;
    match command {
        Command::List { limit } => list(cli, &store, actions::rows(&limit)?).await,
        Command::Show { id } => show(cli, &store, JobId(id)).await,
    }
}

async fn list(cli: &Cli, store: &Store, limit: usize) -> Result<()> {
    let (scans, _) = store.scan_history(0, limit).await?;
    let processes = store.processes(cli.now()).await?;
    if let Some(log) = processes.server().and_then(|server| server.says.scanned_log.as_ref()) {
        output::note(&format!("scans read the log {log}"));
    }
    let whys = store.whys(scans.iter().map(|scan| scan.id).collect(), cli.now()).await?;
    if cli.json {
        let mut all = scans.iter().map(|scan| wire::Scan::of(scan, whys.get(&scan.id)));
        return all.try_for_each(|scan| output::json(&scan));
    }
    let rows: Vec<_> = scans.iter().map(|scan| row(scan, whys.get(&scan.id))).collect();
    output::table(
        &["ID", "STATUS", "TRIGGER", "CREATED", "ROWS", "ISSUES", "SKIPPED", "SAYS"],
        &rows,
    )
}

fn row(scan: &Scan, why: Option<&Why>) -> Vec<String> {
    vec![
        scan.id.to_string(),
        scan.status.to_string(),
        scan.trigger.to_string(),
        scan.created_at.to_string(),
        scan.rows_examined().to_string(),
        scan.counts.issues_created.to_string(),
        scan.counts.duplicates_skipped.to_string(),
        output::plain(&says(scan, why), 100),
    ]
}

/// Why it waits or why it failed, or what it would file, or what became of its findings.
fn says(scan: &Scan, why: Option<&Why>) -> String {
    match (why.filter(|why| why.waits()), &scan.error, &scan.dry_run) {
        (Some(why), ..) => why.headline(),
        (None, Some(error), _) => error.clone(),
        (None, None, Some(dry)) if scan.status.is_final() => dry.to_string(),
        (None, None, Some(_)) => "-".to_owned(),
        (None, None, None) => scan.became().unwrap_or_else(|| "-".to_owned()),
    }
}

async fn show(cli: &Cli, store: &Store, id: JobId) -> Result<()> {
    let scan = scans::find(store, id).await?;
    let why = store.why(id, cli.now()).await?;
    let findings = store.issues_of_scan(id).await?;
    if cli.json {
        let scan = wire::Scan::of(&scan, why.as_ref());
        let findings = findings.iter().map(wire::Issue::from).collect();
        return output::json(&wire::ScanStory { scan, findings });
    }
    let mut rows = vec![
        fact("scan", id),
        fact("status", scan.status),
        fact("trigger", scan.trigger),
        fact("created at", scan.created_at),
        fact("rows examined", scan.rows_examined()),
        fact("issues created", scan.counts.issues_created),
        fact("skipped", scan.counts.duplicates_skipped),
        fact("commented", scan.counts.potential_duplicates_commented),
        fact("opened again", scan.counts.reopened),
        fact("rejected", scan.counts.rejected),
    ];
    if let Some(why) = why.filter(Why::waits) {
        rows.push(fact("waits", why));
    }
    rows.extend(scan.error.as_deref().map(|error| fact("error", error)));
    rows.extend(scan.became().map(|became| fact("findings", became)));
    rows.extend(
        scan.dry_run.as_ref().filter(|_| scan.status.is_final()).map(|dry| fact("says", dry)),
    );
    let would = scan.dry_run.iter().flat_map(|dry| &dry.would);
    rows.extend(would.map(|one| fact("would", format!("{}: {}", one.title, one.verdict))));
    rows.extend(
        findings.iter().map(|issue| fact("found", format!("issue {} {}", issue.id.0, issue.title))),
    );
    let without = |why| fact("no agent", format!("the agent could not examine the rows: {why}"));
    rows.extend(scan.fallback.as_deref().map(without));
    rows.extend(scan.rejections.iter().map(|reason| fact("rejected", reason)));
    output::table(&["FIELD", "VALUE"], &rows)
}

fn fact(name: &str, value: impl std::fmt::Display) -> Vec<String> {
    vec![name.to_owned(), output::plain(&format!("{value}"), 300)]
}
