//! Scans and the issues they file.

use super::Store;
use super::sqlite::{self, Tx};
use crate::error::Result;
use crate::model::{
    Fingerprint, JobId, KnownIssue, Lease, NewJob, ScanCommit, ScanCounts, ScanNow, ScanRequest,
    Timestamp,
};

impl Store {
    /// Stores a scan, a job of kind `self_monitoring`, unless 1,000 wait already.
    pub async fn request_scan(&self, job: NewJob, now: Timestamp) -> Result<ScanRequest> {
        self.db.write("queue a scan", move |c| sqlite::scans::request(c, &job, now)).await
    }

    /// What runs, what waits and what ended last.
    pub async fn scan_now(&self) -> Result<ScanNow> {
        self.db.read("read the scan status", sqlite::scans::now).await
    }

    /// What a scan has committed; `None` before [`Store::commit_scan`].
    pub async fn committed_scan(&self, id: JobId) -> Result<Option<ScanCounts>> {
        self.db.read("read a scan", move |c| sqlite::scans::committed(c, id)).await
    }

    /// The id of the last row of the log database `log` that was examined; 0 at first.
    pub async fn log_watermark(&self, log: String) -> Result<i64> {
        self.db.read("read the watermark", move |c| sqlite::scans::watermark(c, &log)).await
    }

    /// The open issues that share an error code or a fingerprint with what was found.
    pub async fn known_issues(
        &self,
        codes: Vec<String>,
        fingerprints: Vec<Fingerprint>,
    ) -> Result<Vec<KnownIssue>> {
        self.db
            .read("read known issues", move |c| sqlite::issues::known(c, &codes, &fingerprints))
            .await
    }

    /// Writes the record, the issues and the watermark of a scan in one transaction (P4), under its lease.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the lease is not held any more; nothing is changed then (P9).
    pub async fn commit_scan(&self, lease: Lease, scan: ScanCommit, now: Timestamp) -> Result<()> {
        let commit = move |tx: &Tx<'_>| sqlite::scans::commit(tx, &lease, &scan, now);
        self.db.write("commit a scan", commit).await
    }
}
