//! How scans stand, as pages show it: which scan runs, which wait and why, and which ended last.

use super::clocks::Clocks;
use crate::error::Result;
use crate::model::{Scan, ScanNow, Timestamp, Why};
use crate::store::Store;
use std::hash::Hash;

/// How scans stand.
pub(super) struct Standing {
    /// The scan that runs, how many wait, and the scan that ended last.
    pub(super) scans: ScanNow,
    /// Why the first of those that wait has not begun.
    pub(super) why: Option<Why>,
}

impl Standing {
    /// Reads how scans stand. Times are told by the reader's clocks.
    pub(super) async fn read(store: &Store, clocks: Clocks, now: Timestamp) -> Result<Self> {
        let scans = store.scan_now().await?;
        let why = match scans.first {
            Some(first) => store.why(first, now).await?,
            None => None,
        };
        let why = why.map(|why| why.by(clocks.zone_or_utc()));
        // A scan that has begun since then does not wait any more. The next look shows it.
        Ok(Self { scans, why: why.filter(Why::waits) })
    }

    /// Whether a scan runs or waits.
    pub(super) fn is_active(&self) -> bool {
        self.scans.running.is_some() || self.scans.waiting > 0
    }

    /// The part of this that can change.
    pub(super) fn state(&self) -> impl Hash + use<> {
        let ScanNow { running, waiting, last, .. } = &self.scans;
        let id = |scan: &Option<Scan>| scan.as_ref().map(|scan| (scan.id, scan.filings.clone()));
        let why = self.why.as_ref().map(|why| (why.id, why.status, why.to_string(), why.ahead));
        (id(running), *waiting, why, id(last))
    }
}
