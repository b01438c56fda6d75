//! The pages of the navigation, and the addresses that lead from one page to another.
//!
//! Pages use this file, and it uses none of them.

use super::base::{Link, link};
use super::icon::Icon;
use crate::model::{
    BatchId, BulkAct, Filter, IssueId, JobId, Kind, Queue, ScheduleName, Timestamp,
};

macro_rules! tabs {
    ($($variant:ident = $path:literal, $title:literal, $icon:ident, $key:literal;)*) => {
        /// Pages of the navigation, in its order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Tab { $($variant,)* }

        impl Tab {
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Where the table of routes has the page.
            pub(super) const fn path(self) -> &'static str {
                match self { $(Self::$variant => $path,)* }
            }

            /// The address of the page.
            pub(super) fn link(self) -> Link {
                link(self.path())
            }

            pub(super) const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            pub(super) const fn icon(self) -> Icon {
                match self { $(Self::$variant => Icon::$icon,)* }
            }

            /// The letter that leads to the page when it is pressed after `g`.
            pub(super) const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }
        }
    };
}

tabs! {
    Dashboard = "/", "Dashboard", LayoutDashboard, "d";
    Jobs = "/jobs", "Jobs", ListDetails, "j";
    Errors = "/errors", "Errors", AlertCircle, "f";
    Schedules = "/schedules", "Schedules", CalendarClock, "c";
    Queues = "/queues", "Queues", Stack2, "q";
    Sessions = "/sessions", "Sessions", Robot, "e";
    Repositories = "/repositories", "Repositories", GitBranch, "r";
    Logs = "/logs", "Logs", FileText, "l";
    SelfMonitoring = "/admin/self-monitoring", "Self-Monitoring", ActivityHeartbeat, "s";
    Settings = "/settings", "Settings", Settings, "t";
}

/// A group of pages in the navigation, with its heading if it has one.
pub(super) const GROUPS: [(Option<&str>, &[Tab]); 4] = [
    (None, &[Tab::Dashboard, Tab::Jobs, Tab::Errors, Tab::Schedules, Tab::Queues]),
    (Some("Agents"), &[Tab::Sessions, Tab::Repositories]),
    (Some("Watch"), &[Tab::Logs, Tab::SelfMonitoring]),
    (None, &[Tab::Settings]),
];

impl Tab {
    /// Whether the page shows what the program has besides the engine.
    pub(super) const fn is_of_program(self) -> bool {
        match self {
            Self::Dashboard
            | Self::Jobs
            | Self::Errors
            | Self::Schedules
            | Self::Queues
            | Self::Settings => false,
            Self::Sessions | Self::Logs | Self::SelfMonitoring | Self::Repositories => true,
        }
    }

    /// The page of the navigation that a path is under; the dashboard is over all of them.
    pub(super) fn over(path: &str) -> Option<Self> {
        let is_under = |tab: &&Self| {
            let of =
                |above: &str| path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
            of(tab.path()) || of(tab.link().as_str())
        };
        Self::ALL.iter().filter(|tab| **tab != Self::Dashboard).find(is_under).copied()
    }

    /// The pages of the navigation, with or without those of the program.
    pub(super) fn shown(has_program: bool) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |tab| has_program || !tab.is_of_program())
    }

    /// The page after a sign-in that names no other page.
    pub(super) const HOME: Self = Self::Dashboard;
}

/// The sign-in page.
pub(super) const LOGIN: &str = "/login";
/// The address that the sign-out form posts to.
pub(super) const LOGOUT: &str = "/logout";
/// Where the password is given anew.
pub(super) const PASSWORD: &str = "/password";
/// The list of the accounts.
pub(super) const PEOPLE: &str = "/users";
/// The tokens that programs show instead of a password.
pub(super) const TOKENS: &str = "/tokens";
/// The page of the account of the one who looks.
pub(super) const OWN: &str = "/account";
/// The settings of agents, of the tracker, and of how long things are kept.
pub(super) const AGENT_SETTINGS: &str = "/settings/agents";
pub(super) const TRACKER_SETTINGS: &str = "/settings/tracker";
pub(super) const RETENTION_SETTINGS: &str = "/settings/retention";
/// What the server is and has.
pub(super) const SYSTEM: &str = "/settings/system";
/// The audit log.
pub(super) const AUDIT: &str = "/audit";
/// The stream of changes that every live page listens to.
pub(super) const EVENTS: &str = "/events";
/// The page that asks for a job.
pub(super) const NEW_JOB: &str = "/jobs/new";
/// The preview of an act on many jobs.
pub(super) const BULK: &str = "/jobs/bulk";
/// The figures of the kinds of jobs.
pub(super) const KINDS: &str = "/kinds";
/// The list of batches of jobs.
pub(super) const BATCHES: &str = "/batches";
/// The page of the filings that wait for approval.
pub(super) const APPROVALS: &str = "/admin/self-monitoring/approvals";
/// The address that the form for a session posts to.
pub(super) const TRIGGER: &str = "/sessions/trigger";

/// The page of a job.
pub(super) fn job(id: JobId) -> Link {
    Tab::Jobs.link().under(id)
}

/// The list of the jobs that fit a filter.
pub(super) fn jobs(filter: &Filter) -> Link {
    let query = Some(filter.to_string()).filter(|query| !query.is_empty());
    Tab::Jobs.link().with(&[("q", query)])
}

/// The preview of an act on the jobs that fit a filter.
pub(super) fn bulk(act: BulkAct, filter: &Filter) -> Link {
    link(BULK).with(&[("act", act.as_str().to_owned()), ("q", filter.to_string())])
}

/// The page of an error.
pub(super) fn error(fingerprint: &str) -> Link {
    Tab::Errors.link().under(fingerprint)
}

/// The figures of a kind.
pub(super) fn kind(kind: &Kind) -> Link {
    link(KINDS).under(kind)
}

/// The page of a queue: what its jobs did over time.
pub(super) fn queue(queue: &Queue) -> Link {
    Tab::Queues.link().under(queue).under("figures")
}

/// The page of a batch.
pub(super) fn batch(id: BatchId) -> Link {
    link(BATCHES).under(id)
}

/// The page of an issue of self-monitoring.
pub(super) fn issue(id: IssueId) -> Link {
    Tab::SelfMonitoring.link().under("issues").under(id.0)
}

/// The page of a session.
pub(super) fn session(id: JobId) -> Link {
    Tab::Sessions.link().under(id)
}

/// The page of an account.
pub(super) fn person(name: &str) -> Link {
    link(PEOPLE).under(name)
}

/// The page of a schedule.
pub(super) fn schedule(name: &ScheduleName) -> Link {
    Tab::Schedules.link().under(name)
}

/// The log rows of one request and of the jobs that it made.
pub(super) fn log_rows_of(correlation_id: &str) -> Link {
    Tab::Logs.link().with(&[("correlation_id", correlation_id)])
}

/// What stands in the address of log rows for the log that scans read, where it is another program's.
pub(super) const SCANNED: &str = "scanned";

/// A log whose rows can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShownLog {
    /// The server's.
    Own,
    /// Another program's, which scans read.
    Scanned,
}

impl ShownLog {
    fn rows(self, condition: (&str, &str)) -> Link {
        let link = Tab::Logs.link();
        match self {
            Self::Own => link.with(&[condition]),
            Self::Scanned => link.with(&[condition, ("log", SCANNED)]),
        }
    }
}

/// The log rows of these ids.
pub(super) fn log_rows(log: ShownLog, ids: &[i64]) -> Link {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    log.rows(("ids", &ids.join(",")))
}

/// The log rows of a span of time that have this error code.
pub(super) fn log_rows_between(
    log: ShownLog,
    code: &str,
    (since, until): (Timestamp, Timestamp),
) -> Link {
    let at = |at: Timestamp| at.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    log.rows(("code", code)).with(&[("since", at(since)), ("until", at(until))])
}

/// The log rows that have this error code.
pub(super) fn log_rows_with(log: ShownLog, code: &str) -> Link {
    log.rows(("code", code))
}
