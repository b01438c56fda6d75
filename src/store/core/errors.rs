//! Errors of jobs: who wants to hear no more of one.

use crate::error::Result;
use crate::model::{Actor, ErrorMute, Timestamp};
use crate::store::sql::{audit, errors};
use crate::store::sqlite::Tx;

/// Mutes an error, or ends that; answers whether there is such an error.
pub(in crate::store) fn mute(
    tx: &Tx<'_>,
    fingerprint: &str,
    mute: Option<&ErrorMute>,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    if !errors::set_mute(tx, fingerprint, mute)? {
        return Ok(false);
    }
    let until = mute.map(|mute| {
        mute.until
            .map_or_else(|| "until it is unmuted".to_owned(), |until| format!("until {until}"))
    });
    let action = if mute.is_some() { "mute" } else { "unmute" };
    let subject = format!("error {fingerprint}");
    audit::record_change(tx, actor, action, &subject, (None, until.as_deref()), now)?;
    Ok(true)
}
