//! Which parts of its two lists the page shows, and what is in them.

use super::super::app::App;
use super::super::base::Link;
use super::super::clocks::Clocks;
use super::super::nav::{ShownLog, Tab};
use super::super::part::version;
use super::super::problem::Problem;
use super::super::slice::Slice;
use crate::actions::issues;
use crate::model::{Issue, IssueId, IssueOrder, IssueState, JobId, Scan, SeenOverTime, Why};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The highest page number that is looked up. No list ever has so many pages.
const MAX_PAGE: u64 = 1_000_000;

/// Which parts of the two lists the page shows.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(in crate::web) struct ListsQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issue_page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issue_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issue_order: Option<String>,
    #[serde(skip_serializing)]
    pub(super) v: Option<String>,
}

/// What the two lists show.
pub(super) struct Lists {
    pub(super) scans: Vec<Scan>,
    /// Why each scan that waits does so.
    pub(super) whys: BTreeMap<JobId, Why>,
    pub(super) scan_total: u64,
    pub(super) scan_slice: Slice,
    pub(super) issues: Vec<Issue>,
    /// How often each was met over time, where that is known.
    pub(super) seen: BTreeMap<IssueId, SeenOverTime>,
    /// How many rows each had in each of the last thirty days, where there are some.
    pub(super) days: BTreeMap<IssueId, Vec<u64>>,
    pub(super) issue_order: IssueOrder,
    pub(super) issue_total: u64,
    pub(super) issue_slice: Slice,
    /// What became of the text of an issue that the tracker does not have: it waits for approval, or somebody rejected it.
    pub(super) decided: BTreeMap<IssueId, String>,
    /// The log that scans read, in which the rows of the issues stand.
    pub(super) log: ShownLog,
}

pub(super) async fn read(app: &App, asked: &ListsQuery, clocks: Clocks) -> Result<Lists, Problem> {
    let scan_slice = Slice::of(asked.page, asked.size, MAX_PAGE)?;
    let issue_slice = Slice::of(asked.issue_page, asked.issue_size, MAX_PAGE)?;
    let store = &app.web.store;
    let (scans, scan_total) = store.scan_history(scan_slice.skip(), scan_slice.most()).await?;
    let waiting = scans.iter().filter(|scan| !scan.status.is_final()).map(|scan| scan.id);
    let whys = store.whys(waiting.collect(), app.web.clock.now()).await?;
    let whys = Why::all_by(whys, clocks.zone_or_utc());
    let issue_order = issues::order(asked.issue_order.as_deref())?;
    let (issues, issue_total) =
        store.issues_in_order(issue_order, issue_slice.skip(), issue_slice.most()).await?;
    let seen = issues::over_time(store, &issues, app.web.clock.now()).await?;
    let decided = issues::not_filed(store, app.web.clock.now()).await?;
    let days = issues::days(store, &issues, app.web.clock.now()).await?;
    let scanned = app.web.program.as_ref().and_then(|program| program.scanned.as_ref());
    let log = scanned.map_or(ShownLog::Own, |_| ShownLog::Scanned);
    Ok(Lists {
        scans,
        whys,
        scan_total,
        scan_slice,
        issues,
        seen,
        days,
        issue_order,
        issue_total,
        issue_slice,
        decided,
        log,
    })
}

impl Lists {
    /// The version of what the two lists show.
    pub(super) fn version(&self) -> String {
        let why = |id| self.whys.get(&id).map(Why::headline);
        let scan =
            |scan: &Scan| (scan.id, scan.status, scan.has_transcript, why(scan.id), scan.became());
        let scans: Vec<_> = self.scans.iter().map(scan).collect();
        let issue = |issue: &Issue| {
            (
                issue.id,
                issue.number,
                issue.occurrences,
                issue.muted,
                issue.state != IssueState::Open,
                issue.duplicate_of.clone(),
                self.decided.get(&issue.id),
                self.seen.get(&issue.id).map(|seen| (seen.trend, seen.day, seen.week)),
                self.days.get(&issue.id),
            )
        };
        let issues: Vec<_> = self.issues.iter().map(issue).collect();
        version(&(scans, self.scan_total, issues, self.issue_total))
    }
}

/// The address of the page with these parts of the lists.
pub(super) fn page_with(asked: &ListsQuery) -> Link {
    Tab::SelfMonitoring.link().with(asked)
}
