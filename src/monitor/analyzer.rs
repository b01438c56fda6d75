//! The analyzer of scans: the agent or the built-in one, as the setting and the agent's program have it.

use crate::error::Result;
use crate::model::settings::ANALYZER;
use crate::model::{Pause, Queue, RunEnding};
use crate::sessions::{AgentState, Agents};

/// Who examines the rows of scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The agent, and nobody else.
    Agent,
    /// The agent, and the built-in analyzer if the agent cannot.
    AgentIfItCan,
    /// The built-in analyzer.
    Builtin,
}

impl Choice {
    /// As things are now.
    pub(super) async fn of(agents: &Agents) -> Result<Self> {
        let set = agents.store.settings([ANALYZER.key]).await?;
        Ok(match ANALYZER.of(&set).as_str() {
            Some("agent") => Self::Agent,
            Some("builtin") => Self::Builtin,
            _ => match agents.program.state().await {
                AgentState::Ready { .. } => Self::AgentIfItCan,
                AgentState::Missing { .. } => Self::Builtin,
            },
        })
    }
}

/// The pause of the agents' queue by a usage limit, if there is one.
pub(super) async fn usage_limit(agents: &Agents) -> Result<Option<Pause>> {
    let queues = agents.store.queues().await?;
    let agents = queues.into_iter().find(|queue| queue.name == Queue::AGENT);
    Ok(agents.and_then(|queue| queue.pause).filter(Pause::is_by_limit))
}

/// Whether a run that ended so says nothing about the log: the service, the account or the sandbox kept the agent from it.
pub(super) fn was_kept_from_it(ending: RunEnding) -> bool {
    match ending {
        RunEnding::Authentication
        | RunEnding::Billing
        | RunEnding::Limit
        | RunEnding::Overloaded
        | RunEnding::Service
        | RunEnding::NotStarted => true,
        RunEnding::Done
        | RunEnding::Denied
        | RunEnding::Unstructured
        | RunEnding::Request
        | RunEnding::MaxTurns
        | RunEnding::Budget
        | RunEnding::Cancelled
        | RunEnding::TimedOut
        | RunEnding::Idle
        | RunEnding::OutputLimit
        | RunEnding::MemoryLimit
        | RunEnding::ProcessLimit
        | RunEnding::DiskLimit
        | RunEnding::Interrupted
        | RunEnding::Killed
        | RunEnding::NoReport
        | RunEnding::Nothing
        | RunEnding::Failed => false,
    }
}
