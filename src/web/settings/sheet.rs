//! Which page of settings has which groups.

use super::super::nav;
use crate::model::SettingGroup;

/// A page with groups of settings. Those of self-monitoring stand on its own page, and there alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sheet {
    Agents,
    Tracker,
    Retention,
}

impl Sheet {
    /// The page of a group; `None`: it is on the page of self-monitoring.
    pub(super) const fn of(group: SettingGroup) -> Option<Self> {
        match group {
            SettingGroup::Agents | SettingGroup::GoldenRepositories => Some(Self::Agents),
            SettingGroup::Tracker => Some(Self::Tracker),
            SettingGroup::Retention => Some(Self::Retention),
            SettingGroup::SelfMonitoring => None,
        }
    }

    /// Its groups.
    pub(super) const fn groups(self) -> &'static [SettingGroup] {
        match self {
            Self::Agents => &[SettingGroup::Agents, SettingGroup::GoldenRepositories],
            Self::Tracker => &[SettingGroup::Tracker],
            Self::Retention => &[SettingGroup::Retention],
        }
    }

    /// Where the table of routes has it.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Agents => nav::AGENT_SETTINGS,
            Self::Tracker => nav::TRACKER_SETTINGS,
            Self::Retention => nav::RETENTION_SETTINGS,
        }
    }

    /// The heading.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Agents => "Agents and budgets",
            Self::Tracker => "Issue tracker",
            Self::Retention => "Retention",
        }
    }
}
