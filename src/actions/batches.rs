//! Actions on batches: finding one, and cancelling its jobs.

use super::{Answer, Call, Right};
use crate::error::{Code, Error, Result};
use crate::model::{Batch, BatchId, Role};
use crate::store::Store;
use crate::wire;

/// The right to cancel batches.
pub const CANCEL: Right = Right::new(Role::Operator, "cancel a batch");

/// The batch of this id.
///
/// # Errors
/// `JOB-BATCH-001` if there is none.
pub async fn known(store: &Store, id: i64) -> Result<Batch> {
    let unknown = || Error::new(Code::BatchUnknown, format!("find batch {id}"));
    store.batch(BatchId(id)).await?.ok_or_else(unknown)
}

/// Whether a person of this role may cancel batches.
pub fn may_cancel(role: Role) -> bool {
    CANCEL.is_of(role)
}

/// Closes a batch, cancels its jobs that wait, and asks those that run to end.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `JOB-BATCH-001` if there is no batch of this id, `JOB-BATCH-002` if it is finished.
pub async fn cancel(store: &Store, call: &Call, id: i64) -> Result<Answer<wire::Batch>> {
    call.needs(CANCEL)?;
    let before = known(store, id).await?;
    if before.finished_at.is_some() {
        let why = format!("cancel batch {id}: it is finished");
        return Err(Error::new(Code::BatchOver, why));
    }
    let after = store.cancel_batch(before.id, call.actor(), call.now).await?;
    let cancelled = after.cancelled.saturating_sub(before.cancelled);
    let running = match after.open {
        0 => String::new(),
        1 => ", and one that runs was asked to end".to_owned(),
        open => format!(", and {open} that run were asked to end"),
    };
    let jobs = if cancelled == 1 {
        format!("1 job of batch {id} is cancelled")
    } else {
        format!("{cancelled} jobs of batch {id} are cancelled")
    };
    let over = if after.finished_at.is_some() { " The batch is finished." } else { "" };
    let sentence = format!("{jobs}{running}.{over}");
    Ok(Answer::new(wire::Batch::from(&after), sentence))
}
