//! Scans and the issues they file.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{
    Actor, Duplicate, Fingerprint, Issue, IssueChange, IssueHome, IssueId, IssueOrder, IssueRecord,
    JobId, KnownIssue, KnownTemplate, Lease, LogMark, Scan, ScanCommit, ScanCounts, ScanNow,
    Timestamp,
};
use std::collections::BTreeMap;

impl Store {
    /// The newest scans after the first `skip`, and how many there are in all.
    pub async fn scan_history(&self, skip: u64, limit: usize) -> Result<(Vec<Scan>, u64)> {
        self.db.read("list scans", move |c| sql::scans::history(c, skip, limit)).await
    }

    /// The newest issues after the first `skip`, and how many there are in all.
    pub async fn issue_list(&self, skip: u64, limit: usize) -> Result<(Vec<Issue>, u64)> {
        self.issues_in_order(IssueOrder::Newest, skip, limit).await
    }

    /// The issues after the first `skip` in an order, and how many there are in all.
    pub async fn issues_in_order(
        &self,
        order: IssueOrder,
        skip: u64,
        limit: usize,
    ) -> Result<(Vec<Issue>, u64)> {
        self.db.read("list issues", move |c| sql::issues::list(c, order, (skip, limit))).await
    }

    /// One issue with what was done about it at the tracker.
    pub async fn issue_record(&self, id: IssueId) -> Result<Option<IssueRecord>> {
        self.db.read("read an issue", move |c| sql::issue_records::find(c, id)).await
    }

    /// The issue of each of these error codes that has one: an open one rather than a closed one, and of several the newest.
    pub async fn issues_of_codes(&self, codes: Vec<String>) -> Result<BTreeMap<String, IssueId>> {
        self.db
            .read("find issues by their codes", move |c| sql::issue_records::of_codes(c, &codes))
            .await
    }

    /// The issue of each of these templates of rows that has one: an open one rather than a closed one, and of several the newest.
    pub async fn issues_of_templates(&self, templates: Vec<i64>) -> Result<BTreeMap<i64, IssueId>> {
        let read = move |c: &_| sql::issue_records::of_templates(c, &templates);
        self.db.read("find issues by the templates of their rows", read).await
    }

    /// How many rows of these issues each 24 hours from then on had, for so many days. An issue without rows is left out.
    pub async fn issue_days(
        &self,
        issues: Vec<IssueId>,
        since: Timestamp,
        days: usize,
    ) -> Result<BTreeMap<IssueId, Vec<u64>>> {
        let read = move |c: &_| sql::templates::days_of_issues(c, &issues, (since, days));
        self.db.read("count the rows of issues by days", read).await
    }

    /// What runs, what waits and what ended last.
    pub async fn scan_now(&self) -> Result<ScanNow> {
        self.db.read("read the scan status", sql::scans::now).await
    }

    /// One scan.
    pub async fn scan(&self, id: JobId) -> Result<Option<Scan>> {
        self.db.read("read a scan", move |c| sql::scans::find(c, id)).await
    }

    /// One issue.
    pub async fn issue(&self, id: IssueId) -> Result<Option<Issue>> {
        self.db.read("read an issue", move |c| sql::issues::find(c, id)).await
    }

    /// The issues that a scan was the first to find, oldest first.
    pub async fn issues_of_scan(&self, id: JobId) -> Result<Vec<Issue>> {
        self.db.read("list a scan's issues", move |c| sql::issues::of_scan(c, id)).await
    }

    /// What a scan has committed; `None` before [`Store::commit_scan`].
    pub async fn committed_scan(&self, id: JobId) -> Result<Option<ScanCounts>> {
        self.db.read("read a scan", move |c| sql::scans::committed(c, id)).await
    }

    /// The id of the last row of the log database `log` that was examined; 0 at first.
    pub async fn log_watermark(&self, log: String) -> Result<i64> {
        self.db.read("read the watermark", move |c| sql::scans::watermark(c, &log)).await
    }

    /// How far the logs of other programs were examined: the one of this name first, then at most a hundred others.
    pub async fn log_marks(&self, log: String) -> Result<Vec<LogMark>> {
        self.db.read("read the watermarks", move |c| sql::scans::foreign_marks(c, &log)).await
    }

    /// The `most` templates of the log database `log` that scans have met last, the oldest first.
    pub async fn log_templates(&self, log: String, most: usize) -> Result<Vec<KnownTemplate>> {
        let read = move |c: &_| sql::templates::known(c, &log, most);
        self.db.read("read the templates of a log", read).await
    }

    /// The issues that what was found may belong to, oldest first: those in any state that share an error code or a
    /// fingerprint with it or show a template of it, and the newest 2,000 that are open or muted. They can be seen at this
    /// home, or are muted.
    pub async fn known_issues(
        &self,
        home: IssueHome,
        codes: Vec<String>,
        (fingerprints, templates): (Vec<Fingerprint>, Vec<i64>),
    ) -> Result<Vec<KnownIssue>> {
        let read = move |c: &_| sql::issues::known(c, &home, &codes, (&fingerprints, &templates));
        self.db.read("read known issues", read).await
    }

    /// How many rows of these issues each hour since then had, by its start.
    pub async fn issue_hours(
        &self,
        issues: Vec<IssueId>,
        since: Timestamp,
    ) -> Result<BTreeMap<IssueId, BTreeMap<Timestamp, u64>>> {
        let read = move |c: &_| sql::templates::hours_of_issues(c, &issues, since);
        self.db.read("count the rows of issues by hours", read).await
    }

    /// The newest `limit` issues of a home that are open or were met after `since`, oldest first.
    pub async fn recent_issues(
        &self,
        home: IssueHome,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<KnownIssue>> {
        let recent = move |c: &_| sql::issues::recent(c, &home, since, limit);
        self.db.read("read issues", recent).await
    }

    /// The open issues of ours at a tracker that are duplicates of an older one there, lowest number first, and about which no
    /// scan has decided yet.
    pub async fn duplicates(&self, home: IssueHome) -> Result<Vec<Duplicate>> {
        self.db.read("read duplicates", move |c| sql::duplicates::find(c, &home)).await
    }

    /// Opens, closes, mutes or unmutes an issue.
    ///
    /// # Errors
    /// `SCAN-ISSUE-001` if there is none of this id.
    pub async fn change_issue(
        &self,
        id: IssueId,
        change: IssueChange,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let change = move |tx: &Tx<'_>, now| core::issues::change(tx, id, change, &actor, now);
        self.db.rule("change an issue", now, change).await
    }

    /// Writes the record, the issues, what is to be filed and the watermark of a scan in one transaction (P4), under its
    /// lease.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the lease is not held any more (P9), `STORE-RULE-001` if an issue was opened meanwhile that a
    /// finding belongs to; nothing is changed then.
    pub async fn commit_scan(&self, lease: Lease, scan: ScanCommit, now: Timestamp) -> Result<()> {
        let commit = move |tx: &Tx<'_>, now| core::scans::commit(tx, &lease, &scan, now);
        self.db.rule("commit a scan", now, commit).await
    }
}
