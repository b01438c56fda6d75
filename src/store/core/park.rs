//! Making jobs due whose reason to wait is gone.

use crate::error::Result;
use crate::model::{Actor, Move, ParkedBy, Queue, Timestamp};
use crate::store::sql::{jobs, moves};
use crate::store::sqlite::Tx;

/// The most jobs that are made due at once when what they wait for is gone; the others wait for their own time.
const MAX_LIFTED: usize = 10_000;

/// Makes the jobs due that this has parked, in one queue or in all: the cause is gone.
pub(in crate::store) fn lift(
    tx: &Tx<'_>,
    parked_by: ParkedBy,
    queue: Option<&Queue>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let parked = jobs::parked(tx, parked_by, queue, now, MAX_LIFTED)?;
    let lifted = parked.iter().map(|job| (job, Move::lifted(&actor.name, now)));
    moves::write(tx, &lifted.collect::<Vec<_>>(), now)
}
