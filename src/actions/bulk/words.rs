//! The sentences of bulk actions.

use crate::error::Error;
use crate::model::{BulkAct, JobId, Preview, Skip};
use crate::wire;
use std::str::FromStr;

/// Characters of an error that a preview shows.
const ERROR_CHARACTERS: usize = 80;

/// Says that a bulk retry leaves out sessions, and what to do instead.
pub(super) const SESSIONS_LEFT_OUT: &str =
    "Sessions of agents are left out: run each again by itself.";

/// What the person wants to do, as an error names it after "Could not".
pub(super) const fn doing(act: BulkAct) -> &'static str {
    match act {
        BulkAct::Cancel => "cancel the jobs of a query",
        BulkAct::Retry => "run the jobs of a query again",
        BulkAct::RunNow => "start the jobs of a query now",
        BulkAct::Delete => "delete the jobs of a query",
        BulkAct::SetPriority(_) => "set the priority of the jobs of a query",
    }
}

/// What the act would do, with the number of jobs.
pub(super) fn would(act: BulkAct, count: u64) -> String {
    let jobs = jobs(count);
    match act {
        BulkAct::Cancel => format!("cancel {jobs}"),
        BulkAct::Retry => format!("run {jobs} again"),
        BulkAct::RunNow => format!("start {jobs} now"),
        BulkAct::Delete => format!("delete {jobs}"),
        BulkAct::SetPriority(to) => format!("set the priority of {jobs} to {to}"),
    }
}

/// What happens to a job, as "is …" goes on.
fn participle(act: BulkAct) -> String {
    match act {
        BulkAct::Cancel => "cancelled, or asked to end".to_owned(),
        BulkAct::Retry => "run again".to_owned(),
        BulkAct::RunNow => "made due".to_owned(),
        BulkAct::Delete => "deleted".to_owned(),
        BulkAct::SetPriority(to) => format!("given the priority {to}"),
    }
}

/// How many jobs fit, how many would be changed, and which would be left alone.
pub(super) fn fit(preview: &Preview) -> String {
    match (preview.matched, preview.changes()) {
        (0, _) => "No job fits the query.".to_owned(),
        (matched, changes) => {
            let fit = if matched == 1 { "fits" } else { "fit" };
            let would = participle(preview.bulk.act);
            format!("{} {fit} the query; {changes} would be {would}{}.", begin(&jobs(matched)), {
                let counts = preview.skipped.iter().map(|(skip, count)| (skip.to_string(), *count));
                left_alone(counts)
            })
        }
    }
}

/// Says of a retry that so many of its jobs were run again before.
pub(super) fn again(already: u64) -> Option<String> {
    match already {
        0 => None,
        1 => Some("One of these jobs was run again already, and would run once more.".to_owned()),
        many => {
            Some(format!("{many} of these jobs were run again already, and would run once more."))
        }
    }
}

/// The sentences of a preview.
pub(super) fn preview(preview: &Preview) -> String {
    let mut text = fit(preview);
    let errors: Vec<_> = preview
        .errors
        .iter()
        .map(|error| {
            let example: String = error
                .example
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(ERROR_CHARACTERS)
                .collect();
            format!("{example} ({})", error.count)
        })
        .collect();
    if !errors.is_empty() {
        text.extend([" Their commonest errors: ", &errors.join("; "), "."]);
    }
    if let Some(before) = preview.next {
        let before = before.to_string();
        text.extend([
            " Jobs with an id below ",
            &before,
            " were not looked at: ask for them by themselves afterwards.",
        ]);
    }
    text
}

/// The sentence of an act that is done.
pub(super) fn done(act: BulkAct, done: &wire::BulkDone) -> String {
    let skipped = left_alone(done.skipped.iter().map(|(reason, count)| (reason.clone(), *count)));
    match done.changed {
        0 if skipped.is_empty() => "No job fits the query: nothing was changed.".to_owned(),
        1 => format!("One job was {}{skipped}.", participle(act)),
        changed => format!("{} were {}{skipped}.", begin(&jobs(changed)), participle(act)),
    }
}

/// The note on a failure that ended the act before its last job.
pub(super) fn ended_early(at: JobId, error: &Error) -> String {
    let (code, why) = (error.code(), error.sentence());
    format!(
        "It ended at job {at}: [{code}] {why} What was changed stays; ask again to change the rest."
    )
}

/// The sentence of an act that a job will do.
pub(super) fn queued(act: BulkAct, id: JobId, changes: u64, why: &str) -> String {
    let text = format!(
        "Job {id} is queued to {}; `lamplighter jobs show {id}` says how far it is. {why}",
        would(act, changes)
    );
    text.trim_end().to_owned()
}

/// The part of a sentence that says how many jobs were left alone, and why.
fn left_alone(skipped: impl Iterator<Item = (String, u64)>) -> String {
    let skipped: Vec<_> = skipped.collect();
    if skipped.is_empty() {
        return String::new();
    }
    let all: u64 = skipped.iter().map(|(_, count)| count).sum();
    let reasons: Vec<_> =
        skipped.iter().map(|(reason, count)| format!("{count} {}", because(reason))).collect();
    format!(", and {all} left alone ({})", reasons.join(", "))
}

/// A reason as people read it. A reason is a word of [`Skip`] or else an error code.
fn because(reason: &str) -> &str {
    match Skip::from_str(reason) {
        Ok(Skip::Final) => "over already",
        Ok(Skip::AskedAlready) => "asked to end already",
        Ok(Skip::NotFinal) => "not over yet",
        Ok(Skip::Completed) => "completed",
        Ok(Skip::NotWaiting) => "not waiting any more",
        Ok(Skip::DueAlready) => "due already",
        Ok(Skip::Unchanged) => "with this priority already",
        Ok(Skip::Repeated) => "run again already",
        Ok(Skip::Referenced) => "named by a row of another table",
        Ok(Skip::ProcessesLeft) => "with processes that may be left",
        Ok(Skip::NoRoom) => "of a kind of which too many wait",
        Ok(Skip::Unreadable) => "with stored values that no job may have",
        Err(()) => reason,
    }
}

fn jobs(count: u64) -> String {
    if count == 1 { "one job".to_owned() } else { format!("{count} jobs") }
}

fn begin(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
