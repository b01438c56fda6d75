//! Nouns and pure functions: what the rest of the program talks about.
//!
//! *Invariant:* nothing here does I/O, awaits, knows SQL or asks for the time.

mod account;
mod job;
mod log;
mod name;
mod redact;
mod scan;
mod search;
mod time;
mod transition;

pub use account::{Account, Actor, Role};
pub use job::{
    BlockedBy, Event, Job, JobId, KindRules, Lease, MAX_PAYLOAD_BYTES, NewJob, OnInterrupt,
    PollRequest, Polled, Status, Trigger,
};
pub use log::{Level, LogRow, NewLogRow};
pub use name::{ConcurrencyKey, Kind, Queue, UniqueKey, WorkerId};
pub use redact::{REDACTED, RedactStream, Redactor, redactor};
pub use scan::{
    Classification, Finding, Fingerprint, Issue, IssueId, KnownIssue, Scan, ScanCommit, ScanCounts,
    ScanNow, ScanRequest,
};
pub use search::{Found, Hour, JobFilter, LogFilter, Overview};
pub use time::Timestamp;
pub use transition::{AttemptEnd, JobError, Outcome, Settlement, Terms, may_follow, settlement};
