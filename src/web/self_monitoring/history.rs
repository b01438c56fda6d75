//! The list of scans.

use super::super::base::link;
use super::super::components::{badge, card, elapsed, empty, numbered_pager, table, when};
use super::super::nav;
use super::super::slice::Slice;
use super::slices::{Lists, ListsQuery, page_with};
use crate::model::{DryRun, Scan, ScanCounts, Timestamp, Why, usd};
use maud::{Markup, html};

/// The scans, newest first.
pub(super) fn list(lists: &Lists, asked: &ListsQuery, now: Timestamp) -> Markup {
    let columns = [
        "Scan",
        "Time",
        "Trigger",
        "Status",
        "Duration",
        "Rows",
        "Created",
        "Skipped",
        "Commented",
        "Details",
    ];
    let rows: Vec<_> =
        lists.scans.iter().map(|scan| scan_row(scan, lists.whys.get(&scan.id), now)).collect();
    let at = |Slice { page, size }| {
        page_with(&ListsQuery { page: Some(page), size: Some(size), ..asked.clone() })
    };
    card(
        "scan-history",
        "Scan history",
        &html! {},
        &html! {
            @if lists.scan_total == 0 {
                (empty("No scans yet", &html! { "Run Now starts the first one." }))
            } @else {
                (table("Scan history", &columns, &rows))
                (numbered_pager("scans", lists.scan_slice, lists.scan_total, at))
            }
        },
    )
}

fn scan_row(scan: &Scan, why: Option<&Why>, now: Timestamp) -> Markup {
    html! {
        tr {
            td { a href=(nav::job(scan.id)) { (scan.id) } }
            td { (when(scan.created_at, now)) }
            td { (scan.trigger) }
            td {
                (badge(scan.status))
                @if let Some(became) = scan.became() { p.soft { (became) } }
                @if let Some(why) = why.filter(|why| why.waits()) { p.soft { (why.headline()) } }
            }
            td data-label="Took" { (elapsed(scan.started_at, scan.finished_at, now)) }
            td data-label="Rows" { (scan.rows_examined()) }
            td data-label="Created" { (scan.counts.issues_created) }
            td data-label="Skipped" { (scan.counts.duplicates_skipped) }
            td data-label="Commented" { (scan.counts.potential_duplicates_commented) }
            td.note { (details(scan)) }
        }
    }
}

/// Why the scan failed, or what it did with its findings, and which analyzer examined the rows.
fn details(scan: &Scan) -> Markup {
    let word = match scan {
        Scan { error: Some(_), .. } => "Error",
        Scan { dry_run: Some(_), .. } => "Dry run",
        _ => "View",
    };
    html! {
        details id={ "scan-" (scan.id) } {
            summary { (word) }
            @if let Some(error) = &scan.error { pre tabindex="0" { (error) } }
            @if let Some(dry) = &scan.dry_run {
                @if scan.status.is_final() { (dry_run(dry)) } @else { p { "It will say here what it would file." } }
            }
            @else if let Some(analyzer) = &scan.analyzer {
                (findings(&scan.counts))
                @for reason in &scan.rejections { p.rejection { "Rejected: " (reason) } }
                p {
                    "Examined by " (analyzer)
                    @if let Some(model) = &scan.model { ", model " (model) }
                    @if let Some(cost) = scan.cost_usd { ", for " (usd(cost)) }
                    "."
                }
                @if let Some(why) = &scan.fallback { p.fallback { "The agent could not examine them: " (why) } }
            } @else if scan.error.is_none() {
                p { "Nothing is committed yet." }
            }
            @if scan.has_transcript { p { a href=(nav::session(scan.id)) { "Transcript of its agent" } } }
        }
    }
}

fn dry_run(dry: &DryRun) -> Markup {
    html! {
        p { (dry.to_string()) }
        p { "A dry run: nothing was filed, and the next scan examines the same rows. " (dry.rows_examined) " rows examined." }
        @for one in &dry.would {
            p { strong { (one.title) } ": " (one.verdict) @if let Some(number) = one.issue { ", #" (number) } }
        }
        @for reason in &dry.rejected { p.rejection { "Rejected: " (reason) } }
    }
}

fn findings(counts: &ScanCounts) -> Markup {
    let ScanCounts {
        rows_examined,
        issues_created,
        duplicates_skipped,
        potential_duplicates_commented,
        reopened,
        rejected,
        waiting,
    } = counts;
    html! {
        p {
            (rows_examined) " rows examined. Findings: " (issues_created) " became issues, " (duplicates_skipped)
            " belong to known issues and were skipped, " (potential_duplicates_commented)
            " were commented on issues that seem the same, " (reopened) " opened a closed issue again, "
            (rejected) " were rejected."
            @if *waiting > 0 {
                " " a href=(link(nav::APPROVALS)) { (waiting) @if *waiting == 1 { " is" } @else { " are" } " not filed yet" } "."
            }
        }
    }
}
