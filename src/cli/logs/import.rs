//! `lamplighter logs import`: whole logs, from files and from standard input.

use super::super::{Cli, output};
use super::progress::Line;
use crate::error::{Code, Error, Result};
use crate::logs::{ImportOptions, Imported, Input, import_input, named_logs, not_all};
use crate::model::{Level, Timestamp, counted, grouped};
use crate::store::LogStore;
use crate::wire;
use std::path::{Path, PathBuf};

/// What is said below the options.
pub(in crate::cli) const HELP: &str = "\
A log is known by its text: what an earlier import of it has added, also under another name, packed or unpacked, is not added a second time. \
An import that was cut off goes on where it was, and of a log that has grown the new part is added. What was added is known for as long as its rows \
are kept (the setting retention.logs_days): after that, an import of the whole log adds it again, unless the log has grown by an import since.";

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Files, patterns such as '/var/log/app*.gz', or `-` for standard input; gzip, zstd and bzip2 are unpacked
    #[arg(required = true)]
    logs: Vec<PathBuf>,
    /// The source of rows whose lines name none [default: the file's name without its endings]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The zone of times that name none, such as Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// A regular expression: a line that fits it begins an event, every other line goes on with the event before
    /// [default: the reader judges by what the lines are]
    #[arg(long, value_name = "REGEX")]
    begins: Option<String>,
    /// Import what was imported before, too; its rows are then there twice
    #[arg(long)]
    again: bool,
}

/// One log and what became of it.
type Done = (String, Imported, Option<Error>);

pub(in crate::cli) async fn run(cli: &Cli, arguments: Arguments) -> Result<()> {
    let Arguments { logs, source, zone, begins, again } = arguments;
    let options = ImportOptions { source, zone, begins, again };
    let files = named_logs(&logs)?;
    let store = cli.log_store()?;
    let mut done = Vec::new();
    for file in &files {
        let (name, imported, failed) = one(&store, file, &options, cli.now()).await;
        let fatal = failed.as_ref().is_some_and(|error| !is_of_input(error));
        if !cli.json && (failed.is_none() || imported.rows > 0) {
            output::line(sentence(&name, &imported))?;
        }
        if let Some(error) = failed.as_ref().filter(|_| files.len() > 1 && !fatal) {
            output::note(&format!("{error:#}"));
        }
        done.push((name, imported, failed));
        if fatal {
            break;
        }
    }
    if cli.json {
        output::json(&as_wire(&done))?;
    } else if done.len() > 1 {
        output::line(total(&done))?;
    }
    end(done)
}

/// Whether the fault is one log's; the others may do.
fn is_of_input(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::InputMissing
            | Code::InputNoAccess
            | Code::LogInput
            | Code::LogNoText
            | Code::LogDamaged
    )
}

async fn one(store: &LogStore, file: &Path, options: &ImportOptions, now: Timestamp) -> Done {
    let is_stdin = file.as_os_str() == "-";
    let input = if is_stdin { Input::stdin(now) } else { Input::file(file, now) };
    let input = match input {
        Ok(input) => input,
        Err(error) => return (file.display().to_string(), Imported::default(), Some(error)),
    };
    let name = input.name().to_owned();
    let mut line = Line::new(&name);
    let shown = move |progress| line.show(progress);
    let (imported, failed) = import_input(input, options.clone(), store, shown).await;
    (name, imported, failed)
}

/// What became of one log.
fn sentence(name: &str, imported: &Imported) -> String {
    let Imported { known, known_as, was_cut_off, .. } = imported;
    let renamed = known_as.as_deref().filter(|known| !name.ends_with(*known));
    let renamed = renamed.map(|known| format!(" as {known}")).unwrap_or_default();
    let rows = said(imported.rows, imported.grave(), imported.unread);
    match (imported.rows, *known) {
        (0, 1..) => format!(
            "{name} was imported before{renamed}, {}: nothing is new (--again imports it all the same)",
            counted(*known, "row")
        ),
        (_, 0) => format!("{rows} imported from {name}"),
        (_, known) if *was_cut_off => format!(
            "{rows} imported from {name}, going on where an earlier import was cut off, after {}",
            counted(known, "row")
        ),
        (_, known) => format!(
            "{rows} imported from {name}, which is new after {} that were imported before{renamed}",
            counted(known, "row")
        ),
    }
}

fn said(rows: u64, grave: u64, unread: u64) -> String {
    let mut said = format!("{}, {} of warning or worse", counted(rows, "row"), grouped(grave));
    if unread > 0 {
        let hold = if unread == 1 { "holds" } else { "hold" };
        let lines = counted(unread, "line");
        said = format!("{said}, {lines} {hold} bytes that are not text,");
    }
    said
}

fn total(done: &[Done]) -> String {
    let sum = |of: fn(&Imported) -> u64| done.iter().map(|(_, imported, _)| of(imported)).sum();
    let rows = said(sum(|i| i.rows), sum(Imported::grave), sum(|i| i.unread));
    let known: u64 = sum(|i| i.known);
    let known = if known == 0 { String::new() } else { format!("; {} were there", grouped(known)) };
    format!("{rows} imported from {} logs{known}", done.len())
}

fn as_wire(done: &[Done]) -> wire::LogsImported {
    let mut all = wire::LogsImported::default();
    for (name, imported, failed) in done {
        all.imported += imported.rows;
        all.warning_or_worse += imported.grave();
        all.unread += imported.unread;
        all.known += imported.known;
        let levels = Level::ALL.iter().map(|level| level.as_str()).zip(imported.by_level);
        all.logs.push(wire::LogImported {
            name: name.clone(),
            imported: imported.rows,
            levels: levels.collect(),
            unread: imported.unread,
            known: imported.known,
            went_on: imported.was_cut_off,
            error: failed.as_ref().map(ToString::to_string),
        });
    }
    all
}

/// The error of the command: that of the only log, or of those among many that were not read to their end the first.
fn end(done: Vec<Done>) -> Result<()> {
    let all = done.len();
    let mut failed: Vec<_> = done.into_iter().filter_map(|(_, _, error)| error).collect();
    match failed.len() {
        0 => Ok(()),
        _ if all == 1 || !is_of_input(&failed[failed.len() - 1]) => {
            Err(failed.remove(failed.len() - 1))
        }
        some => Err(not_all(failed[0].code(), some, all)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_log_is_one_sentence() {
        let fresh = Imported { rows: 5_485, by_level: [0, 5_473, 2, 9, 1], ..Imported::default() };
        let cases = [
            (fresh.clone(), "5,485 rows, 12 of warning or worse imported from a.log"),
            (
                Imported { unread: 1, ..fresh.clone() },
                "5,485 rows, 12 of warning or worse, 1 line holds bytes that are not text, imported from a.log",
            ),
            (
                Imported { known: 1, known_as: Some("b.log".into()), ..Imported::default() },
                "a.log was imported before as b.log, 1 row: nothing is new (--again imports it all the same)",
            ),
            (
                Imported { known: 1_000_000, was_cut_off: true, ..fresh.clone() },
                "5,485 rows, 12 of warning or worse imported from a.log, going on where an earlier import was cut off, after 1,000,000 rows",
            ),
            (
                Imported { known: 7, known_as: Some("a.log".into()), ..fresh },
                "5,485 rows, 12 of warning or worse imported from a.log, which is new after 7 rows that were imported before",
            ),
        ];
        for (imported, said) in cases {
            assert_eq!(sentence("a.log", &imported), said);
        }
    }
}
