//! What a handler is and what it is given.

use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{Job, Lease, Outcome};
use serde::de::DeserializeOwned;
use std::pin::Pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The code of a kind.
pub(super) type Handler = Arc<dyn Fn(Context) -> Answer + Send + Sync>;
/// A handler at work.
pub(super) type Answer = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What a handler knows of the job it runs.
#[derive(Clone, Debug)]
pub struct Context {
    /// The job as it was claimed.
    pub job: Job,
    /// The right to write for it.
    pub lease: Lease,
    /// The engine's clock.
    pub clock: Clock,
    /// Cancelled when the server begins to stop: a long handler should come to an end.
    pub stopping: CancellationToken,
}

impl Context {
    /// The job's payload as `T`.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the payload is not of that shape.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.job.payload).map_err(|error| {
            let doing = format!("read the payload of job {} ({})", self.job.id, self.job.kind);
            Error::new(Code::ModelInvalid, doing).because(error)
        })
    }
}
