//! One act on many jobs: the preview, and the slices that do it.

use super::Store;
use super::core;
use super::sql::bulk::{self, Tally};
use super::sql::lease;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{Actor, Bulk, BulkAct, BulkSlice, Filter, JobId, Lease, Preview, Timestamp};

/// Windows of 100,000 ids that one preview looks through.
const MAX_WINDOWS: usize = 10;
/// Jobs that one slice changes at most: some ten milliseconds, which everybody else waits for.
const MAX_SLICE: usize = 200;

impl Store {
    /// What an act would do to the jobs that fit the filter, ids below `before` if it is given. Looks through the newest
    /// million of ids at most and says so; what was not looked at is not touched by [`Store::act_slice`] either.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a priority out of range.
    pub async fn preview(
        &self,
        filter: Filter,
        act: BulkAct,
        before: Option<i64>,
        now: Timestamp,
    ) -> Result<Preview> {
        let act = act.checked()?;
        let mut tally = Tally::default();
        let mut next = before;
        for _ in 0..MAX_WINDOWS {
            let (asked, mut counted) = (filter.clone(), tally);
            // Each window is a snapshot of its own, so the write-ahead log can be written back between them.
            let look = move |c: &_| {
                let next = bulk::look(c, (&asked, act), next, now, &mut counted)?;
                Ok((counted, next))
            };
            (tally, next) = self.db.read("preview a bulk action", look).await?;
            if next.is_none() {
                break;
            }
        }
        let (from_id, before) = tally.ids.unwrap_or((1, 1));
        let errors = tally.commonest();
        Ok(Preview {
            bulk: Bulk { filter, act, asked_at: now, from_id, through_id: before - 1 },
            matched: tally.matched,
            skipped: tally.skipped,
            looked_through: tally.looked_through,
            next,
            sample: tally.sample,
            errors,
        })
    }

    /// Acts on the next jobs above the cursor `after`, at most `limit` and 200, in one transaction. `of` is the job that
    /// does the whole act: with a job's id it is what makes a second retry of that job answer the first one, for 24 hours.
    /// A slice that is repeated after a crash finds what is done and leaves it alone.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a priority out of range.
    pub async fn act_slice(
        &self,
        bulk: Bulk,
        of: JobId,
        after: i64,
        limit: usize,
        actor: Actor,
        now: Timestamp,
    ) -> Result<BulkSlice> {
        let slice = (after, limit);
        self.slice(bulk, of, slice, actor, now, |_, _| Ok(())).await
    }

    /// The same for the job of this lease, from `after` on at most `limit` jobs; what `told` says of the slice is that job's
    /// progress, written in the same transaction: what is done and what is said to be done are one.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a priority out of range; `STORE-LEASE-001` if the lease is not held any more. Nothing is changed
    /// then.
    pub async fn act_slice_of(
        &self,
        bulk: Bulk,
        lease: Lease,
        (after, limit): (i64, usize),
        actor: Actor,
        now: Timestamp,
        told: Box<dyn Fn(&BulkSlice) -> String + Send>,
    ) -> Result<BulkSlice> {
        let of = lease.id;
        let tell =
            move |tx: &Tx<'_>, slice: &BulkSlice| lease::set_progress(tx, &lease, &told(slice));
        self.slice(bulk, of, (after, limit), actor, now, tell).await
    }

    async fn slice(
        &self,
        bulk: Bulk,
        of: JobId,
        (after, limit): (i64, usize),
        actor: Actor,
        now: Timestamp,
        tell: impl Fn(&Tx<'_>, &BulkSlice) -> Result<()> + Send + 'static,
    ) -> Result<BulkSlice> {
        bulk.act.checked()?;
        let asked = bulk.clone();
        let limit = limit.clamp(1, MAX_SLICE);
        // The search may look through many rows, so it is a reader's; the act looks at each job again.
        let search = move |c: &_| bulk::candidates(c, &asked, after, limit);
        let (ids, next) = self.db.read("find jobs for a bulk action", search).await?;
        let act = move |tx: &Tx<'_>, now| {
            let slice = core::bulk::act_on(tx, &bulk, of, (&ids, next), &actor, now)?;
            tell(tx, &slice)?;
            Ok(slice)
        };
        self.db.rule("do a slice of a bulk action", now, act).await
    }
}
