//! The pages of the navigation, and the addresses that lead from one page to another.
//!
//! Pages use this file, and it uses none of them.

use super::icon::Icon;
use crate::model::{Filter, JobId, ScheduleName};
use serde::Serialize;

macro_rules! tabs {
    ($($variant:ident = $path:literal, $title:literal, $icon:ident, $key:literal;)*) => {
        /// Pages of the navigation, in its order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Tab { $($variant,)* }

        impl Tab {
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(super) const fn path(self) -> &'static str {
                match self { $(Self::$variant => $path,)* }
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
    Dashboard = "/", "Dashboard", Dashboard, "d";
    Jobs = "/jobs", "Jobs", Jobs, "j";
    Schedules = "/schedules", "Schedules", Schedules, "c";
    Sessions = "/sessions", "Sessions", Sessions, "e";
    Logs = "/logs", "Logs", Logs, "l";
    SelfMonitoring = "/admin/self-monitoring", "Self-Monitoring", Monitor, "s";
    Repositories = "/repositories", "Repositories", Repositories, "r";
    Queues = "/queues", "Queues & workers", Queues, "q";
    Settings = "/settings", "Settings", Settings, "t";
}

/// The page after a sign-in that names no other page.
pub(super) const HOME: &str = Tab::SelfMonitoring.path();
/// The sign-in page.
pub(super) const LOGIN: &str = "/login";
/// The address that the sign-out form posts to.
pub(super) const LOGOUT: &str = "/logout";
/// The stream of changes that every live page listens to.
pub(super) const EVENTS: &str = "/events";
/// The page of the filings that wait for approval.
pub(super) const APPROVALS: &str = "/admin/self-monitoring/approvals";
/// The address that the form for a session posts to.
pub(super) const TRIGGER: &str = "/sessions/trigger";

/// The page of a job.
pub(super) fn job(id: JobId) -> String {
    format!("{}/{id}", Tab::Jobs.path())
}

/// The list of the jobs that fit a filter.
pub(super) fn jobs(filter: &Filter) -> String {
    let query = filter.to_string();
    if query.is_empty() {
        return Tab::Jobs.path().to_owned();
    }
    with_query(Tab::Jobs.path(), &[("q", query)])
}

/// The page of a session.
pub(super) fn session(id: JobId) -> String {
    format!("{}/{id}", Tab::Sessions.path())
}

/// The page of a schedule.
pub(super) fn schedule(name: &ScheduleName) -> String {
    format!("{}/{name}", Tab::Schedules.path())
}

/// The log rows of one request and of the jobs that it made.
pub(super) fn log_rows_of(correlation_id: &str) -> String {
    with_query(Tab::Logs.path(), &[("correlation_id", correlation_id)])
}

/// A path with a query, or the path alone if the query is empty.
pub(super) fn with_query(path: &str, query: &impl Serialize) -> String {
    let query = serde_urlencoded::to_string(query).expect("a query is a flat list of fields");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
