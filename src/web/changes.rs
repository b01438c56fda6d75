//! The card of the files that a session has changed.

use super::components::{card, table};
use super::nav;
use crate::model::{ChangedFile, JobId, SessionChanges};
use maud::{Markup, html};

/// The changed files with their lines, as `git diff --stat` has them, and the patch to download.
pub(super) fn changes_card(id: JobId, all: &SessionChanges) -> Markup {
    let aside = html! {
        @if all.patch_bytes > 0 { a href=(nav::session(id).under("patch")) download { "Patch" } }
    };
    let more = all.count - all.files.len() as u64;
    let content = html! {
        div.card-body {
            p { (all.sentence()) }
            @if all.patch_is_cut { p { "The patch is longer than what is kept of it." } }
            @if more > 0 { p { "The first " (all.files.len()) " files are listed." } }
        }
        @if !all.files.is_empty() {
            (table("Changed files", &["File", "Change", "Added", "Removed"], &all.files.iter().map(row).collect::<Vec<_>>()))
        }
    };
    card("changes", "Files changed", &aside, &content)
}

fn row(file: &ChangedFile) -> Markup {
    let lines = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), |n| n.to_string());
    html! {
        tr {
            td { code { (file.path) } }
            td data-label="Change" { (file.how.as_str()) }
            td data-label="Added" { (lines(file.added)) }
            td data-label="Removed" { (lines(file.removed)) }
        }
    }
}
