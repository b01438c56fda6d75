//! How scans stand, in a few lines.

use super::super::base::link;
use super::super::clocks::Clocks;
use super::super::nav;
use super::super::standing::Standing;
use super::status::badge;
use super::time::when;
use crate::model::{JobId, Scan, ScanNow, Timestamp, Why};
use maud::{Markup, html};

/// The scan that runs, the first scan that waits and why it waits, and the scan that ended last with what became of it.
pub(in crate::web) fn scan_lines(standing: &Standing, clocks: Clocks, now: Timestamp) -> Markup {
    let Standing { scans: ScanNow { running, waiting, last, .. }, why } = standing;
    html! {
        @if let Some(scan) = running {
            p { span.badge.tag-warn { "Running..." } " " (scan_link(scan.id)) }
        }
        @if let Some(why) = why {
            (waiting_scan(why, *waiting, running.is_some()))
        }
        @if let Some(scan) = last {
            (last_scan(scan, clocks, now))
        } @else if running.is_none() && why.is_none() {
            p.soft {
                "No scan has run yet. Run Now looks through the log for problems and files what it finds."
            }
        }
    }
}

fn scan_link(id: JobId) -> Markup {
    html! { a href=(nav::job(id)) { "Scan " (id) } }
}

/// Says why a scan waits, and how many wait. Of a single scan the number is said only if it is `counted`.
fn waiting_scan(why: &Why, waiting: u64, counted: bool) -> Markup {
    html! {
        p { (badge(why.status)) " " (scan_link(why.id)) }
        p { (why.to_string()) @if let Some(place) = why.place_in_line() { " " (place) } }
        @if counted || waiting > 1 {
            p.soft { (waiting) @if waiting == 1 { " scan is" } @else { " scans are" } " waiting." }
        }
    }
}

fn last_scan(scan: &Scan, clocks: Clocks, now: Timestamp) -> Markup {
    html! {
        p {
            (badge(scan.status)) " "
            @if let Some(at) = scan.finished_at {
                (clocks.exact(at)) " " span.soft { "(" (when(at, now)) ")" }
            }
        }
        @match (&scan.dry_run, &scan.error) {
            (Some(dry), None) => p { (dry.to_string()) }
            (Some(_), Some(_)) => p { "Dry run." }
            (None, _) => p { "New findings: " strong { (scan.counts.issues_created) } }
        }
        @if let Some(became) = scan.became() {
            p { a href=(link(nav::APPROVALS)) { (became) } }
        }
        @if let Some(error) = &scan.error {
            p.bad { "Error: " (error) }
        }
    }
}
