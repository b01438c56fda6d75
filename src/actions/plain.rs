//! The checks of a job's input in a build without sessions and scans: every kind is another program's, whose input is its own.

use super::{Call, Right};
use crate::error::{Code, Error, Result};
use crate::model::{Job, Json, Kind};
use crate::store::Store;

/// Refuses a job that the act on the jobs of a query makes. Answers the input as it is to be stored.
#[expect(clippy::unused_async, reason = "with the feature `monitor` it waits for the store")]
pub(super) async fn check_asked(
    _: &Store,
    _: &Call,
    (kind, payload): (&Kind, &Json),
    _confirmed: bool,
    doing: &str,
) -> Result<Json> {
    if *kind == Kind::BULK_ACTION {
        let why = format!("{doing} of kind {kind}: acting on the jobs of a query makes it");
        return Err(Error::new(Code::ModelInvalid, why));
    }
    Ok(payload.clone())
}

/// No kind needs a right of its own.
pub(super) const fn right_of(_: &Kind) -> Option<Right> {
    None
}

/// Every job that is over can be made again.
#[expect(clippy::unused_async, reason = "with the feature `monitor` it waits for the store")]
pub(super) async fn check_again(
    _: &Store,
    _: &Call,
    _: &Job,
    _confirmed: bool,
    _doing: &str,
) -> Result<()> {
    Ok(())
}

/// Every job of a schedule can be made by hand.
#[expect(clippy::unused_async, reason = "with the feature `monitor` it waits for the store")]
pub(super) async fn check_by_hand(
    _: &Store,
    _: &Call,
    _: (&Kind, &Json),
    _confirmed: bool,
    _doing: &str,
) -> Result<()> {
    Ok(())
}

/// No job is a session.
#[expect(clippy::unused_async, reason = "with the feature `monitor` it waits for the store")]
pub(super) async fn is_full(_: &Store, _: (&Kind, &Json)) -> Result<bool> {
    Ok(false)
}

/// Every job can start.
#[expect(clippy::unused_async, reason = "with the feature `monitor` it waits for the store")]
pub(super) async fn check(_: &Store, _: &Call, _: (&Kind, &Json)) -> Result<()> {
    Ok(())
}
