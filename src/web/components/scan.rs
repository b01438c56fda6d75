//! How scans stand, in one line.

use super::status::badge;
use super::time::{exact, when};
use crate::model::{Scan, ScanNow, Timestamp};
use maud::{Markup, html};

/// What goes on, in one line.
pub(in crate::web) fn scan_line(scan_now: &ScanNow, now: Timestamp) -> Markup {
    let ScanNow { running, waiting, last, .. } = scan_now;
    html! {
        @if running.is_some() {
            p {
                span.badge.badge-running { "Running..." }
                @if *waiting > 0 { " " (queued(*waiting)) }
            }
        } @else if *waiting > 0 {
            p { (queued(waiting - 1)) }
        } @else if let Some(scan) = last {
            (last_scan(scan, now))
        } @else {
            p.text-secondary {
                "No scan has run yet. Run Now looks through the log for problems and files what it finds."
            }
        }
    }
}

/// The scan that was asked for last, and how many run or wait before it.
fn queued(ahead: u64) -> Markup {
    html! { span.badge.badge-queued { "Queued, " (ahead) " ahead" } }
}

fn last_scan(scan: &Scan, now: Timestamp) -> Markup {
    html! {
        p {
            (badge(scan.status)) " "
            @if let Some(at) = scan.finished_at {
                (exact(at)) " " span.text-secondary { "(" (when(at, now)) ")" }
            }
        }
        p { "Issues created: " strong { (scan.counts.issues_created) } }
        @if let Some(error) = &scan.error {
            p.text-danger-strong { "Error: " (error) }
        }
    }
}
