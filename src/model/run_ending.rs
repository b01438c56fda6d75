//! The ways in which a run of an agent program can end, each with its word, its sentence and its error code.

use super::job::word_enum;
use crate::error::Code;

word_enum!(
    /// How a run ended.
    RunEnding {
        /// It did what it was asked.
        Done = "done",
        /// It ended well, but a tool that it wanted was not allowed.
        Denied = "denied",
        /// It gave no structured answer although one was asked for.
        Unstructured = "unstructured",
        /// The key or the login is missing or refused.
        Authentication = "authentication",
        /// The account has no money left.
        Billing = "billing",
        /// A limit of requests or usage.
        Limit = "limit",
        /// The service refused the request as such.
        Request = "request",
        /// The service is overloaded.
        Overloaded = "overloaded",
        /// The service failed or could not be reached.
        Service = "service",
        /// It took all its turns.
        MaxTurns = "max_turns",
        /// It cost as much as it may.
        Budget = "budget",
        /// A person stopped it.
        Cancelled = "cancelled",
        /// It took too long.
        TimedOut = "timed_out",
        /// It showed no sign of life for too long.
        Idle = "idle",
        /// It wrote too much.
        OutputLimit = "output_limit",
        /// It took too much memory.
        MemoryLimit = "memory_limit",
        /// It had too many processes at one time.
        ProcessLimit = "process_limit",
        /// It took too much of a disk.
        DiskLimit = "disk_limit",
        /// The server stopped or died, or another program interrupted it.
        Interrupted = "interrupted",
        /// A signal ended it that was not ours.
        Killed = "killed",
        /// It refused to start: a flag, a file, a session that is not there.
        NotStarted = "not_started",
        /// It ended without saying how.
        NoReport = "no_report",
        /// It says that it succeeded, and neither took a turn nor said a word.
        Nothing = "nothing",
        /// It says that it failed, and nothing more is known.
        Failed = "failed",
    }
);

impl RunEnding {
    /// The same for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Done => "The agent is done",
            Self::Denied => "A tool was not allowed",
            Self::Unstructured => "The agent gave no structured answer",
            Self::Authentication => "The model's service refused the key or the login",
            Self::Billing => "The account of the model's service has no credit left",
            Self::Limit => "The limit of the model's service is reached",
            Self::Request => "The model's service refused the request",
            Self::Overloaded => "The model's service is overloaded",
            Self::Service => "The model's service failed",
            Self::MaxTurns => "The agent took all its turns",
            Self::Budget => "The agent used up its budget",
            Self::Cancelled => "The agent was stopped",
            Self::TimedOut => "The agent took too long",
            Self::Idle => "The agent showed no sign of life for too long",
            Self::OutputLimit => "The agent wrote too much",
            Self::MemoryLimit => "The agent took too much memory",
            Self::ProcessLimit => "The agent started too many processes",
            Self::DiskLimit => {
                "The agent wrote too large a file, or too little room is left on a disk"
            }
            Self::Interrupted => "The agent was interrupted",
            Self::Killed => "The agent program was killed",
            Self::NotStarted => "The agent program refused to start",
            Self::NoReport => "The agent program ended without a report",
            Self::Nothing => "The agent did nothing: it took no turn and said nothing",
            Self::Failed => "The agent failed",
        }
    }

    /// The code of the job's error. A run that is done has none; its code is never shown.
    pub const fn code(self) -> Code {
        match self {
            Self::Done | Self::Failed => Code::AgentFailed,
            Self::Denied => Code::AgentDenied,
            Self::Unstructured => Code::AgentUnstructured,
            Self::Authentication => Code::AgentAuthentication,
            Self::Billing => Code::AgentBilling,
            Self::Limit => Code::AgentLimited,
            Self::Request => Code::AgentRequest,
            Self::Overloaded | Self::Service => Code::AgentService,
            Self::MaxTurns => Code::AgentTurns,
            Self::Budget => Code::AgentBudget,
            Self::TimedOut => Code::AgentTimedOut,
            Self::Idle => Code::AgentIdle,
            Self::OutputLimit => Code::AgentOutput,
            Self::MemoryLimit | Self::ProcessLimit | Self::DiskLimit => Code::AgentResources,
            Self::Cancelled | Self::Interrupted => Code::AgentInterrupted,
            Self::Killed => Code::AgentKilled,
            Self::NotStarted => Code::AgentNotStarted,
            Self::NoReport => Code::AgentNoReport,
            Self::Nothing => Code::AgentNothing,
        }
    }

    /// Whether a person must act before another try of this run can succeed.
    pub const fn needs_a_person(self) -> bool {
        matches!(self, Self::Request | Self::NotStarted)
    }

    /// Whether every other run would end so too, until a person acts.
    pub const fn stops_every_run(self) -> bool {
        matches!(self, Self::Authentication | Self::Billing)
    }
}
