//! The running server's judgement of itself, for another process that asks for a scan.

use crate::error::{Code, Error, Result};
use crate::model::{Readiness, ServerFacts};

/// Whether the running server can file what a scan finds, by what the server says itself. While no server runs this
/// refuses nothing: the server that will run the scan decides then.
///
/// # Errors
/// That of the server: `TRACK-AUTH-001` without a token, `TRACK-REPO-001` without a repository.
pub fn may_scan(server: Option<&ServerFacts>) -> Result<()> {
    can_file(server.and_then(|one| one.says.tracker.as_ref()))
}

/// The same of what a process says of its tracker. Where nothing is said nothing is judged.
///
/// # Errors
/// As [`may_scan`].
pub fn can_file(tracker: Option<&Readiness>) -> Result<()> {
    let Some(Readiness::NotReady { code, why }) = tracker else {
        return Ok(());
    };
    let known = Code::ALL.iter().find(|known| Some(known.as_str()) == code.as_deref());
    Err(Error::new(known.copied().unwrap_or(Code::TrackerNoToken), why.as_str()))
}
