//! Every setting of the server, once: pages, commands and answers to programs are made from this list.
//!
//! A new setting is an entry here and the place that reads it.

use super::name::Kind;
use super::setting::Consequence::{Nothing, PutOffJobs, ScanSchedule};
use super::setting::SettingGroup::{
    Agents, GoldenRepositories, Retention, SelfMonitoring, Tracker,
};
use super::setting::{Offered, Setting, ValueType, offered};
use std::time::Duration;

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident = $setting:expr;)*) => {
        $($(#[$doc])* pub const $name: Setting = $setting;)*
        /// Every setting, in the order of pages and lists.
        pub const ALL: &[Setting] = &[$($name,)*];
    };
}

/// Minutes that a run may be given at most.
const MINUTES: ValueType = ValueType::Whole { unit: "minutes", least: 1, most: 24 * 60 };
/// Issues that need no approval at most.
const ISSUES: ValueType = ValueType::Whole { unit: "new issues", least: 0, most: 1_000 };
/// Days that something is kept.
const DAYS: ValueType = ValueType::Whole { unit: "days", least: 1, most: 3_650 };
/// What an agent of a tier may do.
const PROFILE: ValueType = ValueType::Choice(&[
    offered("read-only", "Read only"),
    offered("workspace", "Workspace"),
    offered("full", "Full"),
]);
/// The budget of a period.
const fn budget(period: &'static str) -> ValueType {
    ValueType::Dollars { period, unlimited: true, most: 100_000 }
}
/// The budget of a run.
const fn run_budget(most: u32) -> ValueType {
    ValueType::Dollars { period: "", unlimited: false, most }
}

settings! {
    /// Whether scans run by themselves. Run Now works either way.
    ENABLED = Setting {
        key: "self_monitoring.enabled",
        group: SelfMonitoring,
        label: "Scheduled scans",
        values: ValueType::Switch { on: "Scan by itself, on the cadence" },
        default: "false",
        consequence: ScanSchedule,
    };
    /// When they do.
    CADENCE = Setting {
        key: "self_monitoring.cadence",
        group: SelfMonitoring,
        label: "Cadence",
        values: ValueType::Cadence,
        default: "1h",
        consequence: ScanSchedule,
    };
    /// Who examines the rows of a scan.
    ANALYZER = Setting {
        key: "self_monitoring.analyzer",
        group: SelfMonitoring,
        label: "Analyzer",
        values: ValueType::Choice(&[
            Offered {
                word: "auto",
                label: "Automatic",
                meaning: "the agent if its program is there, else the built-in one",
            },
            offered("agent", "Agent"),
            offered("builtin", "Built-in"),
        ]),
        default: "auto",
        consequence: Nothing,
    };
    /// The model of scans.
    SCAN_MODEL = Setting {
        key: "self_monitoring.model",
        group: SelfMonitoring,
        label: "Model of scans",
        values: ValueType::Model,
        default: "opus",
        consequence: Nothing,
    };
    /// The registered repository that a scan's agent may check against.
    SCAN_REPOSITORY = Setting {
        key: "self_monitoring.repository",
        group: SelfMonitoring,
        label: "Repository that scans check against",
        values: ValueType::Text { least: 0, most: 200 },
        default: "",
        consequence: Nothing,
    };
    /// What a scan may cost.
    SCAN_BUDGET = Setting {
        key: "self_monitoring.budget_usd",
        group: SelfMonitoring,
        label: "Most a scan may cost",
        values: run_budget(1_000),
        default: "2",
        consequence: Nothing,
    };
    /// Whether a person must look at what is told the tracker before it is.
    APPROVAL = Setting {
        key: "tracker.approval",
        group: Tracker,
        label: "Approval of what is told the tracker",
        values: ValueType::Choice(&[
            Offered {
                word: "auto",
                label: "Automatic",
                meaning: "approval if everybody can read the issues",
            },
            offered("always", "Always"),
            offered("never", "Never"),
        ]),
        default: "auto",
        consequence: Nothing,
    };
    /// New issues of a scan that go to the tracker without approval.
    SCAN_CAP = Setting {
        key: "tracker.issues_per_scan",
        group: Tracker,
        label: "Without approval in a scan",
        values: ISSUES,
        default: "10",
        consequence: Nothing,
    };
    /// New issues and closed duplicates in 24 hours that go to the tracker without approval.
    DAY_CAP = Setting {
        key: "tracker.issues_per_day",
        group: Tracker,
        label: "Without approval in 24 hours",
        values: ISSUES,
        default: "30",
        consequence: Nothing,
    };
    /// What issues call the server.
    SERVER_NAME = Setting {
        key: "tracker.server_name",
        group: Tracker,
        label: "What issues call this server",
        values: ValueType::Text { least: 1, most: 100 },
        default: "lamplighter",
        consequence: Nothing,
    };
    /// The budget of a day.
    BUDGET_DAY = Setting {
        key: "agent.budget_day_usd",
        group: Agents,
        label: "Budget of all agents a day",
        values: budget("a day (UTC)"),
        default: "20",
        consequence: PutOffJobs,
    };
    /// The budget of a month.
    BUDGET_MONTH = Setting {
        key: "agent.budget_month_usd",
        group: Agents,
        label: "Budget of all agents a month",
        values: budget("a month (UTC)"),
        default: "0",
        consequence: PutOffJobs,
    };
    /// What a run may cost.
    RUN_BUDGET = Setting {
        key: "agent.budget_run_usd",
        group: Agents,
        label: "Most a run may cost",
        values: run_budget(100_000),
        default: "2",
        consequence: Nothing,
    };
    /// How many turns a run may take.
    MAX_TURNS = Setting {
        key: "agent.max_turns",
        group: Agents,
        label: "Turns that a run may take",
        values: ValueType::Whole { unit: "turns", least: 1, most: 1_000 },
        default: "40",
        consequence: Nothing,
    };
    /// How long a run may take.
    MAX_MINUTES = Setting {
        key: "agent.max_minutes",
        group: Agents,
        label: "Time that a run may take",
        values: MINUTES,
        default: "30",
        consequence: Nothing,
    };
    /// How long a run may show no sign of life.
    IDLE_MINUTES = Setting {
        key: "agent.idle_minutes",
        group: Agents,
        label: "Time without a sign of life that a run may take",
        values: MINUTES,
        default: "5",
        consequence: Nothing,
    };
    /// Up to which tier a session may hand on by itself.
    MAX_TIER = Setting {
        key: "agent.max_tier",
        group: Agents,
        label: "Highest tier that a session may hand on to by itself",
        values: ValueType::Whole { unit: "a tier", least: 1, most: 3 },
        default: "1",
        consequence: Nothing,
    };
    /// The model of tier 1.
    TIER_1_MODEL = Setting {
        key: "agent.tier_1_model",
        group: Agents,
        label: "Model of tier 1",
        values: ValueType::Model,
        default: "haiku",
        consequence: Nothing,
    };
    /// The model of tier 2.
    TIER_2_MODEL = Setting {
        key: "agent.tier_2_model",
        label: "Model of tier 2",
        default: "sonnet",
        ..TIER_1_MODEL
    };
    /// The model of tier 3.
    TIER_3_MODEL = Setting {
        key: "agent.tier_3_model",
        label: "Model of tier 3",
        default: "opus",
        ..TIER_1_MODEL
    };
    /// What agents of tier 1 may do.
    TIER_1_PROFILE = Setting {
        key: "agent.tier_1_profile",
        group: Agents,
        label: "Profile of tier 1",
        values: PROFILE,
        default: "read-only",
        consequence: Nothing,
    };
    /// What agents of tier 2 may do.
    TIER_2_PROFILE = Setting {
        key: "agent.tier_2_profile",
        label: "Profile of tier 2",
        ..TIER_1_PROFILE
    };
    /// What agents of tier 3 may do.
    TIER_3_PROFILE = Setting {
        key: "agent.tier_3_profile",
        label: "Profile of tier 3",
        default: "workspace",
        ..TIER_1_PROFILE
    };
    /// The model that describes golden repositories.
    REPOSITORY_MODEL = Setting {
        key: "golden_repo.model",
        group: GoldenRepositories,
        label: "Model that describes repositories",
        values: ValueType::Model,
        default: "sonnet",
        consequence: Nothing,
    };
    /// How many days log rows are kept.
    LOGS_DAYS = Setting {
        key: "retention.logs_days",
        group: Retention,
        label: "Log rows",
        values: DAYS,
        default: "7",
        consequence: Nothing,
    };
    /// How many days scans are kept.
    SCANS_DAYS = Setting {
        key: "retention.self_monitoring_days",
        label: "Scans",
        default: "365",
        ..LOGS_DAYS
    };
    /// How many days descriptions of golden repositories are kept.
    REPOSITORIES_DAYS = Setting {
        key: "retention.golden_repo_days",
        label: "Descriptions of repositories",
        default: "365",
        ..LOGS_DAYS
    };
    /// How many days sessions are kept.
    SESSIONS_DAYS = Setting {
        key: "retention.agent_session_days",
        label: "Sessions",
        default: "90",
        ..LOGS_DAYS
    };
    /// How many days other jobs are kept.
    JOBS_DAYS = Setting {
        key: "retention.jobs_days",
        label: "Other jobs",
        default: "30",
        ..LOGS_DAYS
    };
}

/// Whether the engine goes by a setting. The others are about sessions, scans, repositories and logs.
pub fn is_of_engine(setting: &Setting) -> bool {
    setting.key == JOBS_DAYS.key
}

/// The setting of this name.
pub fn named(key: &str) -> Option<&'static Setting> {
    ALL.iter().find(|setting| setting.key == key)
}

/// The names of all.
pub fn keys() -> Vec<&'static str> {
    ALL.iter().map(|setting| setting.key).collect()
}

/// The setting that says how long the jobs of a kind are kept.
pub fn retention_of(kind: &Kind) -> &'static Setting {
    let own = format!("retention.{kind}_days");
    named(&own).filter(|setting| setting.key != LOGS_DAYS.key).unwrap_or(&JOBS_DAYS)
}

/// How long the jobs of a kind are kept while nobody has set it.
pub fn default_retention(kind: &Kind) -> Duration {
    default_days(retention_of(kind))
}

/// The length that a setting of days stands for while nobody has set it.
pub(super) fn default_days(setting: &Setting) -> Duration {
    let days = setting.default_value().as_u64().unwrap_or(u64::from(u32::MAX));
    Duration::from_hours(24 * days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_ours_has_its_retention_and_every_other_that_of_jobs() {
        let days =
            |kind: Kind| (retention_of(&kind).key, default_retention(&kind).as_secs() / 86_400);
        assert_eq!(days(Kind::SELF_MONITORING), (SCANS_DAYS.key, 365));
        assert_eq!(days(Kind::GOLDEN_REPO), (REPOSITORIES_DAYS.key, 365));
        assert_eq!(days(Kind::AGENT_SESSION), (SESSIONS_DAYS.key, 90));
        for other in ["send_email", "logs", "jobs"] {
            assert_eq!(days(Kind::parse(other).unwrap()), (JOBS_DAYS.key, 30), "{other}");
        }
    }
}
