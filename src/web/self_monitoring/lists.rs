//! The two lists of the Self-Monitoring page: the history of scans, and the issues.

use super::super::App;
use super::super::access::SignedIn;
use super::super::page;
use super::super::respond::Problem;
use super::super::spend::usd;
use super::super::ui::{self, badge, card, elapsed, when};
use super::issues;
use super::{LISTS_PATH, PATH};
use crate::model::{DryRun, Issue, IssueState, Role, Scan, ScanCounts, Timestamp};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// Rows of each list on a page unless the address says otherwise: both lists stay in sight.
const ROWS: u64 = 20;
/// Highest page number that is looked up; beyond it the list is over anyway.
const MAX_PAGE: u64 = 1_000_000;

/// Which parts of the two lists the page shows.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(in crate::web) struct Asked {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issue_page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issue_size: Option<u64>,
    #[serde(skip_serializing)]
    pub(super) v: Option<String>,
    /// What was saved before the page was asked for.
    #[serde(skip_serializing)]
    pub(super) saved: Option<String>,
}

/// One slice of a numbered list.
#[derive(Clone, Copy)]
pub(super) struct Slice {
    pub(super) page: u64,
    pub(super) size: u64,
}

impl Slice {
    fn of(page: Option<u64>, size: Option<u64>) -> Result<Self, Problem> {
        let (page, size) = (page.unwrap_or(1), size.unwrap_or(ROWS));
        if !(1..=MAX_PAGE).contains(&page) || !ui::SIZES.contains(&size) {
            return Err(Problem::input("Pages count from 1, and have 10, 20, 50 or 100 rows."));
        }
        Ok(Self { page, size })
    }

    fn skip(self) -> u64 {
        (self.page - 1) * self.size
    }
}

/// GET `/admin/self-monitoring/lists`: history and issues alone, or 204 while they are as the caller shows them.
pub(in crate::web) async fn lists(
    State(app): State<App>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = page::query(query)?;
    let lists = read(&app, &asked).await?;
    if asked.v.as_deref() == Some(lists.version().as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let section = section(&lists, &asked, signed_in.account.role, app.web.clock.now());
    Ok(Html(section.into_string()).into_response())
}

/// What the two lists show.
pub(super) struct Lists {
    scans: Vec<Scan>,
    scan_total: u64,
    scan_slice: Slice,
    pub(super) issues: Vec<Issue>,
    pub(super) issue_total: u64,
    pub(super) issue_slice: Slice,
}

pub(super) async fn read(app: &App, asked: &Asked) -> Result<Lists, Problem> {
    let scan_slice = Slice::of(asked.page, asked.size)?;
    let issue_slice = Slice::of(asked.issue_page, asked.issue_size)?;
    let store = &app.web.store;
    let (scans, scan_total) =
        store.scan_history(scan_slice.skip(), scan_slice.size as usize).await?;
    let (issues, issue_total) =
        store.issue_list(issue_slice.skip(), issue_slice.size as usize).await?;
    Ok(Lists { scans, scan_total, scan_slice, issues, issue_total, issue_slice })
}

impl Lists {
    fn version(&self) -> String {
        let scan = |scan: &Scan| (scan.id, scan.status, scan.has_transcript);
        let scans: Vec<_> = self.scans.iter().map(scan).collect();
        let issue = |issue: &Issue| {
            (
                issue.id,
                issue.number,
                issue.occurrences,
                issue.muted,
                issue.state != IssueState::Open,
            )
        };
        let issues: Vec<_> = self.issues.iter().map(issue).collect();
        page::version(&(scans, self.scan_total, issues, self.issue_total))
    }
}

/// Both lists, which keep themselves fresh.
pub(super) fn section(lists: &Lists, asked: &Asked, role: Role, now: Timestamp) -> Markup {
    let content = html! {
        div.row.row-cards {
            div."col-12" { (history_card(lists, asked, now)) }
            div."col-12" { (issues::list(lists, asked, role, now)) }
        }
    };
    ui::live("scan-lists", &page::link(LISTS_PATH, asked), &lists.version(), &content)
}

/// The page with these parts of the lists.
pub(super) fn link(asked: &Asked) -> String {
    page::link(PATH, asked)
}

fn history_card(lists: &Lists, asked: &Asked, now: Timestamp) -> Markup {
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
    let rows: Vec<_> = lists.scans.iter().map(|scan| scan_row(scan, now)).collect();
    let Slice { page, size } = lists.scan_slice;
    let at = |page, size| link(&Asked { page: Some(page), size: Some(size), ..asked.clone() });
    card(
        "scan-history",
        "Scan history",
        &html! {},
        &html! {
            @if lists.scan_total == 0 {
                (ui::empty("No scans yet", &html! { "Run Now starts the first one." }))
            } @else {
                (ui::table("Scan history", &columns, &rows))
                (ui::numbered_pager("scans", page, size, lists.scan_total, at))
            }
        },
    )
}

fn scan_row(scan: &Scan, now: Timestamp) -> Markup {
    html! {
        tr {
            td { a href={ "/jobs/" (scan.id) } { (scan.id) } }
            td { (when(scan.created_at, now)) }
            td { (scan.trigger) }
            td { (badge(scan.status)) }
            td data-label="Took" { (elapsed(scan.started_at, scan.finished_at, now)) }
            td data-label="Rows" { (scan.counts.rows_examined) }
            td data-label="Created" { (scan.counts.issues_created) }
            td data-label="Skipped" { (scan.counts.duplicates_skipped) }
            td data-label="Commented" { (scan.counts.potential_duplicates_commented) }
            td.note { (details(scan)) }
        }
    }
}

/// Why it failed, or what it did with its findings, and by whom.
fn details(scan: &Scan) -> Markup {
    let word = match scan {
        Scan { error: Some(_), .. } => "Error",
        Scan { dry_run: Some(_), .. } => "Dry run",
        _ => "View",
    };
    html! {
        details id={ "scan-" (scan.id) } {
            summary { (word) }
            @if let Some(error) = &scan.error { pre { (error) } }
            @if let Some(dry) = &scan.dry_run { (dry_run(dry)) }
            @else if let Some(analyzer) = &scan.analyzer {
                (findings(&scan.counts))
                @for reason in &scan.rejections { p.rejection { "Rejected: " (reason) } }
                p {
                    "Examined by " (analyzer)
                    @if let Some(model) = &scan.model { ", model " (model) }
                    @if let Some(cost) = scan.cost_usd { ", for " (usd(cost)) }
                    "."
                }
            } @else if scan.error.is_none() {
                p { "Nothing is committed yet." }
            }
            @if scan.has_transcript { p { a href={ "/sessions/" (scan.id) } { "Transcript of its agent" } } }
        }
    }
}

fn dry_run(dry: &DryRun) -> Markup {
    html! {
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
                " " a href=(super::super::approvals::PATH) { (waiting) " wait for the tracker" } "."
            }
        }
    }
}
