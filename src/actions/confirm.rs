//! What is asked for twice: a run of an agent without a sandbox.

use crate::error::{Code, Error, Result};
use crate::model::{MAX_PAYLOAD_BYTES, MAX_PROMPT_BYTES, Profile, SessionRequest};
use crate::sessions;
use crate::store::Store;

/// Refuses a session that no run could be made of, and one without a sandbox unless it was confirmed. `doing` says what is
/// asked for, as "ask for a session".
///
/// # Errors
/// `JOB-VALUE-001`.
pub(super) async fn session(
    store: &Store,
    request: &SessionRequest,
    confirmed: bool,
    doing: &str,
) -> Result<()> {
    let prompt = request.prompt.as_deref().unwrap_or_default();
    let payload = serde_json::to_string(request).map_or(0, |text| text.len());
    if prompt.len() > MAX_PROMPT_BYTES || payload > MAX_PAYLOAD_BYTES {
        let most = MAX_PROMPT_BYTES / 1024;
        let why = format!("{doing}: its prompt is too large, and {most} KiB are allowed");
        return Err(Error::new(Code::ModelInvalid, why));
    }
    request.check()?;
    let tiers = sessions::wishes(store).await?.tiers;
    let of_tier = tiers[usize::from(request.tier()) - 1].profile;
    if request.profile().unwrap_or(of_tier) == Profile::Full && !confirmed {
        let why = "its profile full has no sandbox, so that the agent may do whatever the server's user may; confirm that \
                   with the box beside it, or with confirm=full (at the command line --confirm full)";
        return Err(Error::new(Code::ModelInvalid, format!("{doing}: {why}")));
    }
    Ok(())
}
