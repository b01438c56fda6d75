//! Acts at the tracker: how many may go at once, who does them, and what their end changes.

use super::duplicates;
use super::enqueue::enqueue;
use crate::error::{Code, Error, Result};
use crate::model::{Act, Caps, Filing, FilingState, JobId, Kind, NewJob, Timestamp, Trigger};
use crate::store::sql::{self, filings};
use crate::store::sqlite::Tx;
use std::time::Duration;

/// The time in which new issues are counted against [`Caps::day`].
const DAY: Duration = Duration::from_hours(24);

/// How many issues may still be opened at the tracker, or closed as duplicates, without an approval.
pub(super) fn room(tx: &Tx<'_>, caps: Caps, now: Timestamp) -> Result<u64> {
    let since = Timestamp::from_millis(now.millis().saturating_sub(DAY.as_millis() as i64));
    Ok(caps.scan.min(caps.day.saturating_sub(filings::count_opened(tx, since)?)))
}

/// Stores a job that files everything pending, unless one waits already. A running job does not count: it may have looked
/// for the last time.
pub(in crate::store) fn wake(tx: &Tx<'_>, by: Option<JobId>, now: Timestamp) -> Result<()> {
    if filings::has_waiting_job(tx)? {
        return Ok(());
    }
    let trigger = if by.is_some() { Trigger::Parent } else { Trigger::Api };
    let job = NewJob { trigger, parent_id: by, ..NewJob::new(Kind::FILE_FINDINGS) };
    enqueue(tx, &job, now).map(drop)
}

/// Replaces an act that is in state `was`; the issue that it opened is given its number and page, and the one that it
/// closed is closed here, too.
///
/// # Errors
/// `STORE-LEASE-001` if it is in another state.
pub(in crate::store) fn save(
    tx: &Tx<'_>,
    filing: &Filing,
    was: FilingState,
    now: Timestamp,
) -> Result<()> {
    if !filings::replace(tx, filing, was, now)? {
        let why = format!("another run holds filing {}", filing.id.0);
        return Err(Error::new(Code::StoreLeaseLost, why));
    }
    match (filing.act, filing.state) {
        (Act::Open, FilingState::Filed) => sql::issues::set_place(tx, filing),
        (Act::Close, FilingState::Filed) => duplicates::closed(tx, filing, now),
        (Act::Open | Act::Comment | Act::Reopen | Act::Close, _) => Ok(()),
    }
}
