//! The inspector: looks at every page of a database's tables, one table after the other.

use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::store::Inspection;
use crate::warn_coded;
use std::time::Duration;

/// How long after the start of leading it begins: what a start has to do comes first.
const BEGIN_AFTER: Duration = Duration::from_mins(5);
/// How often it begins anew.
const INSPECT_EVERY: Duration = Duration::from_hours(24);
/// After a look, a row that cannot be read begins the next one only after this time: a row that was written so is met again
/// and again.
const AGAIN_AFTER: Duration = Duration::from_mins(10);
/// The pause between two tables.
const BREATH: Duration = Duration::from_secs(1);
/// How long the look at a table may take, as long as a read may last: its snapshot keeps the log from being written back.
const LOOK_WITHIN: Duration = Duration::from_secs(30);

/// The service of the process that leads. What it finds ends the trust in the file.
pub(crate) struct Inspector {
    pub(crate) inspection: Inspection,
    pub(crate) clock: Clock,
}

impl Inspector {
    /// Inspects for ever. Cancel safe.
    pub(crate) async fn serve(self) {
        let (mut pause, mut again) = (self.begin_within(BEGIN_AFTER).await, AGAIN_AFTER);
        loop {
            let done = self.run_once(LOOK_WITHIN, pause).await;
            if let Err(error) = &done {
                warn_coded!(Code::StoreInspect, "look at the pages of the database: {error}");
            }
            self.inspection.ran(self.clock.now(), done);
            self.clock.sleep(again).await;
            pause = self.begin_within(INSPECT_EVERY.saturating_sub(again)).await;
            // A row that stays as strange as it is calls for fewer and fewer looks.
            again = if pause.is_zero() { (again * 2).min(INSPECT_EVERY) } else { AGAIN_AFTER };
        }
    }

    /// Waits for so long, or until a row is met that cannot be read: then the look is made without pauses. Answers the pause.
    async fn begin_within(&self, most: Duration) -> Duration {
        tokio::select! {
            () = self.clock.sleep(most) => BREATH,
            () = self.inspection.meets_strange_row() => Duration::ZERO,
        }
    }

    /// Gives each table this time, and pauses after it. Answers what it did, in a few words.
    async fn run_once(&self, within: Duration, pause: Duration) -> Result<String> {
        let tables = self.inspection.tables().await?;
        let (all, mut unfinished) = (tables.len(), Vec::new());
        for table in tables {
            if !self.inspection.look_at(table.clone(), within).await? {
                unfinished.push(table);
            }
            self.clock.sleep(pause).await;
        }
        if unfinished.is_empty() {
            return Ok(format!("looked at all pages of {all} tables"));
        }
        let (whole, rest) = (all - unfinished.len(), unfinished.join(", "));
        Ok(format!("looked at all pages of {whole} tables, and did not finish in time with {rest}"))
    }
}

#[cfg(test)]
#[cfg(feature = "monitor")]
mod tests {
    use super::*;
    use crate::model::{Level, NewLogRow};
    use crate::store::{LogStore, OpenMode};

    #[tokio::test]
    async fn a_table_that_takes_too_long_is_given_up_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        let row = || NewLogRow::new("2027-01-01T00:00:00Z", Level::Info, "shop", "all is well");
        logs.append((0..5_000).map(|_| row()).collect()).await.unwrap();
        let inspector = Inspector { inspection: logs.inspection(), clock: Clock::system() };
        let said = inspector.run_once(Duration::ZERO, Duration::ZERO).await.unwrap();
        assert!(said.ends_with("and did not finish in time with logs"), "{said}");
        let said = inspector.run_once(LOOK_WITHIN, Duration::ZERO).await.unwrap();
        assert!(said.starts_with("looked at all pages of") && !said.contains(','), "{said}");
    }
}
