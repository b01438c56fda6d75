//! The inspector: looks at every page of the job tables, one table after the other.

use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::model::Service;
use crate::store::Store;
use crate::warn_coded;
use std::time::Duration;

/// How long after the start of leading it begins: what a start has to do comes first.
const BEGIN_AFTER: Duration = Duration::from_mins(5);
/// How often it begins anew.
const INSPECT_EVERY: Duration = Duration::from_hours(24);
/// The pause between two tables.
const BREATH: Duration = Duration::from_secs(1);

/// The service of the process that leads. What it finds ends the trust in the file.
pub(super) struct Inspector {
    pub(super) store: Store,
    pub(super) clock: Clock,
}

impl Inspector {
    /// Inspects for ever. Cancel safe.
    pub(super) async fn serve(self) {
        self.clock.sleep(BEGIN_AFTER).await;
        loop {
            let done = self.run_once().await;
            if let Err(error) = &done {
                warn_coded!(Code::StoreInspect, "look at the pages of the database: {error}");
            }
            self.store.ran(&Service::Inspector, self.clock.now(), done);
            self.clock.sleep(INSPECT_EVERY).await;
        }
    }

    /// Answers what it did, in a few words.
    async fn run_once(&self) -> Result<String> {
        let tables = self.store.own_tables().await?;
        let (all, mut unfinished) = (tables.len(), Vec::new());
        for table in tables {
            if !self.store.inspect(table.clone()).await? {
                unfinished.push(table);
            }
            self.clock.sleep(BREATH).await;
        }
        if unfinished.is_empty() {
            return Ok(format!("looked at all pages of {all} tables"));
        }
        let (whole, rest) = (all - unfinished.len(), unfinished.join(", "));
        Ok(format!("looked at all pages of {whole} tables, and did not finish in time with {rest}"))
    }
}
