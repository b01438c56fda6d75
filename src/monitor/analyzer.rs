//! The analyzer of scans: the agent or the built-in one, as the setting and the agent's program have it.

use crate::error::Result;
use crate::model::settings::ANALYZER;
use crate::sessions::{AgentState, Agents};

/// Whether the agent examines the rows of scans, as things are now.
pub(super) async fn scans_by_agent(agents: &Agents) -> Result<bool> {
    let set = agents.store.settings([ANALYZER.key]).await?;
    Ok(match ANALYZER.of(&set).as_str() {
        Some("agent") => true,
        Some("builtin") => false,
        _ => matches!(agents.program.state().await, AgentState::Ready { .. }),
    })
}
