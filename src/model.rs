//! The nouns of the program, and pure functions over them.
//!
//! *Invariant:* nothing here does I/O, awaits, knows SQL or asks for the time.

mod account;
mod after;
mod agent_folder;
mod allowed_host;
mod batch;
mod begun;
#[cfg(feature = "web")]
mod browser;
mod budget;
mod bulk;
mod by_whom;
mod cadence;
mod changes;
mod cost;
#[cfg(feature = "cli")]
mod counted;
mod cron;
mod declared;
mod deed;
mod digest;
mod dry_run;
mod duplicate;
mod edit;
mod error_print;
mod filing;
mod filter;
mod fingerprint;
mod histogram;
mod hold;
mod issue_home;
mod issue_id;
#[cfg(feature = "monitor")]
mod issue_record;
mod job;
mod job_error;
mod job_event;
mod job_figures;
mod job_series;
mod json;
mod kind_rules;
mod limits;
mod log;
#[cfg(feature = "monitor")]
mod log_rules;
#[cfg(feature = "monitor")]
mod log_source;
mod log_table;
mod marker;
mod moves;
mod name;
#[cfg(feature = "web")]
mod need;
mod new_job;
mod payload;
mod poll;
mod posting;
mod prompt_values;
mod queue;
mod rate;
mod rate_use;
mod refiling;
mod refusal;
mod registered;
mod repository;
mod resources;
mod retry;
mod run_ending;
mod saved_view;
mod scan;
mod schedule;
mod search;
#[cfg(feature = "web")]
mod series_parts;
mod server_facts;
mod session;
mod setting;
pub mod settings;
#[cfg_attr(
    not(feature = "monitor"),
    expect(dead_code, unused_imports, reason = "scans use more of it than the store")
)]
pub(crate) mod template;
mod time;
#[cfg(feature = "web")]
mod token;
mod tracker;
mod tracker_issue;
mod transition;
mod trend;
mod why;
mod worker;
mod zone;

pub use account::{Account, AccountState, Actor, Login, LoginState, Role, WhichLogins};
pub(crate) use after::Precedence;
pub use after::{After, Neighbours};
pub use agent_folder::{AgentFolder, FolderGiven, GivenFile, is_mcp_server};
#[cfg(feature = "agents")]
pub(crate) use allowed_host::bare_host;
pub use allowed_host::{AllowedHost, is_public};
pub use batch::{Batch, MAX_BATCH};
pub(crate) use batch::{then_job, then_text};
#[cfg(feature = "web")]
pub(crate) use browser::browser_words;
#[cfg(feature = "agents")]
pub(crate) use budget::set_aside;
pub use budget::{ALARM, Budgets, OverBudget, Reserve, Spend, Spent, day_of, month_start};
pub use bulk::{Bulk, BulkAct, BulkSlice, CommonError, JobState, Preview, Skip};
pub(crate) use by_whom::worker_name;
pub use by_whom::{JobMaker, by_whom};
pub use cadence::{SCAN_SCHEDULE, scan_schedule};
pub use changes::{ChangedFile, FileChange, SessionChanges};
pub use cost::Cost;
#[cfg(any(feature = "agents", feature = "web"))]
pub(crate) use cost::usd;
#[cfg(feature = "cli")]
pub(crate) use counted::{counted, grouped};
pub use deed::{Deed, DeedFilter};
pub use prompt_values::PromptValues;
pub(crate) use prompt_values::with_values;
#[cfg(feature = "agents")]
pub(crate) use prompt_values::{filled, parameters};
// `self`, because a crate has the same name.
pub use self::cron::{Cron, CronError};
pub use declared::ScheduleDraft;
pub(crate) use digest::sha256_hex;
pub use dry_run::{DryRun, FindingVerdict, Triaged};
pub use duplicate::{Duplicate, DuplicateOf, Duplicates, says_duplicate};
pub use edit::{JobEdit, RunNow};
pub(crate) use error_print::ErrorPrint;
pub use filing::{
    Act, Event as FilingEvent, Filing, FilingId, FilingPick, FilingState, FilingVerdict, Place,
    REQUEST_LIMIT, SETTLE, Step, WaitingFiling,
};
#[cfg(feature = "web")]
pub(crate) use filter::instant_of;
pub(crate) use filter::{Compare, Condition, PathStep};
pub use filter::{Filter, FilterError, Mark, OVERDUE_AFTER, words as filter_words};
pub use fingerprint::Fingerprint;
pub use histogram::Histogram;
pub(crate) use hold::{FLOOD, Hold};
pub use issue_home::IssueHome;
pub use issue_id::IssueId;
#[cfg(feature = "monitor")]
pub use issue_record::{IssueAct, IssueMove, IssueOrder, IssueRecord, IssueStep};
pub use job::{
    Attempt, AttemptEnding, BatchId, Cancelled, Cause, Event, Job, JobId, Lease, Occurrence,
    OnInterrupt, ParkedBy, Status, Trigger, WaitsFor,
};
pub use job_error::{ErrorMute, JobErrorGroup};
pub(crate) use job_event::EventFilter;
pub use job_event::{JobEvent, Lagged};
pub use job_figures::{FIGURES_KEPT, FiguresOf, JobFigures, JobFiguresRow, UsualFigures};
#[cfg(all(feature = "web", feature = "monitor"))]
pub(crate) use job_series::zone_days;
pub use job_series::{FiguresStep, JobSeries, JobSlot};
pub use json::Json;
pub use kind_rules::{Backoff, KindRules, Retention};
pub use limits::{
    MAX_AFTER, MAX_AT_ONCE, MAX_ATTEMPTS, MAX_KEY_BYTES, MAX_PAYLOAD_BYTES, MAX_TAG_BYTES,
    MAX_TAGS, PRIORITIES, PRIORITY_STEP_MS,
};
pub use log::{Cited, Level, LogProgress, LogRow, LogSlice, LogStep, NewLogRow, RowTemplate};
#[cfg(feature = "monitor")]
pub use log_rules::LogRules;
#[cfg(feature = "monitor")]
pub use log_source::LogSource;
#[cfg(feature = "monitor")]
pub(crate) use log_source::{file_key, journal_key};
pub use log_table::{LogColumn, LogMark, LogTable};
pub use marker::{IssueMark, Marker};
pub(crate) use moves::{
    Admitted, Cancellation, FirstPlace, JobStep, Move, Slots, cancellation, key, order,
};
pub(crate) use name::ENGINE;
pub use name::{ConcurrencyKey, Kind, Queue, ScheduleName, Tag, UniqueKey, Username, WorkerId};
#[cfg(feature = "web")]
pub use need::{FAILED_IN_A_ROW, Need, NeedRule, WaitingApprovals};
pub(crate) use new_job::Receipt;
pub use new_job::{Enqueued, NewJob};
pub use payload::Payload;
pub(crate) use poll::SettleRequest;
pub use poll::{Lane, PollRequest, Polled};
pub use posting::Posting;
pub use queue::{Pause, QueueState, Unplaced};
pub use rate::{MAX_RATE, Rate};
pub(crate) use rate_use::{RateShare, Used, share};
pub use refiling::{OpenElsewhere, RefileOffer, problems};
pub use refusal::Refusal;
pub use registered::{Differing, RegisteredKind, Registration, differing, rules_in_force};
pub use repository::{DescribedBy, Description, GoldenRepo};
pub use resources::Resources;
pub use retry::Retry;
pub use run_ending::RunEnding;
pub use saved_view::{ListPage, SavedView};
pub use scan::{
    Caps, Classification, Finding, FindingTemplates, Issue, IssueChange, IssueState, KnownIssue,
    KnownTemplate, NewIssue, Quiet, Remark, Scan, ScanCommit, ScanCounts, ScanFilings, ScanNow,
    SeenTemplate, Tracker,
};
pub(crate) use schedule::AHEAD;
#[cfg(feature = "web")]
pub(crate) use schedule::GRACE;
#[cfg(feature = "web")]
pub(crate) use schedule::clock_change;
pub(crate) use schedule::time_zone;
pub use schedule::{
    CatchUp, Decided, Decision, Ensured, MAX_CAUGHT_UP, NewSchedule, Overlap, PastDecision,
    PastRun, PastRuns, PauseDeed, Plan, PlanChange, ReservedSchedule, Rule, RunJob, Schedule,
    Situation, Verdict, decide,
};
pub use search::{
    Found, Hour, JobCount, JobOrder, JobPlace, LogBar, LogFilter, LogPicture, Overview,
};
#[cfg(feature = "web")]
pub use series_parts::{PartOf, SeriesPart, SplitBy, SplitSeries};
#[cfg(feature = "web")]
pub(crate) use server_facts::is_of_the_server;
pub use server_facts::{
    KindFacts, Note, ProcessFacts, Processes, Readiness, SILENT, ServerFacts, Service, ServiceRun,
};
pub use session::{
    MAX_PROMPT_BYTES, MAX_TIER, OpenRun, Profile, RunSpent, Session, SessionEnd, SessionMeter,
    SessionRequest, SessionRun, SessionStart, TranscriptPiece, is_prompt_file,
};
pub use setting::{
    Consequence, Offered, Setting, SettingGroup, SettingState, ValueType, is_known_model,
    is_model_name,
};
pub use time::Timestamp;
#[cfg(feature = "web")]
pub(crate) use time::in_units;
#[cfg(feature = "web")]
pub use token::{NewToken, Power, Scope, Token, TokenText};
pub use tracker::{ApiUrl, Failure, Reason, RemoteKind, Repository, Visibility};
pub use tracker_issue::{IssueOwner, TrackerIssue, TrackerNews, TrackerReading};
pub use transition::{
    AttemptEnd, JobError, Outcome, Placement, RetryTime, Settlement, Terms, may_follow, placement,
    settlement,
};
#[cfg(all(feature = "web", feature = "monitor"))]
pub use trend::Halves;
pub use trend::{SeenOverTime, Trend};
#[cfg(feature = "web")]
pub use why::Short;
pub use why::{Circumstances, Gate, Opening, PutOff, UsageLimit, Wait, Why, why};
pub use worker::{Epoch, LEASE, Leader, Process, Worker};
pub use zone::Zone;
