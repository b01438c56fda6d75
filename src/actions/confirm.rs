//! The check of a session before it is queued.
//!
//! A run without a sandbox must be confirmed, by a person who gave the password a moment ago: a cookie alone never starts
//! one.

use super::Call;
use crate::error::{Code, Error, Result};
use crate::model::{Profile, SessionRequest};
use crate::sessions;
use crate::store::Store;

/// Refuses a session that could not run, and a session without a sandbox that was not confirmed. `doing` says what the
/// person wants, as "ask for a session".
///
/// # Errors
/// `JOB-VALUE-001`; `JOB-SIZE-001` for a prompt above 200 KiB; `AUTH-LOGIN-005` for a session without a sandbox that is
/// asked for by a sign-in that is not fresh.
pub(super) async fn session(
    store: &Store,
    call: &Call,
    request: &SessionRequest,
    confirmed: bool,
    doing: &str,
) -> Result<()> {
    request.check()?;
    if is_full(store, request).await? { full(call, confirmed, doing) } else { Ok(()) }
}

/// Refuses a session without a sandbox that was not confirmed, or not by a fresh sign-in.
///
/// # Errors
/// `JOB-VALUE-001`; `AUTH-LOGIN-005`.
pub(super) fn full(call: &Call, confirmed: bool, doing: &str) -> Result<()> {
    if !confirmed {
        let why = "its profile full has no sandbox, so that the agent may do whatever the server's user may; confirm that \
                   with the box beside it, or with confirm=full (at the command line --confirm full)";
        return Err(Error::new(Code::ModelInvalid, format!("{doing}: {why}")));
    }
    call.needs_fresh(doing)
}

/// Whether a session of this request would run without a sandbox.
pub(super) async fn is_full(store: &Store, request: &SessionRequest) -> Result<bool> {
    let tiers = sessions::wishes(store).await?.tiers;
    let of_tier = tiers.get(usize::from(request.tier()).saturating_sub(1)).map(|tier| tier.profile);
    Ok(request.profile().or(of_tier) == Some(Profile::Full))
}
