//! How a job was when the wait for it ended.

use crate::error::{Code, Error, Result};
use crate::model::{Job, JobError, JobId, Payload, Status};

/// How a job was when the wait for it ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Waited<Output> {
    /// Its handler answered this.
    Done(Output),
    /// No attempt is left, or none would help.
    Failed(JobError),
    /// Somebody cancelled it.
    Cancelled,
    /// It is not final: the time was over.
    Open(Status),
}

impl<Output> Waited<Output> {
    /// How this job is.
    pub(super) fn of<P: Payload<Output = Output>>(job: &Job) -> Result<Self> {
        let Job { id, kind, .. } = job;
        if *kind != P::KIND {
            let doing = format!("wait for job {id}: it is of the kind {kind}, not {}", P::KIND);
            return Err(Error::new(Code::ModelInvalid, doing));
        }
        Ok(match job.status {
            Status::Scheduled | Status::Queued | Status::Running => Self::Open(job.status),
            Status::Cancelled => Self::Cancelled,
            Status::Failed => {
                let code = job.error_code.as_deref().unwrap_or(Code::HandlerFailed.as_str());
                let message = job.error.clone().unwrap_or_default();
                Self::Failed(JobError { code: code.to_owned(), message })
            }
            Status::Completed => Self::Done(job.output::<P>()?),
        })
    }

    /// The output of a job that is done.
    pub fn done(self) -> Option<Output> {
        match self {
            Self::Done(output) => Some(output),
            Self::Failed(_) | Self::Cancelled | Self::Open(_) => None,
        }
    }
}

/// There is no such job.
pub(super) fn unknown(id: JobId) -> Error {
    Error::new(Code::JobUnknown, format!("find job {id}"))
}
