//! The types of every JSON answer of the product, one file a subject: this is what programs are told.
//!
//! A face serialises these and nothing else: `--json`, and the pages' answers to programs. Instants are RFC 3339 in UTC
//! with milliseconds; lengths have their unit in the name; ids are numbers; words are `snake_case`; a member that is not
//! known is `null`.

mod answered;
#[cfg(feature = "cli")]
mod backup;
mod batch;
mod bulk;
mod error;
mod issue;
mod job;
mod log;
mod need;
mod person;
mod problem;
#[cfg(feature = "monitor")]
mod prompt;
mod queue;
mod repository;
mod scan;
mod schedule;
mod session;
mod setting;
mod token;
#[cfg(feature = "cli")]
mod torture;
mod view;

pub use answered::Answered;
#[cfg(feature = "cli")]
pub use backup::{Backup, BackupFile, DatabaseCheck};
pub use batch::Batch;
pub use bulk::{BulkDone, BulkError, BulkPreview};
pub use error::{JobError, JobErrorMuted};
pub use issue::{FilingsDecided, Issue, IssueChanged, Refiling, WaitingFiling};
pub use job::{
    Enqueued, Job, JobAfter, JobAttempt, JobCancelled, JobChanged, JobDeleted, JobDue, JobEvent,
    JobListed, JobProblem, JobStory, JobWhy, WaitGate,
};
#[cfg(feature = "monitor")]
pub use log::LogSource;
pub use log::{LogImported, LogNote, LogRow, LogTemplate, LogsImported};
pub use need::{Need, NeedPutOff};
pub use person::{
    Deed, Login, Person, PersonLogins, PersonPassword, PersonRemoved, PersonRole, PersonState,
};
pub use problem::{Problem, ProblemField};
#[cfg(feature = "monitor")]
pub use prompt::{Prompt, PromptFile};
pub use queue::{AllResumed, AllStopped, Pause, Queue, QueueNone, QueueResumed};
pub use repository::{Repository, RepositoryAsked, RepositoryRemoved};
pub use scan::{Scan, ScanDryRun, ScanQueued, ScanStory, ScanVerdict};
pub use schedule::{
    Occurrence, RulePreview, Schedule, ScheduleChanged, ScheduleDecision, SchedulePaused,
    SchedulePlan, SchedulePreview, ScheduleRemoved, ScheduleRun, ScheduleStory,
};
pub use session::{Session, SessionQueued, SessionRun};
pub use setting::{Setting, SettingsChanged};
pub use token::{Token, TokenMade, TokenRevoked, TokenSelf};
#[cfg(feature = "cli")]
pub use torture::{Torture, TortureDisk, TortureRemark};
pub use view::SavedView;
